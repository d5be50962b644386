#!/usr/bin/env python3
"""Pretrain the autoencoder on the x-vectors of the training set (steps/train_autoencoder.sh).

Usage: train_autoencoder.py [options] <train-xvector-dir>[,<another> ...] <valid-xvector-dir> <out-dir>

Writes model.safetensors, config.yaml and loss.tsv to <out-dir>. With init: plda nothing is trained: the
x-vectors do not change, and the plda of the first training directory is their speaker space. Several training
directories may be given, joined by commas. If the validation directory is one of them, every tenth recording
(of at least five) is held out for validation.

Example: local/train_autoencoder.py exp/xvectors_campplus_close/train exp/xvectors_campplus/dev exp/by_hand/ae
"""

from __future__ import annotations

import argparse
import filecmp
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dec_cli import program  # isort: split

import numpy as np

from dec_cli.share import log, log_progress, log_usage
from diar.autoencoder.config import AutoencoderConfig
from diar.base import config, devices
from diar.base.errors import DataError
from diar.base.files import write_text
from diar.base.types import XVectors
from diar.kaldi import xvector_dir
from diar.kaldi.plda import Plda, read_plda
from diar.xvectors.neighbours import check_neighbours
from diar.xvectors.windows import XVectorConfig

if TYPE_CHECKING:
    from diar.autoencoder.network import ResidualAutoEncoder
    from diar.autoencoder.pretraining import Epoch


def main() -> None:
    parser = program.parser(__doc__)
    program.add_config(parser, "conf/autoencoder.yaml")
    program.add_device(parser)
    parser.add_argument("train", help="x-vector directory (or several, joined by commas)")
    parser.add_argument("valid", help="x-vector directory for validation, of other speakers")
    program.add_paths(parser, "out_dir")
    args = parser.parse_args()
    options = config.load(AutoencoderConfig, args.config, args.set.split())
    device = devices.device_of(args.device)
    dirs = [Path(name) for name in args.train.split(",")]
    plda = shared_plda(dirs) if options.init == "plda" else None
    if args.check:
        return
    # They import PyTorch (1.3 s of CPU), which the check does not need.
    from diar.autoencoder.network import (
        SHIPPED_DIM,
        SHIPPED_EXTRACTOR,
        network_of,
        network_of_plda,
    )

    if plda:
        log.info("nothing to train: x-vectors of dimension %d with their plda", plda.dim)
        options = replace(options, hidden_dims=(plda.dim,))
        keep(args.out_dir, network_of_plda(plda.mean, plda.transform, plda.between), options)
        return
    if options.init != "scratch" and {extractor_of(d) for d in dirs} != {SHIPPED_EXTRACTOR}:
        log.info("x-vectors are not from %s: training from scratch", SHIPPED_EXTRACTOR)
        options = replace(options, init="scratch")
    recordings = [part for directory in dirs for part in load_all(directory)]
    if not recordings and options.init == "shipped":
        model, shipped = network_of(options, SHIPPED_DIM)
        if shipped:
            log.warning("no x-vectors to train on: using the shipped weights")
            keep(args.out_dir, model, options)
            return
    if Path(args.valid) in dirs:
        recordings, kept = split(recordings)
    else:
        kept = load_all(Path(args.valid))
    model, epochs = train(args, options, recordings, kept, device)
    keep(args.out_dir, model, options, epochs)
    log_usage()


