"""Kaldi's normalisation of x-vectors before scoring: mean, whitening, length; and the PLDA."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from diar.base.errors import DataError
from diar.kaldi.arks import read_array
from diar.kaldi.plda import read_plda


class Normalization:
    """``mean.vec``, ``transform.mat`` and ``plda`` of a Kaldi x-vector directory, if they exist.

    As in Kaldi's diarization recipes (score_plda.sh): ivector-subtract-global-mean, transform-vec,
    ivector-normalize-length, which scales a vector of dimension d to length sqrt(d). The next step there,
    the transform of the PLDA, is left to the code that compares the vectors.

    Attributes:
        plda: the PLDA of the normalised vectors, or None.

    Raises:
        DataError: a file is not a vector, matrix or PLDA in Kaldi's format.
    """

    def __init__(self, directory: str | Path):
        self.path = Path(directory)
        self.mean = _load(self.path / "mean.vec", 1)
        self.transform = _load(self.path / "transform.mat", 2)
        plda = self.path / "plda"
        self.plda = read_plda(plda) if plda.exists() else None

    @property
    def steps(self) -> list[str]:
        """The steps that are applied, as text."""
        steps = []
        if self.mean is not None:
            steps.append("mean subtracted (mean.vec)")
        if self.transform is not None:
            steps.append("whitened (transform.mat)")
        return [*steps, "length-normalised"] if steps or self.plda else []

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """Normalise vectors (n, d) to (n, d'), float32.

        Raises:
            DataError: the dimension differs from that of mean, transform or PLDA.
        """
        x = np.asarray(vectors, np.float64)
        if self.mean is not None:
            self._check("mean.vec", x.shape[1], (len(self.mean),))
            x = x - self.mean
        if self.transform is not None:
            columns = self.transform.shape[1]
            self._check("transform.mat", x.shape[1], (columns, columns - 1))
            linear = x @ self.transform[:, : x.shape[1]].T
            x = linear if columns == x.shape[1] else linear + self.transform[:, -1]
        if self.plda:
            self._check("plda", x.shape[1], (self.plda.dim,))
        if self.steps:
            # Not with unit_rows, which rounds differently and does not scale the shortest rows.
            norms = np.linalg.norm(x, axis=1, keepdims=True)
            x = x * np.sqrt(x.shape[1]) / np.maximum(norms, np.finfo(float).tiny)
        return x.astype(np.float32)

    def _check(self, name: str, dim: int, allowed: tuple[int, ...]) -> None:
        if dim not in allowed:
            raise DataError(
                f"is for vectors of dimension {allowed[0]}, but the x-vectors have {dim}",
                self.path / name,
            )


def _load(path: Path, dimensions: int) -> np.ndarray | None:
    if not path.exists():
        return None
    array = np.asarray(read_array(path), np.float64)
    if array.ndim != dimensions or not array.size or not np.isfinite(array).all():
        raise DataError(
            f"expected finite numbers in {dimensions} dimension(s), found shape {array.shape}", path
        )
    return array
