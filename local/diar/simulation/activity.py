"""Where a clean close-talk recording holds speech: frame energy with hysteresis.

It is meant for dry sources (prompts, read sentences), where energy alone is reliable; for recordings of
rooms and conversations use ``diar.speech.vad``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diar.base.regions import union
from diar.base.types import SAMPLE_RATE, Region


@dataclass(frozen=True)
class ActivityConfig:
    """Thresholds count down from the loud frames of the same source, so level does not matter.

    onset_db: a region holds at least one frame less than this below the loud level (dB).
    offset_db: a region reaches as far as frames stay less than this below the loud level (dB).
    noise_margin_db: both thresholds stay at least this far above the noise floor (dB).
    min_level_db: a source whose loud frames stay below this is silence (dB re full scale).
    max_pause: pauses shorter than this belong to the region around them (s).
    min_speech: shorter regions are clicks (s).
    pad: added to both ends of a region, for soft onsets and decays (s).
    """

    onset_db: float = 24.0
    offset_db: float = 34.0
    noise_margin_db: float = 8.0
    min_level_db: float = -55.0
    max_pause: float = 0.3
    min_speech: float = 0.06
    pad: float = 0.02


HOP = 0.01
_WINDOW = 0.025
_SILENCE_DB = -100.0


def levels(samples: np.ndarray) -> np.ndarray:
    """Measure the energy of each frame in dB re full scale; frame i is centred on (i + 0.5) * 10 ms."""
    hop, window = round(HOP * SAMPLE_RATE), round(_WINDOW * SAMPLE_RATE)
    count = -(-len(samples) // hop)
    before = (window - hop) // 2
    padded = np.zeros(count * hop + window, np.float64)
    padded[before : before + len(samples)] = samples
    power = np.concatenate([[0.0], np.cumsum(padded**2)])
    starts = np.arange(count) * hop
    mean = np.maximum(power[starts + window] - power[starts], 0.0) / window
    return 10 * np.log10(mean + 10 ** (_SILENCE_DB / 10))


def speech_regions(samples: np.ndarray, config: ActivityConfig) -> list[Region]:
    """Find the speech regions of a dry source, in seconds from its start; silence gives none.

    Args:
        samples: (n,) float in [-1, 1] at 16 kHz.
        config: thresholds.
    """
    level = levels(samples)
    audible = level[level > _SILENCE_DB + 20]
    if not len(audible):
        return []
    loud, floor = np.percentile(audible, [95, 5])
    if loud < config.min_level_db:
        return []
    # A source without pauses has no visible floor: its quietest frames are speech.
    limit = min(floor + config.noise_margin_db, loud - 10)
    onset = max(loud - config.onset_db, limit)
    offset = max(loud - config.offset_db, limit - 3)
    end = len(samples) / SAMPLE_RATE
    spans = []
    for first, last in _runs(level > offset):
        if (level[first:last] > onset).any():
            spans.append((max(first * HOP - config.pad, 0), min(last * HOP + config.pad, end)))
    merged = union(spans, config.max_pause)
    return [r for r in merged if r.end - r.start >= config.min_speech + 2 * config.pad]


def _runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """Find [first, last) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
