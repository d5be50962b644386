"""The directions of a latent space in which speakers differ, learnt without labels.

Two windows that follow each other within one stretch of speech mostly have the same speaker, so half
the mean square of their difference is the covariance within speakers; what of the total covariance
remains is that between speakers. A linear map makes the former the identity and the latter diagonal:
the two-covariance model of probabilistic linear discriminant analysis (Ioffe, ECCV 2006; Bruemmer &
De Villiers, "The speaker partitioning problem", Odyssey 2010), its covariances estimated from time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh

from diar.errors import DataError

_LEAST_PAIRS = 5  # of a recording that takes part
PRIOR_COSINE = 0.45  # of two windows of one voice: median over the recordings of mini/train
PRIOR_PAIRS = 10
_PAIRS = 1 << 14  # of which the vectors are copied at a time
_RIDGE = 1e-4  # share of the mean variance that is added within speakers, so that it has an inverse


@dataclass(frozen=True)
class SpeakerSpace:
    """mean (l,) of unit-length latents; transform (l, l), its columns the directions, those that tell
    most about speakers first; between (l,) the variance of speakers' means along each, where the
    variance within a speaker is 1."""

    mean: np.ndarray
    transform: np.ndarray
    between: np.ndarray


def neighbours(
    starts: np.ndarray, window: float, reach: float = 2.0
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of windows that share no audio, but in all likelihood the speaker.

    They lie 1 to ``reach`` windows apart, within one stretch of speech: where windows follow each
    other as they mostly do, or by half a window at most.

    Args:
        starts: (n,) seconds, ascending; window: seconds.

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
    last = np.searchsorted(starts, starts + reach * window, side="right")
    pairs = [(none, none)]
    for ahead in range(int((last - first).max())):
        i = np.flatnonzero(first + ahead < last)
        j = first[i] + ahead
        same = stretch[i] == stretch[j]
        pairs.append((i[same], j[same]))
    left, right = zip(*pairs, strict=True)
    return np.concatenate(left), np.concatenate(right)


def neighbour_cosine(x: np.ndarray, starts: np.ndarray, window: float = 1.5) -> float:
    """How similar two windows of one voice are in this recording: the median cosine of neighbours.

    Few pairs are drawn towards ``PRIOR_COSINE``.

    Args:
        x: (n, d) x-vectors in time order; starts: (n,) seconds; window: seconds.
    """
    i, j = neighbours(starts, window)
    if not len(i):
        return PRIOR_COSINE
    unit = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-10)
    weight = len(i) / (len(i) + PRIOR_PAIRS)
    pieces = -(-len(i) // _PAIRS)
    cosines = [
        (unit[a] * unit[b]).sum(axis=1)
        for a, b in zip(np.array_split(i, pieces), np.array_split(j, pieces), strict=True)
    ]
    median = np.median(np.concatenate(cosines))
    return float(weight * median + (1 - weight) * PRIOR_COSINE)


def estimate(recordings: Iterable[tuple[np.ndarray, np.ndarray]], window: float) -> SpeakerSpace:
    """The speaker space of a training set; every recording counts alike.

    Args:
        recordings: latents (n, l) of each, of unit length, in time order, and the starts (n,) of its
            windows in seconds.
        window: seconds.

    Raises:
        DataError: fewer than two recordings have neighbouring windows.
    """
    within, means, squares = [], [], []
    for z, starts in recordings:
        i, j = neighbours(starts, window)
        if len(i) >= _LEAST_PAIRS:
            difference = z[i] - z[j]
            within.append(difference.T @ difference / (2 * len(i)))
            means.append(z.mean(axis=0))
            squares.append(z.T @ z / len(z))
    if len(within) < 2:
        raise DataError(
            "too few recordings with neighbouring windows to learn how speakers differ: give more"
            " training data"
        )
    mean = np.mean(means, axis=0)
    inner = np.mean(within, axis=0)
    inner += np.eye(len(inner)) * _RIDGE * np.trace(inner) / len(inner)
    total = np.mean(squares, axis=0) - np.outer(mean, mean)
    between, transform = eigh(total - inner, inner)
    return SpeakerSpace(mean, transform[:, ::-1], np.maximum(between[::-1], 1e-6))
