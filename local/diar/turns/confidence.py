"""How likely it is that a turn has the right speaker.

The mean posterior of the speaker over the windows of the turn says how sure DEC is, and DEC is too sure of
some: its windows are not independent. A logistic map with two slopes, fitted where a reference is, turns
it into a probability (Platt, "Probabilistic outputs for support vector machines", 1999). It never falls
where the posterior grows; and short turns are wrong more often than their posteriors say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from diar.base.types import Subsegments, Turn
from diar.turns.decoding import cluster_of


@dataclass(frozen=True)
class ConfidenceConfig:
    """The map, fitted by local/fit_confidence.py: the logit of the probability is a sum.

    posterior: slope of the logit of the mean posterior; 0: no map is known, and turns have no
        confidence. duration: slope of the natural logarithm of the seconds. offset: what is added.
    least: posteriors below it, or as near to 1, count as so much.
    doubtful: turns of a smaller probability are called so.
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
    """Average the posterior of its speaker over each turn: (t,), windows counting by what they share.

    A turn without a window takes the nearest.

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
    """Return what the map takes of each turn, (t, 2): logit of its mean posterior, log of its seconds."""
    seconds = np.array([turn.duration for turn in turns], dtype=float)
    return np.stack([logit(np.clip(means, least, 1 - least)), np.log(seconds)], axis=1)


def confidences(
    windows: Subsegments,
    posteriors: np.ndarray,
    turns: Sequence[Turn],
    config: ConfidenceConfig,
) -> dict[Turn, float]:
    """Return the probability of each turn that its speaker is right; nothing where no map is known.

    Args:
        as for ``mean_posteriors``; config: the map.
    """
    if not config.posterior or not turns:
        return {}
    table = features(mean_posteriors(windows, posteriors, turns), turns, config.least)
    odds = table @ np.array([config.posterior, config.duration]) + config.offset
    return dict(zip(turns, map(float, expit(odds)), strict=True))
