"""Two systems on the same recordings: is one better, by how much, and where.

The difference of total DER has a percentile bootstrap interval, recordings being resampled with both
systems' figures together (Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13);
the per-recording differences have Wilcoxon's signed-rank test (Biometrics Bulletin 1(6), 1945). Both
by scipy.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy import stats

from diar.base.errors import DataError
from diar.scoring.rates import listed

FILE = "per_recording.tsv"
_EQUAL = 0.005  # DER points; less is no difference in a table of two decimals


@dataclass(frozen=True)
class Figures:
    """One system under one protocol, n recordings in order of their names.

    scored, error, confusion: (n,) seconds. der: (n,) percent. speakers, found: (n,) ints, in the
    reference and in the hypothesis.
    """

    recordings: tuple[str, ...]
    scored: np.ndarray
    error: np.ndarray
    confusion: np.ndarray
    der: np.ndarray
    speakers: np.ndarray
    found: np.ndarray

    @property
    def total(self) -> float | None:
        """DER over all recordings, percent; None where nothing is scored."""
        scored = self.scored.sum()
        return float(100 * self.error.sum() / scored) if scored else None


@dataclass(frozen=True)
class Comparison:
    """System ``a`` against system ``b`` on the same recordings, under the same protocol."""

    a: Figures
    b: Figures

    @cached_property
    def differences(self) -> np.ndarray:
        """(n,) DER of a minus that of b, points; what a table would not show is 0."""
        difference = self.a.der - self.b.der
        return np.where(np.abs(difference) < _EQUAL, 0.0, difference)

    @property
    def difference(self) -> float | None:
        """Total DER of a minus that of b, points; below 0, a is better."""
        a, b = self.a.total, self.b.total
        return None if a is None or b is None else a - b

    @property
    def wins(self) -> tuple[int, int, int]:
        """In how many recordings a is better, equal, worse."""
        signs = np.sign(self.differences)
        return tuple(int((signs == sign).sum()) for sign in (-1, 0, 1))

    @property
    def p_value(self) -> float | None:
        """Of the two-sided signed-rank test, equal recordings left out; None where all are."""
        if not self.differences.any():
            return None
        return float(stats.wilcoxon(self.differences, zero_method="wilcox").pvalue)

    def interval(
        self, level: float = 0.95, samples: int = 10_000, seed: int = 0
    ) -> tuple[float, float] | None:
        """Bootstrap interval of ``difference``, points; None with fewer than two scored recordings."""
        return rate_interval(self.a.error - self.b.error, self.a.scored, level, samples, seed)

    def extremes(self, most: int = 10) -> tuple[list[int], list[int]]:
        """Row numbers of the largest gains of a over b and of its largest losses, largest first."""
        order = np.argsort(self.differences, kind="stable")
        gains = [int(i) for i in order[:most] if self.differences[i] < 0]
        losses = [int(i) for i in order[::-1][:most] if self.differences[i] > 0]
        return gains, losses


def rate_interval(
    seconds: np.ndarray,
    scored: np.ndarray,
    level: float = 0.95,
    samples: int = 10_000,
    seed: int = 0,
) -> tuple[float, float] | None:
    """Bootstrap interval of 100 * sum(seconds) / sum(scored) over recordings, percent.

    Args:
        seconds, scored: (n,) of each recording; those with nothing scored are left out.

    Returns:
        low, high; None with fewer than two recordings.
    """
    some = scored > 0
    if some.sum() < 2:
        return None
    result = stats.bootstrap(
        (seconds[some], scored[some]),
        lambda part, whole, axis: 100 * part.sum(axis=axis) / whole.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=samples,
        batch=max(1, 10_000_000 // len(scored)),
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def read_figures(score_dir: str | Path) -> dict[str, Figures]:
    """The figures of a system by protocol, from the per_recording.tsv of a score directory.

    Raises:
        DataError: the file is absent, or not of this form.
    """
    path = Path(score_dir) / FILE
    rows: dict[str, list[tuple]] = {}
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            for line in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE):
                error = sum(float(line[key]) for key in ("miss_s", "fa_s", "conf_s"))
                confusion = float(line["conf_s"])
                numbers = (float(line["scored_s"]), error, confusion, float(line["der_%"]))
                counts = (int(line["speakers"]), int(line["speakers_found"]))
                rows.setdefault(line["protocol"], []).append((line["recording"], *numbers, *counts))
    except OSError:
        raise DataError("no such file: steps/score.sh makes it", path) from None
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"not made by steps/score.sh: {error}", path) from None
    if not rows:
        raise DataError("holds no figures: make it again by steps/score.sh", path)
    # the last line of each protocol is its total
    return {name: _figures(sorted(lines[:-1])) for name, lines in rows.items()}


def compare(a: Mapping[str, Figures], b: Mapping[str, Figures]) -> dict[str, Comparison]:
    """Comparisons by protocol, for those that both systems were scored under.

    Raises:
        DataError: there is none, the recordings differ, or what was scored of them differs.
    """
    names = [name for name in a if name in b]
    if not names:
        raise DataError(f"no protocol in common: {', '.join(a)} and {', '.join(b)}")
    for name in names:
        _check(name, a[name], b[name])
    return {name: Comparison(a[name], b[name]) for name in names}


def _figures(lines: Sequence[tuple]) -> Figures:
    names, *columns = zip(*lines, strict=True)
    return Figures(tuple(names), *(np.array(column) for column in columns))


def _check(protocol: str, a: Figures, b: Figures) -> None:
    for one, other, which in ((a, b, "first"), (b, a, "second")):
        if alone := sorted(set(one.recordings) - set(other.recordings)):
            raise DataError(f"only the {which} system has scores of {listed(alone)}")
    for row in np.flatnonzero(np.abs(a.scored - b.scored) > 2e-3):
        raise DataError(
            f"{a.recordings[row]}: {a.scored[row]} s and {b.scored[row]} s were scored under"
            f" {protocol!r}: not the same reference, UEM or protocol"
        )
