"""Shared by stages 4 and 6: x-vectors in; labels, turns and posteriors out."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dec_cli.program import add_seed
from dec_cli.share import Share, add_job
from dec_cli.speakers import KnownCounts, add_speakers, bounds_of
from diar.base import config
from diar.base.errors import DataError
from diar.base.seeds import seed_for
from diar.base.types import Bounds, LocalSpeakers, XVectors
from diar.kaldi import arks, history, rttm
from diar.kaldi.local_speakers import LocalSpeakersDir
from diar.kaldi.tables import read_durations
from diar.kaldi.xvector_dir import XVectorDir, duration_of
from diar.turns import decoding
from diar.turns.confidence import ConfidenceConfig, confidences
from diar.xvectors.windows import read_grid

if TYPE_CHECKING:  # a baseline does not need PyTorch, which takes 0.9 s of CPU in each job
    from diar.dec.diarization import Fit
    from diar.pipeline.config import BaselineConfig, DecStageConfig

TEXTS = ("labels", "rttm", "rttm_exclusive", "reco2num_spk", "unreached", "history")
ARRAYS = ("posteriors", "latents", "start_latents")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options for speaker bounds, seed and job."""
    add_speakers(parser, "number of speakers of every recording")
    parser.add_argument("--reco2num-spk", type=Path, help="file '<recording> <speakers>'")
    parser.add_argument(
        "--local-speakers", type=Path, metavar="DIR", help="local speakers of the same recordings"
    )
    add_seed(parser)
    add_job(parser)


def common_bounds(args: argparse.Namespace, options: DecStageConfig | BaselineConfig) -> Bounds:
    """Return the bounds on the number of speakers that hold for every recording.

    Raises:
        DataError: options that contradict each other.
    """
    if args.num_spk is not None and args.reco2num_spk:
        raise DataError("give --num-spk or --reco2num-spk, not both")
    return bounds_of(args, options.max_speakers)


def say_changes(out_dir: Path, options: DecStageConfig | BaselineConfig) -> None:
    """Print how the configuration differs from the one that made the outputs in ``out_dir``."""
    dumped = out_dir / "config.yaml"
    if dumped.exists():
        for change in config.changes(dumped, options):
            print(f"{out_dir}: {change}")


class Given(NamedTuple):
    """What is known about a recording: x-vectors, bounds on the number of speakers, seed, local speakers."""

    xvectors: XVectors
    bounds: Bounds
    seed: int
    local: LocalSpeakers | None


class Products:
    """The outputs of one job for its recordings of an x-vector directory, one after the other.

    Args:
        args: the arguments of ``add_arguments``, xvector_dir and out_dir.
        confidence: maps posteriors to the confidence of a turn, if fitted.

    >>> for recording in products.recordings():
    ...     with products.share.guard(recording):
    ...         given = products.load(recording)
    ...         products.keep(given, posteriors)
    >>> products.write()
    """

    def __init__(
        self,
        args: argparse.Namespace,
        options: DecStageConfig | BaselineConfig,
        confidence: ConfidenceConfig | None = None,
    ):
        self.seed, self.out_dir = args.seed, args.out_dir
        self.common = common_bounds(args, options)
        known = args.reco2num_spk
        self.known = KnownCounts(known, args.min_spk, args.max_spk) if known else None
        self.source = XVectorDir(args.xvector_dir)
        self.durations = read_durations(args.xvector_dir)
        self.grid = read_grid(args.xvector_dir)
        self.local = LocalSpeakersDir(args.local_speakers) if args.local_speakers else None
        self.share = Share(args.out_dir, args.job, TEXTS)
        if options.decoding.kind == "cells" and not self.grid:
            options = replace(options, decoding=replace(options.decoding, kind="frames"))
            self.share.remark(
                "turns decoded in frames, not in cells: the x-vectors are not on a grid"
            )
        self.options, self.confidence = options, confidence or ConfidenceConfig()
        self.share.state(options)
        self.arrays: dict[str, dict[str, np.ndarray]] = {name: {} for name in ARRAYS}

    def recordings(self) -> Iterator[str]:
        """Yield this job's recordings."""
        windows = self.source.windows
        sizes = {name: len(each) for name, each in windows.items()}
        yield from self.share.of(sizes, lambda name: duration_of(self.durations, windows[name]))

    def load(self, recording: str) -> Given:
        """Return what is known about a recording.

        Raises:
            DataError: its x-vectors, local speakers or count cannot be used.
        """
        bounds = self.known.bounds(recording) if self.known else self.common
        xvectors = self.source.load(recording)
        local = self.local.load(recording) if self.local else None
        return Given(xvectors, bounds, seed_for(self.seed, recording), local)

    def keep(self, given: Given, posteriors: np.ndarray, fit: Fit | None = None) -> None:
        """Add the results of a recording: posteriors (n, k) of its windows, and the fit of DEC."""
        windows, least = given.xvectors.subsegments, given.bounds.range[0]
        recording = windows.recordings[0]
        duration = duration_of(self.durations, windows)
        decoded = decoding.decode(
            windows, posteriors, duration, self.options.decoding, self.grid, least, given.local
        )
        lines, turns = self.share.lines, decoded.turns
        best = posteriors.argmax(axis=1) + 1
        lines["labels"] += [f"{i} {label}\n" for i, label in zip(windows.ids, best, strict=True)]
        sure = confidences(windows, posteriors, turns, self.confidence)
        lines["rttm"].append(rttm.format_rttm(turns, sure))
        lines["rttm_exclusive"].append(rttm.format_rttm(decoded.exclusive))
        count = len({turn.speaker for turn in turns})
        lines["reco2num_spk"].append(f"{recording} {count}\n")
        if shortfall := given.bounds.shortfall(count):
            lines["unreached"].append(f"{recording} {shortfall}\n")
        self.arrays["posteriors"][recording] = posteriors.astype(np.float32)
        if fit:
            self.arrays["latents"][recording] = fit.latents.astype(np.float32)
            self.arrays["start_latents"][recording] = fit.start_latents.astype(np.float32)
            lines["history"] += history.format_history(recording, fit.history)

    def write(self) -> None:
        """Write all results, and end the job."""
        for name, table in self.arrays.items():
            scp = self.share.dir / f"{name}.scp"
            if table:
                arks.write_ark(self.out_dir / f"{name}.{self.share.job}.ark", table, scp)
            else:
                self.share.write(scp.name, ())
        self.share.close()
