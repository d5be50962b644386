"""Voices that are known: x-vectors of people who were enrolled, in one file, and who of them speaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from diar.autoencoder.network import ResidualAutoEncoder
from diar.base.errors import DataError
from diar.base.files import open_whole
from diar.extractors import Extractor
from diar.identity.config import IdentityConfig
from diar.identity.profiles import SpeakerProfile, compare, join, latents_of, profile_of

VERSION = 1  # of the file
_PROBE = 1.5  # seconds of the noise by which an extractor is recognised
_ALIKE = 0.99  # cosine: other processors and precisions round, other networks are far off


class Session(NamedTuple):
    """Speech of a person from one recording: x-vectors (n, d), and the seconds (n,) they stand for."""

    x: np.ndarray
    seconds: np.ndarray


@dataclass(frozen=True)
class KnownVoices:
    """People who were enrolled, and what their x-vectors were made with.

    extractor: its name. probe: (d,) what it makes of a noise that is always the same. window: seconds.
    people: name -> their sessions, at least one each.
    """

    extractor: str
    probe: np.ndarray
    window: float
    people: Mapping[str, Sequence[Session]]

    def profiles(
        self, encoder: ResidualAutoEncoder, config: IdentityConfig
    ) -> dict[str, SpeakerProfile]:
        """Describe each person by all of their sessions.

        Raises:
            DataError: what ``latents_of`` refuses.
        """
        return {name: join(self.sessions(name, encoder, config)) for name in self.people}

    def sessions(
        self, name: str, encoder: ResidualAutoEncoder, config: IdentityConfig
    ) -> list[SpeakerProfile]:
        """Describe a person by each of their sessions."""
        return [
            profile_of(latents_of(session.x, encoder), session.seconds, config)
            for session in self.people[name]
        ]


class Match(NamedTuple):
    """Who a speaker is: None if nobody of those who are known. ratios: name -> log likelihood ratio, nats."""

    name: str | None
    ratios: dict[str, float]


def recognise(
    profiles: Mapping[str, SpeakerProfile],
    known: Mapping[str, SpeakerProfile],
    between: np.ndarray,
    threshold: float,
) -> dict[str, Match]:
    """Find who the speakers of one recording are; no two of them are the same person.

    Of all assignments that is taken whose log likelihood ratios exceed the threshold by most in sum.

    Args:
        profiles: of the speakers. known: of people. between: (l,) variance of people's means.
        threshold: nats, from which on a speaker is one of them.
    """
    speakers, people = sorted(profiles), sorted(known)
    ratios = compare([profiles[s] for s in speakers], [known[p] for p in people], between)
    gains = np.maximum(ratios - threshold, 0.0)
    found = {
        speakers[i]: people[j]
        for i, j in zip(*linear_sum_assignment(-gains), strict=True)
        if ratios[i, j] >= threshold
    }
    return {
        speaker: Match(found.get(speaker), dict(zip(people, map(float, ratios[i]), strict=True)))
        for i, speaker in enumerate(speakers)
    }


def probe_of(extractor: Extractor) -> np.ndarray:
    """Return what an extractor makes of a noise that is always the same: (dim,) float32.

    This tells its network, its filter banks and its options at once, and is nearly the same on every
    processor, which a digest of its vectors would not be.
    """
    samples = np.random.RandomState(0).standard_normal(round(_PROBE * extractor.rate)) / 10
    return extractor.embed(samples.astype(np.float32), np.array([0.0]), np.array([_PROBE]))[0]


def check_fit(known: KnownVoices, extractor: Extractor, window: float, path: str | Path) -> None:
    """Refuse voices whose x-vectors cannot be compared with those of this extractor and these windows.

    Raises:
        DataError: another extractor, other weights or options of it, windows of another length.
    """
    again = "enrol them again, with the configuration that is used now (local/enroll.py)"
    if known.extractor != extractor.name:
        raise DataError(
            f"voices of extractor {known.extractor}, not {extractor.name}: {again}", path
        )
    mine = probe_of(extractor)
    lengths = np.linalg.norm(mine) * np.linalg.norm(known.probe)
    if mine.shape != known.probe.shape or mine @ known.probe < _ALIKE * lengths:
        raise DataError(
            f"voices of {known.extractor} with other weights or options than those of now: {again}",
            path,
        )
    if abs(known.window - window) > 1e-6:
        raise DataError(f"voices by windows of {known.window:g} s, not {window:g} s: {again}", path)


def check_name(name: str) -> None:
    """Refuse a name that an RTTM or an option cannot hold.

    Raises:
        DataError: it is empty, or holds a blank, a control character, '=' or ','.
    """
    if name.split() != [name] or not name.isprintable() or set(name) & set("=,"):
        raise DataError(
            f"{name!r} is no name of a voice: no blanks, control characters, '=' or ','"
        )


def write_voices(path: str | Path, known: KnownVoices) -> None:
    """Write voices to one file of NumPy (.npz), whole or not at all."""
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
    """Read what ``write_voices`` wrote. Nothing in the file is ever run.

    Raises:
        DataError: no such file, no voices, or damaged.
    """
    if not Path(path).is_file():
        raise DataError("no such file of voices: local/enroll.py makes one", path)
    try:
        with np.load(path, allow_pickle=False) as stored:
            table = {name: stored[name] for name in stored.files}
        return _unpacked(table)
    except Exception:  # whatever numpy, zipfile and zlib raise, and what does not fit together
        raise DataError(
            "no voices that local/enroll.py wrote, or damaged: enrol them again", path
        ) from None


def _unpacked(table: Mapping[str, np.ndarray]) -> KnownVoices:
    """Take the arrays of a file apart.

    Raises:
        DataError, KeyError, ValueError, IndexError: they do not fit together.
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
