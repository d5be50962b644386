"""Which turns of a hypothesis have the right speaker."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diar.base.types import Region, Turn
from diar.scoring.tally import Tally


def right_turns(reference: Sequence[Turn], hypothesis: Sequence[Turn]) -> np.ndarray:
    """Tell which turns (t,) of the hypothesis are right: bool.

    Speakers are paired as for DER, so that they share as much time as possible. A turn is right if for most
    of it the partner of its speaker speaks; one in silence, or of a speaker without a partner, is not.

    Args:
        reference, hypothesis: turns of one recording; none overlaps another of the same speaker.
    """
    last = max((turn.end for turn in (*reference, *hypothesis)), default=0.0)
    tally = Tally(reference, hypothesis, [Region(0.0, last)])
    pairs = tally.pair_speakers(tally.inside)
    names = tally.speakers[1]
    partner = {names[h]: tally.reference[r] for r, h in zip(*pairs, strict=True)}
    right = np.zeros(len(hypothesis), dtype=bool)
    for number, turn in enumerate(hypothesis):
        first, end = np.searchsorted(tally.edges, (turn.start, turn.end))
        if turn.speaker in partner:
            shared = float(tally.seconds[first:end] @ partner[turn.speaker][first:end])
            right[number] = shared > turn.duration / 2
    return right
