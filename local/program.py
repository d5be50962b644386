"""What the programs of local/ share: arguments, logs, one-line errors, and recordings that fail."""

from __future__ import annotations

import argparse
import logging
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from diar import config
from diar.errors import DataError
from diar.files import write_text
from diar.jobs import share

log = logging.getLogger("diar")
STARTED = time.time()
FINISHED = "finished"  # in jobs/J: job J has written all that it makes


def parser(doc: str | None) -> argparse.ArgumentParser:
    """An argument parser whose help is the program's docstring."""
    return argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def add_config(arguments: argparse.ArgumentParser, default: str | None = None) -> None:
    """--config file.yaml, --set key=value ..., --check."""
    arguments.add_argument(
        "--config", default=default, help="YAML configuration (default: %(default)s)"
    )
    arguments.add_argument(
        "--set", default="", metavar="'KEY=VALUE ...'", help="overrides, separated by blanks"
    )
    arguments.add_argument("--check", action="store_true", help="read the configuration, and stop")


def add_device(arguments: argparse.ArgumentParser) -> None:
    """--device cpu, cuda, cuda:1, auto."""
    arguments.add_argument(
        "--device",
        default="cpu",
        help="cpu, cuda, or auto: a GPU where there is one (default: cpu)",
    )


def add_job(arguments: argparse.ArgumentParser) -> None:
    """--job 1/2: which share of the recordings is ours."""
    arguments.add_argument(
        "--job", default="1/1", metavar="J/N", help="job J of N (default: %(default)s)"
    )


def run(main: Callable[[], None]) -> None:
    """Run ``main``; a DataError becomes one line and status 1, an interrupt status 130."""
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s [%(filename)s:%(lineno)d] %(message)s",
        stream=sys.stderr,
    )
    try:
        main()
    except DataError as error:
        sys.exit(f"{Path(sys.argv[0]).name}: {error}")
    except OSError as error:  # a full disk, a file in the way, no permission
        sys.exit(f"{Path(sys.argv[0]).name}: {error.filename or ''}: {error.strerror or error}")
    except KeyboardInterrupt:
        sys.exit(130)


def report(done: int, total: int, unit: str, heard: float = 0, audio: float = 0) -> None:
    """Log how far a job is, for the bar of local/progress.py.

    Args:
        unit: what is counted, one word.
        heard: seconds of audio that are done.
        audio: seconds of audio in all, 0 where they are not known.
    """
    seconds = f", {heard:.1f}/{audio:.1f} s" if audio else ""
    log.info("progress %d/%d %s%s", done, total, unit, seconds)


def report_usage() -> None:
    """Log what this process has used, for the report (``diar.report.usage``)."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    memory = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    cpu = used.ru_utime + used.ru_stime
    log.info("used %.1f s, %.1f s CPU, %.0f MB", time.time() - began(), cpu, memory / 1e6)


def began() -> float:
    """When this process started, as Linux knows it, or else when it got to this module."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return STARTED
    up = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return time.time() - up


class Share:
    """The recordings of one job: goes through them, logs progress, and lists those that fail."""

    def __init__(self, out_dir: str | Path, job: str):
        self.job, self.jobs = (int(x) for x in job.split("/"))
        self.dir = Path(out_dir) / "jobs" / str(self.job)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.failed: dict[str, str] = {}

    def of(
        self,
        recordings: Sequence[str],
        sizes: Sequence[float],
        seconds: Callable[[str], float] = lambda _: 0.0,
    ) -> Iterator[str]:
        """This job's recordings, balanced by size; progress is written to the log.

        Args:
            sizes: how much work each is, in any unit.
            seconds: the length of a recording, asked for those of this job only; 0 if not known.
        """
        mine = share(recordings, sizes, self.job, self.jobs)
        length = {recording: seconds(recording) for recording in mine}
        heard, audio = 0.0, sum(length.values())
        for done, recording in enumerate(mine):
            report(done, len(mine), "recordings", heard, audio)
            log.info("%s", recording)
            yield recording
            if recording in self.failed:  # its audio was not worked through: the rate must not gain
                audio -= length[recording]
            else:
                heard += length[recording]
        report(len(mine), len(mine), "recordings", heard, audio)

    @contextmanager
    def guard(self, recording: str) -> Iterator[None]:
        """One bad recording does not lose the others: a DataError is logged and listed."""
        try:
            yield
        except DataError as error:
            self.fail(recording, str(error))

    def fail(self, recording: str, reason: str) -> None:
        log.error("%s: %s", recording, reason)
        self.failed[recording] = " ".join(reason.split())

    def write(self, name: str, lines: Iterable[str]) -> None:
        write_text(self.dir / name, "".join(lines))

    def state(self, options: Any) -> None:
        """The first job writes the configuration that all run with."""
        if self.job == 1:
            write_text(self.dir.parents[1] / "config.yaml", config.dump(options))

    def close(self) -> None:
        """The last thing that a job does: all that it makes is written."""
        report_usage()
        self.write("failed", (f"{r} {why}\n" for r, why in sorted(self.failed.items())))
        self.write(FINISHED, ())
