"""One set of an experiment, read from its directories for the report."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from diar.audio.loudness import Loudness, loudness
from diar.base.errors import DataError
from diar.base.types import SAMPLE_RATE, Region, Turn
from diar.kaldi import arks, rttm, tables
from diar.kaldi.history import read_history
from diar.kaldi.recordings import Recordings
from diar.report.overview import SetPage, recording_table
from diar.report.recordings import Refined, View
from diar.report.score_tables import scored_set
from diar.scoring.frame import FILE, first_seed, read_seeds, split
from diar.scoring.systems import (
    NOTHING,
    OLD,
    OURS,
    SYSTEMS,
    of_seeds,
    rank,
    read_summaries,
    system_name,
)
from diar.words import reading
from diar.words.assignment import assign
from diar.words.word import Transcript, Word


class ExperimentSet:
    """The set ``name``: its data directory, and the systems that have turns of it.

    Raises:
        DataError: a file refused by its reader.
    """

    def __init__(self, data: Path, exp: Path, name: str):
        self.name, self.data, self.exp = name, data / name, exp
        found = [path.name for path in exp.iterdir() if (path / name / "rttm").exists()]
        self.systems = sorted(found, key=lambda system: rank(system, list(SYSTEMS)))
        dirs = {system: exp / system / name for system in self.systems}
        self.transcript = self._transcript()
        self.refined = {s: RefinedDir(d) for s, d in dirs.items() if RefinedDir.is_whole(d)}

    @cached_property
    def _rttms(self) -> dict[str, rttm.Rttm]:
        return {s: rttm.load_rttm(self.exp / s / self.name / "rttm") for s in self.systems}

    @property
    def turns(self) -> dict[str, dict[str, list[Turn]]]:
        """The turns of each recording, by system."""
        return {system: found.turns for system, found in self._rttms.items()}

    @property
    def confidences(self) -> dict[str, Mapping[Turn, float]]:
        """The confidences of turns that have one, of all recordings, by system."""
        return {system: found.confidences for system, found in self._rttms.items()}

    @cached_property
    def reference(self) -> dict[str, list[Turn]] | None:
        """The turns of each recording, if there is a reference."""
        path = self.data / "ref.rttm"
        return rttm.read_rttm(path) if path.exists() else None

    def _transcript(self) -> Transcript:
        """Read the words of a recogniser, if any; a note reports those of unknown recordings."""
        path = self.data / "ctm"
        if not path.exists():
            return Transcript(path, {})
        found = reading.read(path, self.name)
        words = reading.by_recording(self.data, found.words)
        strangers = sorted({*words, *found.faults} - {*self.durations})
        notes = [f"words of {', '.join(strangers)}, not in {self.data}"] if strangers else []
        return Transcript(path, words, found.faults, [*found.notes, *notes])

    def words_of(self, recording: str) -> dict[str, Sequence[Word]]:
        """Assign the words of a recording to the speakers of each system; empty if there are none."""
        if not (words := self.transcript.words.get(recording)):
            return {}
        return {
            system: assign(words, turns.get(recording, ()), self._alone(system, recording)).words
            for system, turns in self.turns.items()
        }

    def _alone(self, system: str, recording: str) -> Sequence[Turn]:
        return self._exclusive.get(system, {}).get(recording, ())

    @cached_property
    def _exclusive(self) -> dict[str, dict[str, list[Turn]]]:
        paths = {s: self.exp / s / self.name / "rttm_exclusive" for s in self.systems}
        return {s: rttm.read_rttm(path) for s, path in paths.items() if path.exists()}

    @cached_property
    def regions(self) -> dict[str, list[Region]]:
        """The evaluated regions of each recording; empty without a UEM."""
        path = self.data / "all.uem"
        return rttm.read_uem(path) if path.exists() else {}

    @cached_property
    def durations(self) -> dict[str, float]:
        """Seconds of each recording; if no file has them, up to the end of its last turn."""
        ends: dict[str, float] = {}
        for side in (*self.turns.values(), self.reference or {}):
            for recording, turns in side.items():
                ends[recording] = max(ends.get(recording, 0.0), *(turn.end for turn in turns))
        path = self.data / "reco2dur"
        known = tables.read_numbers(path) if path.exists() else {}
        return dict(sorted((ends | known).items()))

    @cached_property
    def recordings(self) -> Recordings | None:
        """The audio of the recordings, if there is a wav.scp."""
        return Recordings(self.data) if (self.data / "wav.scp").exists() else None

    def reference_of(self, recording: str) -> list[Turn] | None:
        """Return the reference of a recording, as for scoring; None if unknown.

        An evaluated recording may have no turns.
        """
        silent: list[Turn] | None = [] if recording in self.regions else None
        return None if self.reference is None else self.reference.get(recording, silent)

    def loudness_of(self, recording: str, most: int) -> Loudness | None:
        """Measure the loudness of a recording in at most ``most`` levels; None if its audio cannot be read."""
        if self.recordings is None or not most:
            return None
        try:
            samples, _ = self.recordings.load(recording)
        except DataError:
            return None
        return loudness(samples, SAMPLE_RATE, most)

    def view(self, recording: str, beside: Path, levels: int = 0) -> View:
        """Gather the data of a recording for a page in the directory ``beside``.

        Args:
            levels: maximum number of loudness levels.
        """
        audio = self.recordings.paths.get(recording) if self.recordings else None
        return View(
            recording,
            self.durations[recording],
            address(audio, beside) if audio else None,
            self.regions.get(recording),
            self.reference_of(recording),
            {system: turns.get(recording, []) for system, turns in self.turns.items()},
            {s: found.load(recording) for s, found in self.refined.items() if recording in found},
            self.loudness_of(recording, levels),
            words=self.words_of(recording),
            confidences=self.confidences,
        )

    def page(self, old: Mapping[str, str] = NOTHING) -> SetPage:
        """Make the content of the page for the whole set.

        Args:
            old: system whose scores the recipe would not reproduce now -> why.
        """
        references = {r: self.reference_of(r) for r in self.durations}
        there = {r: speakers(turns) for r, turns in references.items() if turns is not None}
        found = {s: {r: speakers(turns) for r, turns in x.items()} for s, x in self.turns.items()}
        scores = self._scores()
        ders = {
            system: {p: rates(x) for p, x in split(rows, "protocol").items()}
            for system, rows in split(first_seed(scores), "system").items()
        }
        seeds = scores.groupby("system")["seed"].nunique()
        marked = {s: system_name(s) + OLD * (s in old) for s in self.systems}
        names = {s: of_seeds(name, seeds.get(s, 1)) for s, name in marked.items()}
        scored = {}
        if len(scores):
            summaries = read_summaries(self.exp, self.name, scores["system"].unique())
            scored = scored_set(scores, summaries, OURS, old)
        return SetPage(
            self.name,
            f"{self.name}: {len(self.durations)} recording(s), {sum(self.durations.values()) / 3600:.2f} h",
            names,
            list(self.durations),
            recording_table(self.name, self.durations, there, found, ders, names),
            **scored,
        )

    def _scores(self) -> pd.DataFrame:
        """Read the scores of all scored systems, of all seeds."""
        scored = [s for s in self.systems if (self.exp / s / self.name / "score" / FILE).exists()]
        if not scored:
            return pd.DataFrame({"system": scored, "seed": scored})
        frame = read_seeds(self.exp, self.name)
        return frame[frame["system"].isin(scored)]


def rates(rows: pd.DataFrame) -> dict[str, float]:
    """Return the DER of each recording, in percent."""
    return dict(zip(rows["recording"], rows["der_%"], strict=True))


def speakers(turns: Sequence[Turn]) -> int:
    """Count the speakers."""
    return len({turn.speaker for turn in turns})


class RefinedDir:
    """The output of stage 4 for the recordings of a set: ``recording in it``, ``it.load(recording)``."""

    TABLES = ("posteriors", "latents", "start_latents")

    @classmethod
    def is_whole(cls, directory: Path) -> bool:
        """Return whether all files shown exist: baselines and older outputs lack some."""
        names = ("segments", "history", *(f"{name}.scp" for name in cls.TABLES))
        return all((directory / name).exists() for name in names)

    def __init__(self, directory: Path):
        self._scp = {name: arks.Scp(directory / f"{name}.scp") for name in self.TABLES}
        self._history = read_history(directory / "history")
        self._windows = tables.read_segments(directory / "segments").by_recording()

    def __contains__(self, recording: str) -> bool:
        return recording in self._scp["latents"]

    def load(self, recording: str) -> Refined:
        """Load the matrices of a recording, and its refinement steps."""
        tables = {name: scp[recording] for name, scp in self._scp.items()}
        return Refined(self._windows[recording], **tables, history=self._history.get(recording, ()))


def address(audio: Path, beside: Path) -> str:
    """Return the address of an audio file for a page in the directory ``beside``.

    It is relative if both lie below the working directory, so that they can be moved together;
    otherwise absolute.
    """
    audio, here = audio.absolute(), Path.cwd()
    if audio.is_relative_to(here) and beside.absolute().is_relative_to(here):
        return quote(os.path.relpath(audio, beside.absolute()))
    return audio.as_uri()
