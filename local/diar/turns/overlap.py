"""Overlapping speech: map the local speakers of a segmentation to DEC's speakers.

The segmentation gives the activity of local speakers in each window, DEC the speaker in each frame. Each
local speaker is mapped to the speaker of DEC who has most of their frames, one to one within a window; the
activities of all windows are averaged for each speaker, and a frame has as many speakers as are active there
on average (Bredin, Interspeech 2023, section 2.4, which clusters local speakers instead of using DEC).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from diar.base.types import LocalSpeakers


@dataclass(frozen=True)
class OverlapConfig:
    """How overlap is decoded.

    trust: weight of the posterior of DEC, relative to the activity of local speakers, in ranking speakers.
    second: another speaker is added if the mean number of active speakers exceeds the count by this.
    together: weight of frames in which others are active, too, when mapping a local speaker.
    """

    trust: float = 2.0
    second: float = 0.4
    together: float = 0.01

    def __post_init__(self) -> None:
        if min(self.trust, self.together) < 0 or not 0 < self.second <= 1:
            raise ValueError("trust and together must not be negative, second must lie in (0, 1]")


def speakers_of(
    centres: np.ndarray, posteriors: np.ndarray, local: LocalSpeakers, config: OverlapConfig
) -> list[np.ndarray]:
    """Find the speakers of each frame: first one speaker at a time, then those who overlap.

    Args:
        centres: (T,) of all speech frames, seconds, sorted.
        posteriors: (T, k) of DEC, averaged over the windows that contain the frame.
        local: the local speakers of the recording.

    Returns:
        For each rank, its speaker (T,), or -1; the first rank has a speaker in every frame.
    """
    activity, active = name_local_speakers(centres, posteriors, local, config.together)
    score = activity + config.trust * posteriors
    frames = np.arange(len(centres))
    ranks = [score.argmax(axis=1)]
    for rank in range(1, min(posteriors.shape[1], local.activity.shape[2])):
        score[frames, ranks[-1].clip(0)] = -1.0  # already assigned
        best = score.argmax(axis=1)
        on = (active >= rank + config.second) & (activity[frames, best] > 0)
        ranks.append(np.where(on & (ranks[-1] >= 0), best, -1))
    return ranks


def name_local_speakers(
    centres: np.ndarray, posteriors: np.ndarray, local: LocalSpeakers, together: float
) -> tuple[np.ndarray, np.ndarray]:
    """Average the activity (T, k) of each speaker of DEC, and the number (T,) of active speakers."""
    activity = np.zeros(posteriors.shape, np.float32)  # float32, to save memory
    active, windows = np.zeros(len(centres)), np.zeros(len(centres))
    for number, heard in enumerate(local.activity):
        start, end = local.span(number)
        first, last = np.searchsorted(centres, (start, end))
        nearest = np.rint((centres[first:last] - start - local.first) / local.shift).astype(int)
        nearest = nearest.clip(0, len(heard) - 1)
        mine, alone = heard[nearest], local.alone(number)[nearest]
        names = (alone + together * mine).T @ posteriors[first:last]
        for speaker, name in zip(*scipy.optimize.linear_sum_assignment(-names), strict=True):
            activity[first:last, name] += mine[:, speaker]
        active[first:last] += mine.sum(axis=1)
        windows[first:last] += 1
    windows = np.maximum(windows, 1)
    activity /= windows[:, None]
    return activity, active / windows
