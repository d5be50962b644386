"""Mapping of hypothesis speakers to reference speakers, and the turns with the right speaker."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diar.base.types import Region, Turn
from diar.scoring.tally import Tally


def partners(reference: Sequence[Turn], hypothesis: Sequence[Turn]) -> dict[str, str]:
    """Pair the speakers of the hypothesis with those of the reference, as for DER.

    The pairs maximise the shared time; speakers that share none are left out.

    Args:
        reference, hypothesis: turns of one recording; none overlaps another of the same speaker.
    """
    return _paired(_tally(reference, hypothesis))


def right_turns(reference: Sequence[Turn], hypothesis: Sequence[Turn]) -> np.ndarray:
    """Return which turns of the hypothesis are right, (t,) bool.

    A turn is right if the partner of its speaker speaks for most of it; a turn in silence, or of a speaker
    without a partner, is not.

    Args:
        as for ``partners``.
    """
    tally = _tally(reference, hypothesis)
    activity = dict(zip(tally.speakers[0], tally.reference, strict=True))
    partner = {mine: activity[theirs] for mine, theirs in _paired(tally).items()}
    right = np.zeros(len(hypothesis), dtype=bool)
    for number, turn in enumerate(hypothesis):
        first, end = np.searchsorted(tally.edges, (turn.start, turn.end))
        if turn.speaker in partner:
            shared = float(tally.seconds[first:end] @ partner[turn.speaker][first:end])
            right[number] = shared > turn.duration / 2
    return right


def _tally(reference: Sequence[Turn], hypothesis: Sequence[Turn]) -> Tally:
    last = max((turn.end for turn in (*reference, *hypothesis)), default=0.0)
    return Tally(reference, hypothesis, [Region(0.0, last)])


def _paired(tally: Tally) -> dict[str, str]:
    theirs, mine = tally.speakers
    pairs = tally.pair_speakers(tally.inside)
    return {mine[h]: theirs[r] for r, h in zip(*pairs, strict=True)}
