"""JSON, as docs/diarization.schema.json describes it."""

from __future__ import annotations

import json
from collections import Counter

from diar import release
from diar.exports.recording import Recording

VERSION = "1.0"  # of the schema


def text_of(recording: Recording) -> str:
    """One JSON object, times in seconds."""
    turns = Counter(span.speaker for span in recording.spans)
    document = {
        "format": "diarization",
        "format_version": VERSION,
        "made_by": {"name": release.NAME, "version": release.version()},
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
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
