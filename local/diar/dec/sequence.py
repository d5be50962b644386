"""The sequence model: a Bayesian hidden Markov model over latents tells who speaks in each window.

Each state is a speaker. A speaker's mean is a random variable with the between-speaker variance; their
windows vary around it with identity covariance; both come from the pretrained autoencoder
(``diar.autoencoder.speaker_space``). Inference is variational: it accounts for the uncertainty of the means,
so that a speaker who is not needed to explain the windows loses them all and is dissolved.

Symbols and equation numbers are those of Landini, Profant, Diez, Burget, "Bayesian HMM clustering of
x-vector sequences (VBx) in speaker diarization", Computer Speech & Language 71, 2022. Two differences: a
window counts in proportion to the time that it represents, and the probability of a speaker change
depends on the time since the previous window.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import scipy

from diar.base.posteriors import normalise, one_hot
from diar.dec.durations import Durations
from diar.dec.markov import forward_backward

_CONVERGED = 1e-3  # nats: stop when the bound gains less, which no window can notice


@dataclass(frozen=True)
class SequenceConfig:
    """Options of the hidden Markov model.

    evidence: independent windows per second of speech, which are few because windows overlap and have
        correlated errors (the paper's F_A, times windows per second).
    complexity: cost of a speaker (F_B): a larger value dissolves more speakers.
    turn: mean duration of a turn, seconds.
    iterations: maximum; 0: no sequence model.
    drift: variance of a speaker between parts of a recording, which does not average out with more
        windows; speakers that differ by less are merged (0: never).
    offset: share of the variance of the speakers' means that all speakers of a recording have in common:
        the same room, device and line (0: none).
    links: nats per second by which a window is drawn to the speaker of the windows that the segmentation
        links to it (0: none; without a segmentation there are no links).
    certainty: nats by which a window belongs to the cluster that it starts in.
    least_share: share of the entries into states below which a speaker is dissolved.
    least_time: share of the speech below which a speaker is dissolved.
    solo: share of a speaker's time in windows where one local speaker is mostly alone. A speaker with
        less, and with ``solo_from`` seconds or more, is dissolved: two people who often talk at once look
        like a third, but a person who talks for long is alone for some of it.
    stretch: seconds. A speaker who never talks that long at a time, but ``solo_from`` seconds or more in
        total, is dissolved: outlier windows are similar, too, but do not form turns.
    enough: seconds; in longer recordings, shares refer to this duration. Otherwise a speaker of ten
        seconds would be lost in a day, however clear their voice.
    merge_ratio: likelihood ratio of one speaker against two above which two are merged.
    mixed_ratio: likelihood ratio of a mixture of two others against a speaker above which a speaker is
        dissolved (0: never).
    """

    evidence: float = 0.4
    complexity: float = 3.0
    turn: float = 2.5
    iterations: int = 20
    drift: float = 0.0
    offset: float = 0.0
    links: float = 0.0
    certainty: float = 5.0
    least_share: float = 1e-3
    least_time: float = 0.0
    solo: float = 0.0
    solo_from: float = 10.0
    stretch: float = 0.0
    enough: float = 1500.0
    merge_ratio: float = 1.0
    mixed_ratio: float = 0.0

    def __post_init__(self) -> None:
        if min(self.evidence, self.complexity, self.turn) <= 0:
            raise ValueError("evidence, complexity and turn must be positive")
        if min(self.certainty, self.enough, self.merge_ratio) <= 0:
            raise ValueError("certainty, enough and merge_ratio must be positive")
        shares = (self.least_share, self.least_time, self.solo, self.offset)
        if not all(0 <= share < 1 for share in shares):
            raise ValueError("least_share, least_time, solo and offset must lie in [0, 1)")
        if min(self.iterations, self.drift, self.links, self.solo_from) < 0:
            raise ValueError("iterations, drift, links and solo_from must not be negative")
        if min(self.stretch, self.mixed_ratio) < 0:
            raise ValueError("stretch and mixed_ratio must not be negative")


def common_offset(
    y: np.ndarray,
    phi: np.ndarray,
    gamma: np.ndarray,
    durations: Durations,
    config: SequenceConfig,
) -> np.ndarray:
    """Estimate what all speakers of a recording have in common, (d,).

    The mean of speaker s is o + m_s, with o ~ N(0, c phi) and m_s ~ N(0, (1 - c) phi), where c is
    ``offset``. The mean of a cluster differs from that by the variances of ``merge``. This is the mean of the
    posterior of o, which is normal.

    Args:
        y, phi, gamma, durations, config: as for ``infer``.
    """
    if not config.offset:
        return np.zeros_like(phi)
    seconds = np.maximum(durations.seconds @ gamma, 1e-6)[:, None]
    means = (gamma.T @ (y * durations.seconds[:, None])) / seconds
    variance = (1 - config.offset) * phi + 1 / (config.evidence * seconds) + config.drift
    return (means / variance).sum(axis=0) / (1 / (config.offset * phi) + (1 / variance).sum(axis=0))


def infer(
    y: np.ndarray,
    phi: np.ndarray,
    gamma: np.ndarray,
    durations: Durations,
    config: SequenceConfig,
    dissolve: bool = True,
    links: scipy.sparse.csr_array | None = None,
) -> np.ndarray:
    """Return posteriors (n, s') of the speakers that remain, s' <= s.

    Args:
        y: (n, d) latents in time order, with variance 1 within a speaker in every direction.
        phi: (d,) variance of the speakers' means, the diagonal of the paper's Phi.
        gamma: (n, s) posteriors to start from, rows sum to 1.
        durations: the time that each window represents.
        config: options of the model.
        dissolve: whether speakers may lose all their windows; if false, s' = s.
        links: (n, n), symmetric, from ``diar.dec.links``. The link of two windows of one speaker is added
            to the log likelihood: a Markov random field, approximated by the mean field of the current
            posteriors.
    """
    seconds = durations.seconds
    F_A, F_B = config.evidence * seconds[:, None], config.complexity
    ratio = config.evidence / F_B  # F_A / F_B of a second
    root_seconds = np.sqrt(seconds)[:, None]
    P_loop = np.exp(-durations.gaps / config.turn)
    rho = y * np.sqrt(phi)  # eq. 18
    rho_seconds = rho * seconds[:, None]
    G = -0.5 * ((y**2).sum(axis=1) + y.shape[1] * np.log(2 * np.pi))
    pi = np.full(gamma.shape[1], 1 / gamma.shape[1])
    least = config.least_share * min(1.0, config.enough / seconds.sum())
    bound = -np.inf
    for _ in range(config.iterations):
        L = 1 + ratio * (seconds @ gamma)[:, None] * phi  # eq. 17, a diagonal for each speaker
        alpha = ratio / L * (gamma.T @ rho_seconds)  # eq. 16
        log_p = rho @ alpha.T  # eq. 23, in place, to save memory
        log_p -= 0.5 * ((1 / L + alpha**2) @ phi)
        log_p += G[:, None]
        log_p *= F_A
        linked = 0.0
        if links is not None and config.links:
            field = config.links * root_seconds * (links @ (root_seconds * gamma))
            log_p += field
            linked = 0.5 * (field * gamma).sum()  # each pair is in the field of both
        gamma, entries, log_p_X = forward_backward(log_p, pi, P_loop)  # eq. 19 to 22
        if dissolve:
            keep = entries > least
            keep[entries.argmax()] = True
            if not keep.all():
                gamma, bound = normalise(gamma[:, keep]), -np.inf
                pi = entries[keep] / entries[keep].sum()
                continue
            pi = entries  # eq. 24
        before, bound = (
            bound,
            log_p_X - linked + F_B / 2 * (np.log(1 / L) - 1 / L - alpha**2 + 1).sum(),
        )  # eq. 25
        if bound - before < _CONVERGED:
            break
    return gamma


def unfounded(
    gamma: np.ndarray, durations: Durations, config: SequenceConfig, solo: np.ndarray | None
) -> np.ndarray:
    """Find the clusters (s,) bool that are not speakers: outlier windows, or two voices at once.

    One outlier in a thousand windows does not matter in a minute, but is a cluster in an hour. Outlier
    clusters have too little time in total, or at a time. Never returns all clusters.

    Args:
        gamma: (n, s) posteriors.
        solo: (n,) from ``diar.dec.links.solo_of``, if there is a segmentation.
    """
    time = durations.seconds @ gamma
    found = time < config.least_time * min(time.sum(), config.enough)
    found |= (time >= config.solo_from) & (longest_stretch(gamma, durations) < config.stretch)
    best = time
    if solo is not None:
        best = (durations.seconds * (solo >= 0.5)) @ gamma
        found |= (time >= config.solo_from) & (best < config.solo * time)
    found[best.argmax()] = False
    return found


def longest_stretch(gamma: np.ndarray, durations: Durations) -> np.ndarray:
    """Return the longest uninterrupted speech of each speaker (s,), seconds, in posteriors (n, s)."""
    labels = gamma.argmax(axis=1)
    firsts = np.flatnonzero(np.diff(labels, prepend=-1))
    longest = np.zeros(gamma.shape[1])
    np.maximum.at(longest, labels[firsts], np.add.reduceat(durations.seconds, firsts))
    return longest


def merge(
    y: np.ndarray,
    phi: np.ndarray,
    gamma: np.ndarray,
    durations: Durations,
    config: SequenceConfig,
    count: int | None = None,
    least_first: bool = False,
) -> np.ndarray:
    """Merge speakers that are more likely the same person; return posteriors (n, s'), s' <= s.

    The mean of a speaker's windows varies around the true mean by 1 / evidence and the drift. Two means
    are compared by the likelihood ratio of one speaker against two (Ioffe 2006, for means); the pair with
    the largest ratio is merged while that is above ``merge_ratio``.

    Args:
        y, phi, gamma, durations, config: as for ``infer``.
        count: merge until this many are left, whatever the ratio.
        least_first: merge the speaker with the least time into the most similar one, instead of the most
            similar pair: in a long recording, outlier clusters are small, and unlike any speaker.
    """
    weighted = y * durations.seconds[:, None]
    while (config.drift or count) and gamma.shape[1] > (count or 1):
        seconds = np.maximum(durations.seconds @ gamma, 1e-6)
        means = (gamma.T @ weighted) / seconds[:, None]
        spread = phi + 1 / (config.evidence * seconds[:, None]) + config.drift
        ratios = same_speaker(means, spread, phi)
        np.fill_diagonal(ratios, -np.inf)
        if least_first:
            ratios[np.arange(len(ratios)) != seconds.argmin()] = -np.inf
        i, j = sorted(np.unravel_index(ratios.argmax(), ratios.shape))
        if not count and ratios[i, j] <= np.log(config.merge_ratio):
            break
        gamma = gamma.copy()
        gamma[:, i] += gamma[:, j]
        gamma = np.delete(gamma, j, axis=1)
    return gamma


def most_mixed(
    y: np.ndarray, phi: np.ndarray, gamma: np.ndarray, durations: Durations, config: SequenceConfig
) -> np.ndarray:
    """Find the speaker (s,) bool, at most one, who is most clearly a mixture of two others.

    A window with two overlapping speakers lies between them, and such windows are similar. The mean m of a
    cluster of them lies on the line between the two means, up to the variances v of the three (as in
    ``merge``); the mean of a person lies anywhere, with variance phi + v. The log likelihood ratio is

        max over a, b of log N(m; (1 - t) m_a + t m_b, v + (1 - t)^2 v_a + t^2 v_b) - log N(m; 0, phi + v),

    where a and b are speakers with more time, and t in [0, 1] is where the line is nearest to m. In so many
    dimensions, a person is hardly ever between two others; but the mean of a few seconds (``solo_from``) is
    too uncertain to tell.

    Args:
        y, phi, gamma, durations, config: as for ``infer``.
    """
    seconds = np.maximum(durations.seconds @ gamma, 1e-6)
    means = (gamma.T @ (y * durations.seconds[:, None])) / seconds[:, None]
    spread = 1 / (config.evidence * seconds) + config.drift
    ratios = np.full(len(seconds), -np.inf)
    for number in np.flatnonzero(seconds >= config.solo_from) if config.mixed_ratio else ():
        larger = np.flatnonzero(seconds > seconds[number])
        if len(larger) < 2:
            continue
        a, b = larger[np.array(list(combinations(range(len(larger)), 2))).T]
        mean, along = means[number], means[b] - means[a]
        t = ((mean - means[a]) * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), 1e-12)
        t = np.clip(t, 0, 1)
        rest = ((mean - means[a] - t[:, None] * along) ** 2).sum(axis=1)
        v = spread[number] + (1 - t) ** 2 * spread[a] + t**2 * spread[b]
        mixed = len(phi) * np.log(v) + rest / v
        alone = phi + spread[number]
        ratios[number] = 0.5 * ((np.log(alone) + mean**2 / alone).sum() - mixed.min())
    limit = np.log(config.mixed_ratio) if config.mixed_ratio else np.inf
    return (ratios > limit) & (np.arange(len(ratios)) == ratios.argmax())


def same_speaker(
    means: np.ndarray,
    spread: np.ndarray,
    phi: np.ndarray,
    others: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """Compute the log likelihood ratios (s, t) of one speaker against two.

    Args:
        means: (s, d). spread: (s, d) total variance of each. phi: (d,) the part of it that they share if
            they are the same speaker.
        others: means and spread (t, d) to compare with; None: compare with each other.
    """
    other_means, other_spread = others or (means, spread)
    a, b = spread[:, None], other_spread[None]
    x, y = means[:, None], other_means[None]
    rest = a * b - phi**2
    together = np.log(rest) + (b * x**2 + a * y**2 - 2 * phi * x * y) / rest
    apart = np.log(a) + x**2 / a + np.log(b) + y**2 / b
    return 0.5 * (apart - together).sum(axis=2)


def without(gamma: np.ndarray, gone: np.ndarray) -> np.ndarray:
    """Remove speakers (s,) bool from posteriors (n, s): their windows are divided among the others."""
    left = gamma[:, ~gone]
    left[left.sum(axis=1) == 0] = 1.0  # a window that was wholly theirs may be anyone's
    return normalise(left)


def soften(
    labels: np.ndarray, seconds: float = 0.0, config: SequenceConfig = SequenceConfig()
) -> np.ndarray:
    """Make posteriors (n, s) from labels 0..s-1 (n,), with the same small value for every other cluster.

    Args:
        seconds: the speech that they represent: in long speech, the small values of all windows must
            not exceed the windows of a small cluster.
        config: ``certainty`` and ``enough``.
    """
    certainty = config.certainty + np.log(max(1.0, seconds / config.enough))
    return normalise(np.exp(certainty * one_hot(labels)))
