"""Errors of a hypothesis as segments of missed speech, false alarm and confusion.

Without a collar and with overlap, so that every error is included; the sums are those of the protocol
"full" of ``diar.scoring.rates``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diar.base.regions import merge_turns
from diar.base.types import Region, Turn
from diar.scoring.tally import Tally

Segments = list[tuple[float, float, int]]


@dataclass(frozen=True)
class ErrorSegments:
    """The errors of one recording, and the pairing of its speakers.

    pairs: hypothesis speaker -> the reference speaker whose time it shares most.
    segments: for 'miss', 'false alarm', 'confusion', and 'overlap' (of the reference): (start, end,
        speakers) in seconds; ``speakers`` is the number of speakers wrong, or talking, at once.
    """

    pairs: dict[str, str]
    segments: dict[str, Segments]


def find_errors(
    reference: Sequence[Turn], hypothesis: Sequence[Turn], regions: Sequence[Region]
) -> ErrorSegments:
    """Compare reference and hypothesis of one recording within ``regions``; either may have no turns."""
    tally = Tally(merge_turns(reference)[0], merge_turns(hypothesis)[0], regions)
    pairs = tally.pair_speakers(tally.inside)
    errors = tally.count_errors(pairs)
    talking = tally.reference.sum(axis=0)
    counts = {
        "miss": errors.miss,
        "false alarm": errors.false_alarm,
        "confusion": errors.confusion,
        "overlap": np.where(talking > 1, talking, 0),
    }
    ours, theirs = tally.speakers
    return ErrorSegments(
        {theirs[h]: ours[r] for r, h in zip(*pairs, strict=True)},
        {kind: _segments(tally.edges, count * tally.inside) for kind, count in counts.items()},
    )


def _segments(edges: np.ndarray, counts: np.ndarray) -> Segments:
    """(start, end, count) of adjacent pieces with the same nonzero count."""
    if not len(counts):
        return []
    first = np.flatnonzero(np.diff(counts, prepend=counts[0] + 1))
    ends = np.append(first[1:], len(counts))
    return [
        (float(edges[a]), float(edges[b]), int(counts[a]))
        for a, b in zip(first, ends, strict=True)
        if counts[a]
    ]
