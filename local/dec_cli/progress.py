"""Progress of the jobs of a step, from their logs: one bar for all, and one line when they are done.

Jobs report in lines such as 'progress 3/12 recordings, 410.5/1800.0 s', with audio if they know it.
"""

from __future__ import annotations

import math
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

LINE = re.compile(rb"progress (\d+)/(\d+) (\w+)(?:, ([\d.]+)/([\d.]+) s)?")


@dataclass
class Report:
    """The last report of a job, and the times of its first and last reports."""

    done: float
    total: float
    began: float
    last: float
    unit: str = ""
    heard: float = 0.0  # seconds of audio done
    audio: float = 0.0  # seconds of audio in all

    @property
    def speed(self) -> float:
        """Work done per second until the last report; 0 if unknown."""
        return self.done / (self.last - self.began) if self.last > self.began else 0.0


def time_left(parts: Sequence[Report], jobs: int, now: float) -> float | None:
    """Estimate the seconds until all of ``jobs`` are done; None while their speed is unknown.

    Uses ``done`` and ``total`` of the jobs that have begun, in any unit. Assumes that a job keeps the speed
    it had until its last report; that one with nothing done yet is as fast as the others; and that jobs
    that have not begun have as much to do as the others, and wait for them.
    """
    speeds = [part.speed for part in parts if part.speed]
    if not speeds:
        return None
    mean = sum(speeds) / len(speeds)
    running = [part for part in parts if part.done < part.total]
    left = [max(p.total / (p.speed or mean) - (now - p.began), 0.0) for p in running]
    if len(parts) < jobs:
        waiting = (jobs - len(parts)) * sum(p.total for p in parts) / len(parts) / mean
        left.append((sum(left) + waiting) / at_once(parts))
    return max(left, default=0.0)


def at_once(parts: Sequence[Report]) -> int:
    """Return the maximum number of jobs that ran at the same time."""
    ends = [part.last if part.done >= part.total else math.inf for part in parts]
    spans = [(part.began, end) for part, end in zip(parts, ends, strict=True)]
    return max(sum(began <= now <= end for began, end in spans) for now, _ in spans)


class Log:
    """The log of a job that is being written."""

    def __init__(self, path: Path):
        self.path = path
        self.report: Report | None = None
        self._read = 0

    def poll(self, now: float) -> bool:
        """Read new lines; return whether there is a log yet."""
        try:
            with open(self.path, "rb") as stream:
                if stream.seek(0, 2) < self._read:  # the job was started again
                    self._read, self.report = 0, None
                stream.seek(self._read)
                text = stream.read()
        except FileNotFoundError:
            return False
        end = text.rfind(b"\n") + 1
        self._read += end
        for done, total, unit, heard, audio in LINE.findall(text[:end]):
            self.take(
                int(done), int(total), unit.decode(), float(heard or 0), float(audio or 0), now
            )
        return True

    def take(
        self, done: int, total: int, unit: str, heard: float, audio: float, now: float
    ) -> None:
        """Process a report."""
        new = Report(done, total, now, now, unit, heard, audio)
        old = self.report
        if old and (old.unit, old.total) == (new.unit, new.total):  # otherwise another kind of work
            new.began = old.began
        self.report = new


class Here(Log):
    """The work of this process, which reports through ``take``."""

    def __init__(self) -> None:
        self.report = None

    def poll(self, now: float) -> bool:
        """Read nothing: reports come through ``take``."""
        return True


class Progress:
    """The progress bar of a step's jobs on a terminal; shows nothing elsewhere.

    Args:
        logs: the logs of all jobs: files, or ``Here``.
        clock: for tests.
    """

    def __init__(self, logs: Sequence[Path | Log], clock: Callable[[], float] = time.monotonic):
        self.logs = [log if isinstance(log, Log) else Log(log) for log in logs]
        self.clock = clock
        self.polled = clock()
        self.began: float | None = None  # when the first job started
        form = "{percentage:3.0f}% |{bar:10}| {desc}"
        self.bar = tqdm(
            total=1, disable=None, leave=False, bar_format=form, dynamic_ncols=True, delay=1
        )

    def update(self) -> None:
        """Read the logs, draw the bar."""
        now = self.clock()
        seen = [log.poll(now) for log in self.logs]
        if self.began is None and any(seen):
            self.began = self.polled
        self.polled = now
        if self.bar.disable or not self.reports or self.began is None or now - self.began < 1:
            return
        done, total = self.work
        self.bar.total, self.bar.n = total or 1, done
        self.bar.set_description_str(self.text(now), refresh=True)

    def say(self, text: str, stream: TextIO | None = None) -> None:
        """Print text above the bar, on standard error by default."""
        self.bar.clear()
        print(text, file=stream or sys.stderr, flush=True)

    def close(self) -> None:
        """Remove the bar."""
        self.bar.clear()  # close() alone clears only what update() has drawn
        self.bar.close()

    @property
    def reports(self) -> list[Report]:
        """The last report of each job that has begun."""
        return [log.report for log in self.logs if log.report]

    @property
    def audio(self) -> tuple[float, float]:
        """Seconds of audio (done, in all) of the jobs that have begun."""
        return sum(r.heard for r in self.reports), sum(r.audio for r in self.reports)

    @property
    def work(self) -> tuple[float, float]:
        """Work (done, in all): audio, or recordings if its length is not known.

        Jobs that have not begun are assumed to be like the others.
        """
        done, total = self.audio
        if not total:
            done, total = sum(r.done for r in self.reports), sum(r.total for r in self.reports)
        return done, total * len(self.logs) / max(len(self.reports), 1)

    def text(self, now: float) -> str:
        """Return '00:28 left, 3/12 recordings, 0.11/0.50 h, 49 x real time'.

        '~' marks figures that are uncertain because some jobs have not begun.
        """
        reports, (heard, audio) = self.reports, self.audio
        parts = [replace(r, done=r.heard, total=r.audio) if audio else r for r in reports]
        left = time_left(parts, len(self.logs), now)
        words = [] if left is None else [f"{tqdm.format_interval(left)} left"]
        guess = len(self.logs) / len(reports)
        sign = "~" if guess > 1 else ""
        done, total = sum(r.done for r in reports), sum(r.total for r in reports)
        words.append(f"{done}/{sign}{total * guess:.0f} {reports[0].unit}")
        if audio:
            words.append(written(audio * guess, heard, sign))
        took = max(r.last for r in reports) - min(r.began for r in reports)
        if heard and took:
            words.append(f"{heard / took:.3g} x real time")
        return ", ".join(words)

    def summary(self) -> str | None:
        """Return '12 recordings, 0.50 h of audio, 31 s (58 x real time)'; None if there was nothing to do."""
        if self.began is None or not any(r.done for r in self.reports):
            return None
        took = self.clock() - self.began
        heard, _ = self.audio
        words = f"{sum(r.done for r in self.reports)} {self.reports[0].unit}"
        if not heard:
            return f"{words}, {took:.0f} s"
        return f"{words}, {written(heard)} of audio, {took:.0f} s ({heard / took:.3g} x real time)"


def written(audio: float, heard: float | None = None, sign: str = "") -> str:
    """Format an amount of audio, and how much is done: '0.11/0.50 h'; in seconds if short."""
    scale, digits, unit = (3600, 2, "h") if audio >= 360 else (1, 0, "s")
    done = "" if heard is None else f"{heard / scale:.{digits}f}/"
    return f"{done}{sign}{audio / scale:.{digits}f} {unit}"
