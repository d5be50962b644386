"""The amount of time that each window of a recording represents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Durations:
    """seconds: (n,) of speech that each window represents; gaps: (n,) from the previous window."""

    seconds: np.ndarray
    gaps: np.ndarray


def durations_of(starts: np.ndarray, length: float) -> Durations:
    """Compute the durations of n windows in time order, at any spacing.

    A window represents the time up to the midpoints to its neighbours. The time beyond a pause (a gap
    longer than the median spacing and half a window) is not speech, and does not count.

    Args:
        starts: (n,) seconds, ascending, n >= 1. length: length of the windows, seconds.
    """
    steps = np.diff(starts)
    longest = max(float(np.median(steps)) if len(steps) else 0.0, length / 2)
    gaps = np.concatenate([[longest], np.minimum(steps, longest), [longest]])
    return Durations((gaps[1:] + gaps[:-1]) / 2, gaps[:-1])
