"""Pairs of neighbouring windows, mostly of one speaker; and windows a minimum distance apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from diar.base.errors import DataError
from diar.base.vectors import unit_rows

LEAST_PAIRS = 5  # of a recording to learn how a voice varies: fewer are not enough
_PAIRS = 1 << 14  # whose vectors are copied at a time: the result is the same


@dataclass(frozen=True)
class NeighbourConfig:
    """The prior of the cosine of neighbouring windows.

    prior_cosine: of two windows of one voice; the median over the recordings of mini/train.
    prior_pairs: the number of pairs of a recording that weighs as much.
    """

    prior_cosine: float = 0.45
    prior_pairs: float = 10.0

    def __post_init__(self) -> None:
        if not -1 <= self.prior_cosine <= 1 or self.prior_pairs < 0:
            raise ValueError("prior_cosine must lie in [-1, 1], prior_pairs must not be negative")


def neighbours(starts: np.ndarray, window: float) -> tuple[np.ndarray, np.ndarray]:
    """Find pairs of windows that share no audio, but most likely the speaker.

    They lie 1 to 2 windows apart, within one stretch of speech: consecutive windows lie
    at most 1.5 times the median step, or half a window, apart.

    Args:
        starts: (n,) seconds, ascending.
        window: seconds.

    Returns:
        (p,) and (p,) row numbers, the first below the second.
    """
    none = np.zeros(0, dtype=int)
    if len(starts) < 2:
        return none, none
    steps = np.diff(starts)
    pause = max(1.5 * float(np.median(steps)), window / 2) + 1e-3
    stretch = np.concatenate([[0], np.cumsum(steps > pause)])
    first = np.searchsorted(starts, starts + window - 1e-6)
    last = np.searchsorted(starts, starts + 2 * window, side="right")
    pairs = [(none, none)]
    for ahead in range(int((last - first).max())):
        i = np.flatnonzero(first + ahead < last)
        j = first[i] + ahead
        same = stretch[i] == stretch[j]
        pairs.append((i[same], j[same]))
    left, right = zip(*pairs, strict=True)
    return np.concatenate(left), np.concatenate(right)


def thin(starts: np.ndarray, step: float) -> np.ndarray:
    """Select windows, given in time order, that start at least ``step`` seconds apart: row numbers."""
    rows, last = [], -np.inf
    for i, start in enumerate(starts):
        if start - last >= step - 1e-6:
            rows.append(i)
            last = start
    return np.array(rows, dtype=int)


def check_neighbours(recordings: Iterable[np.ndarray], window: float) -> None:
    """Check that some recording has enough neighbouring windows to learn speakers from.

    Args:
        recordings: the starts (n,) of the windows of each, seconds, ascending.
        window: seconds.

    Raises:
        DataError: none has.
    """
    if not any(len(neighbours(starts, window)[0]) >= LEAST_PAIRS for starts in recordings):
        raise DataError(
            f"no recording has {LEAST_PAIRS} pairs of windows 1 to 2 windows apart within one stretch"
            " of speech, which are needed to learn how speakers differ: give more training data"
        )


def neighbour_cosine(
    x: np.ndarray,
    starts: np.ndarray,
    window: float = 1.5,
    config: NeighbourConfig = NeighbourConfig(),
) -> float:
    """Estimate the cosine of two windows of one voice in this recording: the neighbours' median.

    With few pairs, it is drawn towards the prior.

    Args:
        x: (n, d) x-vectors in time order.
        starts: (n,) seconds.
        window: seconds.
        config: the prior.
    """
    i, j = neighbours(starts, window)
    if not len(i):
        return config.prior_cosine
    unit = unit_rows(x, x.dtype)
    weight = len(i) / (len(i) + config.prior_pairs)
    pieces = -(-len(i) // _PAIRS)
    cosines = [
        (unit[a] * unit[b]).sum(axis=1)
        for a, b in zip(np.array_split(i, pieces), np.array_split(j, pieces), strict=True)
    ]
    median = np.median(np.concatenate(cosines))
    return float(weight * median + (1 - weight) * config.prior_cosine)
