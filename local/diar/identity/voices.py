"""Known voices: x-vectors of enrolled people in one file, and recognising them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy

from diar.autoencoder.network import ResidualAutoEncoder
from diar.base.errors import DataError
from diar.base.files import open_whole
from diar.extractors import Extractor
from diar.identity.config import IdentityConfig
from diar.identity.profiles import SpeakerProfile, compare, join, latents_of, profile_of

VERSION = 1  # of the file
_PROBE = 1.5  # seconds of noise that identify an extractor
_ALIKE = 0.99  # cosine: processors and precisions differ by rounding, other networks by far more


class Session(NamedTuple):
    """Speech of a person from one recording: x-vectors (n, d), and the seconds (n,) they represent."""

    x: np.ndarray
    seconds: np.ndarray


@dataclass(frozen=True)
class KnownVoices:
    """Enrolled people, and how their x-vectors were made.

    extractor: its name. probe: (d,) its x-vector of a fixed noise. window: seconds.
    people: name -> their sessions, at least one each.
    """

    extractor: str
    probe: np.ndarray
    window: float
    people: Mapping[str, Sequence[Session]]

    def profiles(
        self, encoder: ResidualAutoEncoder, config: IdentityConfig
    ) -> dict[str, SpeakerProfile]:
        """Return the profile of each person over all their sessions.

        Raises:
            DataError: see ``latents_of``.
        """
        return {name: join(self.sessions(name, encoder, config)) for name in self.people}

    def sessions(
        self, name: str, encoder: ResidualAutoEncoder, config: IdentityConfig
    ) -> list[SpeakerProfile]:
        """Return the profile of each session of a person."""
        return [
            profile_of(latents_of(session.x, encoder), session.seconds, config)
            for session in self.people[name]
        ]


class Match(NamedTuple):
    """The known voice of a speaker, or None. ratios: name -> log likelihood ratio, nats."""

    name: str | None
    ratios: dict[str, float]


def recognise(
    profiles: Mapping[str, SpeakerProfile],
    known: Mapping[str, SpeakerProfile],
    between: np.ndarray,
    threshold: float,
) -> dict[str, Match]:
    """Identify the speakers of one recording; no two of them are the same person.

    Uses the assignment with the largest sum of log likelihood ratios in excess of the threshold.

    Args:
        profiles: of the speakers. known: of people. between: (l,) variance of people's means.
        threshold: minimum log likelihood ratio, nats.
    """
    speakers, people = sorted(profiles), sorted(known)
    ratios = compare([profiles[s] for s in speakers], [known[p] for p in people], between)
    gains = np.maximum(ratios - threshold, 0.0)
    found = {
        speakers[i]: people[j]
        for i, j in zip(*scipy.optimize.linear_sum_assignment(-gains), strict=True)
        if ratios[i, j] >= threshold
    }
    return {
        speaker: Match(found.get(speaker), dict(zip(people, map(float, ratios[i]), strict=True)))
        for i, speaker in enumerate(speakers)
    }


def probe_of(extractor: Extractor) -> np.ndarray:
    """Return the x-vector of a fixed noise, (dim,) float32.

    It identifies network, filter banks and options of an extractor, and is nearly the same on every
    processor, unlike a digest.
    """
    samples = np.random.RandomState(0).standard_normal(round(_PROBE * extractor.rate)) / 10
    return extractor.embed(samples.astype(np.float32), np.array([0.0]), np.array([_PROBE]))[0]


def check_fit(known: KnownVoices, extractor: Extractor, window: float, path: str | Path) -> None:
    """Refuse voices whose x-vectors are not comparable with this extractor and window length.

    Raises:
        DataError: another extractor, other weights or options, or windows of another length.
    """
    again = "enrol them again with the current configuration (local/enroll.py)"
    if known.extractor != extractor.name:
        raise DataError(
            f"voices of extractor {known.extractor}, not {extractor.name}: {again}", path
        )
    mine = probe_of(extractor)
    lengths = np.linalg.norm(mine) * np.linalg.norm(known.probe)
    if mine.shape != known.probe.shape or mine @ known.probe < _ALIKE * lengths:
        raise DataError(
            f"voices of {known.extractor} with other weights or options than the current ones: {again}",
            path,
        )
    if abs(known.window - window) > 1e-6:
        raise DataError(
            f"voices with windows of {known.window:g} s, not {window:g} s: {again}", path
        )


def check_name(name: str) -> None:
    """Refuse a name that is not valid in an RTTM or an option.

    Raises:
        DataError: it is empty, or contains a blank, a control character, '=' or ','.
    """
    if name.split() != [name] or not name.isprintable() or set(name) & set("=,"):
        raise DataError(
            f"{name!r} is not a valid name: it must not contain blanks, control characters, '=' or ','"
        )


def write_voices(path: str | Path, known: KnownVoices) -> None:
    """Write voices atomically to one NumPy file (.npz)."""
    names = sorted(known.people)
    sessions = [
        (number, session) for number, name in enumerate(names) for session in known.people[name]
    ]
    with open_whole(path, "wb") as stream:
        np.savez_compressed(
            stream,
            version=np.array(VERSION),
            extractor=np.array(known.extractor),
            probe=known.probe.astype(np.float32),
            window=np.array(known.window),
            names=np.array(names),
            person=np.array([number for number, _ in sessions]),
            windows=np.array([len(session.x) for _, session in sessions]),
            x=np.concatenate([session.x for _, session in sessions]).astype(np.float32),
            seconds=np.concatenate([session.seconds for _, session in sessions]).astype(np.float64),
        )


def read_voices(path: str | Path) -> KnownVoices:
    """Read a file of ``write_voices``. Nothing in the file is ever executed.

    Raises:
        DataError: no such file, or not voices, or damaged.
    """
    if not Path(path).is_file():
        raise DataError("no such file of voices: local/enroll.py makes one", path)
    try:
        with np.load(path, allow_pickle=False) as stored:
            table = {name: stored[name] for name in stored.files}
        return _unpacked(table)
    except Exception:  # anything that numpy, zipfile and zlib raise, and inconsistent arrays
        raise DataError(
            "not written by local/enroll.py, or damaged: enrol them again", path
        ) from None


def _unpacked(table: Mapping[str, np.ndarray]) -> KnownVoices:
    """Unpack the arrays of a file.

    Raises:
        DataError, KeyError, ValueError, IndexError: they are inconsistent.
    """
    x, seconds, probe = table["x"], table["seconds"], table["probe"]
    names = [str(name) for name in table["names"]]
    person, windows = table["person"], table["windows"]
    for name in names:
        check_name(name)
    finite = all(np.isfinite(part).all() for part in (x, seconds, probe, table["window"]))
    whole = x.shape == (len(seconds), len(probe)) and seconds.shape == (windows.sum(),)
    everyone = sorted(set(person.tolist())) == list(range(len(names)))
    fits = len(person) == len(windows) > 0 and (windows > 0).all() and len(set(names)) == len(names)
    if int(table["version"]) != VERSION or not (finite and whole and everyone and fits):
        raise ValueError("arrays that do not fit together")
    people: dict[str, list[Session]] = {name: [] for name in names}
    ends = np.cumsum(windows)
    for number, first, last in zip(person, ends - windows, ends, strict=True):
        if not (seconds[first:last] >= 0).all() or not seconds[first:last].any():
            raise ValueError("windows of no time")
        people[names[number]].append(Session(x[first:last], seconds[first:last]))
    return KnownVoices(str(table["extractor"]), probe, float(table["window"]), people)
