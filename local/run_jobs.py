#!/usr/bin/env python3
"""Run a command as parallel local jobs, in the calling convention of Kaldi's run.pl.

Usage: run_jobs.py JOB=1:<n> <log/name.JOB.log> <command> [argument ...]

JOB is replaced by 1..n in the log's name and in every argument. Each log opens with the command.
Progress, which jobs report as 'progress <done>/<total>' lines in their logs, is shown as one bar
when standard error is a terminal. The first job that fails is named with the end of its log, and
the exit status is 1; an interrupt stops all jobs.
"""

from __future__ import annotations

import ctypes
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

from tqdm import tqdm

PR_SET_PDEATHSIG = 1
PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else None  # bound before any fork


def main() -> None:
    match = re.fullmatch(r"JOB=1:([1-9]\d*)", sys.argv[1]) if len(sys.argv) > 3 else None
    if not match:
        sys.exit(__doc__)
    log, command = sys.argv[2], sys.argv[3:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    die_with_parent()
    jobs = []
    try:
        for job in range(1, int(match[1]) + 1):
            jobs.append(
                Job(log.replace("JOB", str(job)), [a.replace("JOB", str(job)) for a in command])
            )
        failed = watch(jobs)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        for job in jobs:
            if job.process.poll() is None:
                job.process.terminate()
        for job in jobs:
            job.process.wait()
    told = set()
    for job in failed:
        status = job.process.returncode
        cause = f"killed by signal {-status}" if status < 0 else f"status {status}"
        lines = job.log.read_text(encoding="utf-8", errors="replace").splitlines()
        reason = f"{cause}: {lines[-1] if lines else 'empty log'}"
        if reason not in told:  # what stops one job often stops all
            print(f"run_jobs.py: {reason} (log: {job.log})", file=sys.stderr)
        told.add(reason)
    sys.exit(1 if failed else 0)


class Job:
    """A running command, its log, and how far it says it is."""

    def __init__(self, log: str, command: list[str]):
        self.log = Path(log)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log, "w", encoding="utf-8") as stream:
            stream.write(f"# {shlex.join(command)}\n")
            stream.flush()
            try:
                self.process = subprocess.Popen(
                    command, stdout=stream, stderr=stream, preexec_fn=die_with_parent
                )
            except OSError as error:
                sys.exit(f"run_jobs.py: cannot run {command[0]}: {error.strerror}")
        self.read = 0
        self.progress = (0, 0)

    def poll(self) -> tuple[int, int]:
        with open(self.log, "rb") as stream:
            stream.seek(self.read)
            text = stream.read()
        end = text.rfind(b"\n") + 1
        self.read += end
        for done, total in re.findall(rb"progress (\d+)/(\d+)", text[:end]):
            self.progress = (int(done), int(total))
        return self.progress


def die_with_parent() -> None:
    """Ask Linux for SIGTERM when the parent is gone, be it by kill -9: nothing must go on writing
    into a directory that the next run makes anew."""
    if sys.platform == "linux":
        PRCTL(PR_SET_PDEATHSIG, signal.SIGTERM)


def watch(jobs: list[Job]) -> list[Job]:
    """Wait for all jobs, or until one fails, showing their common progress; the failed ones."""
    with tqdm(total=0, disable=None, leave=False, unit="rec", delay=2) as bar:
        while True:
            running = [job for job in jobs if job.process.poll() is None]
            progress = [job.poll() for job in jobs]
            bar.total = sum(total for _, total in progress)
            bar.n = sum(done for done, _ in progress)
            bar.refresh()
            failed = [job for job in jobs if job.process.poll()]
            if failed or not running:
                return failed
            time.sleep(0.1)


if __name__ == "__main__":
    main()
