"""How much time each window of a recording stands for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Durations:
    """seconds: (n,) of speech that each window stands for; gaps: (n,) from the window before to it."""

    seconds: np.ndarray
    gaps: np.ndarray


def durations_of(starts: np.ndarray, length: float) -> Durations:
    """Measure n windows in time order, close or far apart.

    A window stands for the time to halfway to its neighbours. At a pause (more than windows are apart
    in general, and than half a window) what lies beyond is not speech, and does not count.

    Args:
        starts: (n,) seconds, ascending, n >= 1. length: of the windows, seconds.
    """
    steps = np.diff(starts)
    longest = max(float(np.median(steps)) if len(steps) else 0.0, length / 2)
    gaps = np.concatenate([[longest], np.minimum(steps, longest), [longest]])
    return Durations((gaps[1:] + gaps[:-1]) / 2, gaps[:-1])
