"""Who speaks in each window: a Bayesian hidden Markov model over latents.

One state is one speaker. His mean is a random variable with the spread of means between speakers,
around which his windows spread by the identity; both come from the pretrained autoencoder
(``diar.speaker_space``). Inference is variational: with the posterior of the means, hence their
uncertainty, a speaker that is not needed to explain the windows loses them all and is dissolved.
Landini, Profant, Diez, Burget, "Bayesian HMM clustering of x-vector sequences (VBx)", Computer Speech
& Language 71, 2022; equation numbers are those of the paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diar.decoding import one_hot

_LEAST_SHARE = 1e-3  # of the entries into states, below which a speaker is dissolved
_CONVERGED = 1e-3  # gain of the bound, nats


@dataclass(frozen=True)
class SequenceConfig:
    """Options of the hidden Markov model.

    evidence: independent windows that a second of speech is worth, because windows overlap and what
        they miss of the truth is alike (the paper's F_A, times windows per second).
    complexity: what a speaker costs (F_B): more dissolves more of them.
    turn: mean duration of a turn, seconds.
    iterations: at most; 0: no such model.
    """

    evidence: float = 0.4
    complexity: float = 3.0
    turn: float = 2.5
    iterations: int = 20

    def __post_init__(self):
        if min(self.evidence, self.complexity, self.turn) <= 0 or self.iterations < 0:
            raise ValueError(
                "evidence, complexity and turn must be positive, iterations not negative"
            )


def infer(
    y: np.ndarray,
    between: np.ndarray,
    posteriors: np.ndarray,
    step: float,
    config: SequenceConfig,
    dissolve: bool = True,
) -> np.ndarray:
    """Posteriors (n, k') of the speakers that remain, k' <= k.

    Args:
        y: (n, m) latents in time order, spread 1 within a speaker in every direction.
        between: (m,) spread of speakers' means.
        posteriors: (n, k) to start from, rows sum to 1.
        step: seconds from one window to the next.
        config: see there.
        dissolve: whether speakers may lose all their windows; without, k' = k.
    """
    evidence = config.evidence * step
    ratio = evidence / config.complexity
    stay = float(np.exp(-step / config.turn))
    scaled = y * np.sqrt(between)
    fixed = -0.5 * ((y**2).sum(axis=1) + y.shape[1] * np.log(2 * np.pi))
    shares = np.full(posteriors.shape[1], 1 / posteriors.shape[1])
    before = -np.inf
    for _ in range(config.iterations):
        # eq. 16, 17: posterior of each speaker's mean; eq. 23: evidence for him in each window
        precision = 1 + ratio * posteriors.sum(axis=0)[:, None] * between
        means = ratio / precision * (posteriors.T @ scaled)
        scores = scaled @ means.T - 0.5 * ((1 / precision + means**2) @ between) + fixed[:, None]
        posteriors, entries, likelihood = forward_backward(evidence * scores, shares, stay)
        if dissolve:
            keep = entries > _LEAST_SHARE
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


def forward_backward(
    scores: np.ndarray, shares: np.ndarray, stay: float
) -> tuple[np.ndarray, np.ndarray, float]:
    """Posteriors of the states of a hidden Markov model.

    From one window to the next a state is kept with probability ``stay``; else the next one, perhaps
    the same, is drawn with the probabilities ``shares``.

    Args:
        scores: (n, k) log evidence, n >= 1. shares: (k,) sum to 1.

    Returns:
        (n, k) posteriors; (k,) how often each state is entered, summing to 1; the log likelihood.
    """
    top = scores.max(axis=1)
    evidence = np.exp(scores - top[:, None])
    forward = np.empty_like(evidence)
    scale = np.empty(len(evidence))
    reached = shares
    for t, row in enumerate(evidence):
        joint = reached * row
        scale[t] = joint.sum()
        forward[t] = joint / scale[t]
        reached = stay * forward[t] + (1 - stay) * shares
    backward = np.ones_like(evidence)
    for t in range(len(evidence) - 1, 0, -1):
        later = backward[t] * evidence[t] / scale[t]
        backward[t - 1] = stay * later + (1 - stay) * (shares @ later)
    posteriors = normalised(forward * backward)
    drawn = (1 - stay) * shares * evidence[1:] * backward[1:] / scale[1:, None]
    entries = posteriors[0] + drawn.sum(axis=0)
    return posteriors, entries / entries.sum(), float(np.log(scale).sum() + top.sum())


def softened(labels: np.ndarray, certainty: float = 5.0) -> np.ndarray:
    """Posteriors (n, k) of labels 0..k-1 (n,), ``certainty`` nats above those of the others."""
    return normalised(np.exp(certainty * one_hot(labels)))


def normalised(rows: np.ndarray) -> np.ndarray:
    return rows / rows.sum(axis=1, keepdims=True)
