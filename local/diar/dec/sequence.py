"""Who speaks in each window: a Bayesian hidden Markov model over latents.

One state is one speaker. His mean is a random variable with the spread of means between speakers,
around which his windows spread by the identity; both come from the pretrained autoencoder
(``diar.autoencoder.speaker_space``). Inference is variational: with the posterior of the means, hence their
uncertainty, a speaker that is not needed to explain the windows loses them all and is dissolved.
Landini, Profant, Diez, Burget, "Bayesian HMM clustering of x-vector sequences (VBx)", Computer Speech
& Language 71, 2022; equation numbers are those of the paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diar.base.posteriors import normalised, one_hot
from diar.dec.durations import Timeline
from diar.dec.markov import forward_backward

_LEAST_SHARE = 1e-3  # of the entries into states, below which a speaker is dissolved
_CERTAINTY = 5.0  # nats by which a window belongs to the cluster that it starts in
# Seconds: what is a share of a recording is one of so much of it, if it is longer. Else who speaks for
# ten seconds would be lost in a day, however clear his voice.
_ENOUGH = 1500
_CONVERGED = 1e-3  # gain of the bound, nats


@dataclass(frozen=True)
class SequenceConfig:
    """Options of the hidden Markov model.

    evidence: independent windows that a second of speech is worth, because windows overlap and what
        they miss of the truth is alike (the paper's F_A, times windows per second).
    complexity: what a speaker costs (F_B): more dissolves more of them.
    turn: mean duration of a turn, seconds.
    iterations: at most; 0: no such model.
    drift: variance of a speaker from one part of a recording to another, which no number of windows
        averages out; speakers that differ by less are merged (0: never).
    """

    evidence: float = 0.4
    complexity: float = 3.0
    turn: float = 2.5
    iterations: int = 20
    drift: float = 0.0

    def __post_init__(self):
        if min(self.evidence, self.complexity, self.turn) <= 0:
            raise ValueError("evidence, complexity and turn must be positive")
        if min(self.iterations, self.drift) < 0:
            raise ValueError("iterations and drift must not be negative")


def infer(
    y: np.ndarray,
    between: np.ndarray,
    posteriors: np.ndarray,
    time: Timeline,
    config: SequenceConfig,
    dissolve: bool = True,
) -> np.ndarray:
    """Posteriors (n, k') of the speakers that remain, k' <= k.

    Args:
        y: (n, m) latents in time order, spread 1 within a speaker in every direction.
        between: (m,) spread of speakers' means.
        posteriors: (n, k) to start from, rows sum to 1.
        time: what each window stands for: its evidence, and the chance of a change, depend on it.
        config: see there.
        dissolve: whether speakers may lose all their windows; without, k' = k.
    """
    evidence = config.evidence * time.seconds[:, None]
    ratio = config.evidence / config.complexity
    stay = np.exp(-time.gaps / config.turn)
    scaled = y * np.sqrt(between)
    weighted = scaled * time.seconds[:, None]
    fixed = -0.5 * ((y**2).sum(axis=1) + y.shape[1] * np.log(2 * np.pi))
    shares = np.full(posteriors.shape[1], 1 / posteriors.shape[1])
    least = _LEAST_SHARE * min(1.0, _ENOUGH / time.seconds.sum())
    before = -np.inf
    for _ in range(config.iterations):
        # eq. 16, 17: posterior of each speaker's mean; eq. 23: evidence for him in each window
        precision = 1 + ratio * (time.seconds @ posteriors)[:, None] * between
        means = ratio / precision * (posteriors.T @ weighted)
        scores = scaled @ means.T  # in place: n k numbers are many
        scores -= 0.5 * ((1 / precision + means**2) @ between)
        scores += fixed[:, None]
        scores *= evidence
        posteriors, entries, likelihood = forward_backward(scores, shares, stay)
        if dissolve:
            keep = entries > least
            keep[entries.argmax()] = True
            if not keep.all():
                posteriors = normalised(posteriors[:, keep])
                shares = entries[keep] / entries[keep].sum()
                before = -np.inf
                continue
            shares = entries  # eq. 22
        # eq. 15: the lower bound of the likelihood
        gain = np.log(1 / precision) - 1 / precision - means**2 + 1
        bound = likelihood + 0.5 * config.complexity * gain.sum()
        if bound - before < _CONVERGED:
            break
        before = bound
    return posteriors


def merge(
    y: np.ndarray,
    between: np.ndarray,
    posteriors: np.ndarray,
    time: Timeline,
    config: SequenceConfig,
    count: int | None = None,
    least_first: bool = False,
) -> np.ndarray:
    """Posteriors (n, k') in which speakers that are rather one person are one; k' <= k.

    The mean of a speaker's windows spreads about his own by 1 / (their evidence) and by the drift. Two
    means are compared by the likelihood ratio of one speaker against two (Ioffe 2006, of means), and
    the pair for which it is greatest is merged for as long as it is above 1.

    Args:
        y, between, posteriors, time, config: as for ``infer``.
        count: merge until so many are left, whatever the ratio.
        least_first: who speaks least is merged with whom he is most like, instead of the pair that is
            most alike: in a long recording, what is odd is little, and unlike all speakers.
    """
    weighted = y * time.seconds[:, None]
    while (config.drift or count) and posteriors.shape[1] > (count or 1):
        seconds = np.maximum(time.seconds @ posteriors, 1e-6)
        means = (posteriors.T @ weighted) / seconds[:, None]
        spread = between + 1 / (config.evidence * seconds[:, None]) + config.drift
        ratios = same_speaker(means, spread, between)
        np.fill_diagonal(ratios, -np.inf)
        if least_first:
            ratios[np.arange(len(ratios)) != seconds.argmin()] = -np.inf
        i, j = sorted(np.unravel_index(ratios.argmax(), ratios.shape))
        if not count and ratios[i, j] <= 0:
            break
        posteriors = posteriors.copy()
        posteriors[:, i] += posteriors[:, j]
        posteriors = np.delete(posteriors, j, axis=1)
    return posteriors


def same_speaker(means: np.ndarray, spread: np.ndarray, between: np.ndarray) -> np.ndarray:
    """(k, k) log likelihood ratios of one speaker against two.

    Args:
        means: (k, m). spread: (k, m) total variance of each. between: (m,) what they share of it
            where the speaker is one.
    """
    a, b = spread[:, None], spread[None]
    x, y = means[:, None], means[None]
    rest = a * b - between**2
    together = np.log(rest) + (b * x**2 + a * y**2 - 2 * between * x * y) / rest
    apart = np.log(a) + x**2 / a + np.log(b) + y**2 / b
    return 0.5 * (apart - together).sum(axis=2)


def softened(labels: np.ndarray, seconds: float = 0.0) -> np.ndarray:
    """Posteriors (n, k) of labels 0..k-1 (n,), the same little of each window for every other cluster.

    Args:
        seconds: how much speech they stand for: in more of it, the little of all windows shall not
            be more than the windows of a small cluster.
    """
    certainty = _CERTAINTY + np.log(max(1.0, seconds / _ENOUGH))
    return normalised(np.exp(certainty * one_hot(labels)))
