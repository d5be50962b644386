"""Voices of known people from Debian packages: fetched, decoded, trimmed, cached.

``conf/voices.yaml`` lists packages and people. The material of a person is a set of *pieces*:
stretches of speech without long pauses, 16 kHz mono, all at one level. It is decoded once and then
kept in the cache, under a key that covers the packages, the person's entry and this code.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from hashlib import sha256
from itertools import pairwise, repeat
from pathlib import Path
from typing import Literal

import numpy as np

from diar.audio.waveform import SAMPLE_RATE, load
from diar.base.errors import DataError
from diar.base.files import cache_dir, open_whole
from diar.fetching.download import lock_folder
from diar.fetching.packages import Package, fetch_deb, unpack_deb
from diar.jobs.workers import pool
from diar.simulation import activity
from diar.simulation.activity import ActivityConfig, levels, speech_regions

Split = Literal["train", "dev", "test"]
LEVEL_DB = -26.0  # of each piece, re full scale, over its loud half


@dataclass(frozen=True)
class Person:
    """One voice.

    id: name in RTTMs; language: of what is said; split: the only set it is used in.
    files: glob patterns '<package>/<path in the package>'; exclude: patterns of paths to leave out.
    sex: where known; band: upper edge of what the recordings contain (Hz), None for all of it.
    """

    id: str
    language: str
    split: Split
    files: tuple[str, ...]
    sex: Literal["f", "m"] | None = None
    band: float | None = None
    exclude: tuple[str, ...] = ()

    @property
    def packages(self) -> list[str]:
        """Names of the packages that its files are in, sorted."""
        return sorted({pattern.split("/")[0] for pattern in self.files})


@dataclass(frozen=True)
class VoicesConfig:
    """Packages (pinned) and the people in them (ids are unique).

    max_minutes: of speech kept per person; min_piece, max_piece: seconds of speech in a piece.
    """

    packages: tuple[Package, ...]
    people: tuple[Person, ...]
    max_minutes: float = 8.0
    min_piece: float = 0.25
    max_piece: float = 20.0
    activity: ActivityConfig = ActivityConfig()

    def __post_init__(self) -> None:
        ids = [person.id for person in self.people]
        if twice := sorted({i for i in ids if ids.count(i) > 1}):
            raise ValueError(f"person {twice[0]!r} is listed twice")
        known = {package.name for package in self.packages}
        for person in self.people:
            for name in person.packages:
                if name not in known:
                    raise ValueError(f"{person.id}: package {name!r} is not among the packages")

    def of(self, split: str) -> list[Person]:
        """List the people of a split."""
        return [person for person in self.people if person.split == split]


@dataclass(frozen=True)
class Voice:
    """A person's material: ``samples`` (n,) int16 at 16 kHz, piece i is [bounds[i], bounds[i+1]).

    failed: 'file: reason' of each file that did not decode.
    """

    person: Person
    samples: np.ndarray
    bounds: np.ndarray
    failed: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def piece(self, i: int) -> np.ndarray:
        """Return piece i, (m,) float32 in [-1, 1]."""
        return self.samples[self.bounds[i] : self.bounds[i + 1]].astype(np.float32) / 32768

    @property
    def minutes(self) -> float:
        """Minutes of speech in all pieces."""
        return len(self.samples) / SAMPLE_RATE / 60


def prepare(
    config: VoicesConfig,
    people: Sequence[Person],
    nj: int = 1,
    progress: Callable[[int, int, str], None] = lambda done, total, what: None,
) -> list[Voice]:
    """Prepare the voices of some people, from the cache or from their packages.

    Args:
        config: packages and limits.
        people: whose voices.
        nj: processes that decode.
        progress: called with (steps done, steps in all, what was done) where there is work to do:
            a package unpacked, a person decoded.

    Raises:
        DataError: a package that cannot be had or is damaged, a person without any usable speech.
    """
    if any(not _cache_path(config, p).exists() for p in people):
        with lock_folder(cache_dir() / "voices"):
            missing = [p for p in people if not _cache_path(config, p).exists()]
            packages = [p for p in config.packages if any(p.name in m.packages for m in missing)]
            total = len(packages) + len(missing)
            root = cache_dir() / "voices" / "unpacked"
            shutil.rmtree(root, ignore_errors=True)  # left by a run that was killed
            for done, package in enumerate(packages, 1):
                unpack_deb(fetch_deb(package), root / package.name)
                progress(done, total, package.name)
            with pool(nj, len(missing)) as workers:
                built = workers.map(_build, repeat(config), missing, repeat(root))
                for done, (person, _) in enumerate(zip(missing, built, strict=True), 1):
                    progress(len(packages) + done, total, person.id)
            shutil.rmtree(root, ignore_errors=True)
    return [_read(_cache_path(config, p), p) for p in people]


def gather(
    files: Iterable[Path], root: Path, config: VoicesConfig
) -> tuple[list[np.ndarray], list[str]]:
    """Decode files and cut them into level pieces, until ``config.max_minutes`` are reached.

    Returns:
        pieces: list of (m,) float32; failed: 'file: reason' of what did not decode.
    """
    pieces: list[np.ndarray] = []
    failed: list[str] = []
    wanted = config.max_minutes * 60 * SAMPLE_RATE
    # In the order of hashes: what the limit leaves is a fair sample, the same everywhere.
    for path in sorted(files, key=lambda p: sha256(bytes(p.relative_to(root))).digest()):
        if sum(map(len, pieces)) >= wanted:
            break
        try:
            pieces += cut(load(path), config)
        except DataError as error:
            reason = str(error).removeprefix(f"{path}: ")
            failed.append(f"{path.relative_to(root)}: {reason}")
    return pieces, failed


def cut(samples: np.ndarray, config: VoicesConfig) -> list[np.ndarray]:
    """Cut a dry recording into stretches of speech without long pauses, faded at both ends, levelled."""
    pieces = []
    for start, end in speech_regions(samples, config.activity):
        if end - start < config.min_piece:
            continue
        count = -(-(end - start) // config.max_piece)  # too long: equal parts
        edges = np.linspace(start, end, int(count) + 1)
        for a, b in pairwise(edges):
            pieces.append(_level(samples[round(a * SAMPLE_RATE) : round(b * SAMPLE_RATE)]))
    return pieces


def _level(samples: np.ndarray) -> np.ndarray:
    level = levels(samples)
    loud = level[level >= np.median(level)]
    gain = 10 ** ((LEVEL_DB - 10 * np.log10(np.mean(10 ** (loud / 10)))) / 20)
    gain = min(gain, 0.99 / max(float(np.abs(samples).max()), 1e-9))
    return fade(samples * np.float32(gain))


def fade(samples: np.ndarray, seconds: float = 0.01) -> np.ndarray:
    """Fade both ends (raised cosine), so that a cut does not click."""
    n = min(round(seconds * SAMPLE_RATE), len(samples) // 2)
    ramp = (0.5 - 0.5 * np.cos(np.pi * (np.arange(n) + 0.5) / max(n, 1))).astype(np.float32)
    faded = samples.astype(np.float32, copy=True)
    faded[:n] *= ramp
    faded[len(faded) - n :] *= ramp[::-1]
    return faded


def _build(config: VoicesConfig, person: Person, root: Path) -> None:
    files = {path for pattern in person.files for path in root.glob(pattern) if path.is_file()}
    files = {f for f in files if not any(fnmatch(str(f), x) for x in person.exclude)}
    pieces, failed = gather(files, root, config)
    if not pieces:
        reason = failed[0] if failed else f"no file matches {person.files[0]}"
        raise DataError(f"{person.id}: no usable speech ({reason})")
    bounds = np.cumsum([0, *map(len, pieces)])
    samples = np.rint(np.concatenate(pieces) * 32767).astype(np.int16)
    with open_whole(_cache_path(config, person), "wb") as stream:
        np.savez(stream, samples=samples, bounds=bounds, failed=np.array(failed, dtype=str))
    for old in _cache_path(config, person).parent.glob(f"{person.id}.*.npz"):
        if old != _cache_path(config, person):
            old.unlink(missing_ok=True)


def _read(path: Path, person: Person) -> Voice:
    try:
        with np.load(path, allow_pickle=False) as stored:
            voice = Voice(person, stored["samples"], stored["bounds"], tuple(stored["failed"]))
        ends = voice.bounds[0], voice.bounds[-1]
        whole = voice.samples.ndim == 1 and ends == (0, len(voice.samples)) and len(voice) > 0
        if whole and voice.samples.dtype == np.int16 and (np.diff(voice.bounds) >= 0).all():
            return voice
    except Exception:  # whatever numpy, zipfile and zlib raise
        pass
    raise DataError("damaged voice in the cache: delete it and run again", path)


def _cache_path(config: VoicesConfig, person: Person) -> Path:
    code = [Path(module).read_bytes() for module in (__file__, activity.__file__)]
    packages = [asdict(p) for p in config.packages if p.name in person.packages]
    limits = [config.max_minutes, config.min_piece, config.max_piece, asdict(config.activity)]
    entry = json.dumps([packages, person.files, person.exclude, limits], sort_keys=True)
    key = sha256(b"\0".join([entry.encode(), *code])).hexdigest()[:16]
    return cache_dir() / "voices" / f"{person.id}.{key}.npz"
