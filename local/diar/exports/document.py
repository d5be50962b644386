"""JSON, as docs/diarization.schema.json describes it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from diar import __version__
from diar.exports.recording import ExportedRecording

VERSION = "1.0"  # of the schema


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
            }
            for speaker, spans in recording.tiers().items()
        ],
        "turns": [
            {"start": span.start / 1000, "end": span.end / 1000, "speaker": span.speaker}
            for span in recording.spans
        ],
    }
