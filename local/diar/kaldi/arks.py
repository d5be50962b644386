"""Reading and writing Kaldi's archives of vectors and matrices."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import kaldiio
import numpy as np
from kaldiio import matio

from diar.base.errors import DataError
from diar.base.files import flush, open_whole
from diar.kaldi.tables import find_file, split_offset, unique_records

_LONGEST_ID = 1 << 12  # bytes
# Format of the shape in the head of a binary array, after the name of its type.
_SHAPES = {
    **dict.fromkeys((b"FV", b"DV"), "<xi"),
    **dict.fromkeys((b"FM", b"DM"), "<xixi"),
    **dict.fromkeys((b"CM", b"CM2", b"CM3"), "<8xii"),
}


def write_ark(
    ark: str | Path, arrays: Mapping[str, np.ndarray], scp: str | Path | None = None
) -> None:
    """Write vectors or matrices to a binary ark, and its scp (beside it unless named)."""
    with open_ark(ark, scp or Path(ark).with_suffix(".scp")) as writer:
        for key, array in arrays.items():
            writer(key, array)


@contextmanager
def open_ark(ark: str | Path, scp: str | Path) -> Iterator[Callable[[str, np.ndarray], None]]:
    """Open a binary ark and its scp; yields a function to call with (id, vector or matrix)."""
    with kaldiio.WriteHelper(f"ark,scp:{ark},{scp}") as writer:
        yield writer
    flush(ark)
    flush(scp)


def write_array(path: str | Path, array: np.ndarray) -> None:
    """Write one vector or matrix atomically to a file, in binary and double."""
    with open_whole(path, "wb") as stream:
        stream.write(b"\0B" + array_bytes(array))


def array_bytes(array: np.ndarray) -> bytes:
    """Return a vector or matrix in Kaldi's binary format, in double, without the binary mark."""
    head = b"DV " if array.ndim == 1 else b"DM "
    sizes = b"".join(b"\4" + size.to_bytes(4, "little") for size in array.shape)
    return head + sizes + np.ascontiguousarray(array, "<f8").tobytes()


def read_array(path: str | Path, offset: int = 0) -> np.ndarray:
    """Read a vector or matrix: binary, compressed or not, integers, or text.

    The head of an entry is checked first, because kaldiio also reads pickles, which execute code. The shape
    that it states is compared with the result, because a truncated vector looks complete.

    Args:
        offset: bytes from the start of the file.

    Raises:
        DataError: not a Kaldi array. The content is not shown: it may be anything.
    """
    try:
        with open(path, "rb") as stream:
            stream.seek(offset)
            return read_stream(stream)
    except Exception:  # whatever kaldiio, struct and numpy raise
        where = f"{path}:{offset}" if offset else path
        raise DataError(f"cannot be read from {where}: not a Kaldi array, or truncated") from None


def read_stream(stream: IO[bytes]) -> np.ndarray:
    """Read a vector or matrix at the position of a stream, and leave the stream after it.

    Raises:
        Exception: anything that kaldiio, struct and numpy raise if it is invalid or truncated.
    """
    start = stream.tell()
    head = stream.read(64)
    stream.seek(start)
    if head[:3] == b"\0B\4":
        return matio.read_int32vector(stream)
    if head[:2] == b"\0B":
        kind, _, rest = head[2:].partition(b" ")
        shape = struct.unpack_from(_SHAPES[kind], rest)
        array = matio.read_matrix_or_vector(stream)
        if array.shape == shape:
            return array
    elif head.lstrip()[:1] == b"[":
        return _read_text(stream)
    raise ValueError("not a Kaldi array, or truncated")


def _read_text(stream: IO[bytes]) -> np.ndarray:
    """Read ' [ 1 0.5 ]', or a matrix with one row per line after the bracket.

    Not with kaldiio, which reads all numbers as integers if the first is one.
    """
    lines = []
    while b"]" not in (line := next(stream)):
        lines.append(line)
    first, *rows = (b"".join(lines) + line.partition(b"]")[0]).partition(b"[")[2].split(b"\n")
    numbers = [[float(number) for number in row.split()] for row in rows if row.strip()]
    return np.array(numbers if rows else [float(number) for number in first.split()], np.float32)


