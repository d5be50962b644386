"""How long each combination of speakers talks at once: all that DER and JER depend on.

Within a recording both rates are sums over time of something that depends only on who talks in the
reference and who in the hypothesis. So the time axis is cut once at every boundary, and under each
protocol the pieces with equal speakers are put together: a recording of a thousand turns becomes a
few dozen stretches, on which pyannote.metrics does its work in milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import product
from typing import Literal

import numpy as np
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate, JaccardErrorRate
from pyannote.metrics.identification import IdentificationErrorRate
from pyannote.metrics.matcher import HungarianMapper, LabelMatcher
from pyannote.metrics.types import Details
from scipy.optimize import linear_sum_assignment

from diar.base.types import Region, Turn


class Tally:
    """Two sides of one recording, cut at every boundary and at every edge of a collar.

    Attributes, for n pieces of time, r reference and h hypothesis speakers:
        edges: (n + 1,) float64 seconds, increasing.
        reference: (r, n) bool, who talks when; hypothesis: (h, n) bool.
        inside: (n,) bool, the piece lies in the regions to evaluate.
    """

    def __init__(
        self,
        reference: Sequence[Turn],
        hypothesis: Sequence[Turn],
        regions: Sequence[Region],
        collars: Sequence[float],
    ):
        """``reference`` and ``hypothesis``: no turn overlaps another of the same speaker;
        ``regions``: what to evaluate; ``collars``: seconds, all that will be asked for."""
        self.boundaries = np.array([t for turn in reference for t in (turn.start, turn.end)])
        found = [t for turn in hypothesis for t in (turn.start, turn.end)]
        around = [self.boundaries + sign * c for c in set(collars) if c for sign in (-1, 1)]
        self.edges = np.unique(np.concatenate([self.boundaries, found, np.ravel(regions), *around]))
        self.reference = self._activity(reference)
        self.hypothesis = self._activity(hypothesis)
        self.inside = self._covered([r.start for r in regions], [r.end for r in regions])
        packed = np.packbits(np.concatenate([self.reference, self.hypothesis]), axis=0)
        _, self._first, self._kind = np.unique(
            packed, axis=1, return_index=True, return_inverse=True
        )
        self._kind = self._kind.reshape(-1)

    def kept(
        self, collar: float, overlap: bool, region: Literal["uem", "extent", "speech"] = "uem"
    ) -> np.ndarray:
        """(n,) bool: the pieces that count, ``collar`` seconds on each side of each reference
        boundary left out, and overlapping reference speech too unless ``overlap``.

        ``region``: all that is inside; of that, from the first reference turn to the end of the last;
        or only where the reference has speech.
        """
        talking = self.reference.sum(axis=0)
        keep = self.inside
        if region == "speech":
            keep = keep & (talking > 0)
        elif region == "extent":
            spoken = np.flatnonzero(talking)
            first, last = (spoken[0], spoken[-1] + 1) if len(spoken) else (0, 0)
            keep = keep & (np.arange(len(keep)) >= first) & (np.arange(len(keep)) < last)
        if collar:
            keep = keep & ~self._covered(self.boundaries - collar, self.boundaries + collar)
        return keep if overlap else keep & (talking < 2)

    def confusion_md_eval(self, kept: np.ndarray) -> float:
        """Seconds of confusion in the pieces ``kept``, as NIST's md-eval counts them: it pairs the
        speakers on all that is inside, before collars and overlap are left out."""
        both = np.minimum(self.reference.sum(axis=0), self.hypothesis.sum(axis=0))
        return float(((both - self._agreeing) * kept) @ np.diff(self.edges))

    @cached_property
    def _agreeing(self) -> np.ndarray:
        """(n,) ints: pairs of speakers that both talk, when paired on all that is inside."""
        lengths = np.where(self.inside, np.diff(self.edges), 0.0)
        common = (self.reference * lengths) @ self.hypothesis.T
        rows, columns = linear_sum_assignment(common, maximize=True)
        return (self.reference[rows] & self.hypothesis[columns]).sum(axis=0)

    def condensed(self, kept: np.ndarray) -> tuple[Annotation, Annotation]:
        """Reference and hypothesis with the pieces ``kept`` (n,) put together by speakers.

        Returns:
            Annotations of one stretch for each combination of speakers, the stretches end to end.
        """
        seconds = np.bincount(
            self._kind, np.where(kept, np.diff(self.edges), 0.0), len(self._first)
        ).tolist()
        sides: tuple[list, list] = [], []
        now = 0.0
        for names, length in zip(self._names, seconds, strict=True):
            if length:
                stretch = Segment(now, now + length)
                for side, speakers in zip(sides, names, strict=True):
                    side += [(stretch, name, name) for name in speakers]
                now = stretch.end
        return Annotation.from_records(sides[0]), Annotation.from_records(sides[1])

    @cached_property
    def _names(self) -> list[tuple[list[str], list[str]]]:
        """Of each combination of speakers, the reference's (r0 ...) and the hypothesis' (h0 ...)."""
        found = []
        for piece in self._first:
            sides = (("r", self.reference[:, piece]), ("h", self.hypothesis[:, piece]))
            found.append(tuple([f"{s}{i:03d}" for i in np.flatnonzero(a)] for s, a in sides))
        return found

    def _activity(self, turns: Sequence[Turn]) -> np.ndarray:
        speakers = {name: i for i, name in enumerate(sorted({t.speaker for t in turns}))}
        active = np.zeros((len(speakers), max(len(self.edges) - 1, 0)), dtype=bool)
        starts = np.searchsorted(self.edges, [t.start for t in turns])
        ends = np.searchsorted(self.edges, [t.end for t in turns])
        for turn, start, end in zip(turns, starts, ends, strict=True):
            active[speakers[turn.speaker], start:end] = True
        return active

    def _covered(self, starts: Sequence[float], ends: Sequence[float]) -> np.ndarray:
        """(n,) bool: pieces within at least one of the spans, whose ends are among the edges."""
        depth = np.zeros(len(self.edges) + 1, dtype=int)
        np.add.at(depth, np.searchsorted(self.edges, starts), 1)
        np.add.at(depth, np.searchsorted(self.edges, ends), -1)
        return depth.cumsum()[: max(len(self.edges) - 1, 0)] > 0


class _CutAlike:
    """For metrics of pyannote.metrics: both sides consist of the same pieces, all to be counted, so
    that there is nothing to crop, to cut or to project (which is where the time would go)."""

    def uemify(
        self,
        reference: Annotation,
        hypothesis: Annotation,
        uem: Timeline | None = None,
        returns_uem: bool = False,
        returns_timeline: bool = False,
        **_,
    ) -> tuple:
        pieces = reference.get_timeline() | hypothesis.get_timeline()
        return reference, hypothesis, *[uem] * returns_uem, *[pieces] * returns_timeline


class _Matcher(LabelMatcher):
    """A label matcher that remembers: the same few combinations of speakers come again and again."""

    def __init__(self):
        self.known: dict[tuple, tuple] = {}

    def __call__(self, rlabels: Iterable, hlabels: Iterable) -> tuple:
        key = tuple(rlabels), tuple(hlabels)
        if key not in self.known:
            self.known[key] = super().__call__(*key)
        return self.known[key]


class _Mapper(HungarianMapper):
    """The same pairing of speakers, for annotations that consist of the same pieces."""

    def __call__(self, A: Annotation, B: Annotation) -> dict:
        common: dict[tuple, float] = {}
        for piece in A.itersegments():
            for pair in product(A.get_labels(piece), B.get_labels(piece)):
                common[pair] = common.get(pair, 0.0) + piece.duration
        rows, columns = (sorted({pair[side] for pair in common}) for side in (0, 1))
        matrix = np.array([[common.get((a, b), 0.0) for b in columns] for a in rows], ndmin=2)
        pairs = zip(*linear_sum_assignment(matrix, maximize=True), strict=True)
        return {rows[i]: columns[j] for i, j in pairs if matrix[i, j] > 0}


class TallyDER(_CutAlike, DiarizationErrorRate):
    """Diarization error rate of a condensed tally: ``compute_components(*tally.condensed(kept))``."""

    def __init__(self):
        super().__init__()
        self.matcher_ = _Matcher()
        self.mapper_ = _Mapper()

    def compute_components(self, reference: Annotation, hypothesis: Annotation, **_) -> Details:
        """As the parent's, without the renaming of speakers: names of the two sides differ here."""
        pairs = self.optimal_mapping(reference, hypothesis)
        mapped = hypothesis.rename_labels(pairs, copy=False)
        return IdentificationErrorRate.compute_components(self, reference, mapped)


class TallyJER(_CutAlike, JaccardErrorRate):
    """Jaccard error rate of a condensed tally."""

    def __init__(self):
        super().__init__()
        self.mapper_ = _Mapper()
