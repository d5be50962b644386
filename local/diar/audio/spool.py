"""Samples of long recordings, on disk instead of in memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from itertools import chain

import numpy as np

from diar.base.errors import DataError
from diar.base.files import in_tmpdir

LONG = 2 * 3600 * 16000  # samples kept in memory (two hours at 16 kHz, 460 MB)


class Spooled:
    """Samples (n,), float32, in a temporary file (in TMPDIR) that is removed with the object.

    They are read as slices, which are arrays in memory.

    Args:
        blocks: consecutive blocks of samples (b,).
    """

    dtype = np.dtype(np.float32)

    def __init__(self, blocks: Iterable[np.ndarray]) -> None:
        with in_tmpdir("its samples"):
            self._file = tempfile.TemporaryFile(prefix="samples.")  # noqa: SIM115 (as long as the object)
        for block in blocks:
            with in_tmpdir("its samples"):
                self._file.write(np.ascontiguousarray(block, self.dtype).data)
                self._file.flush()
        self.size = self._file.tell() // self.dtype.itemsize

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, key: slice) -> np.ndarray:
        start, stop, step = key.indices(self.size)
        size = self.dtype.itemsize
        parts, at, end = [], start * size, max(start, stop) * size
        while at < end:  # Linux reads at most 2 GB at a time
            part = os.pread(self._file.fileno(), end - at, at)
            if not part:
                raise DataError("the file of samples was truncated", tempfile.gettempdir())
            parts.append(part)
            at += len(part)
        return np.frombuffer(b"".join(parts), self.dtype)[::step]


Samples = np.ndarray | Spooled


def collect(blocks: Iterable[np.ndarray], long: int = LONG) -> Samples:
    """Join blocks of samples (b,) in one array, or in a file if there are more than ``long``."""
    blocks = iter(blocks)
    kept: list[np.ndarray] = []
    size = 0
    for block in blocks:
        kept.append(np.asarray(block, np.float32))
        size += len(block)
        if size > long:
            return Spooled(chain(kept, blocks))
    return np.concatenate([np.zeros(0, np.float32), *kept])
