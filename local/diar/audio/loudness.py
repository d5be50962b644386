"""The loudness of a recording over time, in few numbers, for plotting."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from diar.audio.spool import Samples

FLOOR = -60  # dB full scale; anything below is silence
SHORTEST = 0.02  # seconds


class Loudness(NamedTuple):
    """Levels of equally long stretches of a recording.

    step: seconds of each. levels: dB above ``FLOOR``, 0 to 60, of their root mean square.
    """

    step: float
    levels: list[int]


def loudness(samples: Samples | np.ndarray, rate: int, most: int) -> Loudness:
    """Measure the loudness of a recording.

    Args:
        samples: (n,) mono, full scale 1; read stretch by stretch.
        rate: samples per second.
        most: maximum number of levels, at least 1; fewer if stretches would be shorter than ``SHORTEST``.
    """
    size = max(round(SHORTEST * rate), -(-len(samples) // most), 1)
    together = max(1, rate * 60 // size) * size  # samples read at a time
    levels: list[int] = []
    for start in range(0, len(samples), together):
        power = np.square(np.asarray(samples[start : start + together], dtype=np.float64))
        starts = np.arange(0, len(power), size)
        mean = np.add.reduceat(power, starts) / np.minimum(size, len(power) - starts)
        decibels = 10 * np.log10(np.maximum(mean, 10.0 ** (FLOOR / 10)))
        levels += np.clip(np.round(decibels) - FLOOR, 0, -FLOOR).astype(int).tolist()
    return Loudness(size / rate, levels)
