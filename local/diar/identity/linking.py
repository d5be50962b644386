"""Linking the same person in several recordings: constrained clustering of speakers.

Agglomerative clustering with average linkage on the log likelihood ratio of one person against two. Two
speakers of one recording are different people: their distance exceeds any other, and by averaging, so does
that of clusters that contain them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import scipy

from diar.base.types import Turn
from diar.identity.profiles import SpeakerProfile, compare

Speaker = tuple[str, str]  # recording, and the name there
_NEVER = 1e15  # distance of two people, in nats: exceeds any threshold even when averaged


def link(
    profiles: Mapping[Speaker, SpeakerProfile], between: np.ndarray, threshold: float
) -> list[list[Speaker]]:
    """Group the speakers who are the same person; no group has two speakers of one recording.

    Args:
        profiles: the speakers of all recordings, in any order.
        between: (l,) variance of people's means.
        threshold: minimum mean log likelihood ratio, in nats, to merge groups.

    Returns:
        Groups in the order of their first speakers, each sorted, independent of the order of ``profiles``.
    """
    speakers = sorted(profiles)
    if len(speakers) < 2:
        return [[speaker] for speaker in speakers]
    sorted_profiles = [profiles[speaker] for speaker in speakers]
    ratios = compare(sorted_profiles, sorted_profiles, between)
    ratios = (ratios + ratios.T) / 2  # symmetric to the last bit
    highest = max(float(ratios.max()), threshold)
    distances = highest - ratios  # none is negative
    _, places = np.unique([recording for recording, _ in speakers], return_inverse=True)
    distances[places[:, None] == places] = _NEVER
    np.fill_diagonal(distances, 0.0)
    tree = scipy.cluster.hierarchy.linkage(
        scipy.spatial.distance.squareform(distances, checks=False), method="average"
    )
    labels = scipy.cluster.hierarchy.fcluster(tree, highest - threshold, criterion="distance")
    groups: dict[int, list[Speaker]] = {}
    for speaker, label in zip(speakers, labels, strict=True):
        groups.setdefault(int(label), []).append(speaker)
    return list(groups.values())


def global_names(
    groups: Sequence[Sequence[Speaker]], taken: Sequence[str] = ()
) -> dict[Speaker, str]:
    """Name the people spk0001, spk0002 ..., skipping names that are taken."""
    digits = max(4, len(str(len(groups) + len(taken))))
    numbers = (f"spk{number:0{digits}d}" for number in range(1, len(groups) + len(taken) + 1))
    free = (name for name in numbers if name not in set(taken))
    return {speaker: name for group, name in zip(groups, free, strict=False) for speaker in group}


def rename(turns: Sequence[Turn], names: Mapping[str, str]) -> list[Turn]:
    """Rename the speakers of one recording; those without a new name keep theirs."""
    return sorted(turn._replace(speaker=names.get(turn.speaker, turn.speaker)) for turn in turns)
