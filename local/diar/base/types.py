"""Small data types shared by all modules; times are in seconds (float64)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from diar.base.errors import DataError

SAMPLE_RATE = 16000  # of the recipe: the input of VAD and extractors
MOST = 20  # default maximum of the number of speakers


class Turn(NamedTuple):
    """One speaker turn, as in one SPEAKER line of an RTTM."""

    recording: str
    start: float
    duration: float
    speaker: str

    @property
    def end(self) -> float:
        """Seconds from the start of the recording."""
        return self.start + self.duration


class Region(NamedTuple):
    """A stretch of speech [start, end) of some recording."""

    start: float
    end: float


@dataclass(frozen=True)
class Subsegments:
    """The windows of one or more recordings, in time order within a recording.

    ids, recordings: n strings; starts, ends: (n,) float64 seconds.
    """

    ids: Sequence[str]
    recordings: Sequence[str]
    starts: np.ndarray
    ends: np.ndarray

    def __post_init__(self) -> None:
        lengths = {len(self.ids), len(self.recordings), len(self.starts), len(self.ends)}
        if len(lengths) != 1:
            raise ValueError(f"fields of different lengths: {sorted(lengths)}")

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: Sequence[int] | np.ndarray) -> Subsegments:
        """Return the windows at these row numbers, in this order."""
        rows = np.asarray(rows, dtype=int)
        return Subsegments(
            [self.ids[i] for i in rows],
            [self.recordings[i] for i in rows],
            np.asarray(self.starts)[rows],
            np.asarray(self.ends)[rows],
        )

    def by_recording(self) -> dict[str, Subsegments]:
        """Return the windows of each recording, recordings sorted, windows in time order."""
        rows: dict[str, list[int]] = {}
        for i in np.lexsort((self.ends, self.starts)):
            rows.setdefault(self.recordings[i], []).append(i)
        return {recording: self.take(rows[recording]) for recording in sorted(rows)}


def concatenate(windows: Sequence[Subsegments]) -> Subsegments:
    """Join the windows of several recordings."""
    return Subsegments(
        [i for w in windows for i in w.ids],
        [r for w in windows for r in w.recordings],
        np.concatenate([np.zeros(0), *(w.starts for w in windows)]),
        np.concatenate([np.zeros(0), *(w.ends for w in windows)]),
    )


@dataclass(frozen=True)
class XVectors:
    """Subsegments with their embeddings, ``vectors`` (n, d) float32, all finite."""

    subsegments: Subsegments
    vectors: np.ndarray

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.subsegments):
            raise ValueError(
                f"{len(self.subsegments)} subsegments but vectors of shape {self.vectors.shape}"
            )
        bad = ~np.isfinite(self.vectors).all(axis=1)
        if bad.any():
            first = self.subsegments.ids[int(np.flatnonzero(bad)[0])]
            raise DataError(
                f"{int(bad.sum())} of {len(bad)} x-vectors contain NaN or infinity, the first is {first!r}:"
                " extract them again"
            )

    def __len__(self) -> int:
        return len(self.subsegments)

    @property
    def dim(self) -> int:
        """Dimension of the vectors."""
        return self.vectors.shape[1]


class Step(NamedTuple):
    """One step of a refinement.

    loss; changed: share of the windows whose most likely cluster changed; NaN if undefined. A step without
    loss is not training but an inference of the sequence model.
    """

    loss: float
    changed: float


@dataclass(frozen=True)
class Bounds:
    """Bounds on the number of speakers: ``exact``, or between ``least`` and ``most``.

    most: None means ``MOST``, or more if the other bounds are larger.

    Raises:
        DataError: a number that is not whole or is below 1, or numbers that contradict each other.
    """

    exact: int | None = None
    least: int = 1
    most: int | None = None

    def __post_init__(self) -> None:
        for number in (self.exact, self.least, self.most):
            if number is not None and not (isinstance(number, (int, np.integer)) and number >= 1):
                raise DataError(
                    f"a number of speakers must be a whole number of at least 1, not {number!r}"
                )
        least, most = self.range
        if not self.least <= least <= most <= (self.most or most):
            told = {"exactly": self.exact, "at least": self.least, "at most": self.most}
            numbers = ", ".join(f"{what} {number}" for what, number in told.items() if number)
            raise DataError(f"numbers of speakers that contradict each other: {numbers}")

    @property
    def range(self) -> tuple[int, int]:
        """(least, most), equal if the number is known."""
        if self.exact:
            return self.exact, self.exact
        return self.least, self.most or max(MOST, self.least)

    def clip(self, count: int) -> int:
        """Return the allowed number of speakers closest to ``count``."""
        least, most = self.range
        return min(max(count, least), most)

    def shortfall(self, count: int) -> str:
        """Describe a number of speakers lower than requested; '' if there are enough."""
        asked = self.range[0]
        return f"{count} of the {asked} requested speakers" if count < asked else ""


@dataclass(frozen=True)
class LocalSpeakers:
    """Activity of local speakers in windows of one recording; speakers of different windows are unrelated.

    starts: (w,) seconds, sorted, w >= 1. activity: (w, f, s) float32, the probability that a speaker is
    active in a frame of a window. first: seconds from the start of a window to the centre of its first
    frame; shift: from frame to frame.
    """

    starts: np.ndarray
    activity: np.ndarray
    first: float
    shift: float

    def __post_init__(self) -> None:
        if self.activity.ndim != 3 or len(self.activity) != len(self.starts):
            raise ValueError(f"{len(self.starts)} windows, activity of {self.activity.shape}")

    def centres(self, window: int) -> np.ndarray:
        """Return the centres (f,) of the frames of a window, seconds."""
        return self.starts[window] + self.first + self.shift * np.arange(self.activity.shape[1])

    def span(self, window: int) -> tuple[float, float]:
        """Return (start, end) of a window, seconds."""
        start = float(self.starts[window])
        return start, start + 2 * self.first + self.shift * (self.activity.shape[1] - 1)

    def alone(self, window: int) -> np.ndarray:
        """Return the probability (f, s) that only this speaker is active in a frame of a window."""
        active = self.activity[window]
        others = [np.delete(1 - active, s, axis=1).prod(axis=1) for s in range(active.shape[1])]
        return active * np.stack(others, axis=1)
