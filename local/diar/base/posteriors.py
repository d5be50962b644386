"""Posteriors of clusters: rows (n, k), one per window, each summing to 1."""

from __future__ import annotations

import numpy as np


def one_hot(labels: np.ndarray) -> np.ndarray:
    """Return the posteriors (n, k) of hard labels 0..k-1 (n,)."""
    return np.eye(int(labels.max()) + 1 if len(labels) else 1)[labels]


def normalise(rows: np.ndarray) -> np.ndarray:
    """Divide rows (n, k) by their sums."""
    return rows / rows.sum(axis=1, keepdims=True)
