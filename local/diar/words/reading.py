"""Files of words, whatever their format."""

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
