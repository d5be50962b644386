"""Diarization error rate, Jaccard error rate and speaker counts, under named protocols.

Sources: DER and its collar as in NIST, "The 2009 (RT-09) Rich Transcription Meeting Recognition
Evaluation Plan", section 5.1; JER as in Ryant et al., "The Second DIHARD Diarization Challenge",
Interspeech 2019. Mapping, counting and rates are computed by pyannote.metrics (Bredin, Interspeech
2017).

Conventions, all of them:

* A collar is given as seconds on EACH side of a reference boundary (md-eval, dscore), unless the
  protocol says that it is the width of the whole zone, as pyannote.metrics has it.
* Speakers are paired within what counts, so that no other pairing scores less (pyannote.metrics).
  md-eval pairs them before it leaves out collars and overlap: ``Score.der_md_eval``.
* Turns of one speaker that overlap or touch within a recording are one turn: a person does not speak
  twice at once, and a cut inside a turn is no boundary, hence has no collar.
* Totals are sums of seconds over recordings, not means of percentages.
* JER and the numbers of speakers have no collar, include overlap and look at the whole UEM, whatever
  the protocol.
* A recording without hypothesis is scored as all missed. One that the evaluation map names but the
  reference does not holds no speech, and everything found in it is false alarm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Literal

import numpy as np

from diar.base.errors import DataError
from diar.base.types import Region, Turn
from diar.scoring.tally import Tally, TallyDER, TallyJER

Turns = Mapping[str, Sequence[Turn]]
Regions = Mapping[str, Sequence[Region]]

_TOUCH = 1e-6  # seconds; pyannote.core regards anything shorter as empty


@dataclass(frozen=True)
class Protocol:
    """What is scored.

    collar: seconds left out at each boundary of a reference turn.
    overlap: whether time in which several reference speakers talk counts.
    collar_is: whether ``collar`` lies on each side of the boundary (NIST, dscore, spy-der), or is the
        width of the whole zone around it (pyannote.metrics).
    region: where anything counts: within the UEM; from the first to the last reference turn (what
        md-eval does without a UEM); or in reference speech only, so that what a VAD invents in
        silence does not count.
    words: the description for readers; made from the above when empty.
    """

    collar: float
    overlap: Literal["in", "out"]
    collar_is: Literal["each side", "whole zone"] = "each side"
    region: Literal["uem", "extent", "speech"] = "uem"
    words: str = ""

    def __post_init__(self):
        if not 0 <= self.collar < float("inf"):
            raise ValueError(f"collar is {self.collar}; expected seconds >= 0")
        if not self.words:
            object.__setattr__(self, "words", self._described())

    @property
    def side(self) -> float:
        """The collar as seconds on each side of a boundary."""
        return self.collar / 2 if self.collar_is == "whole zone" else self.collar

    def _described(self) -> str:
        collar = f"±{1000 * self.side:g} ms collar" if self.collar else "no collar"
        overlap = "overlap scored" if self.overlap == "in" else "overlap not scored"
        where = {
            "uem": "",
            "extent": ", from the first to the last reference turn",
            "speech": ", in reference speech only",
        }
        return f"{collar}, {overlap}{where[self.region]}"


@dataclass(frozen=True)
class ScoringConfig:
    """The protocols of an experiment by name, in the order of the tables (conf/scoring.yaml)."""

    protocols: dict[str, Protocol] = field(
        default_factory=lambda: {
            "paper": Protocol(
                0.125, "out", words="±125 ms collar, overlap not scored (as published)"
            ),
            "forgiving": Protocol(0.25, "out"),
            "fair": Protocol(0.25, "in"),
            "full": Protocol(0.0, "in"),
        }
    )

    def __post_init__(self):
        if not self.protocols:
            raise ValueError("protocols is empty; expected at least one")


@dataclass(frozen=True)
class Score:
    """The figures of one recording, or of all of them (``recording`` is then "TOTAL").

    ``scored``, ``miss``, ``false_alarm``, ``confusion``: seconds of speaker time, so that two people
    at once count twice. ``confusion_md_eval``: what md-eval counts as confusion.
    ``jer_sum``: sum over the reference speakers of their Jaccard error rates.
    ``speakers``, ``speakers_found``: numbers of speakers in reference and hypothesis.
    """

    recording: str
    scored: float
    miss: float
    false_alarm: float
    confusion: float
    confusion_md_eval: float
    jer_sum: float
    speakers: int
    speakers_found: int

    def percent(self, seconds: float) -> float | None:
        """``seconds`` in percent of the scored time; None when nothing was to be found."""
        return 100 * seconds / self.scored if self.scored > _TOUCH else None

    @property
    def der(self) -> float:
        """Diarization error rate in percent. Without scored speech it is 0, or 100 if anything was
        found there, as in pyannote.metrics."""
        return self._rate(self.confusion)

    @property
    def der_md_eval(self) -> float:
        """What NIST's md-eval gives: it pairs the speakers on the whole region of evaluation, so
        that within what counts it may find more confusion (never less)."""
        return self._rate(self.confusion_md_eval)

    def _rate(self, confusion: float) -> float:
        der = self.percent(self.miss + self.false_alarm + confusion)
        return der if der is not None else 100.0 * (self.false_alarm > _TOUCH)

    @property
    def jer(self) -> float | None:
        """Jaccard error rate in percent, the mean over reference speakers; None without any."""
        return 100 * self.jer_sum / self.speakers if self.speakers else None


@dataclass(frozen=True)
class Scores:
    """All recordings under one protocol."""

    protocol: Protocol
    rows: tuple[Score, ...]

    @cached_property
    def total(self) -> Score:
        """Sums over the recordings; JER is then the mean over all speakers of all recordings."""
        names = [item.name for item in fields(Score)][1:]
        return Score("TOTAL", *(sum(getattr(row, name) for row in self.rows) for name in names))

    @property
    def counts(self) -> dict[int, dict[int, int]]:
        """How many recordings have so many speakers in the reference -> so many found."""
        return count_table((row.speakers, row.speakers_found) for row in self.rows)

    @property
    def count_exact(self) -> float:
        """Percent of recordings whose number of speakers is right."""
        return 100 * float(np.mean([row.speakers == row.speakers_found for row in self.rows]))

    @property
    def count_error(self) -> float:
        """Mean absolute error of the number of speakers."""
        return float(np.mean([abs(row.speakers_found - row.speakers) for row in self.rows]))

    @property
    def count_bias(self) -> float:
        """Mean of (speakers found - speakers): above 0 means too many are found."""
        return float(np.mean([row.speakers_found - row.speakers for row in self.rows]))


@dataclass(frozen=True)
class Evaluation:
    """Scores by protocol name, and what a reader has to know about the two sides.

    ``derived_uem``: no evaluation map was given, each recording counts from 0 to its last turn.
    Names of recordings: ``missing`` have no hypothesis; ``silent`` have no reference speech; ``extra``
    have nothing but a hypothesis and were left out; ``beyond`` have hypothesis speech after the end
    of the evaluation map, which does not count.
    ``merged``: how many turns overlapped another of the same speaker, in (reference, hypothesis).
    """

    scores: dict[str, Scores]
    derived_uem: bool
    missing: tuple[str, ...]
    silent: tuple[str, ...]
    extra: tuple[str, ...]
    beyond: tuple[str, ...]
    merged: tuple[int, int]


def score(reference: Turns, hypothesis: Turns, uem: Regions | None, protocol: Protocol) -> Scores:
    """``evaluate`` under one protocol."""
    return evaluate(reference, hypothesis, uem, {"": protocol}).scores[""]


def evaluate(
    reference: Turns,
    hypothesis: Turns,
    uem: Regions | None,
    protocols: Mapping[str, Protocol],
    allow_extra: bool = False,
) -> Evaluation:
    """Score all recordings of the reference (and of the evaluation map) under all protocols.

    Args:
        reference, hypothesis: turns of each recording, in any order, any speaker names.
        uem: regions to evaluate of each recording; None: from 0 to the last end of a turn.
        protocols: by name.
        allow_extra: leave out recordings that only the hypothesis has, instead of refusing them.

    Raises:
        DataError: nothing to score; recordings in the hypothesis only; recordings of the reference
            that the evaluation map lacks.
    """
    recordings = sorted({*reference, *(uem or {})})
    extra = sorted(set(hypothesis) - set(recordings))
    if not recordings:
        raise DataError("the reference holds no recording: nothing to score")
    if extra and not allow_extra:
        raise DataError(f"only in the hypothesis, not in the reference: {listed(extra)}")
    outside = sorted(set(reference) - set(uem)) if uem is not None else []
    if outside:
        raise DataError(f"in the reference, but not in the UEM: {listed(outside)}")

    rows: dict[str, list[Score]] = {name: [] for name in protocols}
    merged, beyond = [0, 0], []
    metrics = TallyDER(), TallyJER()
    for recording in recordings:
        sides = [merge_turns(side.get(recording, ())) for side in (reference, hypothesis)]
        ref, hyp = (turns for turns, _ in sides)
        merged = [before + count for before, (_, count) in zip(merged, sides, strict=True)]
        last = max((turn.end for turn in ref + hyp), default=0.0)
        regions = uem[recording] if uem is not None else [Region(0.0, last)]
        if max((turn.end for turn in hyp), default=0.0) > max(r.end for r in regions) + 5e-4:
            beyond.append(recording)
        for name, row in _score_recording(recording, ref, hyp, regions, protocols, metrics).items():
            rows[name].append(row)
    return Evaluation(
        {name: Scores(protocols[name], tuple(rows[name])) for name in protocols},
        derived_uem=uem is None,
        missing=tuple(r for r in recordings if r not in hypothesis),
        silent=tuple(r for r in recordings if not reference.get(r)),
        extra=tuple(extra),
        beyond=tuple(beyond),
        merged=(merged[0], merged[1]),
    )


def count_table(pairs: Iterable[tuple[int, int]]) -> dict[int, dict[int, int]]:
    """How often each second number comes with each first one, both in ascending order."""
    table: dict[int, dict[int, int]] = {}
    for (first, second), times in sorted(Counter(pairs).items()):
        table.setdefault(first, {})[second] = times
    return table


def listed(names: Sequence[str], most: int = 10) -> str:
    """Names for a message, the first ``most`` of them."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{len(names)} recording(s): {', '.join(names[:most])}{more}"


