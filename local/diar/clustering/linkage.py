"""Average linkage with cosines (UPGMA), for any number of windows.

Comparing all pairs of n windows takes n^2 numbers. A long recording is therefore cut into blocks, and only
the lowest merges are made within them, until few enough groups remain to compare in pairs. From there the
linkage is exact: the mean cosine between two groups is the scalar product of the means of their unit
vectors, however the groups were formed.
"""

from __future__ import annotations

import numpy as np
import scipy

from diar.base.vectors import unit_rows
from diar.clustering.counting import cosine_affinity

BLOCK = 1000  # windows: enough to find the lowest merges; only beyond 'exact'


def tree_of(x: np.ndarray) -> np.ndarray:
    """Build the scipy linkage tree (n - 1, 4) of vectors (n, d), n >= 2; heights are 1 - cosine."""
    distance = 1.0 - cosine_affinity(x)
    np.fill_diagonal(distance, 0.0)
    condensed = scipy.spatial.distance.squareform(np.maximum(distance, 0.0), checks=False)
    return scipy.cluster.hierarchy.linkage(condensed, method="average")


def cut(tree: np.ndarray, count: int) -> np.ndarray:
    """Return labels 1..k (n,) of a linkage tree, k = ``count`` (at most n), even with tied heights."""
    in_order = tree.copy()
    in_order[:, 2] = np.arange(len(tree))  # cutting by height would not separate ties
    return scipy.cluster.hierarchy.fcluster(in_order, len(tree) - count, criterion="distance")


def groups_within_blocks(x: np.ndarray, count: int, block: int = BLOCK) -> np.ndarray:
    """Return group labels 0..k-1 (n,) after the lowest merges within blocks of consecutive rows.

    Args:
        x: (n, d) vectors. count: number of groups, k = ``count`` unless there are more blocks.
        block: maximum number of rows per block.
    """
    blocks = np.array_split(np.arange(len(x)), -(-len(x) // block))
    trees = [tree_of(x[rows]) if len(rows) > 1 else np.zeros((0, 4)) for rows in blocks]
    heights = np.concatenate([tree[:, 2] for tree in trees])
    block_of = np.repeat(np.arange(len(trees)), [len(tree) for tree in trees])
    lowest = np.argsort(heights, kind="stable")[: max(len(x) - count, 0)]
    merges = np.bincount(block_of[lowest], minlength=len(blocks))
    labels, first = [], 0
    for tree, made in zip(trees, merges, strict=True):
        left = len(tree) + 1 - int(made)
        labels.append(first + (cut(tree, left) - 1 if made else np.arange(left)))
        first += left
    return np.concatenate(labels)


def means_of(x: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return means (k, d) of the unit vectors of rows (n, d) in groups 0..k-1 (n,), and sizes (k,)."""
    sizes = np.bincount(groups)
    order = np.argsort(groups, kind="stable")
    sums = np.zeros((len(sizes), x.shape[1]))
    for rows in np.array_split(order, -(-len(x) // (1 << 14))):  # to limit memory
        np.add.at(sums, groups[rows], unit_rows(x[rows]))
    return sums / sizes[:, None], sizes


def merges_of(means: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return all merges of average linkage from groups: edges (k - 1, 2), and heights (k - 1,).

    An edge joins two of the k groups, each representing its cluster; edges are in order of height,
    1 - mean cosine. Uses the nearest-neighbour chain (Murtagh, The Computer Journal 26, 1983), which
    finds the merges of the greedy algorithm without searching all pairs.

    Args:
        means: (k, d) means of unit vectors. sizes: (k,) number of vectors in each.
    """
    weights = sizes.astype(float)
    cosine = means @ means.T
    np.fill_diagonal(cosine, -np.inf)
    edges: list[tuple[int, int]] = []
    heights: list[float] = []
    chain: list[int] = []
    left = np.ones(len(means), dtype=bool)
    while len(edges) < len(means) - 1:
        if not chain:
            chain.append(int(left.argmax()))
        a = chain[-1]
        b = int(cosine[a].argmax())
        if len(chain) < 2 or cosine[a, chain[-2]] < cosine[a, b]:
            chain.append(b)
            continue
        b = chain[-2]  # each is the other's nearest
        del chain[-2:]
        edges.append((a, b))
        heights.append(1.0 - cosine[a, b])
        total = weights[a] + weights[b]
        joined = (weights[a] * cosine[a] + weights[b] * cosine[b]) / total
        joined[[a, b]] = -np.inf
        cosine[b] = cosine[:, b] = joined
        cosine[a] = cosine[:, a] = -np.inf
        weights[b], left[a] = total, False
    order = np.argsort(heights, kind="stable")
    return np.array(edges, dtype=int).reshape(-1, 2)[order], np.array(heights)[order]


def join_groups(edges: np.ndarray, count: int, size: int) -> np.ndarray:
    """Return labels (size,) of the ``count`` clusters left by the first ``size - count`` edges."""
    a, b = edges[: max(size - count, 0)].T
    graph = scipy.sparse.coo_array((np.ones(len(a)), (a, b)), shape=(size, size))
    return scipy.sparse.csgraph.connected_components(graph, directed=False)[1]
