"""Writers of words with their speakers: for scoring tools, for players, for people."""

from __future__ import annotations

import html
import json
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from diar import __version__
from diar.base.numbers import clock
from diar.base.regions import TOUCH
from diar.words import time_marks
from diar.words.word import UNKNOWN, Word, text_of

PAUSE = 1.0  # seconds of silence that end an utterance
LINE, LINES = 42, 2  # characters of a line, lines of a caption: the usual rule
LONGEST = 7.0  # seconds of a caption
_SENTENCE, _CLOSING = tuple(".!?…。！？"), "\"')]”’»」"


class WordFormat(NamedTuple):
    """How words are written: ``text`` of the words of each recording, concatenated; alone: only for one recording."""

    text: Callable[[Sequence[Sequence[Word]]], str]
    suffix: str
    alone: bool = False


def utterances(words: Sequence[Word]) -> Iterator[list[Word]]:
    """Yield runs of words of one speaker, in the order of their starts.

    A run ends with a pause of more than ``PAUSE``, or if someone else says a whole word in between. Overlapping
    words end none, so that two who speak at once have a run each.
    """
    runs: list[list[Word]] = []
    latest: dict[tuple[str, str], tuple[list[Word], int]] = {}  # run, and index of its last word
    for place, word in enumerate(words):
        run, last = latest.get((word.speaker, word.channel), ([], -1))
        if not run or word.start - run[-1].end > PAUSE or _parted(words[last : place + 1]):
            run = []
            runs.append(run)
        run.append(word)
        latest[word.speaker, word.channel] = run, place
    yield from runs


def _parted(words: Sequence[Word]) -> bool:
    """Return whether one of these words lies wholly between the first and the last."""
    first, *others, last = words
    return any(w.start >= first.end - TOUCH and w.end <= last.start + TOUCH for w in others)


def captions(words: Sequence[Word], room: int = 0) -> list[list[list[Word]]]:
    """Break an utterance into captions, and each into lines.

    A caption has at most ``LINES`` lines of ``LINE`` characters and ``LONGEST`` seconds, and ends with a
    sentence once half a line is full. Wide letters, as in Chinese, count twice. A word longer than a
    line gets its own line.

    Args:
        room: characters taken by the speaker's name in the first line of each.
    """
    broken: list[list[list[Word]]] = []
    for word in words:
        lines = broken[-1] if broken else []
        if not lines or _ends(lines, word):
            broken.append([[word]])
        elif _width([*lines[-1], word]) + (room if len(lines) == 1 else 0) <= LINE:
            lines[-1].append(word)
        elif len(lines) < LINES:
            lines.append([word])
        else:
            broken.append([[word]])
    return broken


def _ends(lines: Sequence[Sequence[Word]], word: Word) -> bool:
    """Return whether a caption ends before this word, even if there is room."""
    last = lines[-1][-1].text.rstrip(_CLOSING)
    sentence = last.endswith(_SENTENCE) and sum(map(_width, lines)) >= LINE // 2
    return sentence or word.end - lines[0][0].start > LONGEST


def _width(words: Sequence[Word]) -> int:
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text_of(words))


def ctm(recordings: Sequence[Sequence[Word]]) -> str:
    """Write CTM, of eight fields."""
    return "".join(map(time_marks.ctm, recordings))


def stm(recordings: Sequence[Sequence[Word]]) -> str:
    """Write STM, a line for each utterance."""
    return "".join(time_marks.stm(utterances(words)) for words in recordings)


def seglst(recordings: Sequence[Sequence[Word]]) -> str:
    """Write SegLST, the JSON of meeteval, an object for each utterance; words without a speaker get ``UNKNOWN``."""
    return _json(
        [
            {
                "session_id": run[0].recording,
                "speaker": run[0].speaker or UNKNOWN,
                "start_time": round(run[0].start, 3),
                "end_time": round(max(word.end for word in run), 3),
                "words": text_of(run),
            }
            for words in recordings
            for run in utterances(words)
        ]
    )


def document(recordings: Sequence[Sequence[Word]]) -> str:
    """Write a JSON object of one recording, as docs/words.md describes it; times in seconds."""
    (words,) = recordings
    return _json(
        {
            "format": "words",
            "format_version": "1.0",
            "made_by": {"name": "dec-diarization", "version": __version__},
            "recording": words[0].recording if words else None,
            "words": [
                {
                    "text": word.text,
                    "start": round(word.start, 3),
                    "end": round(word.end, 3),
                    "speaker": word.speaker or None,
                    "confidence": word.confidence,
                    "glued": word.glued,
                    "estimated": word.estimated,
                }
                for word in words
            ],
        }
    )


def srt(recordings: Sequence[Sequence[Word]]) -> str:
    """Write SRT of one recording: the speaker's name before the text of each caption."""
    (words,) = recordings
    cues: list[str] = []
    for speaker, lines in _cues(words, named=True):
        text = (speaker and f"{speaker}: ") + "\n".join(map(text_of, lines))
        cues.append(f"{len(cues) + 1}\n{_times(lines, ',')}\n{text}\n")
    return "\n".join(cues)


def vtt(recordings: Sequence[Sequence[Word]]) -> str:
    """Write WebVTT of one recording: the speaker is the voice of each cue."""
    (words,) = recordings
    cues = ["WEBVTT\n"]
    for speaker, lines in _cues(words, named=False):
        voice = speaker and f"<v {html.escape(speaker, quote=False)}>"
        text = "\n".join(html.escape(text_of(line), quote=False) for line in lines)
        cues.append(f"{_times(lines, '.')}\n{voice}{text}\n")
    return "\n".join(cues)


def _cues(words: Sequence[Word], named: bool) -> list[tuple[str, list[list[Word]]]]:
    """Return (speaker, lines) of each caption, by start; named: the speaker takes room of the first line."""
    found = [
        (run[0].speaker, lines)
        for run in utterances(words)
        for lines in captions(run, len(run[0].speaker) + 2 if named and run[0].speaker else 0)
    ]
    return sorted(found, key=lambda cue: cue[1][0][0].start)


def text(recordings: Sequence[Sequence[Word]]) -> str:
    """Write the speaker turns of one recording as text: time, speaker, and words."""
    (words,) = recordings
    turns: list[list[Word]] = []
    for run in utterances(words):
        if turns and turns[-1][0].speaker == run[0].speaker:
            turns[-1] += run
        else:
            turns.append(run)
    return "\n".join(
        f"[{clock(turn[0].start)}] {turn[0].speaker or UNKNOWN}: {text_of(turn)}\n"
        for turn in turns
    )


def _times(lines: Sequence[Sequence[Word]], point: str) -> str:
    words = [word for line in lines for word in line]
    start, end = round(words[0].start * 1000), round(max(word.end for word in words) * 1000)
    # players do not show cues of zero duration
    return " --> ".join(_clock(time, point) for time in (start, max(end, start + 1)))


def _clock(total: int, point: str) -> str:
    """Write milliseconds as hours, minutes, seconds and thousandths."""
    minutes, rest = divmod(total, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}{point}{rest % 1000:03d}"


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


FORMATS = {
    "text": WordFormat(text, ".txt", alone=True),
    "ctm": WordFormat(ctm, ".ctm"),
    "stm": WordFormat(stm, ".stm"),
    "seglst": WordFormat(seglst, ".seglst.json"),
    "json": WordFormat(document, ".json", alone=True),
    "srt": WordFormat(srt, ".srt", alone=True),
    "vtt": WordFormat(vtt, ".vtt", alone=True),
}
