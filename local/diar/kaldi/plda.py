"""Kaldi's PLDA: a speaker space learnt with labels."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from diar.base.errors import DataError
from diar.base.files import open_whole
from diar.kaldi.arks import array_bytes, read_stream

_BINARY, _OPEN, _CLOSE = b"\0B", b"<Plda>", b"</Plda>"


@dataclass(frozen=True)
class Plda:
    """A two-covariance model (Ioffe, ECCV 2006), as written by ivector-compute-plda.

    Attributes:
        mean: (d,) of x-vectors.
        transform: (d, d); transform @ (x - mean) has variance 1 within a speaker in every direction.
        between: (d,) variances of the speakers' means after the transform, Kaldi's psi.
    """

    mean: np.ndarray
    transform: np.ndarray
    between: np.ndarray

    @property
    def dim(self) -> int:
        """Dimension of its x-vectors."""
        return len(self.mean)

    @property
    def for_unit_length(self) -> bool:
        """Whether it is for x-vectors of length 1 (VBx), rather than sqrt(d) (Kaldi).

        The model implies the average length of x-vectors.
        """
        unwhiten = np.linalg.pinv(self.transform)
        covariance = (unwhiten * (1 + self.between)) @ unwhiten.T
        return float(self.mean @ self.mean + np.trace(covariance)) < self.dim**0.5

    def rescaled(self, factor: float) -> Plda:
        """Return the same model for x-vectors scaled by ``factor``."""
        return Plda(self.mean * factor, self.transform / factor, self.between)


def read_plda(path: str | Path) -> Plda:
    """Read a PLDA written by Kaldi's Plda::Write: binary or text, float or double.

    Raises:
        DataError: no such file, not a PLDA, damaged or truncated, inconsistent sizes, numbers that are
            not finite, or negative variances.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", path) from None
    binary = data.startswith(_BINARY)
    content = data.removeprefix(_BINARY).lstrip()
    if not content.startswith(_OPEN):
        raise DataError("not a Kaldi PLDA, which begins with <Plda>", path)
    rest = content.removeprefix(_OPEN)
    arrays = []
    try:
        for _ in range(3):
            stream = BytesIO(_BINARY + rest[1:] if binary else rest)
            arrays.append(np.array(read_stream(stream), np.float64))
            # In binary, a blank ends the opening token, and nothing lies between the arrays.
            rest = (b" " if binary else b"") + stream.read()
    except Exception:  # anything that kaldiio, struct and numpy raise
        raise DataError("a Kaldi PLDA that is damaged or truncated", path) from None
    if rest.strip() != _CLOSE:
        raise DataError("a Kaldi PLDA that does not end in </Plda>", path)
    return _checked(path, *arrays)


def _checked(
    path: str | Path, mean: np.ndarray, transform: np.ndarray, between: np.ndarray
) -> Plda:
    dim = len(mean) if mean.ndim == 1 else 0
    if not dim or transform.shape != (dim, dim) or between.shape != (dim,):
        raise DataError(
            "expected a vector, a square matrix and a vector of one dimension, found shapes"
            f" {mean.shape}, {transform.shape}, {between.shape}",
            path,
        )
    if not all(np.isfinite(array).all() for array in (mean, transform, between)):
        raise DataError("the PLDA contains NaN or infinity", path)
    if between.min() < 0 or not between.max() > 0:
        raise DataError("variances between speakers must be positive: estimate it again", path)
    return Plda(mean, transform, between)


def write_plda(path: str | Path, plda: Plda) -> None:
    """Write a PLDA atomically in Kaldi's format, binary and double."""
    with open_whole(path, "wb") as stream:
        stream.write(_BINARY + _OPEN + b" ")
        for array in (plda.mean, plda.transform, plda.between):
            stream.write(array_bytes(array))
        stream.write(_CLOSE + b" ")
