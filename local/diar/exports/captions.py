"""WebVTT: one cue for each turn."""

from __future__ import annotations

import html

from webvtt import Caption, WebVTT
from webvtt.models import Timestamp

from diar.exports.recording import ExportedRecording


def webvtt(recording: ExportedRecording) -> str:
    """Write cues with the speaker as voice tag, and as text, since players show no tags."""
    cues = []
    for span in recording.spans:
        start, end = (str(Timestamp.from_seconds(ms / 1000)) for ms in (span.start, span.end))
        name = html.escape(span.speaker, quote=False)
        cues.append(Caption(start, end, f"<v {name}>{name}"))
    return WebVTT(captions=cues).content
