"""Formats with a line or a cue for each turn: CTM, CSV, pyannote's .lab, lhotse's manifest, WebVTT, SRT."""

from __future__ import annotations

import csv
import html
import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from webvtt import Caption, WebVTT
from webvtt.models import Timestamp

from diar.base.names import no_blanks
from diar.exports.recording import ExportedRecording

if TYPE_CHECKING:
    from pyannote.core import Annotation


def ctm(recording: ExportedRecording) -> str:
    """Write NIST's CTM, with the speaker in the place of the word: recording, channel 1, start, duration.

    The confidence is last, if known.
    """
    return "".join(
        f"{recording.name} 1 {s.start / 1000:.3f} {(s.end - s.start) / 1000:.3f} {no_blanks(s.speaker)}"
        f"{'' if s.confidence is None else f' {s.confidence:.3f}'}\n"
        for s in recording.spans
    )


def supervisions(recording: ExportedRecording) -> str:
    """Write supervision segments of lhotse, one JSON object a line; its channels are numbered from 0."""
    return "".join(
        json.dumps(
            {
                "id": f"{recording.name}-{number:06d}",
                "recording_id": recording.name,
                "start": span.start / 1000,
                "duration": (span.end - span.start) / 1000,
                "channel": 0,
                "speaker": span.speaker,
                **_custom(span.confidence),
            },
            ensure_ascii=False,
        )
        + "\n"
        for number, span in enumerate(recording.spans)
    )


def _custom(confidence: float | None) -> dict[str, dict[str, float]]:
    """Return lhotse's ``custom`` field, for values without a field of their own."""
    return {} if confidence is None else {"custom": {"confidence": round(confidence, 3)}}


def annotation(recording: ExportedRecording) -> Annotation:
    """Make an annotation of pyannote.core, with each turn as its own track, so overlap is kept."""
    from pyannote.core import Annotation, Segment  # takes most of a second, and few need it

    result = Annotation(uri=recording.name)
    for track, span in enumerate(recording.spans):
        result[Segment(span.start / 1000, span.end / 1000), track] = span.speaker
    return result


def lab(recording: ExportedRecording) -> str:
    """Write start, end (seconds) and speaker, as pyannote.core does and pyannote.database reads them."""
    spans = tuple(span._replace(speaker=no_blanks(span.speaker)) for span in recording.spans)
    return annotation(replace(recording, spans=spans)).to_lab()


def table(recording: ExportedRecording) -> str:
    """Write comma-separated values (RFC 4180) with a header, times in seconds."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(["recording", "start", "end", "duration", "speaker"])
    for span in recording.spans:
        times = (span.start, span.end, span.end - span.start)
        writer.writerow([recording.name, *(f"{ms / 1000:.3f}" for ms in times), span.speaker])
    return stream.getvalue()


def srt(recording: ExportedRecording) -> str:
    """Write numbered cues with the speaker as text."""
    cues = []
    for number, span in enumerate(recording.spans, 1):
        times = (Timestamp.from_seconds(ms / 1000) for ms in (span.start, span.end))
        start, end = (str(time).replace(".", ",") for time in times)
        cues.append(f"{number}\n{start} --> {end}\n{span.speaker}\n")
    return "\n".join(cues)


def webvtt(recording: ExportedRecording) -> str:
    """Write cues with the speaker as voice tag, and as text because players do not show tags."""
    cues = []
    for span in recording.spans:
        start, end = (str(Timestamp.from_seconds(ms / 1000)) for ms in (span.start, span.end))
        name = html.escape(span.speaker, quote=False)
        cues.append(Caption(start, end, f"<v {name}>{name}"))
    return WebVTT(captions=cues).content
