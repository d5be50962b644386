"""Kaldi x-vector directories."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from diar.base.errors import DataError
from diar.base.types import Subsegments, XVectors
from diar.kaldi.arks import Scp
from diar.kaldi.tables import read_segments


class XVectorDir:
    """A Kaldi x-vector directory (``segments``, ``xvector.scp``), read one recording at a time.

    Args:
        scp: where xvector.scp is not in the directory of the segments.

    Attributes:
        windows: recording -> its ``Subsegments`` in time order; recordings sorted.

    Raises:
        DataError: what ``read_segments`` and ``Scp`` refuse.
    """

    def __init__(self, directory: str | Path, scp: str | Path | None = None):
        self.path = Path(directory)
        self.windows = read_segments(self.path / "segments").by_recording()
        self._scp = Scp(scp or self.path / "xvector.scp")

    def load(self, recording: str) -> XVectors:
        """Read the x-vectors of one recording.

        Raises:
            DataError: an id of 'segments' without a vector, vectors of different dimensions, NaN.
        """
        windows = self.windows[recording]
        missing = [i for i in windows.ids if i not in self._scp]
        if missing:
            raise DataError(
                f"{len(missing)} of {len(windows)} ids of 'segments' are missing, the first is {missing[0]!r}",
                self._scp.path,
            )
        vectors = [
            v[0] if v.ndim == 2 and len(v) == 1 else v
            for v in map(self._scp.__getitem__, windows.ids)
        ]
        shapes = {v.shape for v in vectors}
        if len(shapes) > 1 or vectors[0].ndim != 1:
            raise DataError(
                f"expected vectors of one dimension, found {sorted(shapes)}", self._scp.path
            )
        try:
            return XVectors(windows, np.stack(vectors).astype(np.float32, copy=False))
        except DataError as error:
            raise DataError(str(error), self._scp.path) from None


def duration_of(durations: Mapping[str, float], windows: Subsegments) -> float:
    """Return the seconds of a recording; where they are unknown, the end of its last window."""
    return durations.get(windows.recordings[0], float(windows.ends.max()))
