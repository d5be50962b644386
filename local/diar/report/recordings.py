"""The data of one recording for the page, as plain values: times in milliseconds, numbers rounded."""

from __future__ import annotations

import base64
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any, Literal

import numpy as np

from diar.audio.loudness import Loudness
from diar.base import colours
from diar.base.regions import merge_turns, speakers_in_order
from diar.base.types import Region, Step, Subsegments, Turn
from diar.clustering.sampling import sample_rows
from diar.report.projection import project
from diar.scoring.error_segments import find_errors
from diar.words.word import Word, text_of
from diar.words.writing import utterances


@dataclass(frozen=True)
class ReportConfig:
    """What the page shows.

    projections: of the latents, in this order; those not installed are left out.
    points: maximum number of windows of a recording in them.
    loudness: maximum number of levels in the strip above a recording's turns; 0: no strip.
    doubtful: turns with a lower confidence are marked.
    inline: megabytes up to which the page is one file; beyond, each recording has its own.
    """

    projections: tuple[Literal["pca", "tsne", "umap"], ...] = ("pca", "tsne", "umap")
    points: int = 1000
    loudness: int = 3000
    doubtful: float = 0.7
    inline: float = 5.0

    def __post_init__(self) -> None:
        if self.points < 1 or min(self.inline, self.loudness) < 0:
            raise ValueError("points must be at least 1, loudness and inline not negative")
        if not 0 <= self.doubtful <= 1:
            raise ValueError("doubtful must lie in [0, 1]")


@dataclass(frozen=True)
class Refined:
    """The output of DEC for the n windows of a recording.

    posteriors: (n, k). latents, start_latents: (n, l). history: its steps.
    """

    windows: Subsegments
    posteriors: np.ndarray
    latents: np.ndarray
    start_latents: np.ndarray
    history: Sequence[Step]


@dataclass(frozen=True)
class View:
    """One recording: its reference, if any, and the output of each system.

    duration: seconds. audio: address of its file for a browser. regions: the evaluated ones; None:
    all. turns, refined: by system; not every system has the latter. confidences: by system, of the turns
    that have one. loudness: None if the audio could not be
    read. words: by system, with its speakers. sound: MP3 embedded in the page.
    """

    recording: str
    duration: float
    audio: str | None = None
    regions: Sequence[Region] | None = None
    reference: Sequence[Turn] | None = None
    turns: dict[str, Sequence[Turn]] = field(default_factory=dict)
    refined: dict[str, Refined] = field(default_factory=dict)
    loudness: Loudness | None = None
    words: dict[str, Sequence[Word]] = field(default_factory=dict)
    sound: bytes = b""
    confidences: dict[str, Mapping[Turn, float]] = field(default_factory=dict)


def plain(view: View, config: ReportConfig) -> dict[str, Any]:
    """Convert the recording to plain values, for JSON."""
    given, view = view, _join_turns(view)
    reference = None
    if view.reference is not None:
        speakers = speakers_in_order(view.reference)
        reference = {"speakers": speakers, "turns": _turns(view.reference, speakers)}
    return {
        "recording": view.recording,
        "duration": _ms(view.duration),
        "audio": view.audio,
        "regions": [[_ms(a), _ms(b)] for a, b in view.regions] if view.regions else None,
        "loudness": view.loudness
        and {"step": 1000 * view.loudness.step, "levels": view.loudness.levels},
        "reference": reference,
        "doubtful": config.doubtful,
        "systems": {
            system: _judge(view, turns)
            | _confide(given.turns[system], view.confidences.get(system, {}), turns, config)
            | _spoken(view.words.get(system, ()), turns)
            | _look_inside(view.refined.get(system), config)
            for system, turns in view.turns.items()
        },
        "sound": base64.b64encode(view.sound).decode("ascii"),
    }


def _join_turns(view: View) -> View:
    """Join overlapping or adjacent turns of a speaker, as for the scores."""
    reference = None if view.reference is None else merge_turns(view.reference)[0]
    joined: dict[str, Sequence[Turn]] = {s: merge_turns(x)[0] for s, x in view.turns.items()}
    return replace(view, reference=reference, turns=joined)


