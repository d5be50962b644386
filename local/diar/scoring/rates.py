"""Diarization error rate, Jaccard error rate and speaker counts, under named protocols.

This module computes the seconds of each recording; ``diar.scoring.frame`` computes rates and totals.

Sources: DER and its collar as in NIST, "The 2009 (RT-09) Rich Transcription Meeting Recognition
Evaluation Plan", section 5.1; JER as in Ryant et al., "The Second DIHARD Diarization Challenge",
Interspeech 2019. The figures are those of pyannote.metrics (Bredin, Interspeech 2017).

Conventions:

* A collar is given as seconds on EACH side of a reference boundary (md-eval, dscore), unless the
  protocol defines it as the width of the whole zone, as in pyannote.metrics.
* Speakers are paired optimally within the scored time (pyannote.metrics). md-eval pairs them before
  it excludes collars and overlap: ``Score.conf_md_eval_s``.
* Turns of one speaker that overlap or touch within a recording are one turn: a person does not speak
  twice at once, and a cut inside a turn is not a boundary, so it has no collar.
* Totals are sums of seconds over recordings, not means of percentages.
* JER and the numbers of speakers have no collar, include overlap and use the whole UEM in every
  protocol.
* A recording without a hypothesis is scored as missed. A recording in the evaluation map but not in
  the reference has no speech, so all speech in its hypothesis is false alarm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from diar.base.errors import DataError
from diar.base.regions import TOUCH, merge_turns
from diar.base.types import Region, Turn
from diar.scoring.tally import Tally

Turns = Mapping[str, Sequence[Turn]]
Regions = Mapping[str, Sequence[Region]]


@dataclass(frozen=True)
class Protocol:
    """What is scored.

    collar: seconds excluded at each boundary of a reference turn.
    overlap: whether overlapping reference speech is scored.
    collar_is: whether ``collar`` lies on each side of the boundary (NIST, dscore, spy-der), or is the
        width of the whole zone around it (pyannote.metrics).
    region: the scored time: the UEM; from the first to the last reference turn (as md-eval does
        without a UEM); or reference speech only, so that false alarms of the VAD in silence do
        not count.
    words: the description for readers; derived from the above when empty.
    """

    collar: float
    overlap: Literal["in", "out"]
    collar_is: Literal["each side", "whole zone"] = "each side"
    region: Literal["uem", "extent", "speech"] = "uem"
    words: str = ""

    def __post_init__(self) -> None:
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

    def __post_init__(self) -> None:
        if not self.protocols:
            raise ValueError("protocols is empty; expected at least one")


class Score(NamedTuple):
    """The score of one recording under one protocol.

    ``scored_s``, ``miss_s``, ``fa_s``, ``conf_s``: seconds of speaker time, so two people
    at once count twice. ``conf_md_eval_s``: the confusion as md-eval counts it.
    ``jer_sum``: sum over the reference speakers of their Jaccard error rates, 0 to 1.
    ``speakers``, ``speakers_found``: numbers of speakers in reference and hypothesis.
    """

    recording: str
    scored_s: float
    miss_s: float
    fa_s: float
    conf_s: float
    conf_md_eval_s: float
    jer_sum: float
    speakers: int
    speakers_found: int


@dataclass(frozen=True)
class Evaluation:
    """The scores of all recordings by protocol, with remarks on reference and hypothesis.

    ``derived_uem``: no evaluation map was given, so each recording is evaluated from 0 to its last turn.
    Names of recordings: ``missing`` have no hypothesis; ``silent`` have no reference speech; ``extra``
    have nothing but a hypothesis and were left out; ``beyond`` have hypothesis speech after the end
    of the evaluation map, which does not count.
    ``merged``: how many turns overlapped another of the same speaker, in (reference, hypothesis).
    """

    protocols: Mapping[str, Protocol]
    scores: Mapping[str, Sequence[Score]]
    derived_uem: bool
    missing: tuple[str, ...]
    silent: tuple[str, ...]
    extra: tuple[str, ...]
    beyond: tuple[str, ...]
    merged: tuple[int, int]


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
        uem: evaluated regions of each recording; None: from 0 to the last end of a turn.
        protocols: by name.
        allow_extra: exclude recordings that are only in the hypothesis, instead of refusing them.

    Raises:
        DataError: nothing to score; recordings only in the hypothesis; recordings of the reference
            missing from the evaluation map.
    """
    recordings = sorted({*reference, *(uem or {})})
    extra = sorted(set(hypothesis) - set(recordings))
    if not recordings:
        raise DataError("the reference has no recordings: nothing to score")
    if extra and not allow_extra:
        raise DataError(f"only in the hypothesis, not in the reference: {listed(extra)}")
    outside = sorted(set(reference) - set(uem)) if uem is not None else []
    if outside:
        raise DataError(f"in the reference, but not in the UEM: {listed(outside)}")

    rows: dict[str, list[Score]] = {name: [] for name in protocols}
    merged, beyond = [0, 0], []
    for recording in recordings:
        sides = [merge_turns(side.get(recording, ())) for side in (reference, hypothesis)]
        ref, hyp = (turns for turns, _ in sides)
        merged = [before + count for before, (_, count) in zip(merged, sides, strict=True)]
        last = max((turn.end for turn in ref + hyp), default=0.0)
        regions = uem[recording] if uem is not None else [Region(0.0, last)]
        if max((turn.end for turn in hyp), default=0.0) > max(r.end for r in regions) + 5e-4:
            beyond.append(recording)
        for name, row in _score_recording(recording, ref, hyp, regions, protocols).items():
            rows[name].append(row)
    return Evaluation(
        protocols,
        rows,
        derived_uem=uem is None,
        missing=tuple(r for r in recordings if r not in hypothesis),
        silent=tuple(r for r in recordings if not reference.get(r)),
        extra=tuple(extra),
        beyond=tuple(beyond),
        merged=(merged[0], merged[1]),
    )


def listed(names: Sequence[str], most: int = 10) -> str:
    """Names for a message, the first ``most`` of them."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{len(names)} recording(s): {', '.join(names[:most])}{more}"


def _score_recording(
    recording: str,
    reference: Sequence[Turn],
    hypothesis: Sequence[Turn],
    regions: Sequence[Region],
    protocols: Mapping[str, Protocol],
) -> dict[str, Score]:
    """Score one recording with merged turns under each protocol."""
    tally = Tally(reference, hypothesis, regions, [p.side for p in protocols.values()])
    pairs = tally.pair_speakers(tally.inside)
    jer_sum = float(tally.jaccard_errors(pairs).sum())
    confusion_md_eval = tally.count_errors(pairs).confusion
    speakers, found = (int((times > TOUCH).sum()) for times in tally.speaking_time())
    scores = {}
    for name, protocol in protocols.items():
        kept = tally.kept(protocol.side, protocol.overlap == "in", protocol.region)
        errors = tally.count_errors(tally.pair_speakers(kept))
        seconds = tally.seconds * kept
        scores[name] = Score(
            recording,
            scored_s=float(tally.reference.sum(axis=0) @ seconds),
            miss_s=float(errors.miss @ seconds),
            fa_s=float(errors.false_alarm @ seconds),
            conf_s=float(errors.confusion @ seconds),
            conf_md_eval_s=float(confusion_md_eval @ seconds),
            jer_sum=jer_sum,
            speakers=speakers,
            speakers_found=found,
        )
    return scores
