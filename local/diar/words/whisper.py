"""JSON with words: openai-whisper, faster-whisper, whisperX, whisper.cpp, meeteval's SegLST, and our own."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from diar.base.errors import DataError
from diar.base.numbers import parse_clock, parse_number
from diar.words.word import (
    UNKNOWN,
    Transcript,
    Word,
    blank_split,
    clean,
    fault_of_times,
    in_order,
    is_unspaced,
    spread,
)


def read_json(path: str | Path, recording: str) -> Transcript:
    """Read one of these formats, recognised by its keys.

    Args:
        recording: the recording of the words, if the file does not name it.

    Raises:
        DataError: not JSON, another kind of JSON, a value that is missing or not a number.
    """
    content = _load(path)
    if isinstance(content, list):
        whisper = any(isinstance(value, dict) and "start" in value for value in content)
        return _whisper(path, content, recording) if whisper else _seglst(path, content)
    if isinstance(content, dict) and content.get("format") == "words":
        return _ours(_Entry(content, path, "words"))
    if isinstance(content, dict) and isinstance(content.get("segments"), list):
        return _whisper(path, content["segments"], recording)
    if isinstance(content, dict) and isinstance(content.get("transcription"), list):
        return _whisper_cpp(path, content["transcription"], recording)
    raise DataError(
        "no words in this JSON: expected 'segments' (Whisper, faster-whisper, whisperX),"
        " 'transcription' (whisper.cpp), or a list of segments (of Whisper, or SegLST)",
        path,
    )


def _load(path: str | Path) -> Any:
    try:
        # whisper.cpp splits characters at token boundaries; only the whole segment has them intact
        text = Path(path).read_text(encoding="utf-8-sig", errors="surrogateescape")
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"not JSON: {error.msg}", path, error.lineno) from None
    except (ValueError, RecursionError):  # numbers, or brackets, without end
        raise DataError("not readable JSON", path) from None


class _Entry:
    """An object of the JSON and its position."""

    def __init__(self, value: Any, path: str | Path, place: str):
        self.path, self.place = path, place
        if not isinstance(value, dict):
            raise self.error("expected an object")
        self.value = value

    def error(self, message: str) -> DataError:
        return DataError(f"{self.place}: {message}", self.path)

    def has(self, key: str) -> bool:
        return self.value.get(key) is not None

    def text(self, key: str) -> str:
        """Return a string unchanged."""
        value = self.value.get(key)
        if not isinstance(value, str):
            raise self.error(f"no text {key!r}")
        return value

    def clean(self, key: str) -> str:
        return clean(self.text(key), self.path, f"{self.place}: ")

    def name(self, key: str) -> str:
        """Return a name, which may be a number in the JSON."""
        value = self.value.get(key)
        if not isinstance(value, (str, int)) or value == "":
            raise self.error(f"no {key!r}")
        return clean(str(value), self.path, f"{self.place}: ")

    def number(self, key: str, unit: float = 1.0) -> float:
        value: Any = self.value.get(key)
        try:
            known = isinstance(value, (int, float)) and not isinstance(value, bool)
            number = float(value) / unit if known else math.nan
        except OverflowError:
            number = math.nan
        if not math.isfinite(number):
            raise self.error(f"no number {key!r}")
        return number

    def finite(self, key: str) -> float | None:
        """Return a number, None if there is none, or another value."""
        try:
            return self.number(key)
        except DataError:
            return None

    def seconds(self, key: str) -> float:
        """Return a number that may be a string in the JSON, like the times of CHiME."""
        value = self.value.get(key)
        if not isinstance(value, str):
            return self.number(key)
        if math.isnan(number := parse_number(value)):
            raise self.error(f"no number {key!r}")
        return number

    def entries(self, key: str) -> list[_Entry]:
        """Return the objects of a list; none if there is no list."""
        value = self.value.get(key) or []
        if not isinstance(value, list):
            raise self.error(f"{key!r} is not a list")
        return _entries(value, self.path, f"{self.place}.{key}")

    def entry(self, key: str) -> _Entry:
        return _Entry(self.value.get(key), self.path, f"{self.place}.{key}")

    def checked(self, word: Word) -> Word:
        if fault := fault_of_times(word.start, word.end):
            raise self.error(fault)
        return word


def _entries(values: Sequence[Any], path: str | Path, place: str) -> list[_Entry]:
    return [_Entry(value, path, f"{place}[{i}]") for i, value in enumerate(values)]


def _whisper(path: str | Path, values: Sequence[Any], recording: str) -> Transcript:
    segments = _entries(values, path, "segments")
    # words of openai-whisper and faster-whisper include blanks; those of whisperX have none
    blanks = any(
        isinstance(w.value.get("word"), str) and w.value["word"].startswith(" ")
        for segment in segments
        for w in segment.entries("words")
    )
    found: list[tuple[float, list[Word]]] = []
    other = 0
    odd: list[str] = []
    for segment in segments:
        timed = _timed(segment, recording, blanks, odd)
        if timed and segment.has("text"):
            other += _letters(segment.clean("text")) != _letters("".join(w.text for w in timed))
        words = timed or spread(_whole(segment, recording))
        if words:
            found.append((min(word.start for word in words), words))
    notes = []
    if other:
        notes.append(f"the text of {other} segment(s) differs from their words, which are used")
    if odd:
        notes.append(
            f"{len(odd)} word(s) have impossible times, and share the time between their neighbours:"
            f" {odd[0]}{', ...' if len(odd) > 1 else ''}"
        )
    return Transcript(path, {recording: _joined(found)}, notes=notes)


def _letters(text: str) -> str:
    return "".join(text.split())


def _joined(segments: Sequence[tuple[float, Sequence[Word]]]) -> list[Word]:
    """Join the words of segments, (start, words), which need not be in order."""
    return [word for _, words in sorted(segments, key=lambda each: each[0]) for word in words]


def _whole(segment: _Entry, recording: str) -> Word:
    start, end = segment.number("start"), segment.number("end")
    return segment.checked(Word(recording, start, end, segment.clean("text")))


def _timed(segment: _Entry, recording: str, blanks: bool, odd: list[str]) -> list[Word]:
    """Return the words of a segment; words without times share the time between their neighbours.

    Args:
        odd: receives the faults of impossible times, which count as none.
    """
    words: list[Word] = []
    without: list[Word] = []
    for entry in segment.entries("words"):
        raw, text = entry.text("word"), entry.clean("word")
        if not text:
            continue
        last = [*words, *without][-1:]
        near = bool(last) and is_unspaced(last[0].text[-1]) and is_unspaced(text[0])
        glued = bool(last) and (not raw.startswith(" ") if blanks else near)
        scores = [entry.finite(key) for key in ("probability", "score")]
        score = next((each for each in scores if each is not None), None)
        word = Word(recording, 0.0, 0.0, text, confidence=score, glued=glued)
        if (times := _times_of(entry, odd)) is None:
            without.append(word)
            continue
        word = word._replace(start=times[0], end=times[1])
        words += _filled(segment, words, without, word.start)
        without = []
        words += spread(word, blank_split)
    return [*words, *_filled(segment, words, without, None)]


def _times_of(entry: _Entry, odd: list[str]) -> tuple[float, float] | None:
    """Return (start, end) of a word; None if missing or impossible; the latter are added to ``odd``."""
    if not (entry.has("start") and entry.has("end")):
        return None
    start, end = entry.finite("start"), entry.finite("end")
    fault = "a time is not a number" if start is None or end is None else fault_of_times(start, end)
    if start is None or end is None or fault:
        odd.append(f"{entry.place}: {fault}")
        return None
    return start, end


def _filled(
    segment: _Entry, before: Sequence[Word], without: Sequence[Word], end: float | None
) -> Iterator[Word]:
    """Give words without times the time between their neighbours, by length in characters."""
    if not without:
        return
    start = before[-1].end if before else segment.number("start")
    if not before and end is not None:
        start = min(start, end)  # a word may begin before its segment
    end = max(segment.number("end") if end is None else end, start)
    total, said = sum(len(word.text) for word in without), 0
    for word in without:
        first = start + (end - start) * said / total
        said += len(word.text)
        last = start + (end - start) * said / total
        yield segment.checked(word._replace(start=first, end=last, estimated=True))


def _whisper_cpp(path: str | Path, values: Sequence[Any], recording: str) -> Transcript:
    found: list[tuple[float, list[Word]]] = []
    for segment in _entries(values, path, "transcription"):
        start, end = _times(segment)
        whole = segment.checked(Word(recording, start, end, segment.clean("text")))
        found.append((start, _from_tokens(segment, whole) or spread(whole)))
    return Transcript(path, {recording: _joined(found)})


def _times(entry: _Entry) -> tuple[float, float]:
    """(start, end) from the milliseconds of an entry, or else from its clock times."""
    if not entry.has("offsets") and entry.has("timestamps"):
        clocks = entry.entry("timestamps")
        start, end = (parse_clock(clocks.text(key)) for key in ("from", "to"))
        if math.isnan(start + end):
            raise clocks.error("expected 'hh:mm:ss,mmm' from and to")
        return start, end
    offsets = entry.entry("offsets")
    return offsets.number("from", 1000), offsets.number("to", 1000)


def _from_tokens(segment: _Entry, whole: Word) -> list[Word]:
    """Join tokens to words; none if there are no tokens, or they lack times or do not match the text."""
    words: list[Word] = []
    scores: list[list[float]] = []
    raw = ""
    for token in segment.entries("tokens"):
        text = token.text("text")
        if text.startswith("[_") or not text:  # of the model, not of the speaker
            continue
        if not (
            token.has("offsets") or token.has("timestamps")
        ):  # as whisper.cpp leaves them, if nothing asks for more
            return []
        raw += text
        start, end = _times(token)
        if fault_of_times(start, end):  # they are guessed there, and not always well
            return []
        word = whole._replace(start=start, end=end, text=text.strip())
        if words and not text[0].isspace() and not is_unspaced(text[0]):
            last = words[-1]
            words[-1] = last._replace(end=max(last.end, end), text=last.text + word.text)
        else:
            glued = bool(words) and not text[0].isspace()
            words.append(word._replace(glued=glued))
            scores.append([])
        if token.has("p"):
            scores[-1].append(token.number("p"))
    if " ".join(raw.split()) != whole.text:
        return []
    return [
        word._replace(confidence=math.prod(each) ** (1 / len(each)) if each else None)
        for word, each in zip(words, scores, strict=True)
        if word.text
    ]


def _seglst(path: str | Path, values: Sequence[Any]) -> Transcript:
    words: list[Word] = []
    for segment in _entries(values, path, "segment"):
        speaker = segment.name("speaker") if segment.has("speaker") else ""
        start, end = segment.seconds("start_time"), segment.seconds("end_time")
        name = segment.name("session_id")
        whole = Word(
            name, start, end, segment.clean("words"), "" if speaker == UNKNOWN else speaker
        )
        words += spread(segment.checked(whole), blank_split)
    return Transcript(path, in_order(words))


def _ours(document: _Entry) -> Transcript:
    """Read the output of ``diar.words.writing.document``."""
    words: list[Word] = []
    for entry in document.entries("words"):
        word = Word(
            document.name("recording"),
            entry.number("start"),
            entry.number("end"),
            entry.clean("text"),
            entry.name("speaker") if entry.has("speaker") else "",
            entry.number("confidence") if entry.has("confidence") else None,
            glued=entry.value.get("glued") is True,
            estimated=entry.value.get("estimated") is True,
        )
        if not word.text:
            raise entry.error("no text 'text'")
        words.append(entry.checked(word))
    return Transcript(document.path, {document.name("recording"): words} if words else {})
