"""Writer and reader of Audacity's label tracks: start, end (seconds) and speaker, separated by tabs."""

from __future__ import annotations

import math
from pathlib import Path

from diar.base.errors import DataError
from diar.base.numbers import parse_number
from diar.exports.marks import Mark, Marks
from diar.exports.recording import ExportedRecording


def text_of(recording: ExportedRecording) -> str:
    """Write a label for each turn; they may overlap."""
    return "".join(
        f"{s.start / 1000:.3f}\t{s.end / 1000:.3f}\t{s.speaker}\n" for s in recording.spans
    )


def read(path: str | Path) -> Marks:
    """Read all labels, without the frequencies that Audacity adds to them (lines with a backslash).

    Raises:
        DataError: not a text file, or a line that is not a label.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DataError("not a UTF-8 text file", path) from None
    marks = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("\\"):
            continue
        first, second, speaker = [*line.split("\t", 2), "", ""][:3]
        start, end = _seconds(first), _seconds(second)
        if math.isnan(start) or math.isnan(end):
            raise DataError(
                f"expected '<start> <tab> <end> <tab> <speaker>', found {line!r}", path, number
            )
        marks.append(Mark(start, end, speaker, None, number))
    return Marks(path, marks, [])


def _seconds(text: str) -> float:
    """Read a number with a decimal point or, as in many languages, a comma; NaN if it is not a number."""
    return parse_number(text if "." in text else text.replace(",", ".", 1))
