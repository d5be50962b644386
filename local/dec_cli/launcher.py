"""Shared by run_jobs.py, slurm_jobs.py and kaldi_jobs.py: the list of jobs, stopping them, messages."""

from __future__ import annotations

import argparse
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dec_cli import program
from dec_cli.progress import Progress
from dec_cli.share import FINISHED
from dec_cli.survival import PRCTL, die_with_parent
from diar.base.files import cache_dir

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 5  # seconds from SIGTERM to SIGKILL
QUIET = 600  # seconds without a line in a log before a warning
PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Job:
    """One of the parallel jobs of a step: its number, its log and its command."""

    number: int
    log: Path
    command: tuple[str, ...]

    @property
    def finished(self) -> bool:
        """Whether it finished in an earlier run, by <out>/jobs/<number> beside <out>/log."""
        return (self.log.parent.parent / "jobs" / str(self.number) / FINISHED).exists()


def arguments(doc: str) -> argparse.ArgumentParser:
    """[--step NAME] JOB=1:<n> <log> <command> ..."""
    parser = program.parser(doc)
    parser.add_argument("--step", help="name of the step, for the last line")
    parser.add_argument("call", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def jobs_of(args: argparse.Namespace, parser: argparse.ArgumentParser) -> list[Job]:
    """Return the jobs that have yet to run; report how many had already finished."""
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
            f"{args.step or 'jobs'}: {len(jobs) - len(todo)} of {len(jobs)} jobs had already finished",
            flush=True,
        )
    for job in todo:
        job.log.parent.mkdir(parents=True, exist_ok=True)
        job.log.unlink(missing_ok=True)  # left by an earlier run
    return todo


def environment() -> list[str]:
    """Return NAME=VALUE of user settings that path.sh does not make: jobs may not inherit them."""
    return [f"DIAR_CACHE={cache_dir().absolute()}"]


def stop_with_signals() -> None:
    """Let SIGTERM, and the death of the parent, end the program through its 'finally', as Ctrl-C does."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    die_with_parent()
    if PRCTL:
        PRCTL(
            PR_SET_CHILD_SUBREAPER, 1
        )  # orphans of a job become our children: ``stop`` finds them


def stop(processes: Collection[subprocess.Popen]) -> None:
    """Terminate the processes that still run, with all their descendants, and wait for them.

    Stopped processes, and those that ignore SIGTERM, get SIGKILL after it.
    """
    for process in processes:
        process.terminate()
    end = time.monotonic() + PATIENCE
    for process in processes:
        with suppress(
            subprocess.TimeoutExpired, KeyboardInterrupt, SystemExit
        ):  # a second interrupt skips the wait
            process.wait(max(end - time.monotonic(), 0))
    for pid in list(descendants(os.getpid())):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for process in processes:
        process.wait()


def descendants(pid: int) -> Iterator[int]:
    """Yield all descendants of a process, from Linux's /proc."""
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # it has ended
            for child in map(int, children.read_text().split()):
                yield child
                yield from descendants(child)


class Silence:
    """Warns about each job whose log does not change for ``QUIET`` seconds."""

    def __init__(self) -> None:
        self._seen: dict[Job, tuple[int, float]] = {}  # size of the log, and since when

    def look(self, progress: Progress, running: Mapping[Job, int | None]) -> None:
        """Check the logs of running jobs; their process ids are known if they run here."""
        now = time.monotonic()
        for job, pid in running.items():
            size = job.log.stat().st_size if job.log.exists() else None
            old, since = self._seen.get(job, (None, now))
            if size is None or size != old:
                self._seen[job] = size or 0, now
            elif now - since > QUIET:
                self._seen[job] = size, math.inf  # once, until the log changes
                progress.say(
                    f"{os.path.basename(sys.argv[0])}: job {job.number} has logged nothing for"
                    f" {QUIET / 60:.0f} minutes: {_guess(pid)} (log: {job.log})"
                )


def _guess(pid: int | None) -> str:
    if pid is None:
        return "it may hang, or be at work on a long recording"
    for each in (pid, *descendants(pid)):
        with suppress(OSError):
            if Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()[0] in "Tt":
                return f"process {each} is stopped, 'kill -CONT {each}' resumes it"
    return f"it may hang, or be at work on a long recording; 'kill {pid}' ends the step"


def last_line(log: Path) -> str:
    """Return the last line that a job logged."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return "no log"
    said = [line for line in lines if line.strip() and line[0] != "#"]  # '#': written by launchers
    return said[-1] if said else "empty log"


def conclude(failed: Mapping[Job, str], progress: Progress, step: str | None) -> None:
    """Report the failed jobs, each cause once, and exit with 1; otherwise print a summary."""
    progress.update()
    progress.close()
    told = set()
    for job, cause in failed.items():
        reason = f"{cause}: {last_line(job.log)}"
        if reason not in told:  # one cause often stops all jobs
            print(f"{os.path.basename(sys.argv[0])}: {reason} (log: {job.log})", file=sys.stderr)
        told.add(reason)
    if failed:
        sys.exit(1)
    if summary := progress.summary():
        print(f"{step or 'jobs'}: {summary}")


def cause_of(status: int) -> str:
    """Describe the exit status of a command."""
    return f"killed by signal {-status}" if status < 0 else f"status {status}"
