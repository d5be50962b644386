"""The corpus 'mini': planned recordings, their casts, and the Kaldi data directories of its sets."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from diar.audio.waveform import duration, save
from diar.base.errors import DataError
from diar.base.seeds import seed_for
from diar.base.types import Turn
from diar.jobs.workers import pool
from diar.kaldi.writing import write_files
from diar.simulation.conversations import SimulationConfig, simulate
from diar.simulation.turn_taking import MAX_SPEAKERS, TurnTaking, converse, insert_silence
from diar.simulation.voices import Person, Voice, VoicesConfig, prepare


@dataclass(frozen=True)
class RecordingPlan:
    """One recording to be made: how many speakers, how long (s), and a silence inside it (s)."""

    speakers: int
    seconds: float
    silence: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.speakers <= MAX_SPEAKERS:
            raise ValueError(f"speakers is {self.speakers}; expected 1 to {MAX_SPEAKERS}")
        if not 0 <= self.silence < self.seconds:
            raise ValueError(f"silence is {self.silence} of {self.seconds} seconds")


@dataclass(frozen=True)
class CorpusConfig:
    """The plan: name of each set (also the split of its voices) -> its recordings."""

    sets: dict[str, tuple[RecordingPlan, ...]]


@dataclass(frozen=True)
class Script:
    """What is to be simulated: turns labelled with person ids, and who they are."""

    recording: str
    seconds: float
    turns: tuple[Turn, ...]
    cast: tuple[Person, ...]


def write_scripts(
    name: str, plan: Sequence[RecordingPlan], people: Sequence[Person], stats: TurnTaking, seed: int
) -> list[Script]:
    """Write turns and casts of a set: everybody gets about as many parts as anybody else.

    Raises:
        DataError: a recording with more speakers than there are people.
    """
    deck: list[Person] = []
    rng = np.random.default_rng(seed_for(seed, name, "cast"))
    scripts = []
    for number, planned in enumerate(plan, 1):
        recording = f"{name}-{number:02d}"
        if planned.speakers > len(people):
            raise DataError(
                f"{recording}: {planned.speakers} speakers, but {name} has {len(people)} voices"
            )
        cast: list[Person] = []
        while len(cast) < planned.speakers:
            due = next((p for p in deck if p not in cast), None)
            if due is None:
                deck += [people[i] for i in rng.permutation(len(people))]
                continue
            deck.remove(due)
            cast.append(due)
        speech = planned.seconds - planned.silence
        turns = converse(
            recording, [p.id for p in cast], speech, stats, seed_for(seed, recording, "turns")
        )
        if planned.silence:
            turns = insert_silence(turns, 0.45 * speech, planned.silence)
        scripts.append(Script(recording, planned.seconds, tuple(turns), tuple(cast)))
    return scripts


def revoice(
    references: Mapping[str, Sequence[Turn]],
    people: Sequence[Person],
    seed: int,
    max_seconds: float = float("inf"),
) -> tuple[list[Script], dict[str, str]]:
    """Give the turns of reference RTTMs to other people.

    Args:
        references: turns of each recording.
        people: whom to give them to, drawn at random for each recording.
        seed: global seed.
        max_seconds: recordings are cut there.

    Returns:
        scripts, and the recordings that were skipped with the reason.
    """
    scripts, skipped = [], {}
    for recording, turns in references.items():
        turns = [
            turn._replace(duration=min(turn.end, max_seconds) - turn.start)
            for turn in turns
            if turn.start < max_seconds
        ]
        labels = sorted({turn.speaker for turn in turns})
        if not turns:
            skipped[recording] = f"nobody speaks in the first {max_seconds:g} s"
        elif len(labels) > len(people):
            skipped[recording] = f"{len(labels)} speakers, but there are {len(people)} voices"
        else:
            rng = np.random.default_rng(seed_for(seed, recording, "cast"))
            parts = rng.choice(len(people), len(labels), replace=False)
            cast = {label: people[i] for label, i in zip(labels, parts, strict=True)}
            own = tuple(turn._replace(speaker=cast[turn.speaker].id) for turn in turns)
            end = min(math.ceil(100 * max(t.end for t in turns) + 50) / 100, max_seconds)
            scripts.append(Script(recording, end, own, tuple(cast[x] for x in labels)))
    return scripts, skipped


def record(
    scripts: Sequence[Script],
    directory: Path,
    voices: VoicesConfig,
    acoustics: SimulationConfig,
    seed: int,
    nj: int = 1,
) -> Iterator[list[Turn]]:
    """Simulate the scripts into ``directory``/<recording>.wav; yield the reference of each, in order."""
    directory.mkdir(parents=True, exist_ok=True)
    work = partial(_record, directory, voices, acoustics, seed)
    with pool(nj, len(scripts)) as workers:
        yield from workers.map(work, scripts)


def _record(
    directory: Path, voices: VoicesConfig, acoustics: SimulationConfig, seed: int, script: Script
) -> list[Turn]:
    cast = {person.id: _voice(voices, person) for person in script.cast}
    made = simulate(
        script.turns, script.seconds, cast, acoustics, seed_for(seed, script.recording, "sound")
    )
    save(directory / f"{script.recording}.wav", made.samples)
    return made.turns


@lru_cache(maxsize=12)
def _voice(voices: VoicesConfig, person: Person) -> Voice:
    return prepare(voices, [person])[0]


def write_data_dir(target: Path, wavs: Iterable[Path], turns: Iterable[Turn]) -> None:
    """Move audio into a Kaldi data directory, and write the files of that, wav.scp last.

    Args:
        target: may exist already; other files in it are left alone.
        wavs: audio, named after the recordings, moved to ``target``/wav.
        turns: the reference of all of them.
    """
    folder = target.absolute() / "wav"
    folder.mkdir(parents=True, exist_ok=True)
    moved = {path.stem: path.replace(folder / path.name) for path in wavs}
    write_files(target, moved, {r: duration(path) for r, path in moved.items()}, turns)


def cast_report(voices: VoicesConfig, people: Sequence[Person], turns: Sequence[Turn]) -> str:
    """Make a table of the voices of a set: minutes of material, minutes spoken, files that failed."""
    lines = ["person\tsex\tlanguage\tpieces\tminutes\tspoken\tfailed\n"]
    for voice in prepare(voices, people):
        person = voice.person
        spoken = sum(t.duration for t in turns if t.speaker == person.id) / 60
        lines.append(
            f"{person.id}\t{person.sex or '-'}\t{person.language}\t{len(voice)}\t"
            f"{voice.minutes:.1f}\t{spoken:.1f}\t{len(voice.failed)}\n"
        )
    return "".join(lines)


def failures(voices: VoicesConfig, people: Sequence[Person]) -> str:
    """List what did not decode in lines '<file>: <reason>'."""
    return "".join(f"{line}\n" for voice in prepare(voices, people) for line in voice.failed)
