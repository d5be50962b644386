"""Clusterings that need all pairs of windows, on a sample of the windows of a long recording.

Eigengaps and eigenvectors are properties of the distribution of the windows, which evenly spaced ones
share. The others join the cluster whose mean is nearest (as in Fowlkes, Belongie, Chung, Malik,
"Spectral grouping using the Nystroem method", IEEE PAMI 26, 2004, in spirit: there, each eigenvector
is extended).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from diar.base.vectors import unit_rows
from diar.clustering.counting import eigengap

EXACT = 6000  # windows, 25 minutes of speech at 0.25 s: the default of the key 'exact'
SAMPLE = 3000  # windows: eigenvalues cost the cube of it; only beyond 'exact'
_BLOCK = 1 << 14  # rows that are copied at a time: a matter of memory


def sample_rows(n: int, count: int = SAMPLE, stretch: int = 1) -> np.ndarray:
    """At most ``count`` row numbers of n: evenly spaced stretches of rows that follow each other."""
    stretch = min(stretch, count)
    firsts = np.linspace(0, n - stretch, min(count // stretch, n)).round().astype(int)
    return np.unique(firsts[:, None] + np.arange(stretch))


def blur(x: np.ndarray, rows: np.ndarray, sigma: float) -> np.ndarray:
    """Average the unit vectors about these rows of ``x`` (n, d), by a Gaussian over time: (m, d).

    Args:
        sigma: of the Gaussian, in rows; 0: the unit vectors of the rows themselves.
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

    A Gaussian G over both axes of the affinity U U' of unit vectors U gives (G U)(G U)', so that the
    blur can come before the sample. Its diagonal stands for the close neighbours that a sample lacks,
    and stays.
    """

    def __init__(self, min_clusters: int, max_clusters: int, p_percentile: float):
        super().__init__(min_clusters, max_clusters, p_percentile, gaussian_blur_sigma=0)
        self.operations = self.operations[1:]

    def compute_affinity_matrix(self, X: np.ndarray) -> np.ndarray:
        """(1 + X X') / 2 (m, m), without scaling the rows of ``X`` (m, d) to length 1."""
        return (1.0 + np.clip(X @ X.T, -1.0, 1.0)) / 2.0


def complete_labels(
    x: np.ndarray,
    rows: np.ndarray,
    labels: np.ndarray,
    place: Callable[[np.ndarray], np.ndarray] = unit_rows,
) -> np.ndarray:
    """Labels (n,) of all rows of ``x`` (n, d) from those 0..k-1 (m,) of a sample of rows (m,).

    What is not in the sample joins the cluster with the nearest mean.

    Args:
        place: (b, d) rows to the (b, e) points that are compared.
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
