"""What stage 4 and stage 6 share: x-vector directory in, labels and turns out, one job's share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cli import program
from diar.base import config
from diar.base.errors import DataError
from diar.base.seeds import seed_for
from diar.base.types import Bounds, Subsegments
from diar.dec.diarization import DecConfig, Fit
from diar.dec.together import Recording
from diar.kaldi import arks, history, rttm, tables
from diar.pipeline.baselines import BaselineConfig
from diar.turns import decoding
from diar.xvectors.windows import XVectorConfig

MOST_HELD = 100_000  # windows of recordings that are labelled at once


@dataclass(frozen=True)
class Decision:
    """posteriors (n, k) of the windows of a recording; of DEC, all that its fit has found."""

    posteriors: np.ndarray
    fit: Fit | None = None


def add_arguments(arguments: argparse.ArgumentParser) -> None:
    """Speaker bounds, seed and job."""
    program.add_speakers(arguments, "number of speakers of every recording (default: estimated)")
    arguments.add_argument("--reco2num-spk", type=Path, help="file '<recording> <speakers>'")
    program.add_seed(arguments)
    program.add_job(arguments)


def run(
    args: argparse.Namespace,
    xvector_dir: Path,
    out_dir: Path,
    options: DecConfig | BaselineConfig,
    decide: Callable[[list[Recording]], list[Decision | DataError]],
    at_once: int = 1,
) -> None:
    """Label this job's recordings by ``decide``, so many at once, and write labels, turns and arrays."""
    try:
        most = max(args.max_spk or options.max_speakers, args.min_spk)
        common = Bounds(args.num_spk, args.min_spk, args.max_spk or most)
    except ValueError as error:
        raise DataError(str(error)) from None
    counts = tables.read_numbers(args.reco2num_spk) if args.reco2num_spk else None
    xvectors = xvector_dir.XVectorDir(xvector_dir)
    durations = read_durations(xvector_dir)
    grid = read_grid(xvector_dir)
    share = program.Share(out_dir, args.job)
    share.state(options)
    labels: list[str] = []
    turns: list[str] = []
    spoken: list[str] = []
    steps: list[str] = []
    arrays: dict[str, dict[str, np.ndarray]] = {
        name: {} for name in ("posteriors", "latents", "start_latents")
    }
    names = list(xvectors.windows)

    def load(name: str) -> Recording:
        vectors = xvectors.load(name)
        bounds = common if counts is None else exact(counts, name, args.reco2num_spk)
        return Recording(vectors.vectors, vectors.subsegments, bounds, seed_for(args.seed, name))

    def keep(name: str, recording: Recording, decision: Decision) -> None:
        windows = recording.windows
        found = decoding.decode(
            windows,
            decision.posteriors,
            duration_of(durations, windows),
            options.decoding,
            grid,
            recording.bounds.range[0],
        )
        best = decision.posteriors.argmax(axis=1)
        labels.extend(f"{i} {label + 1}\n" for i, label in zip(windows.ids, best, strict=True))
        turns.append(rttm.format_rttm(found))
        spoken.append(f"{name} {len({turn.speaker for turn in found})}\n")
        arrays["posteriors"][name] = decision.posteriors.astype(np.float32)
        if decision.fit:
            arrays["latents"][name] = decision.fit.latents.astype(np.float32)
            arrays["start_latents"][name] = decision.fit.start_latents.astype(np.float32)
            steps.extend(history.lines(name, decision.fit.history))

    sizes = {name: len(xvectors.windows[name]) for name in names}

    def seconds(name: str) -> float:
        return duration_of(durations, xvectors.windows[name])

    mine = share.of(names, list(sizes.values()), seconds)
    for group in grouped(mine, sizes, at_once):
        recordings = {}
        for name in group:
            with share.guard(name):
                recordings[name] = load(name)
        decisions = decide(list(recordings.values()))
        for (name, recording), decision in zip(recordings.items(), decisions, strict=True):
            with share.guard(name):
                if isinstance(decision, DataError):
                    raise decision
                keep(name, recording, decision)
    share.write("labels", labels)
    share.write("rttm", turns)
    share.write("reco2num_spk", spoken)
    share.write("history", steps)
    for name, table in arrays.items():
        scp = share.dir / f"{name}.scp"
        if table:
            arks.write_ark(out_dir / f"{name}.{share.job}.ark", table, scp)
        else:
            share.write(scp.name, ())
    share.close()


def grouped(names: Iterable[str], sizes: Mapping[str, int], at_once: int) -> Iterator[list[str]]:
    """So many names at once, or fewer, where they have more windows than should be held in memory."""
    group: list[str] = []
    for name in names:
        if group and sum(sizes[other] for other in group) + sizes[name] > MOST_HELD:
            yield group
            group = []
        group.append(name)
        if len(group) == at_once:  # at once: a name that is asked for too early would count as done
            yield group
            group = []
    if group:
        yield group


def exact(counts: dict[str, float], recording: str, source: Path) -> Bounds:
    """The known number of speakers of a recording."""
    if recording not in counts:
        raise DataError(f"no line for recording {recording!r}", source)
    if counts[recording] < 1 or counts[recording] % 1:
        raise DataError(f"{recording}: {counts[recording]:g} is not a number of speakers", source)
    return Bounds(int(counts[recording]))


def read_durations(xvector_dir: Path) -> dict[str, float]:
    """reco2dur where the directory has one (Kaldi's own need not)."""
    path = xvector_dir / "reco2dur"
    return tables.read_numbers(path) if path.exists() else {}


def duration_of(durations: dict[str, float], windows: Subsegments) -> float:
    """Seconds of a recording; where unknown, the end of its last window."""
    return durations.get(windows.recordings[0], float(windows.ends.max()))


def read_grid(xvector_dir: Path) -> tuple[float, float] | None:
    """(window, step) in seconds of x-vectors on the published grid, None for any others."""
    path = xvector_dir / "config.yaml"
    if not path.exists():  # made elsewhere
        return None
    made = config.load(XVectorConfig, path)
    return (made.window, made.step) if made.layout == "grid" else None
