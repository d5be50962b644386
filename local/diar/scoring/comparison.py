"""Comparison of two systems on the same recordings: which is better, by how much, and where.

The difference of total DER has a percentile bootstrap interval, recordings being resampled with both
systems' figures together (Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13);
the per-recording differences have Wilcoxon's signed-rank test (Biometrics Bulletin 1(6), 1945). Both
by scipy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike

from diar.base.errors import DataError
from diar.scoring.frame import ERRORS, split
from diar.scoring.rates import listed

_EQUAL = 0.005  # DER points; less is no difference in a table of two decimals


@dataclass(frozen=True)
class Comparison:
    """System ``a`` against system ``b`` under one protocol: frames of the same recordings, in one order."""

    a: pd.DataFrame
    b: pd.DataFrame

    @cached_property
    def differences(self) -> np.ndarray:
        """DER of a minus that of b, (n,) points; differences too small for a table are 0."""
        difference = self.a["der_%"].to_numpy() - self.b["der_%"].to_numpy()
        return np.where(np.abs(difference) < _EQUAL, 0.0, difference)

    @property
    def difference(self) -> float | None:
        """Total DER of a minus that of b, points; below 0, a is better. None: nothing is scored."""
        a, b = total_der(self.a), total_der(self.b)
        return None if a is None or b is None else a - b

    @property
    def wins(self) -> tuple[int, int, int]:
        """The numbers of recordings in which a is better, equal, and worse."""
        d = self.differences
        return int((d < 0).sum()), int((d == 0).sum()), int((d > 0).sum())

    @property
    def p_value(self) -> float | None:
        """The p value of the two-sided signed-rank test without equal recordings; None if all are equal."""
        different = self.differences[self.differences != 0]
        # Given the zeros, SciPy takes an approximation or, in a loop of Python, all 2^n permutations.
        return float(scipy.stats.wilcoxon(different).pvalue) if len(different) else None

    def interval(self, samples: int = 10_000, seed: int = 0) -> tuple[float, float] | None:
        """Bootstrap ``difference``: an interval, points; None with fewer than two scored recordings."""
        more = error_seconds(self.a) - error_seconds(self.b)
        return rate_interval(more, self.a["scored_s"], samples, seed)

    def extremes(self, most: int = 10) -> tuple[list[int], list[int]]:
        """Find the rows of the largest gains of a over b, and of its largest losses, largest first."""
        order = np.argsort(self.differences, kind="stable")
        gains = [int(i) for i in order[:most] if self.differences[i] < 0]
        losses = [int(i) for i in order[::-1][:most] if self.differences[i] > 0]
        return gains, losses


def compare(a: pd.DataFrame, b: pd.DataFrame) -> dict[str, Comparison]:
    """Compare two systems under each protocol that both were scored under.

    Args:
        a, b: their tables, as read by ``diar.scoring.frame``.

    Raises:
        DataError: no protocol is common to both, or the recordings or their scored regions differ.
    """
    ours, theirs = split(a, "protocol"), split(b, "protocol")
    names = [name for name in ours if name in theirs]
    if not names:
        raise DataError(f"no protocol in common: {', '.join(ours)} and {', '.join(theirs)}")
    for name in names:
        _check(name, ours[name], theirs[name])
    return {name: Comparison(ours[name], theirs[name]) for name in names}


def error_seconds(frame: pd.DataFrame) -> np.ndarray:
    """Sum up miss, false alarm and confusion of each row, (n,) seconds."""
    return frame[ERRORS].sum(axis=1).to_numpy()


def total_der(frame: pd.DataFrame) -> float | None:
    """Return the DER over all rows, percent; None where nothing is scored."""
    scored = frame["scored_s"].sum()
    return float(100 * error_seconds(frame).sum() / scored) if scored else None


def der_interval(frame: pd.DataFrame) -> tuple[float, float] | None:
    """Bootstrap the DER over all rows: see ``rate_interval``."""
    return rate_interval(error_seconds(frame), frame["scored_s"])


def rate_interval(
    seconds: ArrayLike, scored: ArrayLike, samples: int = 10_000, seed: int = 0
) -> tuple[float, float] | None:
    """Bootstrap 100 * sum(seconds) / sum(scored) over recordings.

    Args:
        seconds, scored: (n,) of each recording; recordings with nothing scored are excluded.

    Returns:
        The 95 % interval, low and high, percent; None with fewer than two recordings.
    """
    some = np.asarray(scored) > 0
    if some.sum() < 2:
        return None
    result = scipy.stats.bootstrap(
        (np.asarray(seconds)[some], np.asarray(scored)[some]),
        lambda part, whole, axis: 100 * part.sum(axis=axis) / whole.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=samples,
        batch=max(1, 10_000_000 // len(some)),
        confidence_level=0.95,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def _check(protocol: str, a: pd.DataFrame, b: pd.DataFrame) -> None:
    for one, other, which in ((a, b, "first"), (b, a, "second")):
        if alone := sorted(set(one["recording"]) - set(other["recording"])):
            raise DataError(f"only the {which} system has scores of {listed(alone)}")
    both = zip(a["recording"], a["scored_s"], b["scored_s"], strict=True)
    for recording, ours, theirs in both:
        if abs(ours - theirs) > 2e-3:
            raise DataError(
                f"{recording}: {ours} s and {theirs} s were scored under"
                f" {protocol!r}: not the same reference, UEM or protocol"
            )
