"""Diarization results for other tools: one text per format, and files that hold them.

All written times are whole milliseconds, rounded as in ``diar.kaldi.rttm``. ``read`` reads files that people
have corrected.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from diar.base.errors import DataError
from diar.base.files import open_whole
from diar.exports import audacity, document, elan, lines, textgrid
from diar.exports.marks import Marks
from diar.exports.recording import ExportedRecording


class Format(NamedTuple):
    """A format: how it writes a recording, to which file, and how a corrected file is read.

    text: writes a recording. suffix: of the file of each recording. file: or else the one file of all, their
    texts in a row. tiers: a speaker's turns cannot overlap there, and are joined where they do. read: for
    those that people correct.
    """

    text: Callable[[ExportedRecording], str]
    suffix: str = ""
    file: str = ""
    tiers: bool = False
    read: Callable[[Path], Marks] | None = None


FORMATS = {
    "audacity": Format(audacity.text_of, ".txt", read=audacity.read),
    "textgrid": Format(textgrid.text_of, ".TextGrid", tiers=True, read=textgrid.read),
    "webvtt": Format(lines.webvtt, ".vtt"),
    "srt": Format(lines.srt, ".srt"),
    "csv": Format(lines.table, ".csv"),
    "json": Format(document.text_of, ".json"),
    "ctm": Format(lines.ctm, file="turns.ctm"),
    "elan": Format(elan.text_of, ".eaf", tiers=True, read=elan.read),
    "pyannote": Format(lines.lab, ".lab"),
    "lhotse": Format(lines.supervisions, file="supervisions.jsonl.gz"),
}
READERS = {form.suffix.lower(): form.read for form in FORMATS.values() if form.read}


def files(
    recordings: Sequence[ExportedRecording], names: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield (file name, text) of each file that these formats need.

    Raises:
        DataError: a recording id with '/', where files are named after it.
    """
    for form in (FORMATS[name] for name in names):
        if form.file:
            yield form.file, "".join(map(form.text, recordings))
            continue
        for recording in recordings:
            if "/" in recording.name:
                raise DataError(
                    f"'/' in recording id {recording.name!r}, which would name its file:"
                    " rename it in the RTTM"
                )
            yield recording.name + form.suffix, form.text(recording)


def write(path: str | Path, text: str) -> None:
    """Write one file atomically; compressed if its name ends in .gz."""
    data = text.encode("utf-8")
    with open_whole(path, "wb") as stream:
        stream.write(gzip.compress(data, mtime=0) if Path(path).suffix == ".gz" else data)


def is_labels(path: Path) -> bool:
    """Return whether a file holds labels, by its extension."""
    return path.suffix.lower() in READERS


def read(path: Path) -> Marks:
    """Read the marks in a file of Audacity (.txt), Praat (.TextGrid) or ELAN (.eaf).

    Raises:
        DataError: another extension, or a file refused by the reader of its format.
    """
    if not is_labels(path):
        raise DataError(
            "expected labels of Audacity (.txt), Praat (.TextGrid) or ELAN (.eaf)", path
        )
    return READERS[path.suffix.lower()](path)


def notes(recordings: Sequence[ExportedRecording], names: Sequence[str]) -> Iterator[str]:
    """Yield notes for the user about the written files."""
    tiers = [name for name in names if FORMATS[name].tiers]
    for recording in recordings:
        if recording.beyond:
            yield (
                f"{recording.name}: its last turn ends {recording.beyond} ms after its length"
                f" ({recording.length - recording.beyond} ms): is that the right recording?"
            )
        joined = len(recording.spans) - sum(map(len, recording.tiers().values()))
        if tiers and joined:
            yield (
                f"{recording.name}: {joined} turn(s) overlap another of the same speaker:"
                f" joined in {' and '.join(tiers)}"
            )
        if "textgrid" in names and not recording.length:
            yield f"{recording.name}: no turns, and no length: its TextGrid lasts 1 s"
