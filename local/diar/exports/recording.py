"""A recording as written by the exports: whole milliseconds, names that are valid in every format."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from diar.base.errors import DataError
from diar.base.types import Turn

NO_SPEAKER = "speaker"  # the tier of a recording in which nobody speaks: some tools want one


class Span(NamedTuple):
    """A turn, [start, end) in milliseconds.

    confidence: the probability that the speaker is right, None if unknown.
    """

    start: int
    end: int
    speaker: str
    confidence: float | None = None


@dataclass(frozen=True)
class ExportedRecording:
    """One recording and its turns, times in milliseconds.

    spans: its turns, sorted. length: at least the last end.
    beyond: the time from the given length to the end of the last turn; 0 without a length.
    measured: a length was given. media: its audio file, None if unknown.
    """

    name: str
    spans: tuple[Span, ...]
    length: int
    beyond: int
    measured: bool
    media: Path | None

    def tiers(self) -> dict[str, list[Span]]:
        """Sort the turns into a tier for each speaker, by first turn; overlapping turns are merged.

        Unlike in ``diar.base.regions.merge_turns``, adjacent turns stay separate: a tier can hold them.
        """
        tiers: dict[str, list[Span]] = {}
        for span in self.spans:
            tier = tiers.setdefault(span.speaker, [])
            if tier and span.start < tier[-1].end:
                tier[-1] = tier[-1]._replace(end=max(tier[-1].end, span.end))
            else:
                tier.append(span)
        return tiers


def recording_of(
    name: str,
    turns: Sequence[Turn],
    seconds: float | None = None,
    media: Path | None = None,
    confidences: Mapping[Turn, float] | None = None,
) -> ExportedRecording:
    """Prepare a recording for export.

    Both ends of a turn are rounded; a turn that would round to nothing lasts 1 ms, so no turn is lost.

    Args:
        seconds: its length; None: up to the end of the last turn.
        confidences: the probability that the speaker of a turn is right, if known.

    Raises:
        DataError: a name with a control character or an invalid code point.
    """
    for text in (name, *(turn.speaker for turn in turns)):
        if any(unicodedata.category(c) == "Cc" or c in "\ufffe\uffff" for c in text):
            raise DataError(f"{text!r} contains a control character: rename it in the RTTM")
    sure = confidences or {}
    ends = [(round(turn.start * 1000), round(turn.end * 1000), turn) for turn in turns]
    spans = sorted(
        (Span(a, max(b, a + 1), turn.speaker, sure.get(turn)) for a, b, turn in ends),
        key=lambda span: span[:3],
    )
    last = max((span.end for span in spans), default=0)
    given = last if seconds is None else round(seconds * 1000)
    return ExportedRecording(
        name, tuple(spans), max(given, last), max(last - given, 0), seconds is not None, media
    )
