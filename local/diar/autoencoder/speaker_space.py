"""The directions of a latent space in which speakers differ, learnt without labels.

Two windows close in time within one speech region mostly have the same speaker, so half the mean square
of their difference is the within-speaker covariance; the rest of the total covariance is the between-speaker
covariance. A linear map makes the former the identity and the latter diagonal: the two-covariance model of
probabilistic linear discriminant analysis (Ioffe, ECCV 2006; Bruemmer & De Villiers, "The speaker
partitioning problem", Odyssey 2010), with covariances estimated from time.

With little speech, directions in which windows happen to differ little would seem to discriminate
speakers. So the within-speaker covariance is shrunk towards a multiple of the identity, as far as its
number of samples requires (Ledoit & Wolf, "A well-conditioned estimator for large-dimensional covariance
matrices", Journal of Multivariate Analysis 88, 2004).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import scipy

from diar.base.errors import DataError
from diar.xvectors.neighbours import LEAST_PAIRS, neighbours, thin

_LEAST_SHRINKAGE = 1e-4  # so that the covariance has an inverse


def estimate(
    recordings: Iterable[tuple[np.ndarray, np.ndarray]], window: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimate the speaker space of a training set; recordings have equal weight, and one may be enough.

    Args:
        recordings: latents (n, l) of each, of unit length, in time order, and the starts (n,) of its
            windows in seconds.
        window: length of the windows, seconds.

    Returns:
        mean: (l,) of unit-length latents.
        transform: (l, l), whose columns are the directions, the most discriminative first.
        between: (l,) variance of the speakers' means along each, relative to a within-speaker variance
            of 1.

    Raises:
        DataError: no recording has neighbouring windows (``neighbours.check_neighbours``), or they are
            all identical.
    """
    within, means, squares, samples = [], [], [], []
    for z, starts in recordings:
        i, j = neighbours(starts, window)
        if len(i) >= LEAST_PAIRS:
            difference = z[i] - z[j]
            within.append(difference.T @ difference / (2 * len(i)))
            means.append(z.mean(axis=0))
            squares.append(z.T @ z / len(z))
            # Only pairs that share no window with another pair.
            order = np.argsort(starts[i], kind="stable")
            samples.append(difference[order[thin(starts[i][order], 2 * window)]])
    if not within or not np.any(within):
        raise DataError("cannot learn the speaker space: no neighbouring windows that differ")
    mean = np.mean(means, axis=0)
    inner = np.mean(within, axis=0)
    share = max(_LEAST_SHRINKAGE, _shrinkage(np.concatenate(samples)))
    inner = (1 - share) * inner + share * np.eye(len(inner)) * np.trace(inner) / len(inner)
    total = np.mean(squares, axis=0) - np.outer(mean, mean)
    between, transform = scipy.linalg.eigh(total - inner, inner)
    return mean, transform[:, ::-1], np.maximum(between[::-1], 1e-6)


def _shrinkage(samples: np.ndarray) -> float:
    """Return the shrinkage intensity (Ledoit & Wolf) for the covariance of these samples (n, l)."""
    from sklearn.covariance import ledoit_wolf_shrinkage  # slow to import

    if len(samples) < 2:
        return 1.0
    return float(ledoit_wolf_shrinkage(samples, assume_centered=True))
