"""Clusterings that need all pairs of windows, on a sample of the windows of a long recording.

Eigengaps and eigenvectors are properties of the distribution of the windows, which evenly spaced ones
share. The others join the cluster whose mean is nearest.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from diar.counting import unit_rows

EXACT = 6000  # windows, 25 minutes of speech at 0.25 s: up to here nothing is left out
SAMPLE = 3000  # windows: eigenvalues cost the cube of it
_BLOCK = 1 << 14  # rows that are copied at a time


def sample_rows(n: int, count: int = SAMPLE) -> np.ndarray:
    """At most ``count`` evenly spaced row numbers of n, the first and the last included."""
    return np.unique(np.linspace(0, n - 1, min(count, n)).round().astype(int))


def blurred(x: np.ndarray, rows: np.ndarray, sigma: float) -> np.ndarray:
    """Unit vectors (m, d) of these rows of ``x`` (n, d), averaged with their neighbours in time.

    A Gaussian G of ``sigma`` rows over both axes of the affinity U U' of unit vectors U is G U (G U)':
    it can be taken before a sample is.
    """
    if not sigma:
        return unit_rows(x[rows])
    reach = np.arange(-int(4 * sigma + 0.5), int(4 * sigma + 0.5) + 1)
    weights = np.exp(-0.5 * (reach / sigma) ** 2)
    total = np.zeros((len(rows), x.shape[1]))
    for ahead, weight in zip(reach, weights / weights.sum(), strict=True):
        total += weight * unit_rows(x[np.clip(rows + ahead, 0, len(x) - 1)])
    return total


def completed(
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
