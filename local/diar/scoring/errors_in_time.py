"""Where a hypothesis is wrong: each stretch of missed speech, false alarm and confusion.

Without a collar and with overlap, so that every error is seen; the sums are those of the protocol
"full" of ``diar.scoring.rates``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from diar.base.types import Region, Turn
from diar.scoring.rates import merge_turns
from diar.scoring.tally import Tally


@dataclass(frozen=True)
class Differences:
    """pairs: hypothesis speaker -> the reference speaker whose time it shares most.

    stretches: for 'miss', 'false alarm', 'confusion', and 'overlap' (of the reference): (start, end,
    speakers) in seconds; ``speakers`` is how many are wrong, or talk, at once.
    """

    pairs: dict[str, str]
    stretches: dict[str, list[tuple[float, float, int]]]

    def seconds(self, kind: str) -> float:
        """Speaker time of one kind of error, as it counts in a DER."""
        return sum((end - start) * times for start, end, times in self.stretches[kind])


def differences(
    reference: Sequence[Turn], hypothesis: Sequence[Turn], regions: Sequence[Region]
) -> Differences:
    """Compare two sides of one recording within ``regions``; either may be without turns."""
    sides = [merge_turns(side)[0] for side in (reference, hypothesis)]
    names = [sorted({turn.speaker for turn in side}) for side in sides]
    tally = Tally(*sides, regions, [])
    lengths = np.where(tally.inside, np.diff(tally.edges), 0.0)
    common = (tally.reference * lengths) @ tally.hypothesis.T
    rows, columns = linear_sum_assignment(common, maximize=True)
    paired = [(r, h) for r, h in zip(rows, columns, strict=True) if common[r, h] > 0]
    right = np.zeros(len(lengths), dtype=int)
    for r, h in paired:
        right += tally.reference[r] & tally.hypothesis[h]
    there, found = tally.reference.sum(axis=0), tally.hypothesis.sum(axis=0)
    counts = {
        "miss": np.maximum(there - found, 0),
        "false alarm": np.maximum(found - there, 0),
        "confusion": np.minimum(there, found) - right,
        "overlap": np.where(there > 1, there, 0),
    }
    return Differences(
        {names[1][h]: names[0][r] for r, h in paired},
        {kind: _stretches(tally.edges, count * tally.inside) for kind, count in counts.items()},
    )


def _stretches(edges: np.ndarray, counts: np.ndarray) -> list[tuple[float, float, int]]:
    """(start, end, count) of neighbouring pieces of the same count, where it is not 0."""
    if not len(counts):
        return []
    first = np.flatnonzero(np.diff(counts, prepend=counts[0] + 1))
    ends = np.append(first[1:], len(counts))
    return [
        (float(edges[a]), float(edges[b]), int(counts[a]))
        for a, b in zip(first, ends, strict=True)
        if counts[a]
    ]
