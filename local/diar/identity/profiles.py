"""Profiles of people: the mean of their windows in the speaker space, and its variance.

Windows of one recording are not independent: a second of speech counts as ``evidence`` independent windows,
and the variance of a voice between recordings, ``drift``, remains however long a person speaks (as in
``diar.dec.sequence``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from diar.autoencoder.network import ResidualAutoEncoder
from diar.base.errors import DataError
from diar.base.types import Subsegments, Turn, XVectors
from diar.dec.durations import durations_of
from diar.dec.sequence import same_speaker
from diar.identity.config import IdentityConfig

_BLOCK = 1 << 20  # values for pairs held at a time, to limit memory


class SpeakerProfile(NamedTuple):
    """A person in the speaker space.

    mean: (l,). spread: its variance around the person's true mean, the same in every direction.
    seconds: speech that was averaged.
    """

    mean: np.ndarray
    spread: float
    seconds: float


def solo_seconds(windows: Subsegments, turns: Sequence[Turn]) -> dict[str, np.ndarray]:
    """Return how much time of each window belongs to each speaker alone; speakers sorted.

    A window represents the time up to the midpoints to its neighbours; the share in which only this
    speaker talks counts. For speakers who are never alone, all their speech counts instead.

    Args:
        windows: the n >= 1 windows of one recording, in time order.
        turns: of the same recording.

    Returns:
        speaker -> (n,) seconds.
    """
    starts, ends = np.asarray(windows.starts), np.asarray(windows.ends)
    speakers = sorted({turn.speaker for turn in turns})
    edges = np.unique([time for turn in turns for time in (turn.start, turn.end)])
    active = np.zeros((len(speakers), max(len(edges) - 1, 0)), dtype=bool)
    for turn in turns:
        first, last = np.searchsorted(edges, (turn.start, turn.end))
        active[speakers.index(turn.speaker), first:last] = True
    alone = active & (active.sum(axis=0) == 1)
    stands_for = durations_of(starts, float(np.median(ends - starts))).seconds

    def seconds(cells: np.ndarray) -> np.ndarray:
        until = np.concatenate([[0.0], np.cumsum(cells * np.diff(edges))])
        inside = np.interp(ends, edges, until) - np.interp(starts, edges, until)
        return stands_for * np.clip(inside / (ends - starts), 0.0, 1.0)

    found = {}
    for number, speaker in enumerate(speakers):
        mine = seconds(alone[number])
        found[speaker] = mine if mine.any() else seconds(active[number])
    return found


def mean_xvectors(xvectors: XVectors, turns: Sequence[Turn]) -> dict[str, np.ndarray]:
    """Average the x-vectors (n, d) of one recording for each speaker, weighted by solo time: (d,) float32.

    Speakers without a window in their turns have none.
    """
    if not len(xvectors):
        return {}
    weights = solo_seconds(xvectors.subsegments, turns)
    x = xvectors.vectors.astype(np.float64)
    return {s: (w @ x / w.sum()).astype(np.float32) for s, w in weights.items() if w.any()}


def profiles_of(
    xvectors: XVectors,
    turns: Sequence[Turn],
    encoder: ResidualAutoEncoder,
    config: IdentityConfig,
) -> dict[str, SpeakerProfile]:
    """Return profiles of the speakers of one recording, without those who have no window in their turns.

    Args:
        xvectors: of the recording, in time order.
        turns: of the recording.
        encoder: pretrained, not refined: its space is the same for all recordings.

    Raises:
        DataError: see ``latents_of``.
    """
    if not len(xvectors):
        return {}
    y = latents_of(xvectors.vectors, encoder)
    weights = solo_seconds(xvectors.subsegments, turns)
    return {s: profile_of(y, w, config) for s, w in weights.items() if w.any()}


def latents_of(x: np.ndarray, encoder: ResidualAutoEncoder) -> np.ndarray:
    """Map x-vectors (n, d) to the speaker space: (n, l) float64.

    Raises:
        DataError: the autoencoder has no speaker space, or is for x-vectors of another dimension.
    """
    if not encoder.options["speaker_space"]:
        raise DataError(
            "comparing speakers across recordings needs an autoencoder with a speaker space:"
            " train one with speaker_space: true"
        )
    if x.shape[1] != encoder.ip_features:
        raise DataError(
            f"x-vectors of dimension {x.shape[1]}, but the autoencoder is for {encoder.ip_features}"
        )
    z = encoder.encode_all(torch.from_numpy(np.ascontiguousarray(x, np.float32)))
    return encoder.in_speaker_space(z).double().numpy()


def between_of(encoder: ResidualAutoEncoder) -> np.ndarray:
    """Return the variance (l,) of people's means in the speaker space."""
    return encoder.speaker_between.double().numpy()


def profile_of(y: np.ndarray, seconds: np.ndarray, config: IdentityConfig) -> SpeakerProfile:
    """Average latents (n, l) of one person in one recording, weighted by seconds (n,), not all 0."""
    total = float(seconds.sum())
    spread = config.drift + 1 / (config.evidence * total)
    return SpeakerProfile(seconds @ y / total, spread, total)


def join(profiles: Sequence[SpeakerProfile]) -> SpeakerProfile:
    """Combine a person's profiles from several recordings, which drift independently."""
    precision = np.array([1 / profile.spread for profile in profiles])
    mean = precision @ np.stack([profile.mean for profile in profiles]) / precision.sum()
    return SpeakerProfile(mean, float(1 / precision.sum()), sum(p.seconds for p in profiles))


def compare(
    a: Sequence[SpeakerProfile], b: Sequence[SpeakerProfile], between: np.ndarray
) -> np.ndarray:
    """Compute the log likelihood ratios (a, b), in nats, of one person against two (Ioffe, ECCV 2006).

    Args:
        between: (l,) of ``between_of``.
    """
    if not a or not b:
        return np.zeros((len(a), len(b)))
    others = _stacked(b, between)
    rows = max(1, _BLOCK // (len(b) * len(between)))
    parts = [
        same_speaker(*_stacked(a[first : first + rows], between), between, others)
        for first in range(0, len(a), rows)
    ]
    return np.concatenate(parts)


def _stacked(
    profiles: Sequence[SpeakerProfile], between: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the means (s, l) and total variances (s, l) of profiles."""
    spread = np.array([profile.spread for profile in profiles])
    return np.stack([profile.mean for profile in profiles]), between + spread[:, None]
