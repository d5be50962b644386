"""Readers of WebVTT and SRT with words: cues, times inside cues, and roll-up lines.

webvtt-py, which writes turns in ``diar.exports``, ignores cues that it cannot read, and reports no line
numbers. Here, no word may be lost silently. See W3C, "WebVTT: The Web Video Text Tracks Format".
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from diar.base.errors import DataError
from diar.base.numbers import parse_clock
from diar.words.word import Transcript, Word, clean, fault_of_times, spread

_ARROW = re.compile(r"\s*([\d:.,]+)\s*-->\s*([\d:.,]+)(?:\s.*)?", re.ASCII)
_VTT_ARROW = re.compile("-->")  # which no text can hold there
_SRT_ARROW = re.compile(r"^\s*[\d:.,]+\s*-->", re.ASCII)
_INSIDE = re.compile(r"<((?:\d{1,6}:)?\d{1,2}:\d{2}\.\d{1,3})>", re.ASCII)
_VTT_TAG = re.compile("<[^>]*>")
_SRT_TAG = re.compile(r"</?(?:b|i|u|s|font)\b[^>]*>|\{\\[^}]*\}", re.IGNORECASE)
_NO_CUE = ("WEBVTT", "NOTE", "STYLE", "REGION")


class _Cue(NamedTuple):
    start: float
    end: float
    line: int  # of its text
    text: list[str]


def read_vtt(path: str | Path, recording: str) -> Transcript:
    """Read WebVTT, with the times inside cues, if any.

    Raises:
        DataError: not WebVTT; an invalid time; text that belongs to no cue.
    """
    lines = _lines(path)
    if not re.match(r"WEBVTT(\s|$)", lines[0]):
        raise DataError("not WebVTT: its first line is not 'WEBVTT'", path, 1)
    cues = _in_order(_cues(path, lines, srt=False))
    notes = []
    if any(_INSIDE.search(line) for cue in cues for line in cue.text):
        cues, repeated = _without_repeats(cues)
        if repeated:
            notes.append(f"{repeated} line(s) repeated in the next cue used once")
    words = [word for cue in cues for word in _vtt_words(path, cue, recording)]
    return Transcript(path, {recording: words}, notes=notes)


def read_srt(path: str | Path, recording: str) -> Transcript:
    """Read SRT.

    Raises:
        DataError: no cue; an invalid time; text before the first cue.
    """
    words = []
    for cue in _in_order(_cues(path, _lines(path), srt=True)):
        text = clean(_SRT_TAG.sub("", " ".join(cue.text)), path, line=cue.line)
        words += spread(Word(recording, cue.start, cue.end, text))
    return Transcript(path, {recording: words})


def _in_order(cues: Iterable[_Cue]) -> list[_Cue]:
    """Sort cues by start, as players show them."""
    return sorted(cues, key=lambda cue: cue.start)


def _lines(path: str | Path) -> list[str]:
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DataError("not a UTF-8 text file", path) from None
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _cues(path: str | Path, lines: Sequence[str], srt: bool) -> Iterator[_Cue]:
    """Yield the cues in the order of the file."""
    open_cue: _Cue | None = None
    mark = _SRT_ARROW if srt else _VTT_ARROW
    for first, block in _blocks(lines, str.strip if srt else str):
        arrows = [at for at, line in enumerate(block) if mark.search(line)]
        heads = [_head(block, at, srt) for at in arrows]
        before = block[: heads[0]] if heads else block
        if before and not _is_no_cue(before[0], srt, bool(heads)):
            if not (srt and open_cue):
                raise DataError(f"{before[0]!r} belongs to no cue", path, first)
            open_cue.text.extend(before)  # a blank line inside of its text
        for at, after in zip(arrows, [*heads, len(block)][1:], strict=True):
            if open_cue:
                yield open_cue
            match = _ARROW.fullmatch(block[at])
            start, end = map(parse_clock, match.groups()) if match else (math.nan, math.nan)
            if math.isnan(start + end):
                raise DataError(
                    f"expected '<h:mm:ss.mmm> --> <h:mm:ss.mmm>', found {block[at]!r}",
                    path,
                    first + at,
                )
            if fault := fault_of_times(start, end):
                raise DataError(fault, path, first + at)
            open_cue = _Cue(start, end, first + at + 1, block[at + 1 : after])
    if open_cue:
        yield open_cue
    elif srt and any(map(str.strip, lines)):
        raise DataError("not SRT: no line of times, '<h:mm:ss,mmm> --> <h:mm:ss,mmm>'", path)


def _blocks(lines: Sequence[str], content: Callable[[str], str]) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of the first line, lines) of each block between lines without ``content``."""
    block: list[str] = []
    for number, line in enumerate([*lines, ""], 1):
        if content(line):
            block.append(line)
        elif block:
            yield number - len(block), block
            block = []


def _head(block: Sequence[str], arrow: int, srt: bool) -> int:
    """Return the line where a cue begins: its times, or the number or name in the line before."""
    if arrow == 1 and not srt:
        return 0
    return arrow - 1 if arrow and srt and block[arrow - 1].strip().isdecimal() else arrow


def _is_no_cue(line: str, srt: bool, with_times: bool) -> bool:
    return not srt and not with_times and (not line.strip() or line.split()[0] in _NO_CUE)


def _without_repeats(cues: Sequence[_Cue]) -> tuple[list[_Cue], int]:
    """Drop lines without their own times that are also in the previous cue; also return their number."""
    kept, repeated = [], 0
    before: set[str] = set()
    for cue in cues:
        shown = [" ".join(_plain(line).split()) for line in cue.text]
        fresh = [
            line
            for line, plain in zip(cue.text, shown, strict=True)
            if _INSIDE.search(line) or plain not in before
        ]
        repeated += len(cue.text) - len(fresh)
        kept.append(cue._replace(text=fresh))
        before = {plain for plain in shown if plain}
    return kept, repeated


def _vtt_words(path: str | Path, cue: _Cue, recording: str) -> list[Word]:
    pieces = _INSIDE.split("\n".join(cue.text))
    times = [cue.start]
    for text in pieces[1::2]:
        times.append(parse_clock(text))
        if not times[-2] <= times[-1] <= cue.end:
            raise DataError(f"<{text}> is out of order, or not within its cue", path, cue.line)
    words: list[Word] = []
    for piece, start, end in zip(pieces[::2], times, [*times[1:], cue.end], strict=True):
        text = clean(_plain(piece), path, line=cue.line)
        words += spread(Word(recording, start, end, text))
    return words


def _plain(text: str) -> str:
    return html.unescape(_VTT_TAG.sub("", text))
