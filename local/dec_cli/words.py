"""Words of a recogniser for local/diarize.py: --words, and their speakers."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from diar.base.errors import DataError

if TYPE_CHECKING:  # --help does not wait for PyTorch, SciPy, pandas
    from dec_cli.identities import Identity
    from diar.pipeline.recording import Diarization
    from diar.words.word import Word


def words_by_recording(
    program: str, path: Path | None, recordings: Sequence[str]
) -> Mapping[str, Sequence[Word]]:
    """Read the words of a file, by recording, and report oddities on standard error.

    Args:
        path: None: there are no words. recordings: their names; the first gets the words of a format that
            does not name the recording.

    Raises:
        DataError: the file cannot be read, or has words of none of the recordings.
    """
    from diar.words import reading

    if path is None or not recordings:
        return {}
    found = reading.read(path, recordings[0])
    for note in (*found.notes, *found.faults.values()):
        print(f"{program}: {path}: {note}", file=sys.stderr)
    if not set(recordings) & set(found.words):
        of = ", ".join(found.words) or "nothing"
        raise DataError(
            f"words of {of}, not of {', '.join(recordings)}: rename it with --name", path
        )
    return found.words


def named_words(
    words: Sequence[Word], made: Diarization, speakers: Mapping[str, Identity]
) -> list[Word]:
    """Assign the words of a recording to its speakers, by name."""
    from diar.words.assignment import assign

    found = assign(words, made.turns, made.exclusive).words
    names = {speaker: who.name for speaker, who in speakers.items()}
    return [word._replace(speaker=names.get(word.speaker, word.speaker)) for word in found]
