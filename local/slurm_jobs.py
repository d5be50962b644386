#!/usr/bin/env python3
"""Run a command as parallel jobs on a Slurm cluster, in the calling convention of Kaldi's slurm.pl.

Usage: slurm_jobs.py [options] JOB=1:<n> <log/name.JOB.log> <command> [argument ...]

As in run_jobs.py, JOB is replaced by 1..n, finished jobs are not run again, one bar shows the progress
of all jobs, and an interrupt cancels them. A job that fails is retried once, because its node may be at
fault; the others go on, because their work is not lost. submitit's own files are in log/.<name>.slurm.
The recipe's directory must be shared with the nodes.

Example: local/slurm_jobs.py --set memory=2 JOB=1:3 exp/by_hand/log/hello.JOB.log echo 'this is job JOB'
"""

from __future__ import annotations

import shlex
import time
from pathlib import Path

from dec_cli import launcher, program
from dec_cli.progress import Progress
from diar.base import config
from diar.jobs import slurm

SELDOM = 30  # maximum seconds between queries of the queue, which are more frequent at first


def main() -> None:
    parser = launcher.arguments(__doc__)
    program.add_config(parser, str(launcher.ROOT / "conf" / "slurm.yaml"))
    parser.add_argument(
        "--cancel", type=Path, metavar="DIR", help="cancel jobs left by an earlier run, and exit"
    )
    args = parser.parse_args()
    if args.cancel:
        slurm.cancel(args.cancel)
        return
    options = config.load(slurm.SlurmConfig, args.config, args.set.split())
    slurm.check()
    if args.check:
        return
    jobs = launcher.jobs_of(args, parser)
    if not jobs:
        return
    launcher.stop_with_signals()
    label = jobs[0].log.name.split(".")[0]
    setup = [f"cd {shlex.quote(str(launcher.ROOT))}", ". ./path.sh || exit 1"]
    setup += [f"export {shlex.quote(value)}" for value in launcher.environment()]
    array = slurm.Array(jobs[0].log.parent / f".{label}.slurm", label, options, setup)
    progress = Progress([job.log for job in jobs])
    try:
        failed = watch(array, {job.number: job for job in jobs}, progress)
    finally:
        array.cancel()
        progress.close()
    launcher.conclude(failed, progress, args.step)


def watch(
    array: slurm.Array, jobs: dict[int, launcher.Job], progress: Progress
) -> dict[launcher.Job, str]:
    """Run all jobs, retrying each failed one once; return those that failed twice, and causes."""
    running, tried = set(jobs), set()
    failed: dict[launcher.Job, str] = {}
    silence = launcher.Silence()
    array.submit({number: (job.command, job.log) for number, job in jobs.items()})
    began = looked = time.monotonic()
    while running:
        time.sleep(1)
        now = time.monotonic()
        ask = now - looked > min(max(2, (now - began) / 10), SELDOM)
        looked = now if ask else looked
        for number, status in array.poll(ask).items():
            job = jobs[number]
            cause = launcher.cause_of(status) if isinstance(status, int) else status
            if status == 0:
                running.remove(number)
            elif number in tried:
                running.remove(number)
                failed[job] = cause
            else:
                tried.add(number)
                last = launcher.last_line(job.log)
                progress.say(f"slurm_jobs.py: job {number}: {cause}: {last}: retrying")
                array.submit({number: (job.command, job.log)})
        progress.update()
        silence.look(progress, {jobs[number]: None for number in running})
    return failed


if __name__ == "__main__":
    program.run(main)
