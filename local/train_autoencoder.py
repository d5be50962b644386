#!/usr/bin/env python3
"""Pretrain the autoencoder on the x-vectors of the training set (steps/train_autoencoder.sh).

Usage: train_autoencoder.py [options] <train-xvector-dir>[,<another> ...] <valid-xvector-dir> <out-dir>

Writes model.safetensors, config.yaml and loss.tsv to <out-dir>. Several training directories may be
given, joined by commas. Where the validation directory is among them, every tenth recording (of at least
five) is kept from training to validate on.

Example: local/train_autoencoder.py exp/xvectors_campplus_close/train exp/xvectors_campplus/dev exp/by_hand/ae
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cli import program  # isort: split

import numpy as np

from cli.share import log, log_progress, log_usage
from diar.autoencoder.config import AutoencoderConfig
from diar.base import config, devices
from diar.base.errors import DataError
from diar.base.files import write_text
from diar.base.types import XVectors
from diar.kaldi import xvector_dir
from diar.xvectors.windows import XVectorConfig

if TYPE_CHECKING:
    from diar.autoencoder.pretraining import Epoch


def main() -> None:
    parser = program.parser(__doc__)
    program.add_config(parser, "conf/autoencoder.yaml")
    program.add_device(parser)
    parser.add_argument("train", help="x-vector directory (or several, joined by commas)")
    parser.add_argument("valid", help="x-vector directory of other speakers")
    program.add_paths(parser, "out_dir")
    args = parser.parse_args()
    options = config.load(AutoencoderConfig, args.config, args.set.split())
    device = devices.device_of(args.device)
    if args.check:
        return
    # They need PyTorch, for which the check has no use: 1.3 s of CPU.
    from diar.autoencoder.network import (
        SHIPPED_DIM,
        SHIPPED_EXTRACTOR,
        network_of,
        save_model,
    )
    from diar.autoencoder.pretraining import learn_speakers, pretrain

    dirs = [Path(name) for name in args.train.split(",")]
    if options.init != "scratch" and {extractor_of(d) for d in dirs} != {SHIPPED_EXTRACTOR}:
        log.info("x-vectors not of %s: training from scratch", SHIPPED_EXTRACTOR)
        options = replace(options, init="scratch")
    recordings = [part for directory in dirs for part in load_all(directory)]
    if not recordings and options.init == "shipped":
        model, shipped = network_of(options, SHIPPED_DIM)
        if shipped:
            log.warning("no x-vectors to train on: the weights that ship are taken")
            save_model(args.out_dir / "model.safetensors", model)
            write_text(args.out_dir / "config.yaml", config.dump(options))
            write_text(args.out_dir / "loss.tsv", "epoch\tlr\ttrain\tvalid\n")
            return
    if Path(args.valid) in dirs:
        recordings, kept = split(recordings)
    else:
        kept = load_all(Path(args.valid))
    train, valid = stacked(recordings, args.train), stacked(kept, args.valid)
    if train.shape[1] != valid.shape[1]:
        raise DataError(
            f"x-vectors of dimension {valid.shape[1]}, but the training set has {train.shape[1]}",
            args.valid,
        )
    log.info("training on %d x-vectors, validating on %d", len(train), len(valid))

    shipped = network_of(options, train.shape[1])[1]
    if shipped:
        log.info("starting from the weights that ship with the recipe")
    lines = ["epoch\tlr\ttrain\tvalid\n"]
    epochs = sum(phase.epochs for phase in options.phases)

    def report(epoch: Epoch) -> None:
        lines.append(f"{epoch.epoch}\t{epoch.lr:g}\t{epoch.train:.6g}\t{epoch.valid:.6g}\n")
        log.info("%s", lines[-1].strip())
        log_progress(epoch.epoch, epochs, "epochs")

    model = pretrain(train, valid, options, report, device)
    if options.speaker_space and not (shipped and options.init == "shipped"):
        spans = [part.subsegments for part in recordings]
        window = float(np.median(np.concatenate([x.ends - x.starts for x in spans])))
        learn_speakers(model, [(x.vectors, x.subsegments.starts) for x in recordings], window)
    save_model(args.out_dir / "model.safetensors", model)
    write_text(args.out_dir / "config.yaml", config.dump(options))
    write_text(args.out_dir / "loss.tsv", "".join(lines))
    log_usage()


def extractor_of(directory: Path) -> str:
    """Whose x-vectors they are; '' where they were made elsewhere."""
    made = directory / "config.yaml"
    return config.load(XVectorConfig, made).extractor if made.exists() else ""


def split(recordings: list[XVectors]) -> tuple[list[XVectors], list[XVectors]]:
    """(to train on, to validate on): every tenth recording is validated on, all of a few are both."""
    if len(recordings) < 5:
        return recordings, recordings
    held = recordings[::10]
    return [part for i, part in enumerate(recordings) if i % 10], held


def load_all(directory: Path) -> list[XVectors]:
    """Load the x-vectors of all recordings; name those that cannot be read, and leave them out."""
    xvectors = xvector_dir.XVectorDir(directory)
    parts = []
    for recording in xvectors.windows:
        try:
            parts.append(xvectors.load(recording))
        except DataError as error:
            log.error("%s left out: %s", recording, error)
    return parts


def stacked(parts: list[XVectors], source: str) -> np.ndarray:
    """(n, d) x-vectors of all recordings."""
    if not parts:
        raise DataError("no x-vectors to train on", source)
    dims = {part.dim for part in parts}
    if len(dims) > 1:
        raise DataError(f"x-vectors of different dimensions: {sorted(dims)}", source)
    return np.concatenate([part.vectors for part in parts])


if __name__ == "__main__":
    program.run(main)
