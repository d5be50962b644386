"""Kaldi x-vector directories."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from diar.base.errors import DataError
from diar.base.types import Subsegments, XVectors, concatenate
from diar.kaldi.arks import Arks, Scp
from diar.kaldi.tables import read_segments


class XVectorDir:
    """A Kaldi x-vector directory (``segments``, ``xvector.scp``), read one recording at a time.

    Args:
        scp: the vectors, if not those of xvector.scp.
        segments: the windows, if not those of segments.

    Attributes:
        windows: recording -> its ``Subsegments`` in time order; recordings sorted.

    Raises:
        DataError: see ``read_segments`` and ``Scp``.
    """

    def __init__(
        self, directory: str | Path, scp: Scp | None = None, segments: Subsegments | None = None
    ):
        self.path = Path(directory)
        windows = read_segments(self.path / "segments") if segments is None else segments
        self.windows = windows.by_recording()
        self._scp = scp or Scp(self.path / "xvector.scp")

    def load(self, recording: str) -> XVectors:
        """Read the x-vectors of one recording.

        Raises:
            DataError: an id in 'segments' has no vector, the dimensions differ, or NaN.
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


def of_others(directory: str | Path) -> XVectorDir:
    """Open x-vectors in the layouts of other recipes.

    Kaldi: xvector.scp, and segments beside it or in subsegments_data. VBx, or without an scp: arks
    (``*.ark``), and segments in ``*.seg``.

    Raises:
        DataError: neither; or see ``read_segments``, ``Scp`` and ``Arks``.
    """
    source = Path(directory)
    scp = source / "xvector.scp"
    arks = sorted(source.glob("*.ark"))
    if not scp.exists() and not arks:
        raise DataError("no xvector.scp, and no ark", source)
    vectors = Scp(scp) if scp.exists() else Arks(arks)
    return XVectorDir(source, vectors, _segments_of(source))


def _segments_of(source: Path) -> Subsegments:
    for path in (source / "segments", source / "subsegments_data" / "segments"):
        if path.exists():
            return read_segments(path)
    files = sorted(source.glob("*.seg"))
    if not files:
        raise DataError(
            "no times of the x-vectors: neither segments, subsegments_data/segments nor *.seg",
            source,
        )
    parts = [read_segments(path) for path in files]
    places: dict[str, Path] = {}
    for path, part in zip(files, parts, strict=True):
        for name in part.ids:
            if places.setdefault(name, path) != path:
                raise DataError(f"{name!r} is also in {places[name]}", path)
    return concatenate(parts)


def duration_of(durations: Mapping[str, float], windows: Subsegments) -> float:
    """Return the duration of a recording in seconds, or the end of its last window if not known."""
    return durations.get(windows.recordings[0], float(windows.ends.max()))
