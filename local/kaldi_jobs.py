#!/usr/bin/env python3
"""Run a command as parallel jobs through a script with Kaldi's convention: run.pl, queue.pl, slurm.pl ...

Usage: kaldi_jobs.py --script "slurm.pl --mem 4G" [--step NAME] JOB=1:<n> <log/name.JOB.log> <command> ...

The script is called as <script> JOB=<first>:<last> <log> <command>, once for each range of unfinished
jobs. It handles failures and interrupts in its own way; its exit status counts.

Example: local/kaldi_jobs.py --script queue.pl JOB=1:3 exp/by_hand/log/hello.JOB.log echo 'this is job JOB'
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import time

from dec_cli import launcher, program
from dec_cli.progress import Progress
from dec_cli.survival import die_with_parent


def main() -> None:
    parser = launcher.arguments(__doc__)
    parser.add_argument(
        "--script",
        required=True,
        metavar="'SCRIPT ...'",
        help="the script, with its options",
    )
    args = parser.parse_args()
    script = shlex.split(args.script)
    if not script or not shutil.which(script[0]):
        sys.exit(
            f"kaldi_jobs.py: --cmd {args.script}: no such program: {script[0] if script else ''}"
        )
    jobs = launcher.jobs_of(args, parser)
    launcher.stop_with_signals()
    _, log, *command = args.call
    job = ["env", *launcher.environment(), "bash", str(launcher.ROOT / "local/job.sh"), *command]
    scripts = []
    progress, silence = Progress([job.log for job in jobs]), launcher.Silence()
    try:
        for first, last in ranges([job.number for job in jobs]):
            call = [*script, f"JOB={first}:{last}", log, *map(quoted, job)]
            scripts.append(subprocess.Popen(call, preexec_fn=die_with_parent))
        while any([process.poll() is None for process in scripts]):
            progress.update()
            silence.look(progress, {job: None for job in jobs if not job.finished})
            time.sleep(0.2)
    finally:
        launcher.stop(scripts)
        progress.close()
    failed = {}
    if bad := [process.returncode for process in scripts if process.returncode]:
        cause = f"{script[0]}: {launcher.cause_of(bad[0])}"
        failed = {job: cause for job in jobs if not job.finished} or {jobs[-1]: cause}
    launcher.conclude(failed, progress, args.step)


def ranges(numbers: list[int]) -> list[tuple[int, int]]:
    """[1, 2, 5] -> [(1, 2), (5, 5)]."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def quoted(word: str) -> str:
    """Quote an argument so that Kaldi's scripts pass it on unchanged.

    They quote words that contain blanks and let a shell (bash) parse all others. Therefore this avoids
    blanks: bash's $'...' escapes every unusual character.
    """
    safe = rb"[\w./=:,@%+-]"
    if re.fullmatch(safe + rb"+", word.encode()):
        return word
    harmless = re.sub(
        rb"(?!%s)." % safe, lambda m: rb"\x%02x" % ord(m[0]), word.encode(), flags=re.S
    )
    return f"$'{harmless.decode()}'"


if __name__ == "__main__":
    program.run(main)
