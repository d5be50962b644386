"""What run_jobs.py, slurm_jobs.py and kaldi_jobs.py share: which jobs there are, and what is said."""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from cli import program
from cli.progress import Progress
from cli.share import FINISHED
from cli.survival import die_with_parent
from diar.base.files import cache_dir

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Job:
    """One of the parallel jobs of a step: its number, its log and its command."""

    number: int
    log: Path
    command: tuple[str, ...]

    @property
    def finished(self) -> bool:
        """It ran to its end before, in <out>/jobs/<number> beside <out>/log."""
        return (self.log.parent.parent / "jobs" / str(self.number) / FINISHED).exists()


def arguments(doc: str) -> argparse.ArgumentParser:
    """[--step NAME] JOB=1:<n> <log> <command> ..."""
    parser = program.parser(doc)
    parser.add_argument("--step", help="what the jobs are of, for the line at the end")
    parser.add_argument("call", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def jobs_of(args: argparse.Namespace, parser: argparse.ArgumentParser) -> list[Job]:
    """Return the jobs that are still to be run; count and leave those that finished before."""
    call = args.call
    match = re.fullmatch(r"JOB=1:([1-9]\d*)", call[0]) if len(call) > 2 else None
    if not match:
        parser.error("expected JOB=1:<n> <log> <command>")
    log, command = call[1], call[2:]
    jobs = []
    for number in range(1, int(match[1]) + 1):
        mine = tuple(a.replace("JOB", str(number)) for a in command)
        jobs.append(Job(number, Path(log.replace("JOB", str(number))), mine))
    todo = [job for job in jobs if not job.finished]
    if len(todo) < len(jobs):
        print(
            f"{args.step or 'jobs'}: {len(jobs) - len(todo)} of {len(jobs)} jobs had finished before",
            flush=True,
        )
    for job in todo:
        job.log.parent.mkdir(parents=True, exist_ok=True)
        job.log.unlink(missing_ok=True)  # of an earlier run: it says nothing of this one
    return todo


def environment() -> list[str]:
    """NAME=VALUE of what a user may have set and path.sh does not know: jobs may start without it."""
    return [f"DIAR_CACHE={cache_dir().absolute()}"]


def stop_with_signals() -> None:
    """SIGTERM ends the program by way of its 'finally', as Ctrl-C does; so does the end of its parent."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    die_with_parent()


def stop(processes: Collection[subprocess.Popen]) -> None:
    """End those that still run, and wait until all have ended."""
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait()


def last_line(log: Path) -> str:
    """Return what a job said last."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return "no log"
    said = [line for line in lines if line.strip() and line[0] != "#"]  # '#': of launchers
    return said[-1] if said else "empty log"


def conclude(failed: Mapping[Job, str], progress: Progress, step: str | None) -> None:
    """Name the jobs that failed, each cause once, and exit with 1; or sum up."""
    progress.update()
    progress.close()
    told = set()
    for job, cause in failed.items():
        reason = f"{cause}: {last_line(job.log)}"
        if reason not in told:  # what stops one job often stops all
            print(f"{os.path.basename(sys.argv[0])}: {reason} (log: {job.log})", file=sys.stderr)
        told.add(reason)
    if failed:
        sys.exit(1)
    if summary := progress.summary():
        print(f"{step or 'jobs'}: {summary}")


def cause_of(status: int) -> str:
    """Say the exit status of a command in words."""
    return f"killed by signal {-status}" if status < 0 else f"status {status}"
