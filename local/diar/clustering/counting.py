"""Estimates of the number of speakers: affinity refinement with the eigengap, and NME.

Refinement and eigengap: Wang, Downey, Wan, Mansfield, Moreno, "Speaker diarization with LSTM",
ICASSP 2018, section 3.2. NME, the normalised maximum eigengap: Park, Han, Kumar, Narayanan, "Auto-tuning
spectral clustering for speaker diarization using normalized maximum eigengap", IEEE SPL 2020.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import scipy

from diar.base import arguments
from diar.base.types import Bounds
from diar.base.vectors import unit_rows

EPS = 1e-10  # avoids division by 0


def cosine_affinity(x: np.ndarray) -> np.ndarray:
    """Return the cosines (n, n) of the rows of ``x`` (n, d), in [-1, 1]; those of a zero row are 0."""
    unit = unit_rows(x)
    return np.clip(unit @ unit.T, -1.0, 1.0)


class AffinityRefinementOperation(ABC):
    """One step of the refinement of a square affinity matrix."""

    def check_input(self, X: np.ndarray) -> None:
        """Raise TypeError if X is not an array of numbers, ValueError if it is not square or has NaN."""
        wanted = "a square numpy array (n, n) of numbers"
        if not isinstance(X, np.ndarray) or X.dtype.kind not in "biuf":
            raise arguments.wrong_kind("X", wanted, X)
        if X.ndim != 2 or X.shape[0] != X.shape[1]:
            raise arguments.wrong_value("X", wanted, X)
        if not np.isfinite(X).all():
            raise ValueError(f"X contains NaN or infinity: {arguments.shown(X)}")

    @abstractmethod
    def refine(self, X: np.ndarray) -> np.ndarray:
        """Return the refined matrix (n, n); ``X`` (n, n) is not modified."""


class CropDiagonal(AffinityRefinementOperation):
    """Replace the diagonal by the largest other value of the row, so that self-similarity does not count."""

    def refine(self, X: np.ndarray) -> np.ndarray:
        """Apply the operation of the class."""
        self.check_input(X)
        Y = X.copy()
        if len(Y) > 1:
            np.fill_diagonal(Y, -np.inf)
            np.fill_diagonal(Y, Y.max(axis=1))
        return Y


class GaussianBlur(AffinityRefinementOperation):
    """Smooth over neighbouring windows; ``sigma`` in windows."""

    def __init__(self, sigma: float = 1):
        self.sigma = arguments.number("sigma", sigma)

    def refine(self, X: np.ndarray) -> np.ndarray:
        """Apply the operation of the class."""
        self.check_input(X)
        return scipy.ndimage.gaussian_filter(X, sigma=self.sigma)


class RowWiseThreshold(AffinityRefinementOperation):
    """Shrink the small values of each row by ``thresholding_soft_multiplier``.

    Small means below ``p_percentile`` times the largest value of the row
    (``thresholding_with_row_max``), or otherwise below the row's ``p_percentile`` quantile.
    """

    def __init__(
        self,
        p_percentile: float = 0.95,
        thresholding_soft_multiplier: float = 0.01,
        thresholding_with_row_max: bool = False,
    ):
        self.p_percentile = arguments.number("p_percentile", p_percentile, 0, 1)
        self.multiplier = arguments.number(
            "thresholding_soft_multiplier", thresholding_soft_multiplier
        )
        self.with_row_max = arguments.truth("thresholding_with_row_max", thresholding_with_row_max)

    def refine(self, X: np.ndarray) -> np.ndarray:
        """Apply the operation of the class."""
        self.check_input(X)
        if not X.size:
            return X.copy()
        if self.with_row_max:
            threshold = X.max(axis=1, keepdims=True) * self.p_percentile
        else:
            threshold = np.quantile(X, self.p_percentile, axis=1, keepdims=True)
        return np.where(threshold > X, X * self.multiplier, X)


class Symmetrize(AffinityRefinementOperation):
    """Take the larger of each pair of mirrored values."""

    def refine(self, X: np.ndarray) -> np.ndarray:
        """Apply the operation of the class."""
        self.check_input(X)
        return np.maximum(X, X.T)


class Diffuse(AffinityRefinementOperation):
    """Compute X X^T: windows with the same neighbours become similar, others drift apart."""

    def refine(self, X: np.ndarray) -> np.ndarray:
        """Apply the operation of the class."""
        self.check_input(X)
        return X @ X.T


class RowWiseNormalize(AffinityRefinementOperation):
    """Divide each row by its largest value."""

    def refine(self, X: np.ndarray) -> np.ndarray:
        """Apply the operation of the class."""
        self.check_input(X)
        return X / _row_max(X)


def _row_max(X: np.ndarray) -> np.ndarray:
    """Return the largest value of each row (n, 1), or 1 if it is not positive."""
    top = X.max(axis=1, keepdims=True) if X.size else np.ones((len(X), 1))
    return np.where(top > EPS, top, 1.0)


class eigengap:
    """Estimates the number of speakers from the eigengap of the refined cosine affinity.

    Args:
        min_clusters, max_clusters: bounds on the count.
        p_percentile, thresholding_soft_multiplier, thresholding_with_row_max: see
            ``RowWiseThreshold``.
        gaussian_blur_sigma: see ``GaussianBlur``; 0: no blur.
        stop_eigenvalue: stop counting at eigenvalues below it.

    Raises:
        TypeError, ValueError: an invalid argument.
    """

    SIGMA = 2.0

    def __init__(
        self,
        min_clusters: int = 1,
        max_clusters: int = 100,
        p_percentile: float = 0.9,
        gaussian_blur_sigma: float = SIGMA,
        stop_eigenvalue: float = 1e-2,
        thresholding_soft_multiplier: float = 0.01,
        thresholding_with_row_max: bool = True,
    ):
        self.min_clusters = arguments.whole("min_clusters", min_clusters, 1)
        self.max_clusters = arguments.whole("max_clusters", max_clusters, 1)
        Bounds(least=min_clusters, most=max_clusters)  # checks that they are consistent
        self.stop_eigenvalue = arguments.number("stop_eigenvalue", stop_eigenvalue)
        self.operations: list[AffinityRefinementOperation] = [CropDiagonal()]
        if arguments.number("gaussian_blur_sigma", gaussian_blur_sigma):
            self.operations.append(GaussianBlur(gaussian_blur_sigma))
        self.operations += [
            RowWiseThreshold(p_percentile, thresholding_soft_multiplier, thresholding_with_row_max),
            Symmetrize(),
            Diffuse(),
        ]

    def find(self, X: np.ndarray) -> int:
        """Count the speakers among the rows of ``X`` (n, d), within the bounds and at most n.

        Raises:
            TypeError: not numbers. ValueError: no rows, not a matrix, or NaN.
        """
        X = arguments.matrix("X", X)
        most = min(self.max_clusters, len(X))
        if most == 1:
            return 1
        symmetric, _ = self._symmetric(X)
        values = scipy.linalg.eigh(
            symmetric, eigvals_only=True, subset_by_index=(max(0, len(X) - most - 1), len(X) - 1)
        )[::-1]
        least = min(self.min_clusters, most)
        return self.compute_number_of_clusters(
            values, most, self.stop_eigenvalue, min_clusters=least
        )

    def spectral_embedding(self, X: np.ndarray, count: int) -> np.ndarray:
        """Return eigenvectors (n, count) of the ``count`` largest eigenvalues of the refined affinity."""
        symmetric, root = self._symmetric(arguments.matrix("X", X))
        n = len(symmetric)
        _, vectors = scipy.linalg.eigh(symmetric, subset_by_index=(n - count, n - 1))
        return vectors[:, ::-1] / root

    def _symmetric(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (D^-1/2 A D^-1/2, D^1/2), where D has the row maxima of the refined affinity A.

        Row-wise normalisation D^-1 A has the same eigenvalues, and its eigenvectors are D^-1/2 v; the
        symmetric matrix is cheaper, and only the largest few eigenvalues are needed.
        """
        A = self.compute_affinity_matrix(X)
        for operation in self.operations:
            A = operation.refine(A)
        root = np.sqrt(_row_max(A))
        return A / root / root.T, root

    def compute_affinity_matrix(self, X: np.ndarray) -> np.ndarray:
        """Return the cosines (n, n) of the rows of ``X`` (n, d), mapped to [0, 1]; symmetric, not refined."""
        return (1.0 + cosine_affinity(arguments.matrix("X", X))) / 2.0

    def compute_sorted_eigenvalues(self, A: np.ndarray) -> np.ndarray:
        """Return the real parts of the eigenvalues of ``A`` (n, n), largest first."""
        return self.compute_sorted_eigenvectors(A)[0]

    def compute_sorted_eigenvectors(self, A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (eigenvalues (n,), eigenvectors (n, n) as columns) of ``A``, largest first."""
        values, vectors = np.linalg.eig(arguments.matrix("A", A, square=True))
        order = np.argsort(-np.real(values), kind="stable")
        return np.real(values)[order], np.real(vectors)[:, order]

    def compute_number_of_clusters(
        self,
        eigenvalues: np.ndarray,
        max_clusters: int | None = None,
        stop_eigenvalue: float = 1e-2,
        *,
        min_clusters: int = 1,
    ) -> int:
        """Find the i that maximises lambda_i / lambda_(i+1) over ``eigenvalues``, sorted descending.

        Raises:
            TypeError: not numbers. ValueError: inconsistent bounds; no eigenvalues, NaN, or not sorted.
        """
        if max_clusters is not None:
            arguments.whole("max_clusters", max_clusters, 1, or_else=" or None")
        Bounds(least=arguments.whole("min_clusters", min_clusters, 1), most=max_clusters)
        arguments.number("stop_eigenvalue", stop_eigenvalue)
        wanted = "eigenvalues (n,), n >= 1, the largest first"
        values = arguments.array("eigenvalues", eigenvalues, wanted).astype(float)
        vector = values.ndim == 1 and len(values) > 0 and np.isfinite(values).all()
        if not vector or (np.diff(values) > 0).any():
            raise arguments.wrong_value("eigenvalues", wanted, eigenvalues)
        last = len(values) - 1 if max_clusters is None else min(max_clusters, len(values) - 1)
        best, count = 0.0, min_clusters
        for i in range(min_clusters, last + 1):
            if values[i - 1] < stop_eigenvalue:
                break
            ratio = values[i - 1] / max(values[i], EPS)
            if ratio > best:
                best, count = ratio, i
        return count


def nme(
    affinity: np.ndarray,
    min_clusters: int = 1,
    max_clusters: int = 20,
    sparse: int = 20,
    neighbours: int = 2,
) -> tuple[int, np.ndarray]:
    """Estimate speaker count and graph with the normalised maximum eigengap (Park et al. 2020, eq. 5-9).

    For each p of up to ``sparse`` values, every window keeps its p nearest neighbours; the chosen p
    has the smallest ratio of p / n to the normalised maximum gap of the Laplacian's eigenvalues.

    Args:
        affinity: (n, n) cosines.
        min_clusters, max_clusters: bounds on the count; equal bounds fix it.
        neighbours: the smallest p to try, unless there are few windows. The nearest neighbours of a
            window share audio with it: with a smaller p, the graph of a short recording splits by time.

    Returns:
        (count, symmetric 0 / 0.5 / 1 graph (n, n) at the chosen p).
    """
    n = len(affinity)
    most = min(max_clusters, n)
    least = min(min_clusters, most)
    if n < 3:
        return max(least, 1), np.ones((n, n))
    rank = np.argsort(np.argsort(-affinity, axis=1, kind="stable"), axis=1)
    top = max(2, n // 4)
    first = min(neighbours, top)
    candidates = np.unique(np.linspace(first, top, min(sparse, top - first + 1)).astype(int))
    best: tuple[float, int, np.ndarray] = (np.inf, least, affinity)
    for p in candidates:
        graph = (rank < p).astype(float)
        graph = (graph + graph.T) / 2
        values = scipy.linalg.eigh(
            laplacian(graph), eigvals_only=True, subset_by_index=(0, min(most, n - 1))
        )
        largest = scipy.linalg.eigh(
            laplacian(graph), eigvals_only=True, subset_by_index=(n - 1, n - 1)
        )[0]
        gaps = np.diff(values)[least - 1 :] if least < len(values) else np.zeros(1)
        ratio = p / n / max(gaps.max() / max(largest, EPS), EPS)
        if ratio < best[0]:
            best = (ratio, least + int(gaps.argmax()), graph)
    return min(best[1], most), best[2]


def laplacian(graph: np.ndarray) -> np.ndarray:
    """Return the unnormalised graph Laplacian D - A."""
    return np.diag(graph.sum(axis=1)) - graph
