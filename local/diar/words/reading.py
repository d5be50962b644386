"""Files of words, whatever their format."""

from __future__ import annotations

from pathlib import Path

from diar.base.errors import DataError
from diar.words import captions, time_marks, whisper
from diar.words.word import Transcript

WITH_RECORDINGS = {".ctm": time_marks.read_ctm, ".stm": time_marks.read_stm}
WITHOUT = {".json": whisper.read_json, ".vtt": captions.read_vtt, ".srt": captions.read_srt}


def read(path: str | Path, recording: str) -> Transcript:
    """Read words, in the format that the ending of the file names; a file called 'ctm' is one.

    Args:
        recording: whose words they are, where the format does not say.

    Raises:
        DataError: another ending, no such file, or what the reader of that format refuses.
    """
    path = Path(path)
    suffix = (path.suffix or f".{path.name}").lower()
    try:
        if suffix in WITH_RECORDINGS:
            return WITH_RECORDINGS[suffix](path)
        if suffix in WITHOUT:
            return WITHOUT[suffix](path, recording)
    except FileNotFoundError:
        raise DataError("no such file", path) from None
    endings = ", ".join([*WITH_RECORDINGS, *WITHOUT])
    raise DataError(f"expected a file of words, which ends in {endings}", path)
