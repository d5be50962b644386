"""The frame of a job of a step: its share of the recordings, its log, its list of failures."""

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
REMARKS = "remarks"  # in the directory of the step: deviations from its configuration
FINISHED = "finished"  # in jobs/J: job J has written all its outputs


def add_job(parser: argparse.ArgumentParser) -> None:
    """Add --job 1/2: which share of the recordings to process."""
    parser.add_argument("--job", default="1/1", metavar="J/N", help="job J of N")


class Share:
    """The recordings of one job: iterates over them, logs progress, and lists failures.

    Args:
        texts: files that the job makes in jobs/J.

    Attributes:
        lines: the lines of each of these files, written when the share is closed.
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
        """Yield this job's recordings, balanced by size; log the progress.

        Args:
            sizes: recording -> amount of work, in any unit.
            seconds: the length of a recording, called only for those of this job; 0 if not known.
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
            if recording in self.failed:  # its audio was not processed and must not raise the rate
                audio -= length[recording]
            else:
                heard += length[recording]
        survival.work_on("")
        log_progress(len(mine), len(mine), "recordings", heard, audio)

    @contextmanager
    def guard(self, recording: str) -> Iterator[None]:
        """Keep a bad recording from affecting the others: log and list a DataError."""
        try:
            yield
        except DataError as error:
            self.fail(recording, str(error))

    def fail(self, recording: str, reason: str) -> None:
        """Log and list a failed recording and the reason."""
        log.error("%s: %s", recording, reason)
        self.failed[recording] = " ".join(reason.split())

    def write(self, name: str, lines: Iterable[str]) -> None:
        """Write a text file of this job, jobs/J/<name>."""
        write_text(self.dir / name, "".join(lines))

    def state(self, options: Any) -> None:
        """Write the configuration of all jobs, if this is the first."""
        if self.job == 1:
            from diar.base import config  # slow to import: --help should not wait for it

            write_text(self.dir.parents[1] / "config.yaml", config.dump(options))

    def remark(self, text: str) -> None:
        """Log a remark for readers of the results; write it to ``REMARKS`` if this is the first job."""
        log.warning("%s", text)
        if self.job == 1:
            write_text(self.dir.parents[1] / REMARKS, f"{text}\n")

    def close(self) -> None:
        """Write ``lines``, then mark the job finished: the last thing that a job does."""
        for name, lines in self.lines.items():
            self.write(name, lines)
        log_usage()
        self.write("failed", (f"{r} {why}\n" for r, why in sorted(self.failed.items())))
        self.write(FINISHED, ())


def log_progress(done: int, total: int, unit: str, heard: float = 0, audio: float = 0) -> None:
    """Log the progress of a job, for the bar of ``dec_cli.progress``.

    Args:
        unit: what is counted, one word.
        heard: seconds of audio done.
        audio: seconds of audio in all, 0 if not known.
    """
    seconds = f", {heard:.1f}/{audio:.1f} s" if audio else ""
    log.info("progress %d/%d %s%s", done, total, unit, seconds)


def log_usage() -> None:
    """Log the time and memory used by this process, for the report (``diar.report.usage``)."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    memory = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    cpu = used.ru_utime + used.ru_stime
    log.info("used %.1f s, %.1f s CPU, %.0f MB", time.time() - began(), cpu, memory / 1e6)


def began() -> float:
    """Return when this process started, from Linux's /proc, otherwise when it imported this module."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return STARTED
    up = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return time.time() - up