def merge_turns(turns: Sequence[Turn]) -> tuple[list[Turn], int]:
    """Join turns of one speaker that overlap or touch.

    Returns:
        The turns of one recording, sorted, and how many overlapped one before (touching ones are not
        counted: they are an ordinary way to write a long turn).
    """
    merged: list[Turn] = []
    overlaps = 0
    for turn in sorted(turns, key=lambda t: (t.speaker, t.start, t.end)):
        before = merged[-1] if merged and merged[-1].speaker == turn.speaker else None
        if before is None or turn.start > before.end + _TOUCH:
            merged.append(turn)
            continue
        overlaps += turn.start < before.end - _TOUCH
        merged[-1] = before._replace(duration=max(before.end, turn.end) - before.start)
    return sorted(merged), overlaps


def _score_recording(
    recording: str,
    reference: Sequence[Turn],
    hypothesis: Sequence[Turn],
    regions: Sequence[Region],
    protocols: Mapping[str, Protocol],
    metrics: tuple[TallyDER, TallyJER],
) -> dict[str, Score]:
    tally = Tally(reference, hypothesis, regions, [p.side for p in protocols.values()])
    der, jer = metrics
    whole = jer.compute_components(*tally.condensed(tally.inside))
    found = int((tally.hypothesis & tally.inside).any(axis=1).sum())
    scores = {}
    for name, protocol in protocols.items():
        kept = tally.kept(protocol.side, protocol.overlap == "in", protocol.region)
        part = der.compute_components(*tally.condensed(kept))
        scores[name] = Score(
            recording,
            scored=part["total"],
            miss=part["missed detection"],
            false_alarm=part["false alarm"],
            confusion=part["confusion"],
            confusion_md_eval=tally.confusion_md_eval(kept),
            jer_sum=whole["speaker error"],
            speakers=int(whole["speaker count"]),
            speakers_found=found,
        )
    return scores
