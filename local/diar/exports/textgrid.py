"""Writer and reader of Praat's TextGrids, with one interval tier for each speaker.

praatio writes them. Its reader, however, looks for words such as 'intervals [' even in names, drops the
sign of negative times and reports no line numbers. So this module has its own reader, which accepts what
Praat accepts: see "TextGrid file formats" in Praat's manual.
"""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Iterator
from pathlib import Path

from praatio.utilities.textgrid_io import getTextgridAsStr

from diar.base.errors import DataError
from diar.base.numbers import parse_number
from diar.exports.marks import Mark, Marks
from diar.exports.recording import NO_SPEAKER, ExportedRecording

HEAD = 200  # characters in which a text file of Praat says that it is one

# The tokens of a text file of Praat: texts, flags and free-standing numbers. The rest is ignored.
_TOKEN = re.compile(
    r'(?P<text>"(?:[^"]|"")*")|(?P<open>")|(?P<comment>(?<!\S)!.*)'
    r"|(?<!\S)(?P<flag><\w+>)(?!\S)|(?<!\S)(?P<number>[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)(?!\S)"
)


def text_of(recording: ExportedRecording) -> str:
    """Write a long TextGrid from 0 to the recording's length, an interval with the speaker for each turn."""
    end = (recording.length or 1000) / 1000  # Praat refuses a length of 0
    tiers = recording.tiers() or {NO_SPEAKER: []}
    grid = {
        "xmin": 0.0,
        "xmax": end,
        "tiers": [
            {
                "class": "IntervalTier",
                "name": speaker,
                "xmin": 0.0,
                "xmax": end,
                "entries": [(s.start / 1000, s.end / 1000, speaker) for s in spans],
            }
            for speaker, spans in tiers.items()
        ],
    }
    return getTextgridAsStr(grid, "long_textgrid", True, minimumIntervalLength=None)


def read(path: str | Path) -> Marks:
    """Read the intervals that have a text, of all interval tiers; long or short TextGrids, UTF-8 or 16.

    Raises:
        DataError: not a TextGrid in a text file, or truncated.
    """
    tokens = _Tokens(Path(path))
    tokens.text()
    if tokens.text() != "TextGrid":
        raise tokens.error(f"holds a {tokens.last}, expected a TextGrid: save it alone")
    tokens.number(), tokens.number()
    marks: list[Mark] = []
    notes = []
    for _ in range(tokens.count() if tokens.flag() == "<exists>" else 0):
        kind = tokens.text()
        if kind not in ("IntervalTier", "TextTier"):
            raise tokens.error(f"a tier of class {kind!r}, expected IntervalTier or TextTier")
        name = tokens.text()
        tokens.number(), tokens.number()
        entries = tokens.count()
        if kind == "IntervalTier":
            marks += (mark for _ in range(entries) if (mark := _interval(tokens, name)).text)
            continue
        for _ in range(entries):
            tokens.number(), tokens.text()
        notes.append(f"{name!r} is a point tier: its {entries} point(s) are not turns")
    return Marks(path, marks, notes)


def _interval(tokens: _Tokens, tier: str) -> Mark:
    start, line = tokens.number(), tokens.line
    return Mark(start, tokens.number(), tokens.text().strip(), tier, line)


class _Tokens:
    """The tokens of a text file of Praat, in order.

    last, line: the latest token and its line.
    """

    def __init__(self, path: Path):
        self.path = path
        self._scanned = self._scan(_read_text(path))
        self.last, self.line = "", 1

    def _scan(self, text: str) -> Iterator[tuple[str, str, int]]:
        line, seen = 1, 0
        for match in _TOKEN.finditer(text):
            line += text.count("\n", seen, match.start())
            seen = match.start()
            if match.lastgroup != "comment":
                yield str(match.lastgroup), match[0], line

    def _next(self, kind: str) -> str:
        there, self.last, self.line = next(self._scanned, ("end", "", self.line))
        if there != kind:
            what = {"end": "the file ends", "open": "a text does not end"}.get(there)
            raise self.error(f"{what or f'found {self.last}'}, expected a {kind}")
        return self.last

    def error(self, message: str) -> DataError:
        """Return an error with its position."""
        return DataError(message, self.path, self.line)

    def text(self) -> str:
        """Take a text."""
        self.last = self._next("text")[1:-1].replace('""', '"')
        return self.last

    def flag(self) -> str:
        """Take a flag, such as <exists>."""
        return self._next("flag")

    def number(self) -> float:
        """Take a number."""
        value = parse_number(self._next("number"))
        if math.isnan(value):
            raise self.error(f"{self.last!r} is not a number")
        return value

    def count(self) -> int:
        """Take a number of things."""
        value = self.number()
        if value != int(value) or value < 0:
            raise self.error(f"{self.last} is not a count")
        return int(value)


def _read_text(path: Path) -> str:
    """Read the text of a file, with lines ending in LF.

    Raises:
        DataError: another encoding, or not a text file of Praat.
    """
    data = path.read_bytes()
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if utf16 else "utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
        if '"ooTextFile' in text[:HEAD]:
            raise DataError(
                "neither UTF-8 nor UTF-16: choose one in Praat's text writing preferences", path
            ) from None
    if '"ooTextFile' not in text[:HEAD]:
        raise DataError("not a TextGrid in text format: save it as a text file", path)
    return text.replace("\r\n", "\n").replace("\r", "\n")
