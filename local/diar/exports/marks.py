"""Marks that people have made in another tool, and the turns they represent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from diar.base.errors import DataError
from diar.base.names import no_blanks
from diar.base.types import Turn
from diar.exports.recording import recording_of


class Mark(NamedTuple):
    """A marked time span, in seconds as written.

    tier: None if the tool has none. line: its line in the file, None if lines have no meaning.
    """

    start: float
    end: float
    text: str
    tier: str | None
    line: int | None


@dataclass(frozen=True)
class Marks:
    """All marks of a file in order, and notes on what was ignored."""

    path: str | Path
    marks: Sequence[Mark]
    notes: Sequence[str]


def turns_of(
    marks: Marks, recording: str, speaker: Literal["tier", "label"] = "tier"
) -> tuple[list[Turn], list[str]]:
    """Return the turns of a recording, in whole milliseconds, and notes for the user about them.

    Args:
        speaker: whether the speaker is the name of the tier (if there are tiers) or the text of the mark.

    Raises:
        DataError: reversed or negative times; two speakers whose names would be equal in an RTTM.
    """
    kept, points, nameless = [], [], []
    for mark in marks.marks:
        name = (mark.text if mark.tier is None or speaker == "label" else mark.tier).strip()
        start, end = _milliseconds(marks.path, mark)
        if end == start:
            points.append(mark)
        elif not name:
            nameless.append(mark)
        else:
            kept.append((mark, name, start, end))
    names = _rttm_names(marks.path, [(name, mark.line) for mark, name, _, _ in kept])
    turns = sorted(
        Turn(recording, start / 1000, (end - start) / 1000, names[name])
        for _, name, start, end in kept
    )
    differing = [mark for mark, name, _, _ in kept if mark.text.strip() not in ("", name)]
    overlaps = len(turns) - sum(map(len, recording_of(recording, turns).tiers().values()))
    notes = [
        *marks.notes,
        *(
            f"blanks are not allowed in an RTTM: {n!r} becomes {ours}"
            for n, ours in names.items()
            if n != ours
        ),
        *_count(points, "of zero length ignored"),
        *_count(nameless, "without a name ignored"),
        *_count(
            differing, "not called as the tier, which counts (--speaker label takes the label)"
        ),
        *([f"{overlaps} turn(s) overlap another of the same speaker"] if overlaps else []),
    ]
    return turns, notes


def _count(marks: Sequence[Mark], what: str) -> list[str]:
    """Note the number of affected marks and the place of the first; nothing without any."""
    if not marks:
        return []
    first = marks[0]
    place = (
        f"in line {first.line}" if first.line else f"of tier {first.tier!r} at {first.start:g} s"
    )
    return [f"{len(marks)} label(s) {what}; the first {place}"]


def _milliseconds(path: str | Path, mark: Mark) -> tuple[int, int]:
    """Round both ends.

    Raises:
        DataError: they are reversed, or negative.
    """
    if mark.end < mark.start:
        raise DataError(
            _where(f"end {mark.end:g} is before start {mark.start:g}", mark), path, mark.line
        )
    start, end = round(mark.start * 1000), round(mark.end * 1000)
    if start < 0:
        raise DataError(_where(f"starts before 0, at {mark.start:g} s", mark), path, mark.line)
    return start, end


def _rttm_names(path: str | Path, named: Sequence[tuple[str, int | None]]) -> dict[str, str]:
    """Map names in the tool to names in the RTTM, with blanks replaced by '_'.

    Raises:
        DataError: two names become one.
    """
    names: dict[str, str] = {}
    first: dict[str, str] = {}
    for name, line in named:
        ours = names[name] = no_blanks(name)
        if first.setdefault(ours, name) != name:
            raise DataError(
                f"{first[ours]!r} and {name!r} would both be speaker {ours}: rename one", path, line
            )
    return names


def _where(message: str, mark: Mark) -> str:
    return message if mark.line else f"tier {mark.tier!r} at {mark.start:g} s: {message}"