def train(
    args: argparse.Namespace,
    options: AutoencoderConfig,
    recordings: list[XVectors],
    kept: list[XVectors],
    device: str,
) -> tuple[ResidualAutoEncoder, list[Epoch]]:
    """Train on ``recordings`` and validate on ``kept``; return the model and its epochs."""
    from diar.autoencoder.network import network_of
    from diar.autoencoder.pretraining import learn_speakers, pretrain

    vectors, valid = stacked(recordings, args.train), stacked(kept, args.valid)
    if vectors.shape[1] != valid.shape[1]:
        raise DataError(
            f"x-vectors of dimension {valid.shape[1]}, but the training set has {vectors.shape[1]}",
            args.valid,
        )
    log.info("training on %d x-vectors, validating on %d", len(vectors), len(valid))
    shipped = network_of(options, vectors.shape[1])[1]
    if shipped:
        log.info("starting from the shipped weights")
    learns = options.speaker_space and not (shipped and options.init == "shipped")
    starts = [part.subsegments.starts for part in recordings]
    window = median_window(recordings)
    if learns:
        check_neighbours(starts, window)
    epochs: list[Epoch] = []
    total = sum(phase.epochs for phase in options.phases)

    def report(epoch: Epoch) -> None:
        epochs.append(epoch)
        log.info("%s", line_of(epoch).strip())
        log_progress(epoch.epoch, total, "epochs")

    model = pretrain(vectors, valid, options, report, device)
    if learns:
        parts = zip((part.vectors for part in recordings), starts, strict=True)
        learn_speakers(model, parts, window)
    return model, epochs


def keep(
    out_dir: Path,
    model: ResidualAutoEncoder,
    options: AutoencoderConfig,
    epochs: Sequence[Epoch] = (),
) -> None:
    """Write the outputs of this program."""
    from diar.autoencoder.network import save_model

    save_model(out_dir / "model.safetensors", model)
    write_text(out_dir / "config.yaml", config.dump(options))
    write_text(out_dir / "loss.tsv", "".join(["epoch\tlr\ttrain\tvalid\n", *map(line_of, epochs)]))


def line_of(epoch: Epoch) -> str:
    """Format a line of loss.tsv."""
    return f"{epoch.epoch}\t{epoch.lr:g}\t{epoch.train:.6g}\t{epoch.valid:.6g}\n"


def median_window(recordings: list[XVectors]) -> float:
    """Return the median length of the windows in seconds."""
    spans = [part.subsegments for part in recordings]
    return float(np.median(np.concatenate([x.ends - x.starts for x in spans])))


def shared_plda(dirs: list[Path]) -> Plda:
    """Read the plda of these x-vector directories.

    Raises:
        DataError: it is missing, damaged, or not the same in all of them.
    """
    pldas = [directory / "plda" for directory in dirs]
    for missing in (plda for plda in pldas if not plda.exists()):
        raise DataError(
            "no such file: conf/dec_plda.yaml is for x-vectors with Kaldi's plda, conf/dec.yaml for others",
            missing,
        )
    for other in pldas[1:]:
        if not filecmp.cmp(pldas[0], other, shallow=False):
            raise DataError(f"differs from {pldas[0]}: run each set separately", other)
    return read_plda(pldas[0])


def extractor_of(directory: Path) -> str:
    """Return the extractor of the x-vectors; '' if they were made elsewhere."""
    made = directory / "config.yaml"
    return config.load(XVectorConfig, made).extractor if made.exists() else ""


def split(recordings: list[XVectors]) -> tuple[list[XVectors], list[XVectors]]:
    """Return (training, validation): every tenth recording for validation; if there are few, all for both."""
    if len(recordings) < 5:
        return recordings, recordings
    held = recordings[::10]
    return [part for i, part in enumerate(recordings) if i % 10], held


def load_all(directory: Path) -> list[XVectors]:
    """Load the x-vectors of all recordings; log those that cannot be read, and leave them out."""
    xvectors = xvector_dir.XVectorDir(directory)
    parts = []
    for recording in xvectors.windows:
        try:
            parts.append(xvectors.load(recording))
        except DataError as error:
            log.error("%s left out: %s", recording, error)
    return parts


def stacked(parts: list[XVectors], source: str) -> np.ndarray:
    """Return the x-vectors of all recordings, (n, d)."""
    if not parts:
        raise DataError("no x-vectors to train on", source)
    dims = {part.dim for part in parts}
    if len(dims) > 1:
        raise DataError(f"x-vectors of different dimensions: {sorted(dims)}", source)
    return np.concatenate([part.vectors for part in parts])


if __name__ == "__main__":
    program.run(main)
