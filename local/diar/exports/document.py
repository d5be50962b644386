"""JSON, as docs/diarization.schema.json describes it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from diar import __version__
from diar.exports.recording import ExportedRecording, Span

VERSION = "1.1"  # of the schema


def text_of(recording: ExportedRecording) -> str:
    """Write one JSON object, times in seconds."""
    return json.dumps(document_of(recording), indent=1, ensure_ascii=False) + "\n"


def document_of(recording: ExportedRecording) -> dict[str, Any]:
    """Make the same as plain values."""
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


def mean_confidence(spans: Sequence[Span], speaker: str) -> float | None:
    """Average the confidences of a speaker's turns, which count by their lengths; None without any."""
    known = [
        (span.confidence, span.end - span.start)
        for span in spans
        if span.speaker == speaker and span.confidence is not None
    ]
    total = sum(length for _, length in known)
    return sum(sure * length for sure, length in known) / total if known else None


def _sure(confidence: float | None) -> dict[str, float]:
    return {} if confidence is None else {"confidence": round(confidence, 3)}
