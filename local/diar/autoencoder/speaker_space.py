"""The directions of a latent space in which speakers differ, learnt without labels.

Two windows that follow each other within one stretch of speech mostly have the same speaker, so half
the mean square of their difference is the covariance within speakers; what of the total covariance
remains is that between speakers. A linear map makes the former the identity and the latter diagonal:
the two-covariance model of probabilistic linear discriminant analysis (Ioffe, ECCV 2006; Bruemmer &
De Villiers, "The speaker partitioning problem", Odyssey 2010), its covariances estimated from time.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.linalg import eigh

from diar.base.errors import DataError
from diar.xvectors.neighbours import neighbours

_LEAST_PAIRS = 5  # of a recording that takes part: of fewer, a covariance says nothing
_RIDGE = 1e-4  # share of the mean variance that is added within speakers, so that it has an inverse


def estimate(
    recordings: Iterable[tuple[np.ndarray, np.ndarray]], window: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimate the speaker space of a training set; every recording counts alike.

    Args:
        recordings: latents (n, l) of each, of unit length, in time order, and the starts (n,) of its
            windows in seconds.
        window: seconds.

    Returns:
        mean: (l,) of unit-length latents.
        transform: (l, l), its columns the directions, those that tell most about speakers first.
        between: (l,) the variance of speakers' means along each, where the variance within a speaker
            is 1.

    Raises:
        DataError: fewer than two recordings have neighbouring windows.
    """
    within, means, squares = [], [], []
    for z, starts in recordings:
        i, j = neighbours(starts, window)
        if len(i) >= _LEAST_PAIRS:
            difference = z[i] - z[j]
            within.append(difference.T @ difference / (2 * len(i)))
            means.append(z.mean(axis=0))
            squares.append(z.T @ z / len(z))
    if len(within) < 2:
        raise DataError(
            "too few recordings with neighbouring windows to learn how speakers differ: give more"
            " training data"
        )
    mean = np.mean(means, axis=0)
    inner = np.mean(within, axis=0)
    inner += np.eye(len(inner)) * _RIDGE * np.trace(inner) / len(inner)
    total = np.mean(squares, axis=0) - np.outer(mean, mean)
    between, transform = eigh(total - inner, inner)
    return mean, transform[:, ::-1], np.maximum(between[::-1], 1e-6)
