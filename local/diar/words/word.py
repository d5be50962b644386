"""A word with its time, a file of words, and texts whose words have no times."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from diar.base.errors import CONTROL, DataError

UNKNOWN = "unknown"  # who said a word of nobody, in formats that want a name: NIST's word for it
# Scripts without blanks between words: they may be split between any two characters.
_UNSPACED = ("CJK UNIFIED", "CJK COMPATIBILITY IDEOGRAPH", "HIRAGANA", "KATAKANA")


class Word(NamedTuple):
    """A word of a recording, [start, end) in seconds.

    speaker: its speaker, '' for none. confidence: 0 to 1, None if unknown. glued: no blank before it.
    estimated: its times were not in the file, but were estimated from its length in characters.
    """

    recording: str
    start: float
    end: float
    text: str
    speaker: str = ""
    confidence: float | None = None
    channel: str = "1"
    glued: bool = False
    estimated: bool = False


@dataclass(frozen=True)
class Transcript:
    """The content of a file of words.

    words: of each recording, in spoken order. faults: recording -> what is wrong with it.
    notes: remarks for the user on the reading.
    """

    path: str | Path
    words: Mapping[str, Sequence[Word]]
    faults: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()


def clean(text: str, path: str | Path, place: str = "", line: int | None = None) -> str:
    """Return a text in one line, without control characters, single blanks between its words.

    Raises:
        DataError: code points that cannot be written to a file.
    """
    text = " ".join(CONTROL.sub(" ", text).split())
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DataError(f"{place}not UTF-8, or broken escapes: {text!r}", path, line) from None
    return text


def fault_of_times(start: float, end: float) -> str:
    """Describe what is wrong with the times of a word; '' if nothing is."""
    if not (math.isfinite(start) and math.isfinite(end)):
        return "a time is not a number"
    if start < 0:
        return f"starts before 0, at {start:g} s"
    return f"end {end:g} is before start {start:g}" if end < start else ""


def blank_split(text: str) -> Iterator[tuple[str, bool]]:
    """Yield (word, whether it is glued to the one before) of a text, split at blanks."""
    return ((piece, False) for piece in text.split())


def script_split(text: str) -> Iterator[tuple[str, bool]]:
    """Like ``blank_split``, but also split Chinese and Japanese between characters."""
    for piece in text.split():
        begin = 0
        for at in range(1, len(piece)):
            mark = unicodedata.category(piece[at])[0] in "MP"  # it belongs to what stands before it
            if not mark and (is_unspaced(piece[at]) or is_unspaced(piece[at - 1])):
                yield piece[begin:at], begin > 0
                begin = at
        yield piece[begin:], begin > 0


def is_unspaced(character: str) -> bool:
    """Return whether a character belongs to a script without blanks between words."""
    return unicodedata.name(character, "").startswith(_UNSPACED)


def spread(
    whole: Word, split: Callable[[str], Iterator[tuple[str, bool]]] = script_split
) -> list[Word]:
    """Split a text into words, with times estimated by length in characters.

    Args:
        whole: the text and its times, which are exact if it is a single word.
    """
    pieces = list(split(whole.text))
    total = sum(len(text) for text, _ in pieces)
    words: list[Word] = []
    before, end = 0, whole.start
    for text, glued in pieces:
        before += len(text)
        start = end
        end = whole.end if before == total else _between(whole, before / total)
        words.append(
            whole._replace(
                start=start,
                end=end,
                text=text,
                glued=glued or (not words and whole.glued),
                estimated=whole.estimated or len(pieces) > 1,
            )
        )
    return words


def _between(whole: Word, share: float) -> float:
    return min(whole.start + (whole.end - whole.start) * share, whole.end)


def in_order(words: Sequence[Word]) -> dict[str, list[Word]]:
    """Sort the words of each recording by start; words with equal starts keep their order."""
    found: dict[str, list[Word]] = {}
    for word in words:
        found.setdefault(word.recording, []).append(word)
    return {name: sorted(found[name], key=lambda word: word.start) for name in sorted(found)}


def text_of(words: Sequence[Word]) -> str:
    """Join words to a text, with blanks where needed."""
    return "".join(f"{'' if w.glued or not i else ' '}{w.text}" for i, w in enumerate(words))
