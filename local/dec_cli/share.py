"""What a job of a step does beside its work: its recordings, its log, its list of failures."""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dec_cli import survival
from dec_cli.program import log
from diar.base.errors import DataError
from diar.base.files import write_text
from diar.jobs.share import share

STARTED = time.time()
REMARKS = "remarks"  # in the directory of the step: what is not as its configuration says
FINISHED = "finished"  # in jobs/J: job J has written all that it makes


def add_job(parser: argparse.ArgumentParser) -> None:
    """--job 1/2: which share of the recordings is ours."""
    parser.add_argument("--job", default="1/1", metavar="J/N", help="job J of N")


class Share:
    """The recordings of one job: goes through them, logs progress, and lists those that fail.

    Args:
        texts: files that the job makes in jobs/J.

    Attributes:
        lines: what is to be in each of these; written when the share is closed.
    """

    def __init__(self, out_dir: str | Path, job: str, texts: Iterable[str] = ()):
        self.job, self.jobs = (int(x) for x in job.split("/"))
        self.dir = Path(out_dir) / "jobs" / str(self.job)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.failed: dict[str, str] = {}
        self.lines: dict[str, list[str]] = {name: [] for name in texts}

    def of(
        self,
        sizes: Mapping[str, float],
        seconds: Callable[[str], float] = lambda _: 0.0,
    ) -> Iterator[str]:
        """Yield this job's recordings, balanced by size; write the progress to the log.

        Args:
            sizes: recording -> how much work it is, in any unit.
            seconds: the length of a recording, asked for those of this job only; 0 if not known.
        """
        mine = share(list(sizes), list(sizes.values()), self.job, self.jobs)
        length = {recording: seconds(recording) for recording in mine}
        heard, audio = 0.0, sum(length.values())
        for done, recording in enumerate(mine):
            log_progress(done, len(mine), "recordings", heard, audio)
            log.info("%s", recording)
            if lost := survival.work_on(recording):
                self.fail(recording, lost)
            else:
                yield recording
            if recording in self.failed:  # its audio was not worked through: the rate must not gain
                audio -= length[recording]
            else:
                heard += length[recording]
        survival.work_on("")
        log_progress(len(mine), len(mine), "recordings", heard, audio)

    @contextmanager
    def guard(self, recording: str) -> Iterator[None]:
        """Keep a bad recording from losing the others: a DataError is logged and listed."""
        try:
            yield
        except DataError as error:
            self.fail(recording, str(error))

    def fail(self, recording: str, reason: str) -> None:
        """Log and list a recording that cannot be used, and why."""
        log.error("%s: %s", recording, reason)
        self.failed[recording] = " ".join(reason.split())

    def write(self, name: str, lines: Iterable[str]) -> None:
        """Write a text file of this job, jobs/J/<name>."""
        write_text(self.dir / name, "".join(lines))

    def state(self, options: Any) -> None:
        """Write the configuration that all jobs run with, if this is the first."""
        if self.job == 1:
            from diar.base import config  # which imports what help need not wait for

            write_text(self.dir.parents[1] / "config.yaml", config.dump(options))

    def remark(self, text: str) -> None:
        """Write what readers of the results must know, if this is the first job: ``REMARKS``."""
        log.warning("%s", text)
        if self.job == 1:
            write_text(self.dir.parents[1] / REMARKS, f"{text}\n")

    def close(self) -> None:
        """Write ``lines``, and say that all is written: the last thing that a job does."""
        for name, lines in self.lines.items():
            self.write(name, lines)
        log_usage()
        self.write("failed", (f"{r} {why}\n" for r, why in sorted(self.failed.items())))
        self.write(FINISHED, ())


def log_progress(done: int, total: int, unit: str, heard: float = 0, audio: float = 0) -> None:
    """Log how far a job is, for the bar of ``dec_cli.progress``.

    Args:
        unit: what is counted, one word.
        heard: seconds of audio that are done.
        audio: seconds of audio in all, 0 where they are not known.
    """
    seconds = f", {heard:.1f}/{audio:.1f} s" if audio else ""
    log.info("progress %d/%d %s%s", done, total, unit, seconds)


def log_usage() -> None:
    """Log what this process has used, for the report (``diar.report.usage``)."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    memory = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    cpu = used.ru_utime + used.ru_stime
    log.info("used %.1f s, %.1f s CPU, %.0f MB", time.time() - began(), cpu, memory / 1e6)


def began() -> float:
    """Return when this process started, as Linux knows it, or else when it got to this module."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return STARTED
    up = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return time.time() - up
