"""Kaldi's archives of vectors and matrices: read and write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import kaldiio
import numpy as np

from diar.base.errors import DataError
from diar.kaldi.tables import find_file, split_offset, unique_records


def write_ark(
    ark: str | Path, arrays: Mapping[str, np.ndarray], scp: str | Path | None = None
) -> None:
    """Write vectors or matrices to a binary ark, and its scp (beside it unless named)."""
    ark = Path(ark)
    kaldiio.save_ark(str(ark), dict(arrays), scp=str(scp or ark.with_suffix(".scp")))


def read_array(where: str | Path) -> np.ndarray:
    """Read the vector or matrix in a file, or at an offset of it ('<file>:<offset>').

    Raises:
        DataError: nothing of Kaldi's there. The content is not shown: it may be anything.
    """
    try:
        return np.asarray(kaldiio.load_mat(str(where)))
    except Exception:  # kaldiio raises whatever struct and numpy raise
        raise DataError(
            f"cannot be read from {where}: no array of Kaldi's, or one cut short"
        ) from None


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
            return read_array(f"{self._arks[name]}{offset}")
        except DataError as error:
            raise DataError(f"{key}: {error}", self.path, number) from None
