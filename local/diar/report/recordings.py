"""What the page shows of one recording, as plain values: times in milliseconds, all numbers rounded."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
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

    projections: of the latents, in this order; those that are not installed are left out.
    points: windows of a recording that they show at most.
    loudness: levels of a recording that the strip above its turns has at most; 0: no strip.
    inline: megabytes up to which the page is one file; beyond, each recording has its own.
    """

    projections: tuple[Literal["pca", "tsne", "umap"], ...] = ("pca", "tsne", "umap")
    points: int = 1000
    loudness: int = 3000
    inline: float = 5.0

    def __post_init__(self) -> None:
        if self.points < 1 or min(self.inline, self.loudness) < 0:
            raise ValueError("points must be at least 1, loudness and inline not negative")


@dataclass(frozen=True)
class Refined:
    """What a DEC leaves of the n windows of a recording.

    posteriors: (n, k). latents, start_latents: (n, l). history: its steps.
    """

    windows: Subsegments
    posteriors: np.ndarray
    latents: np.ndarray
    start_latents: np.ndarray
    history: Sequence[Step]


@dataclass(frozen=True)
class View:
    """One recording: its reference, where there is one, and what each system has made of it.

    duration: seconds. audio: address of its file, as a browser takes it. regions: what is evaluated; None:
    all. turns, refined: by system; not every system has the latter. loudness: None where no audio could be
    read. words: by system, with the speakers it gives them. sound: MP3 that the page has in it.
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


def plain(view: View, config: ReportConfig) -> dict[str, Any]:
    """Turn the recording into plain values, for JSON."""
    view = _join_turns(view)
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
        "systems": {
            system: _judge(view, turns)
            | _spoken(view.words.get(system, ()), turns)
            | _look_inside(view.refined.get(system), config)
            for system, turns in view.turns.items()
        },
        "sound": base64.b64encode(view.sound).decode("ascii"),
    }


def _join_turns(view: View) -> View:
    """Join turns of a speaker that overlap or touch, as for the scores."""
    reference = None if view.reference is None else merge_turns(view.reference)[0]
    joined: dict[str, Sequence[Turn]] = {s: merge_turns(x)[0] for s, x in view.turns.items()}
    return replace(view, reference=reference, turns=joined)


def _judge(view: View, turns: Sequence[Turn]) -> dict[str, Any]:
    """Describe a system's turns, the colours of their speakers, and where they are wrong."""
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


def _spoken(words: Sequence[Word], turns: Sequence[Turn]) -> dict[str, Any]:
    """Describe what is said, by utterance: start, end, speaker (-1: nobody's), text; nothing without words."""
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
    """Describe posteriors, projections and history of a DEC; nothing of other systems."""
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
