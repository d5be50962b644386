"""The published start of DEC: the number of speakers, and the initial cluster of each window."""

from __future__ import annotations

import numpy as np

from diar.clustering.counting import eigengap
from diar.clustering.methods import kmeans_labels
from diar.clustering.sampling import (
    EXACT,
    SAMPLE,
    SampledEigengap,
    blur,
    complete_labels,
    sample_rows,
)

_EPS = 1e-10  # a dimension that varies less is constant


def count_on_latents(
    z: np.ndarray,
    percentiles: tuple[float, ...] = (0.9, 0.95),
    least: int = 1,
    most: int = 100,
    exact: int = EXACT,
) -> int:
    """Count speakers as published: the largest of the eigengap estimates at these percentiles.

    With more than ``exact`` latents (n, l), in time order, a sample is used.
    """
    finder: type[eigengap] = eigengap
    if len(z) > exact:
        rows = sample_rows(len(z), min(SAMPLE, exact))
        z, finder = blur(z, rows, eigengap.SIGMA), SampledEigengap
    most = max(least, most)
    return max(finder(least, most, p_percentile=p).find(z) for p in percentiles)


def spectral_labels(z: np.ndarray, count: int, seed: int, exact: int = EXACT) -> np.ndarray:
    """Cluster as published: RBF spectral clustering of PCA(z-scored latents) with k components.

    With more than ``exact`` latents (n, l), a sample is clustered, and the others join its clusters.
    """
    count = min(count, len(np.unique(z, axis=0)))
    if count < 2:
        return np.zeros(len(z), dtype=int)
    from sklearn.decomposition import PCA  # slow to import, and only the published start needs it

    scale = z.std(axis=0)
    scored = (z - z.mean(axis=0)) / np.where(scale > _EPS, scale, 1.0)
    points = PCA(min(count, *z.shape), random_state=seed).fit_transform(scored)
    if len(points) <= exact:
        return _rbf_spectral(points, count, seed)
    rows = sample_rows(len(points), min(SAMPLE, exact))
    return complete_labels(points, rows, _rbf_spectral(points[rows], count, seed), place=np.asarray)


def _rbf_spectral(points: np.ndarray, count: int, seed: int) -> np.ndarray:
    if count >= len(points) - 1:  # too few windows for an eigenvalue solver
        return kmeans_labels(points, count, seed)
    from sklearn.cluster import KMeans, SpectralClustering

    model = SpectralClustering(count, assign_labels="discretize", random_state=seed)
    labels = model.fit_predict(points)
    if len(np.unique(labels)) < count:  # discretisation may lose clusters
        labels = KMeans(count, n_init=10, random_state=seed).fit_predict(points)
    return np.unique(labels, return_inverse=True)[1]
