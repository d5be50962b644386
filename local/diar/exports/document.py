"""JSON, as docs/diarization.schema.json describes it."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from diar import __version__
from diar.base.errors import DataError
from diar.base.names import is_name
from diar.base.types import Turn
from diar.exports.recording import ExportedRecording, Span

VERSION = "1.1"  # of the schema


def text_of(recording: ExportedRecording) -> str:
    """Write one JSON object, times in seconds."""
    return json.dumps(document_of(recording), indent=1, ensure_ascii=False) + "\n"


def document_of(recording: ExportedRecording) -> dict[str, Any]:
    """Return the same as plain values."""
    turns = Counter(span.speaker for span in recording.spans)
    return {
        "format": "diarization",
        "format_version": VERSION,
        "made_by": {"name": "dec-diarization", "version": __version__},
        "recording": recording.name,
        "media": None if recording.media is None else str(recording.media),
        "duration": recording.length / 1000,
        "duration_from": "length" if recording.measured else "last turn",
        "speakers": [
            {
                "name": speaker,
                "speaking_time": sum(span.end - span.start for span in spans) / 1000,
                "turns": turns[speaker],
                **_sure(mean_confidence(recording.spans, speaker)),
            }
            for speaker, spans in recording.tiers().items()
        ],
        "turns": [
            {
                "start": span.start / 1000,
                "end": span.end / 1000,
                "speaker": span.speaker,
                **_sure(span.confidence),
            }
            for span in recording.spans
        ],
    }


def read(path: str | Path) -> dict[str, list[Turn]]:
    """Read the turns of each recording from one such object, or one per line; failed recordings have none.

    Raises:
        DataError: no such file, not JSON, or not of this kind.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError("no such file", path) from None
    except UnicodeDecodeError:
        raise DataError("not a UTF-8 text file", path) from None
    found: dict[str, list[Turn]] = {}
    for number, value in _objects(text, path):
        name = value.get("recording") if isinstance(value, dict) else None
        if not (isinstance(name, str) and is_name(name)):
            raise DataError("not a diarization of a recording", path, number)
        if "error" in value:
            continue
        if name in found:
            raise DataError(f"duplicate recording {value['recording']!r}", path, number)
        turns = value.get("turns")
        if value.get("format") != "diarization" or not isinstance(turns, list):
            raise DataError("not a diarization: see docs/diarization.schema.json", path, number)
        found[name] = sorted(_turn(name, t, path, number) for t in turns)
    return found


def _objects(text: str, path: str | Path) -> list[tuple[int, Any]]:
    """Parse one value over several lines, or one per line, with the number of its first line."""
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    try:
        try:
            return [(number, json.loads(line)) for number, line in lines]
        except json.JSONDecodeError:
            return [(lines[0][0], json.loads(text))]
    except json.JSONDecodeError as error:
        raise DataError(f"not JSON: {error.msg}", path, error.lineno) from None
    except (ValueError, RecursionError):  # numbers, or brackets, without end
        raise DataError("not readable JSON", path) from None


def _turn(recording: str, value: Any, path: str | Path, number: int) -> Turn:
    match value:
        case {
            "start": float() | int() as start,
            "end": float() | int() as end,
            "speaker": str(who),
        }:
            if is_name(who) and 0 <= start < end < math.inf and end < 1e9:
                return Turn(recording, start, end - start, who)
    raise DataError(f"{recording}: {value!r} is not a turn", path, number)


def mean_confidence(spans: Sequence[Span], speaker: str) -> float | None:
    """Average the confidences of a speaker's turns, weighted by length; None without any."""
    known = [
        (span.confidence, span.end - span.start)
        for span in spans
        if span.speaker == speaker and span.confidence is not None
    ]
    total = sum(length for _, length in known)
    return sum(sure * length for sure, length in known) / total if known else None


def _sure(confidence: float | None) -> dict[str, float]:
    return {} if confidence is None else {"confidence": round(confidence, 3)}
