"""Which audio files are meant: files, folders of them, lists, and what comes through a pipe."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from diar.base.errors import DataError
from diar.base.files import in_tmpdir
from diar.kaldi.tables import audio_of_line, find_file, records

STDIN = Path("-")
# What is taken of a folder: what libsndfile or FFmpeg's libraries decode, video with sound, too.
SUFFIXES = frozenset(
    {
        ".aac", ".ac3", ".aif", ".aifc", ".aiff", ".amr", ".ape", ".au", ".avi", ".caf", ".eac3",
        ".flac", ".flv", ".g722", ".gsm", ".m4a", ".m4b", ".mka", ".mkv", ".mov", ".mp2", ".mp3",
        ".mp4", ".mpeg", ".mpg", ".nist", ".oga", ".ogg", ".opus", ".rf64", ".sph", ".spx", ".tta",
        ".voc", ".w64", ".wav", ".webm", ".wma", ".wmv", ".wv", ".3gp",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Input:
    """An audio file (``STDIN``: standard input), the id of its recording, and its known fault."""

    recording: str
    path: Path
    fault: str = ""


def gather(paths: Iterable[Path], listing: Path | None = None) -> list[Input]:
    """List the audio of files and folders, then that of a list; a file that comes twice counts once.

    Args:
        listing: a file of lines '<file>' or, as Kaldi's wav.scp, '<id> <file>'; relative names count as
            ``tables.find_file`` says. A line that cannot be used costs only itself.

    Raises:
        DataError: a folder or a list without any; two files that would be one recording.
    """
    inputs: dict[str, Input] = {}
    for new in [*(i for path in paths for i in _of_path(path)), *_of_list(listing)]:
        old = inputs.setdefault(new.recording, new)
        if not _same_file(old.path, new.path):
            raise DataError(
                f"{old.path} and {new.path} would both be recording {new.recording!r}: rename one, or"
                " give them ids, in a file of lines '<id> <file>' (--list)"
            )
    return list(inputs.values())


def recording_of(path: Path) -> str:
    """Name a recording after its file: no ending, and '_' for blanks, which no RTTM can hold."""
    return "stdin" if path == STDIN else "_".join(path.stem.split())


def _of_path(path: Path) -> Iterator[Input]:
    files = _in_folder(path) if path != STDIN and path.is_dir() else [path]
    yield from (Input(recording_of(file), file) for file in files)


def _in_folder(folder: Path) -> list[Path]:
    """List the audio in a folder and below it by the endings, sorted; nothing hidden."""
    files: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=_fail):
        folders[:] = sorted(name for name in folders if name[0] != ".")
        shown = (Path(place, name) for name in sorted(names) if name[0] != ".")
        files += [file for file in shown if file.suffix.lower() in SUFFIXES]
    if not files:
        raise DataError(
            "no audio file in this folder (such as *.wav, *.flac, *.mp3, *.m4a)", folder
        )
    return files


def _fail(error: OSError) -> None:
    raise error


def _of_list(listing: Path | None) -> Iterator[Input]:
    if listing is None:
        return
    path = Path("/dev/stdin") if listing == STDIN else listing
    number = 0
    for number, (line,) in records(path, 0):
        if file := find_file(line, path):  # a name with blanks, too
            yield Input(recording_of(file), file)
            continue
        recording, *rest = line.split(None, 1)
        if not rest:
            missing = Path(line)  # reading it will say so
            yield Input(recording_of(missing), missing)
            continue
        if "/" in recording:
            raise DataError(f"no such file, and no recording id: {recording!r}", path, number)
        yield Input(recording, *audio_of_line(rest[0], path, number))
    if not number:
        raise DataError("empty: expected lines '<file>' or '<id> <file>'", path)


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one == other or one.samefile(other)
    except OSError:
        return False


def rename(given: Input, recording: str) -> Input:
    """Return the same audio as another recording.

    Raises:
        DataError: an id that is empty, or holds a blank or '/'.
    """
    if recording.split() != [recording] or "/" in recording:
        raise DataError(
            f"{recording!r} cannot be the id of a recording: empty, or with a blank or '/'"
        )
    return replace(given, recording=recording)


@contextmanager
def open_input(given: Input) -> Iterator[Path]:
    """Open a file that can be read anywhere: itself, or a temporary copy of what a pipe brings.

    Raises:
        DataError: the fault that is known.
    """
    if given.fault:
        raise DataError(given.fault)
    piped = given.path == STDIN
    if not piped and not given.path.is_fifo():
        yield given.path
        return
    with (
        sys.stdin.buffer if piped else open(given.path, "rb") as stream,
        in_tmpdir("audio of a pipe"),
    ):
        copy = tempfile.TemporaryFile()  # noqa: SIM115 (closed below)
        shutil.copyfileobj(stream, copy)
        copy.flush()
    with copy:
        path = f"/proc/{os.getpid()}/fd/{copy.fileno()}"  # it has no name: a killed process leaves nothing
        try:
            yield Path(path)
        except DataError as error:
            name = "standard input" if piped else str(given.path)
            raise DataError(str(error).replace(path, name)) from None
