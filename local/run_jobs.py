#!/usr/bin/env python3
"""Run a command as parallel local jobs, in the calling convention of Kaldi's run.pl.

Usage: run_jobs.py [--step NAME] JOB=1:<n> <log/name.JOB.log> <command> [argument ...]

JOB is replaced by 1..n in the log's name and in every argument. Each log starts with the command.
Progress, which jobs report in their logs, is shown as one bar if standard error is a terminal, and
summarised at the end. Finished jobs (<out>/jobs/<JOB>/finished, beside <out>/log) are not run again.
The first job that fails is reported with the last line of its log, and the exit status is 1; it is
not retried, because on the same machine it would fail again. An interrupt stops all jobs.

Example: local/run_jobs.py JOB=1:3 exp/by_hand/log/hello.JOB.log echo 'this is job JOB'
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import time

from dec_cli import launcher, program
from dec_cli.progress import Progress
from dec_cli.survival import die_with_parent


def main() -> None:
    parser = launcher.arguments(__doc__)
    args = parser.parse_args()
    jobs = launcher.jobs_of(args, parser)
    launcher.stop_with_signals()
    running: dict[launcher.Job, subprocess.Popen] = {}
    progress = Progress([job.log for job in jobs])
    try:
        for job in jobs:
            running[job] = start(job)
        failed = watch(running, progress)
    finally:
        launcher.stop(running.values())
        progress.close()
    launcher.conclude(failed, progress, args.step)


def start(job: launcher.Job) -> subprocess.Popen:
    """Run its command, writing to its log."""
    with open(job.log, "w", encoding="utf-8") as stream:
        stream.write(f"# {shlex.join(job.command)}\n")
        stream.flush()
        try:
            return subprocess.Popen(
                job.command, stdout=stream, stderr=stream, preexec_fn=die_with_parent
            )
        except OSError as error:
            sys.exit(f"run_jobs.py: cannot run {job.command[0]}: {error.strerror}")


def watch(
    running: dict[launcher.Job, subprocess.Popen], progress: Progress
) -> dict[launcher.Job, str]:
    """Wait until all jobs are done or one fails, showing their progress; return failed jobs and causes."""
    silence = launcher.Silence()
    while True:
        waiting = {job: p.pid for job, p in running.items() if p.poll() is None}
        progress.update()
        silence.look(progress, waiting)
        failed = {
            job: launcher.cause_of(process.returncode)
            for job, process in running.items()
            if process.returncode
        }
        if failed or not waiting:
            return failed
        time.sleep(0.1)


if __name__ == "__main__":
    program.run(main)
