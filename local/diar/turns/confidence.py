"""The probability that a turn has the right speaker.

The mean posterior of the speaker over the windows of a turn is overconfident, because windows are not
independent. A logistic map with two slopes, fitted on data with a reference, calibrates it (Platt,
"Probabilistic outputs for support vector machines", 1999). The map is monotonic in the posterior; the second
slope accounts for short turns, which are wrong more often than their posteriors suggest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from diar.base.types import Subsegments, Turn
from diar.turns.decoding import cluster_of


@dataclass(frozen=True)
class ConfidenceConfig:
    """The map, fitted by local/fit_confidence.py: the logit of the probability is a sum.

    posterior: slope for the logit of the mean posterior; 0: no map was fitted, and turns have no
        confidence. duration: slope for the natural logarithm of the seconds. offset: constant term.
    least: posteriors are clipped to [least, 1 - least].
    doubtful: turns with a lower probability are called doubtful.
    """

    posterior: float = 0.0
    duration: float = 0.0
    offset: float = 0.0
    least: float = 0.01
    doubtful: float = 0.7

    def __post_init__(self) -> None:
        if min(self.posterior, self.duration) < 0:
            raise ValueError("posterior and duration must not be negative: the map never falls")
        if not 0 < self.least < 0.5 or not 0 <= self.doubtful <= 1:
            raise ValueError("least must lie in (0, 0.5), doubtful in [0, 1]")


def mean_posteriors(
    windows: Subsegments, posteriors: np.ndarray, turns: Sequence[Turn]
) -> np.ndarray:
    """Average the posterior of its speaker over each turn, (t,), weighted by shared time.

    A turn without a window uses the nearest one.

    Args:
        windows: n >= 1 of one recording, in time order. posteriors: (n, k).
        turns: t turns of ``diar.turns.decoding.decode``.
    """
    starts, ends = np.asarray(windows.starts), np.asarray(windows.ends)
    reach = np.maximum.accumulate(ends)
    means = np.empty(len(turns))
    for number, turn in enumerate(turns):
        first = int(np.searchsorted(reach, turn.start, side="right"))
        last = int(np.searchsorted(starts, turn.end, side="left"))
        shared = np.minimum(ends[first:last], turn.end) - np.maximum(starts[first:last], turn.start)
        weights = np.maximum(shared, 0.0)
        mine = posteriors[:, cluster_of(turn)]
        if weights.any():
            means[number] = weights @ mine[first:last] / weights.sum()
        else:
            middle = (turn.start + turn.end) / 2
            means[number] = mine[np.abs((starts + ends) / 2 - middle).argmin()]
    return means


def features(means: np.ndarray, turns: Sequence[Turn], least: float) -> np.ndarray:
    """Return the features of each turn, (t, 2): logit of its mean posterior, log of its seconds."""
    seconds = np.array([turn.duration for turn in turns], dtype=float)
    return np.stack(
        [scipy.special.logit(np.clip(means, least, 1 - least)), np.log(seconds)], axis=1
    )


def confidences(
    windows: Subsegments,
    posteriors: np.ndarray,
    turns: Sequence[Turn],
    config: ConfidenceConfig,
) -> dict[Turn, float]:
    """Return the probability that the speaker of each turn is right; empty if no map was fitted.

    Args:
        as for ``mean_posteriors``; config: the map.
    """
    if not config.posterior or not turns:
        return {}
    table = features(mean_posteriors(windows, posteriors, turns), turns, config.least)
    odds = table @ np.array([config.posterior, config.duration]) + config.offset
    return dict(zip(turns, map(float, scipy.special.expit(odds)), strict=True))