def copy_audio(ark: str | Path, offset: int, target: Path) -> None:
    """Copy the audio of an entry to a file.

    It is a WAV, as written by Kaldi's wav-copy, or marked as AUDIO by kaldiio; both state their length.

    Args:
        offset: bytes from the start of the ark.

    Raises:
        DataError: the ark cannot be read, has no audio there, or the audio is truncated.
    """
    if not os.access(ark, os.R_OK) or not Path(ark).is_file():
        raise DataError("cannot read this ark", ark)
    with open(ark, "rb") as stream, open(target, "wb") as copy:
        stream.seek(offset)
        head = stream.read(16).ljust(16, b"\0")
        if head[:4] == b"RIFF":
            size = 8 + int.from_bytes(head[4:8], "little")
        elif head[:5] == b"AUDIO":  # the length of the length, and the length
            offset += 6 + head[5]
            size = int.from_bytes(head[6 : 6 + head[5]], "little")
        else:
            raise DataError(f"{ark}:{offset}: no audio in this ark, as written by Kaldi's wav-copy")
        if offset + size > Path(ark).stat().st_size:
            raise DataError(f"{ark}:{offset}: the audio in this ark is truncated")
        stream.seek(offset)
        while size:
            block = stream.read(min(size, 1 << 20))
            copy.write(block)
            size -= len(block)


class Scp:
    """An scp whose arrays are read on demand: ``scp[id]``, ``id in scp``, ``list(scp)``.

    If an ark is not found (see ``find_file``), it is searched for beside the scp, so that a copied
    directory still works. Commands are refused.

    Raises:
        DataError: a malformed line or a duplicate id; on access, a missing or damaged ark.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._where: dict[str, tuple[int | None, str]] = {}  # line, and ark with offset
        self._arks: dict[str, Path] = {}  # found so far
        for number, (key, *rest) in unique_records(path, "<id> [<ark>]", splits=1):
            target = "".join(rest)
            name, _ = split_offset(target)
            if not name or name[0] == "|" or name[-1] in "|]":  # commands, ranges
                raise DataError("expected '<id> <ark>:<offset>'", path, number)
            self._where[key] = (number, target)

    def __contains__(self, key: str) -> bool:
        return key in self._where

    def __iter__(self) -> Iterator[str]:
        return iter(self._where)

    def __getitem__(self, key: str) -> np.ndarray:
        number, target = self._where[key]
        name, offset = split_offset(target)
        if name not in self._arks:
            ark = find_file(name, self.path) or find_file(Path(name).name, self.path)
            if ark is None:
                raise DataError(f"{key}: no such ark: {name}", self.path, number)
            self._arks[name] = ark
        try:
            return read_array(self._arks[name], offset)
        except DataError as error:
            raise DataError(f"{key}: {error}", self.path, number) from None


class Arks(Scp):
    """Arks without an scp, indexed by scanning them.

    In a damaged ark, entries before the damage can be read.

    Args:
        arks: at least one, in the same directory.

    Raises:
        DataError: a duplicate id.
    """

    def __init__(self, arks: Sequence[Path]):
        self.path = arks[0].parent
        self._where = {}
        self._arks = {str(ark): ark for ark in arks}
        for ark in arks:
            for key, offset in _entries(ark):
                if key in self._where:
                    raise DataError(f"{key!r} is also in {self._where[key][1]}", ark)
                self._where[key] = (None, f"{ark}:{offset}")


def _entries(ark: Path) -> Iterator[tuple[str, int]]:
    """Yield (id, bytes from the start) of each entry of an ark; the last may be damaged."""
    with open(ark, "rb") as stream:
        place = 0
        try:
            while (found := stream.read(_LONGEST_ID).partition(b" "))[1]:
                place += len(found[0]) + 1
                yield found[0].decode(), place
                stream.seek(place)
                read_stream(stream)
                place = stream.tell()
        except Exception:  # whatever kaldiio, struct and numpy raise
            return
