"""Audio inputs: files, folders, lists, and pipes."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path

from diar.base.errors import DataError
from diar.base.files import in_tmpdir
from diar.kaldi.tables import audio_of_line, find_file, records

STDIN = Path("-")
# Files used from a folder: those that libsndfile or FFmpeg's libraries decode, including video with sound.
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
    """An audio file (``STDIN``: standard input), the id of its recording, and its known fault.

    recording: empty if the recording is named after the file.
    """

    recording: str
    path: Path
    fault: str = ""


def gather(paths: Iterable[Path], listing: Path | None = None) -> list[Input]:
    """List the audio of files and folders, then that of a list, without duplicates.

    Files that would have the same recording id get different ones, from their extensions, their folders, or
    a number. A folder that is not accessible, or a bad line of the list, becomes an input with a fault.

    Args:
        listing: a file of lines '<file>' or, as in Kaldi's wav.scp, '<id> <file>'; relative names are
            resolved as in ``tables.find_file``.

    Returns:
        Inputs with unique ids.

    Raises:
        DataError: a folder or list has no audio.
    """
    found: dict[object, Input] = {}
    for new in [*(i for path in paths for i in _of_path(path)), *_of_list(listing)]:
        found.setdefault((new.recording or recording_of(new.path), _identity(new.path)), new)
    return _named_apart(list(found.values()))


def recording_of(path: Path) -> str:
    """Name a recording after its file, without extension, with '_' for blanks, which an RTTM does not allow."""
    return next(_names(path))


def _names(path: Path) -> Iterator[str]:
    """Yield possible names of a recording: talk, talk.wav, monday_talk, monday_talk.wav, ..."""
    if path == STDIN:
        yield "stdin"
        return
    *folders, name = Path(os.path.abspath(path)).parts[1:] or ("root",)
    for first in range(len(folders), -1, -1):
        for last in (Path(name).stem, name):
            if words := " ".join([*folders[first:], last]).split():
                yield "_".join(words)


def _named_apart(given: list[Input]) -> list[Input]:
    """Lengthen equal names until all are different; ids from a list do not change."""
    longer = [iter([i.recording]) if i.recording else _names(i.path) for i in given]
    names = [next(more) for more in longer]
    while True:
        same: dict[str, list[int]] = {}
        for number, name in enumerate(names):
            same.setdefault(name, []).append(number)
        clashes = [numbers for numbers in same.values() if len(numbers) > 1]
        if not clashes:
            return [replace(old, recording=name) for old, name in zip(given, names, strict=True)]
        before = list(names)
        for number in chain.from_iterable(clashes):
            names[number] = next(longer[number], names[number])
        if names == before:  # 'a b.wav' and 'a_b.wav'
            number = next(n for n in clashes[0][::-1] if not given[n].recording)
            short = recording_of(given[number].path)
            names[number] = next(name for i in count(2) if (name := f"{short}_{i}") not in names)


def _of_path(path: Path) -> Iterator[Input]:
    if path == STDIN or not os.path.isdir(path):
        yield Input("", path)
        return
    files = _in_folder(path)
    if not files:
        raise DataError("no audio file in this folder (such as *.wav, *.flac, *.mp3, *.m4a)", path)
    yield from files


def _in_folder(folder: Path) -> list[Input]:
    """List the audio in and below a folder by extension, sorted, without hidden files.

    Links are followed, each folder once. Inaccessible folders and broken links are listed as faults.
    """
    files: list[Input] = []
    seen = {_identity(folder)}

    def closed(error: OSError) -> None:
        files.append(Input("", Path(error.filename), f"{error.filename}: {error.strerror}"))

    for place, folders, names in os.walk(folder, onerror=closed, followlinks=True):
        shown = sorted(name for name in folders if name[0] != ".")
        folders[:] = []
        for name in shown:
            identity = _identity(Path(place, name))
            if identity not in seen:
                seen.add(identity)
                folders.append(name)
        for file in (Path(place, name) for name in sorted(names) if name[0] != "."):
            if file.suffix.lower() in SUFFIXES:
                files.append(Input("", file))
            elif file.is_symlink() and not os.path.exists(file):
                files.append(Input("", file, f"{file}: a broken link"))
    return files


def _of_list(listing: Path | None) -> Iterator[Input]:
    if listing is None:
        return
    path = Path("/dev/stdin") if listing == STDIN else listing
    ids: dict[str, tuple[int, object]] = {}
    number = 0
    for number, (line,) in records(path, 0):
        recording, *rest = line.split(None, 1)
        if file := find_file(line, path):  # the name may contain blanks
            yield Input("", file)
        elif not rest:  # reading it will fail with a message
            yield Input("", Path(line))
        elif "/" in recording:
            fault = f"{path}:{number}: no such file, and not a recording id: {recording!r}"
            yield Input("", Path(line), fault)
        else:
            audio, fault = audio_of_line(rest[0], path, number)
            first, known = ids.setdefault(recording, (number, _identity(audio)))
            if known == _identity(audio):
                yield Input(recording, audio, fault)
            else:
                fault = f"{path}:{number}: {recording!r} is already in line {first}"
                yield Input("", audio, fault)
    if not number:
        raise DataError("empty: expected lines '<file>' or '<id> <file>'", path)


def _identity(path: Path) -> object:
    """Return the identity of a file, equal for all its names; if it does not exist, its name."""
    try:
        there = path.stat()
    except (OSError, ValueError):  # missing, inaccessible, or an impossible name
        return path
    return there.st_dev, there.st_ino


def rename(given: Input, recording: str) -> Input:
    """Return the same audio with another recording id.

    Raises:
        DataError: the id is empty, or contains a blank or '/'.
    """
    if recording.split() != [recording] or "/" in recording:
        raise DataError(
            f"{recording!r} is not a valid recording id: it is empty, or contains a blank or '/'"
        )
    return replace(given, recording=recording)


@contextmanager
def open_input(given: Input) -> Iterator[Path]:
    """Provide a seekable file: the file itself, or a temporary copy of a pipe.

    Raises:
        DataError: the known fault of the input.
    """
    if given.fault:
        raise DataError(given.fault)
    piped = given.path == STDIN
    if not piped and not _is_pipe(given.path):
        yield given.path
        return
    name = "standard input" if piped else str(given.path)
    try:
        stream = sys.stdin.buffer if piped else open(given.path, "rb")  # noqa: SIM115 (closed below)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", name) from None
    with stream, in_tmpdir("audio of a pipe"):
        copy = tempfile.TemporaryFile()  # noqa: SIM115 (closed below)
        shutil.copyfileobj(stream, copy)
        copy.flush()
    with copy:
        path = f"/proc/{os.getpid()}/fd/{copy.fileno()}"  # an unnamed file: a killed process leaves nothing
        try:
            yield Path(path)
        except DataError as error:
            raise DataError(str(error).replace(path, name)) from None


def _is_pipe(path: Path) -> bool:
    try:
        return path.is_fifo()
    except OSError:  # reading it will say so
        return False
