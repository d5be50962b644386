"""NIST's CTM and STM: a line for each word, or for each segment of one speaker.

CTM: sclite's manual, "ctm"; with the speaker, NIST RT-04F evaluation plan, which puts confidence, type and
speaker after the word. STM: sclite's manual, "stm".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from diar.base.errors import DataError
from diar.base.names import no_blanks
from diar.base.numbers import parse_number
from diar.kaldi.tables import expect_fields, records
from diar.words.word import (
    UNKNOWN,
    Transcript,
    Word,
    blank_split,
    clean,
    fault_of_times,
    in_order,
    spread,
)

CTM = "<recording> <channel> <start> <duration> <word> [<confidence>] [<type>] [<speaker>]"
STM = "<recording> <channel> <speaker> <start> <end> ..."
_LABEL = re.compile("<[^>]*>")
_NOBODY = (UNKNOWN, "null", "<NA>")
_OUT_OF_BOUNDS = "IGNORE_TIME_SEGMENT_IN_SCORING"


def read_ctm(path: str | Path) -> Transcript:
    """Read CTM of 5 to 8 fields; an invalid line affects only its recording.

    Raises:
        DataError: no such file, no text.
    """
    return _read(path, CTM, _ctm_words)


def read_stm(path: str | Path) -> Transcript:
    """Read STM; word times are estimated by length. An invalid line affects only its recording.

    Raises:
        DataError: no such file, no text.
    """
    return _read(path, STM, _stm_words)


def _read(
    path: str | Path, form: str, words_of: Callable[[list[str], str | Path, int], list[Word]]
) -> Transcript:
    words: list[Word] = []
    faults: dict[str, str] = {}
    for number, fields in records(path):
        if fields[0].startswith(";;"):
            continue
        try:
            expect_fields(fields, form, path, number)
            words += words_of(fields, path, number)
        except DataError as error:
            faults.setdefault(fields[0], str(error))
    found = {name: each for name, each in in_order(words).items() if name not in faults}
    return Transcript(path, found, faults)


def _ctm_words(fields: list[str], path: str | Path, number: int) -> list[Word]:
    recording, channel, start, duration, text = fields[:5]
    confidence, _, speaker = [*fields[5:], *["", "", UNKNOWN][len(fields) - 5 :]]
    known = parse_number(confidence)
    if confidence.upper() not in ("", "NA", "<NA>", "-") and math.isnan(known):
        raise DataError(f"{confidence!r}, after the word, is not a confidence", path, number)
    begin, seconds = _number(start, path, number), _number(duration, path, number)
    word = Word(
        recording,
        begin,
        begin + seconds,
        clean(text, path, line=number),
        _speaker(speaker),
        None if math.isnan(known) else known,
        channel,
    )
    return [_checked(word, path, number)]


def _stm_words(fields: list[str], path: str | Path, number: int) -> list[Word]:
    recording, channel, speaker, start, end, *rest = fields
    rest = rest[1:] if rest and _LABEL.fullmatch(rest[0]) else rest
    if rest == [_OUT_OF_BOUNDS]:
        return []
    begin, finish = _number(start, path, number), _number(end, path, number)
    text = clean(" ".join(rest), path, line=number)
    whole = Word(recording, begin, finish, text, _speaker(speaker), channel=channel)
    return spread(_checked(whole, path, number), blank_split)


def _checked(word: Word, path: str | Path, number: int) -> Word:
    if fault := fault_of_times(word.start, word.end):
        raise DataError(fault, path, number)
    return word


def _speaker(name: str) -> str:
    return "" if name in _NOBODY else name


def _number(text: str, path: str | Path, line: int) -> float:
    value = parse_number(text)
    if math.isnan(value):
        raise DataError(f"{text!r} is not a number", path, line)
    return value


def ctm(words: Iterable[Word]) -> str:
    """Write a line of eight fields for each word, to the millisecond; type ``lex``.

    Both ends are rounded, so that words which touch still touch.
    """
    lines = []
    for word in words:
        start, end = round(word.start * 1000), round(word.end * 1000)
        sure = "NA" if word.confidence is None else f"{word.confidence:.6g}"
        lines.append(
            f"{no_blanks(word.recording)} {no_blanks(word.channel)} {start / 1000:.3f}"
            f" {(end - start) / 1000:.3f} {no_blanks(word.text)} {sure} lex {_name(word)}\n"
        )
    return "".join(lines)


def stm(utterances: Iterable[Sequence[Word]]) -> str:
    """Write a line for each utterance: the words of one speaker, in a row."""
    lines = []
    for words in utterances:
        first, end = words[0], max(word.end for word in words)
        text = " ".join(no_blanks(word.text) for word in words)
        label = "<NA> " if _LABEL.fullmatch(no_blanks(words[0].text)) else ""
        lines.append(
            f"{no_blanks(first.recording)} {no_blanks(first.channel)} {_name(first)}"
            f" {first.start:.3f} {end:.3f} {label}{text}\n"
        )
    return "".join(lines)


def _name(word: Word) -> str:
    return no_blanks(word.speaker) or UNKNOWN
