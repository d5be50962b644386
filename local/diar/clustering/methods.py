"""Clustering of x-vectors without a network: the baselines, and the starts of DEC.

Every function takes (n, d) vectors with n >= 0 and returns (n,) int labels 0..k-1, numbered by
first appearance, with k within the bounds if n allows.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy

from diar.base.types import Bounds
from diar.base.vectors import unit_rows
from diar.clustering import linkage
from diar.clustering.counting import cosine_affinity, eigengap, laplacian, nme
from diar.clustering.sampling import (
    EXACT,
    SAMPLE,
    SampledEigengap,
    blur,
    complete_labels,
    sample_rows,
)

_STRETCH = 16  # windows: nearest neighbours in the graph of NME overlap; only beyond 'exact'


@dataclass(frozen=True)
class ClusteringConfig:
    """Options of all methods.

    ahc_threshold: mean cosine below which clusters are not merged.
    nme_sparse: number of neighbourhood sizes that NME tries; nme_neighbours: the smallest of them.
    p_percentile, gaussian_blur_sigma: see ``eigengap``.
    exact: maximum number of windows to compare in pairs; ``linkage`` and ``sampling`` handle more.
    """

    ahc_threshold: float = 0.27
    nme_sparse: int = 20
    nme_neighbours: int = 12
    p_percentile: float = 0.8
    gaussian_blur_sigma: float = 2.0
    exact: int = EXACT

    def __post_init__(self) -> None:
        if self.nme_neighbours < 2:
            raise ValueError("nme_neighbours must be at least 2")
        if self.exact < 3:
            raise ValueError("exact must be at least 3")


def ahc(x: np.ndarray, bounds: Bounds, config: ClusteringConfig, seed: int = 0) -> np.ndarray:
    """Cluster agglomeratively by average cosine (UPGMA), cut at a threshold within the bounds."""
    if len(x) < 2:
        return np.zeros(len(x), dtype=int)
    if len(x) <= config.exact:
        tree = linkage.tree_of(x)
        found = int((tree[:, 2] > 1.0 - config.ahc_threshold).sum()) + 1
        return renumber(linkage.cut(tree, bounds.clip(found)))
    groups = linkage.groups_within_blocks(x, config.exact)
    edges, heights = linkage.merges_of(*linkage.means_of(x, groups))
    found = int((heights > 1.0 - config.ahc_threshold).sum()) + 1
    clusters = linkage.join_groups(edges, bounds.clip(found), len(edges) + 1)
    return renumber(clusters[groups])


def kmeans(x: np.ndarray, bounds: Bounds, config: ClusteringConfig, seed: int = 0) -> np.ndarray:
    """Cluster length-normalised vectors with k-means (Lloyd's algorithm); needs the count.

    Raises:
        ValueError: the bounds do not fix the number of speakers.
    """
    least, most = bounds.range
    if least != most:
        raise ValueError("k-means needs the number of speakers")
    if len(x) > config.exact:
        return on_sample(kmeans, x, bounds, config, seed)
    return kmeans_labels(unit_rows(x, x.dtype), most, seed)


def spectral(x: np.ndarray, bounds: Bounds, config: ClusteringConfig, seed: int = 0) -> np.ndarray:
    """Cluster spectrally: refined cosine affinity, eigengap, k-means on eigenvectors (Wang et al. 2018)."""
    if len(x) < 2:
        return np.zeros(len(x), dtype=int)
    least, most = bounds.range
    if len(x) > config.exact:
        rows = sample_rows(len(x), min(SAMPLE, config.exact))
        finder: eigengap = SampledEigengap(least, most, config.p_percentile)
        points = blur(x, rows, config.gaussian_blur_sigma)
        return renumber(complete_labels(x, rows, _embedded(finder, points, seed)))
    finder = eigengap(least, most, config.p_percentile, config.gaussian_blur_sigma)
    return _embedded(finder, x, seed)


def _embedded(finder: eigengap, x: np.ndarray, seed: int) -> np.ndarray:
    count = finder.find(x)
    return kmeans_labels(finder.spectral_embedding(x, count), count, seed)


def nme_sc(x: np.ndarray, bounds: Bounds, config: ClusteringConfig, seed: int = 0) -> np.ndarray:
    """Cluster spectrally with the graph and the count of NME (Park et al. 2020)."""
    if len(x) < 3:
        return np.arange(len(x)) % max(1, min(bounds.range[0], max(len(x), 1)))
    if len(x) > config.exact:
        return on_sample(nme_sc, x, bounds, config, seed, _STRETCH)
    count, graph = nme(cosine_affinity(x), *bounds.range, config.nme_sparse, config.nme_neighbours)
    if count == 1:
        return np.zeros(len(x), dtype=int)
    _, vectors = scipy.linalg.eigh(laplacian(graph), subset_by_index=(0, count - 1))
    return kmeans_labels(vectors, count, seed)


def on_sample(
    method: Callable[..., np.ndarray],
    x: np.ndarray,
    bounds: Bounds,
    config: ClusteringConfig,
    seed: int,
    stretch: int = 1,
) -> np.ndarray:
    """Label all windows with a method applied to a sample, in stretches of ``stretch`` windows."""
    rows = sample_rows(len(x), min(SAMPLE, config.exact), stretch)
    return renumber(complete_labels(x, rows, method(x[rows], bounds, config, seed)))


def kmeans_labels(x: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Run Lloyd's algorithm from 10 seeded k-means++ starts; at most one cluster per distinct row."""
    count = min(count, len(np.unique(x, axis=0))) if count > 1 else 1
    if count < 2:
        return np.zeros(len(x), dtype=int)
    from sklearn.cluster import (
        KMeans,
    )  # 1.2 s of CPU; the default DEC and most baselines do not need it

    return renumber(KMeans(count, n_init=10, random_state=seed).fit_predict(x))


def renumber(labels: np.ndarray) -> np.ndarray:
    """Return labels 0, 1, 2 ... in order of first appearance."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=int)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


METHODS = {  # module:function; docs/extending.md shows how to add one
    "ahc": "diar.clustering.methods:ahc",
    "kmeans": "diar.clustering.methods:kmeans",
    "nme_sc": "diar.clustering.methods:nme_sc",
    "spectral": "diar.clustering.methods:spectral",
}


def method_of(name: str) -> Callable[..., np.ndarray]:
    """Import a clustering method by its name in ``METHODS``."""
    return pkgutil.resolve_name(METHODS[name])
