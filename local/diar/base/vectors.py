"""Vectors as the rows of arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

EPS = 1e-10  # minimum divisor of a row


def unit_rows(x: np.ndarray, dtype: DTypeLike = np.float64) -> np.ndarray:
    """Scale the rows of ``x`` (n, d) to length 1; a zero row stays zero.

    Args:
        dtype: of the computation and of the result.
    """
    x = np.asarray(x, dtype)
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), EPS)
