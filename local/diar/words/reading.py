"""Reader of words from files of any supported format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from diar.base.errors import DataError
from diar.base.numbers import parse_channel
from diar.kaldi.recordings import read_file_channels
from diar.words import captions, time_marks, whisper
from diar.words.word import Transcript, Word

WITH_RECORDINGS = {".ctm": time_marks.read_ctm, ".stm": time_marks.read_stm}
WITHOUT = {".json": whisper.read_json, ".vtt": captions.read_vtt, ".srt": captions.read_srt}


def read(path: str | Path, recording: str) -> Transcript:
    """Read words in the format given by the file's extension; a file named 'ctm' is a CTM.

    Args:
        recording: the recording of the words, if the format does not name it.

    Raises:
        DataError: another extension, no such file, or a file refused by the reader of its format.
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


def by_recording(data_dir: Path, words: Mapping[str, Sequence[Word]]) -> dict[str, list[Word]]:
    """Sort words of file and channel by the recordings that reco2file_and_channel makes of these."""
    path = data_dir / "reco2file_and_channel"
    known = read_file_channels(path) if path.exists() else {}
    found: dict[str, list[Word]] = {}
    for name, each in words.items():
        for word in each:
            channel = parse_channel(word.channel)
            ours = known.get((name, -1 if channel is None else channel), name)
            found.setdefault(ours, []).append(word._replace(recording=ours))
    return found