def _judge(view: View, turns: Sequence[Turn]) -> dict[str, Any]:
    """Describe a system's turns, the colours of their speakers, and errors."""
    speakers = speakers_in_order(turns)
    pairs: dict[str, str] = {}
    errors = None
    if view.reference is not None:
        regions = view.regions or [Region(0.0, view.duration)]
        difference = find_errors(view.reference, turns, regions)
        pairs = difference.pairs
        errors = {
            kind: [[_ms(start), _ms(end), times] for start, end, times in stretches]
            for kind, stretches in difference.segments.items()
        }
    places = colours.places(speakers_in_order(view.reference or ()), speakers, pairs)[1]
    return {
        "speakers": speakers,
        "places": [places[speaker] for speaker in speakers],
        "pairs": [pairs.get(speaker) for speaker in speakers],
        "turns": _turns(turns, speakers),
        "errors": errors,
    }


def _confide(
    given: Sequence[Turn],
    confidences: Mapping[Turn, float],
    joined: Sequence[Turn],
    config: ReportConfig,
) -> dict[str, Any]:
    """Describe the confidences of the ``joined`` turns, averaged over time; empty if none is known.

    sure: the confidence of each turn, None if unknown. doubtful: the indices of marked turns.
    """
    if not confidences:
        return {}
    places: dict[str, list[int]] = {}
    for place, turn in enumerate(joined):
        places.setdefault(turn.speaker, []).append(place)
    starts = {who: [joined[place].start for place in mine] for who, mine in places.items()}
    parts: list[list[tuple[float, float]]] = [[] for _ in joined]
    for turn in given:
        if turn in confidences:
            place = places[turn.speaker][bisect_right(starts[turn.speaker], turn.start) - 1]
            parts[place].append((confidences[turn], turn.duration))
    sure = [_mean(part) if part else None for part in parts]
    doubtful = [i for i, value in enumerate(sure) if value is not None and value < config.doubtful]
    return {"sure": [value and round(value, 3) for value in sure], "doubtful": doubtful}


def _mean(weighted: Sequence[tuple[float, float]]) -> float:
    """Return the weighted mean of (value, weight); a single value is returned unchanged."""
    values, weights = zip(*weighted, strict=True)
    return values[0] if len(values) == 1 else fmean(values, weights)


def _spoken(words: Sequence[Word], turns: Sequence[Turn]) -> dict[str, Any]:
    """Describe the words by utterance: start, end, speaker (-1: nobody), text; empty without words."""
    if not words:
        return {}
    place = {speaker: i for i, speaker in enumerate(speakers_in_order(turns))}
    runs = sorted(utterances(words), key=lambda run: run[0].start)
    ends = [(run, max(word.end for word in run)) for run in runs]
    spoken = [
        [_ms(run[0].start), _ms(end), place.get(run[0].speaker, -1), text_of(run)]
        for run, end in ends
    ]
    return {"spoken": spoken}


def _look_inside(refined: Refined | None, config: ReportConfig) -> dict[str, Any]:
    """Describe posteriors, projections and history of DEC; empty for other systems."""
    if refined is None or not len(refined.windows):
        return {}
    rows = sample_rows(len(refined.windows), config.points)
    projections = {}
    for method in config.projections:
        tables = project(method, [refined.start_latents[rows], refined.latents[rows]])
        if tables:
            scale = 1000 / max(np.abs(np.concatenate(tables)).max(), 1e-9)
            projections[method] = [
                (table * scale).round().astype(int).T.tolist() for table in tables
            ]
    windows = refined.windows
    return {
        "windows": [[_ms(a), _ms(b)] for a, b in zip(windows.starts, windows.ends, strict=True)],
        "posteriors": (refined.posteriors.T * 100).round().astype(int).tolist(),
        "clusters": [
            f"{windows.recordings[0]}_{k + 1}" for k in range(refined.posteriors.shape[1])
        ],
        "rows": rows.tolist(),
        "projections": projections,
        "history": [[_figure(step.loss), _figure(step.changed)] for step in refined.history],
    }


def _turns(turns: Sequence[Turn], speakers: Sequence[str]) -> list[list[int]]:
    place = {speaker: i for i, speaker in enumerate(speakers)}
    return [[_ms(turn.start), _ms(turn.end), place[turn.speaker]] for turn in turns]


def _ms(seconds: float) -> int:
    return round(1000 * float(seconds))


def _figure(value: float) -> float | None:
    return None if np.isnan(value) else float(f"{value:.4g}")
