"""Projections of latents to two dimensions.

PCA keeps distances; t-SNE (van der Maaten & Hinton, JMLR 9, 2008) and UMAP (McInnes et al.,
arXiv:1802.03426, if umap-learn is installed) keep neighbourhoods.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable

import numpy as np

FEWEST = 5  # points needed to define neighbourhoods


def pca(tables: list[np.ndarray], seed: int) -> list[np.ndarray]:
    """Project all tables on the same two axes, those of all their points together."""
    from sklearn.decomposition import PCA  # slow to import

    points = np.concatenate(tables)
    with np.errstate(invalid="ignore"):  # identical points have no variance to divide
        axes = PCA(min(2, *points.shape), random_state=seed).fit(points)
    planes = [axes.transform(table) for table in tables]
    return [np.pad(plane, ((0, 0), (0, 2 - plane.shape[1]))) for plane in planes]


def tsne(tables: list[np.ndarray], seed: int) -> list[np.ndarray]:
    """Project each table separately by t-SNE."""
    from sklearn.manifold import TSNE

    def one(points: np.ndarray) -> np.ndarray:
        spread = np.ptp(points, axis=0).any()  # identical points have no neighbourhoods
        if not spread:
            return np.zeros((len(points), 2))
        perplexity = min(30.0, (len(points) - 1) / 3)
        return TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(points)

    return [one(points) for points in tables]


def umap(tables: list[np.ndarray], seed: int) -> list[np.ndarray]:
    """Project each table separately by UMAP."""
    from umap import UMAP

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a seed limits it to one thread
        return [
            UMAP(n_neighbors=min(15, len(points) - 1), random_state=seed).fit_transform(points)
            for points in tables
        ]


METHODS: dict[str, Callable[[list[np.ndarray], int], list[np.ndarray]]] = {
    "pca": pca,
    "tsne": tsne,
    "umap": umap,
}


def project(method: str, tables: list[np.ndarray], seed: int = 0) -> list[np.ndarray] | None:
    """Project each table (n, l) of latents to (n, 2).

    Returns:
        None if the method needs more points, or is not installed (UMAP is optional).

    Raises:
        KeyError: no such method.
    """
    if method == "umap" and not importlib.util.find_spec("umap"):
        return None
    if method != "pca" and len(tables[0]) < FEWEST:
        return None
    return METHODS[method]([table.astype(np.float64) for table in tables], seed)
