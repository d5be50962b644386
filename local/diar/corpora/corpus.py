"""Shared parts of all corpora: describing a set, finding its files, writing it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from diar.audio import waveform
from diar.base.errors import DataError
from diar.base.files import write_text
from diar.base.types import Region, Turn
from diar.fetching.download import Downloads
from diar.kaldi import rttm
from diar.kaldi.writing import write_files

BEYOND = 0.5  # seconds by which a reference may end after its audio before that is remarked on


@dataclass(frozen=True)
class CorpusRecording:
    """One recording of a corpus, as its module describes it.

    name: its id. audio: the file, as it is distributed. turns: the reference.
    regions: the evaluated regions; None: the whole recording.
    channels: the number of channels the file must have; None: any. They are mixed.
    """

    name: str
    audio: Path
    turns: tuple[Turn, ...]
    regions: tuple[Region, ...] | None = None
    channels: int | None = 1


@dataclass
class CorpusSet:
    """The recordings of a set.

    failed: unavailable recordings, with reasons. notes: remarks on harmless oddities.
    """

    recordings: list[CorpusRecording] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Options:
    """The options of a corpus.

    places: folders that are searched for its files, the first one first.
    mic: microphone, if there is a choice.
    reference: a file or folder of references to use instead of those in ``places``.
    """

    places: tuple[Path, ...]
    mic: str = ""
    reference: Path | None = None


@dataclass(frozen=True)
class Corpus:
    """A corpus: its description, its downloads, and the reading of its files.

    licence: one line, with the source.
    sets: the names of its sets.
    mics: microphones to choose from, the default first; empty if there is no choice.
    read: describes a set: (set, files, options).
    obtain: downloads missing files: (set, files, options, downloads) -> name -> reason of each file
        that is unavailable. It may be called again. By default nothing can be downloaded.
    """

    licence: str
    sets: tuple[str, ...]
    read: Callable[[str, Files, Options], CorpusSet]
    obtain: Callable[[str, Files, Options, Downloads], dict[str, str]] = lambda *_: {}
    mics: tuple[str, ...] = ()


class Files:
    """The files below some folders, by name, regardless of the folders in between.

    Args:
        places: the folders; they need not exist.
    """

    def __init__(self, places: Sequence[Path]):
        self.places = tuple(places)
        self._index: dict[str, list[Path]] = {}
        seen: set[Path] = set()
        for place in places:
            for folder, folders, names in os.walk(place, followlinks=True):
                real = Path(folder).resolve()
                if real in seen:  # links may lead in circles
                    folders.clear()
                    continue
                seen.add(real)
                folders.sort()
                for name in sorted(names):
                    if not name.startswith(".") and not name.endswith((".part", ".part.from")):
                        self._index.setdefault(name.lower(), []).append(Path(folder) / name)

    @property
    def where(self) -> str:
        """The folders, for messages."""
        return " or ".join(map(str, self.places)) or "any folder"

    def has(self, *names: str) -> bool:
        """Return whether one of these file names exists."""
        return any(name.lower() in self._index for name in names)

    def one(self, *names: str, hint: str = "") -> Path:
        """Return the file of the first of these names that exists.

        Raises:
            DataError: there is none (``hint`` says what to do), or there are different files.
        """
        for name in names:
            paths = self._index.get(name.lower(), [])
            if len({path.stat().st_size for path in paths}) > 1:
                raise DataError(f"two different files: {paths[0]} and {paths[1]}: keep one of them")
            if paths:
                return paths[0].absolute()
        raise DataError(f"no {' or '.join(names)} below {self.where}{'; ' + hint if hint else ''}")

    def roots_of(self, inside: str) -> list[Path]:
        """List the folders that hold the file ``inside`` (a relative path), sorted."""
        parts = Path(inside).parts
        return sorted(
            path.parents[len(parts) - 1].absolute()
            for path in self._index.get(parts[-1].lower(), [])
            if path.parts[-len(parts) :] == parts
        )

    def root_of(self, inside: str) -> Path | None:
        """Return the first of ``roots_of``; None if there is none."""
        return next(iter(self.roots_of(inside)), None)

    def folder_of(self, folder: str, pattern: re.Pattern[str]) -> Path | None:
        """Return the first folder of this name that contains files of the pattern; None if none does."""
        folders = {
            path.parent.absolute()
            for name, paths in self._index.items()
            if pattern.fullmatch(name)
            for path in paths
            if path.parent.name == folder
        }
        return min(folders, default=None)

    def stems(self, suffix: str, within: str = "") -> set[str]:
        """List the names, without extension, of all files with an extension (``within`` a folder of that name)."""
        return {
            path.stem
            for paths in self._index.values()
            for path in paths
            if path.suffix.lower() == suffix and (not within or within in path.parts)
        }

    def listing(self) -> str:
        """List path, size and time of every file: it changes when they do."""
        lines = []
        for paths in self._index.values():
            for path in paths:
                stat = path.stat()
                lines.append(f"{path}\t{stat.st_size}\t{stat.st_mtime_ns}\n")
        return "".join(sorted(lines))


def collect(
    names: Iterable[str], describe: Callable[[str], CorpusRecording], notes: Sequence[str] = ()
) -> CorpusSet:
    """Describe recordings one by one; a failure does not affect the others.

    Args:
        notes: remarks on the set; ``describe`` may add to them.
    """
    described = CorpusSet()
    for name in sorted(set(names)):
        try:
            described.recordings.append(describe(name))
        except DataError as error:
            described.failed[name] = str(error)
    described.notes += notes
    return described


def reference_of(name: str, file: Path, notes: list[str]) -> tuple[Turn, ...]:
    """Read the reference of one recording from its own RTTM; oddities are added to ``notes``.

    Raises:
        DataError: no such file, an invalid line, or no turn of this recording in it.
    """
    if not file.exists():
        raise DataError("no reference: no such file", file)
    turns, faults, empty = rttm.read_references(file)
    if faults:
        raise DataError(next(iter(faults.values())))
    if name not in turns:
        others = ", ".join([*turns][:3]) or "nobody"
        raise DataError(f"no turn of {name}; found {others}", file)
    if empty[name]:
        notes.append(f"{name}: {empty[name]} turn(s) of zero length left out")
    return tuple(turns[name])


def write_set(target: Path, described: CorpusSet) -> CorpusSet:
    """Check the audio and write the data directory, with ``failed`` and log/notes.

    Returns:
        The set as written: recordings that failed here are no longer included.

    Raises:
        DataError: no recording is left.
    """
    done = CorpusSet(failed=dict(described.failed), notes=list(described.notes))
    durations: dict[str, float] = {}
    for recording in described.recordings:
        try:
            seconds = check(recording)
        except DataError as error:
            done.failed[recording.name] = str(error)
            continue
        last = max(turn.end for turn in recording.turns)
        if last > seconds + BEYOND:
            done.notes.append(
                f"{recording.name}: the reference ends at {last:.1f} s, the audio at {seconds:.1f} s"
            )
        durations[recording.name] = seconds
        done.recordings.append(recording)
    write_text(
        target / "failed",
        "".join(f"{r} {' '.join(why.split())}\n" for r, why in sorted(done.failed.items())),
    )
    write_text(target / "log" / "notes", "".join(f"{note}\n" for note in done.notes))
    if not done.recordings:
        why = next(iter(sorted(done.failed.items())), ("nothing", "no recording in it"))
        raise DataError(f"{target.name}: no recording can be used; {why[0]}: {why[1]}")
    write_files(
        target,
        {r.name: r.audio for r in done.recordings},
        durations,
        [turn for r in done.recordings for turn in r.turns],
        {r.name: r.regions for r in done.recordings if r.regions is not None},
    )
    return done


def check(recording: CorpusRecording) -> float:
    """Check a recording's audio; return its seconds, from the header if readable.

    Raises:
        DataError: it cannot be decoded, is empty, or has another number of channels than expected.
    """
    path = recording.audio
    if " ".join(str(path).split()) != str(path) or str(path).endswith("|"):
        raise DataError("this path cannot stand in a wav.scp (blanks, '|'): rename it", path)
    if not path.stat().st_size:
        raise DataError("an empty file", path)
    try:
        seconds, channels = waveform.probe(path)
    except DataError:
        if coding := shorten_coding(path):
            raise DataError(
                f"compressed with shorten ({coding}), which cannot be decoded here: make"
                f" {path.stem}.wav of it ('sph2pipe -f wav'), in a folder for --audio-dir",
                path,
            ) from None
        raise
    if not seconds > 0:
        raise DataError("no samples: the audio has zero length", path)
    if recording.channels not in (None, channels):
        raise DataError(
            f"{channels} channels, expected {recording.channels}: not the file of the corpus?", path
        )
    return seconds


def shorten_coding(path: Path) -> str:
    """Read the sample_coding of a NIST SPHERE file that shorten has compressed; '' of any other file."""
    with open(path, "rb") as stream:
        head = stream.read(1024).decode("latin-1")
    found = re.search(r"^sample_coding .*?(\S*shorten\S*)\s*$", head, re.MULTILINE)
    return found[1] if found and head.startswith("NIST_1A") else ""
