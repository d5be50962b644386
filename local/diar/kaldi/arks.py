"""Kaldi's archives of vectors and matrices: read and write."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import kaldiio
import numpy as np
from kaldiio import matio

from diar.base.errors import DataError
from diar.base.files import flush
from diar.kaldi.tables import find_file, split_offset, unique_records

# How the head of a binary array states its shape, after the name of its kind.
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
    """Open a binary ark and its scp; call what it gives with (id, vector or matrix)."""
    with kaldiio.WriteHelper(f"ark,scp:{ark},{scp}") as writer:
        yield writer
    flush(ark)
    flush(scp)


def read_array(path: str | Path, offset: int = 0) -> np.ndarray:
    """Read a vector or matrix: numbers in binary, compressed or not, integers, or text.

    The head of an entry is looked at first, since kaldiio reads more than Kaldi's arrays: pickles, too, which
    run code. What it declares is held against what is read, as a vector that is cut short looks whole.

    Args:
        offset: bytes from the start of the file.

    Raises:
        DataError: nothing of Kaldi's there. The content is not shown: it may be anything.
    """
    try:
        with open(path, "rb") as stream:
            stream.seek(offset)
            head = stream.read(64)
            stream.seek(offset)
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
    except Exception:  # whatever kaldiio, struct and numpy raise
        pass
    where = f"{path}:{offset}" if offset else path
    raise DataError(f"cannot be read from {where}: no array of Kaldi's, or one cut short")


def _read_text(stream: IO[bytes]) -> np.ndarray:
    """Read ' [ 1 0.5 ]', or a matrix, whose rows have lines of their own after that of the bracket.

    kaldiio takes what begins with a whole number for whole numbers.
    """
    lines = []
    while b"]" not in (line := next(stream)):
        lines.append(line)
    first, *rows = (b"".join(lines) + line.partition(b"]")[0]).partition(b"[")[2].split(b"\n")
    numbers = [[float(number) for number in row.split()] for row in rows if row.strip()]
    return np.array(numbers if rows else [float(number) for number in first.split()], np.float32)


class Scp:
    """An scp whose arrays are read when asked for: ``scp[id]``, ``id in scp``, ``list(scp)``.

    An ark that is not where the scp says (see ``find_file``) is looked for beside the scp, so that a
    copied directory still works. Commands are refused.

    Raises:
        DataError: a malformed line or a duplicate id; on access, a missing or damaged ark.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._where: dict[str, tuple[int, str]] = {}
        self._arks: dict[str, Path] = {}  # found so far
        for number, fields in unique_records(path, "<id> ..."):
            key, target = fields[0], " ".join(fields[1:])
            if not target or any(sign in target for sign in "|[]"):  # commands, ranges
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
