"""Clustering methods that need all pairs of windows, applied to a sample of a long recording.

Eigengaps and eigenvectors are properties of the distribution of the windows, which an evenly spaced sample
shares. The other windows join the cluster with the nearest mean (similar to Fowlkes, Belongie, Chung,
Malik, "Spectral grouping using the Nystroem method", IEEE PAMI 26, 2004, where each eigenvector is
extended instead).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from diar.base.vectors import unit_rows
from diar.clustering.counting import eigengap

EXACT = 6000  # windows, 25 minutes of speech at 0.25 s: the default of the key 'exact'
SAMPLE = 3000  # windows: the cost of eigenvalues is cubic; only beyond 'exact'
_BLOCK = 1 << 14  # rows copied at a time, to limit memory


def sample_rows(n: int, count: int = SAMPLE, stretch: int = 1) -> np.ndarray:
    """Return at most ``count`` row indices of n: evenly spaced stretches of consecutive rows."""
    stretch = min(stretch, count)
    firsts = np.linspace(0, n - stretch, min(count // stretch, n)).round().astype(int)
    return np.unique(firsts[:, None] + np.arange(stretch))


def blur(x: np.ndarray, rows: np.ndarray, sigma: float) -> np.ndarray:
    """Average unit vectors around these rows of ``x`` (n, d) with a Gaussian over time: (m, d).

    Args:
        sigma: of the Gaussian, in rows; 0 returns the unit vectors of the rows themselves.
    """
    reach = int(4 * sigma + 0.5)
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2) if reach else np.ones(1)
    total = np.zeros((len(rows), x.shape[1]))
    for ahead, weight in zip(offsets, weights / weights.sum(), strict=True):
        total += weight * unit_rows(x[np.clip(rows + ahead, 0, len(x) - 1)])
    return total


class SampledEigengap(eigengap):
    """``eigengap`` for blurred rows of a sample.

    A Gaussian G over both axes of the affinity U U' of unit vectors U gives (G U)(G U)', so the blur can
    be applied before sampling. The diagonal is kept: it represents the close neighbours that a sample
    lacks.
    """

    def __init__(self, min_clusters: int, max_clusters: int, p_percentile: float):
        super().__init__(min_clusters, max_clusters, p_percentile, gaussian_blur_sigma=0)
        self.operations = self.operations[1:]

    def compute_affinity_matrix(self, X: np.ndarray) -> np.ndarray:
        """Return (1 + X X') / 2 (m, m), without scaling the rows of ``X`` (m, d) to length 1."""
        return (1.0 + np.clip(X @ X.T, -1.0, 1.0)) / 2.0


def complete_labels(
    x: np.ndarray,
    rows: np.ndarray,
    labels: np.ndarray,
    place: Callable[[np.ndarray], np.ndarray] = unit_rows,
) -> np.ndarray:
    """Extend labels 0..k-1 (m,) of a sample of rows (m,) to all rows of ``x`` (n, d).

    Rows outside the sample join the cluster with the nearest mean.

    Args:
        place: maps (b, d) rows to the (b, e) points to compare.
    """
    points = place(x[rows])
    means = np.stack([points[labels == j].mean(axis=0) for j in range(int(labels.max()) + 1)])
    half = 0.5 * (means**2).sum(axis=1)
    found = [
        (place(x[i : i + _BLOCK]) @ means.T - half).argmax(axis=1) for i in range(0, len(x), _BLOCK)
    ]
    whole = np.concatenate(found)
    whole[rows] = labels
    return whole
