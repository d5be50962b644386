"""Writer and reader of ELAN's .eaf, with one tier for each speaker."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from pympi.Elan import Eaf, to_string

from diar import __version__
from diar.base.errors import DataError
from diar.exports.marks import Mark, Marks
from diar.exports.recording import NO_SPEAKER, ExportedRecording


def text_of(recording: ExportedRecording) -> str:
    """Write an .eaf with the recording's audio file, if known; turns are labelled with the speaker."""
    eaf = Eaf(author=f"dec-diarization {__version__}")
    eaf.adocument["DATE"] = "1970-01-01T00:00:00+00:00"  # the same turns give the same file
    eaf.header = {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"}
    eaf.remove_tier("default")
    if recording.media is not None:
        path = recording.media.absolute()
        eaf.add_linked_file(f"file://{path}", f"./{path.name}", _mime(path))
    tiers = recording.tiers() or {NO_SPEAKER: []}
    times = sorted(time for spans in tiers.values() for span in spans for time in span[:2])
    slots: dict[int, list[str]] = {}
    for time in times:  # ELAN wants them in the order of time
        slots.setdefault(time, []).append(eaf.generate_ts_id(time))
    for speaker, spans in tiers.items():
        eaf.add_tier(speaker, part=speaker)
        for span in spans:
            ends = slots[span.start].pop(), slots[span.end].pop()
            eaf.tiers[speaker][0][eaf.generate_annotation_id()] = (*ends, speaker, None)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{to_string(eaf)}\n'


def read(path: str | Path) -> Marks:
    """Read all annotations with their own times, except those of dependent tiers.

    Raises:
        DataError: not an .eaf; times in frames; an annotation without times.
    """
    try:
        eaf = Eaf(str(path), suppress_version_warning=True)
        units = eaf.header.get("TIME_UNITS", "milliseconds")
        origins = [
            m["TIME_ORIGIN"] for m in eaf.media_descriptors if m.get("TIME_ORIGIN", "0") != "0"
        ]
    except OSError:
        raise
    except Exception:  # pympi does not check: a missing part raises anything
        raise DataError("not a valid .eaf: open it in ELAN to find the error", path) from None
    if units != "milliseconds":
        raise DataError(f"times in {units}, expected milliseconds", path)
    marks, notes = [], []
    for name, (aligned, references, attributes, _) in eaf.tiers.items():
        if attributes.get("PARENT_REF"):
            notes.append(
                f"tier {name!r} depends on another: its"
                f" {len(aligned) + len(references)} annotation(s) are not turns"
            )
            continue
        for begin, end, text, _ in aligned.values():
            times = eaf.timeslots.get(begin), eaf.timeslots.get(end)
            if None in times:
                raise DataError(f"tier {name!r}: an annotation ({text!r}) without times", path)
            marks.append(Mark(times[0] / 1000, times[1] / 1000, text, name, None))
    if origins:
        notes.append(
            f"its media has an offset of {origins[0]} ms: the turns have the times that ELAN shows,"
            " not those of the file"
        )
    return Marks(path, marks, notes)


def _mime(path: Path) -> str:
    """Return the media type as ELAN writes it."""
    if path.suffix.lower() == ".wav":
        return "audio/x-wav"
    kind = mimetypes.guess_type(path.name)[0] or ""
    return kind if kind.startswith("video/") else "audio/*"
