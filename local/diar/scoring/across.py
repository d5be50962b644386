"""Scores of speaker names shared by several recordings.

Cross-show diarization (Tran, Le, Barras, Lamel, "Comparing multi-stage approaches for cross-show speaker
diarization", Interspeech 2011; used in the ETAPE and REPERE campaigns): one pairing of reference and hypothesis
speakers for the whole collection, instead of one for each recording.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from diar.base.types import Region, Turn

COLLECTION = "all"  # the name of the one recording that all are taken for
_APART = 10.0  # seconds between recordings: no collar reaches across


def chain(
    reference: Mapping[str, Sequence[Turn]],
    hypothesis: Mapping[str, Sequence[Turn]],
    uem: Mapping[str, Sequence[Region]] | None,
) -> tuple[dict[str, list[Turn]], dict[str, list[Turn]], dict[str, list[Region]]]:
    """Concatenate recordings into one, with their evaluation maps.

    Args:
        reference, hypothesis: turns by recording. uem: the evaluated regions of each; None: from 0 to the last
            end of a turn of either side.

    Returns:
        The same three of the recording ``COLLECTION``; if a recording has none, it contributes nothing.
    """
    chained: tuple[list[Turn], list[Turn]] = ([], [])
    regions: list[Region] = []
    shift = 0.0
    for recording in sorted({*reference, *hypothesis, *(uem or {})}):
        sides = [side.get(recording, ()) for side in (reference, hypothesis)]
        last = max((turn.end for turns in sides for turn in turns), default=0.0)
        inside = uem.get(recording, ()) if uem is not None else [Region(0.0, last)] if last else []
        for turns, target in zip(sides, chained, strict=True):
            moved = [t._replace(recording=COLLECTION, start=t.start + shift) for t in turns]
            target.extend(moved)
        regions += [Region(start + shift, end + shift) for start, end in inside]
        shift += max([last, *(end for _, end in inside)]) + _APART
    return {COLLECTION: chained[0]}, {COLLECTION: chained[1]}, {COLLECTION: regions}
