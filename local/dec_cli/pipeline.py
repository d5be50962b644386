"""The stages for the user's own files: options, and loading everything."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from dec_cli import program
from diar import extractors
from diar.base import config, devices
from diar.base.errors import DataError
from diar.base.numbers import parse_channel
from diar.xvectors.windows import XVectorConfig

if TYPE_CHECKING:  # --help should not wait for PyTorch, SciPy, pandas
    from diar.pipeline.config import DecStageConfig
    from diar.pipeline.recording import Pipeline


def add_configs(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add --<name>-config FILE, by default conf/<name>.yaml."""
    for name in names:
        file = config.CONF / f"{name}.yaml"
        parser.add_argument(
            f"--{name}-config", metavar="FILE", default=file, help=f"default: conf/{file.name}"
        )


def add_pipeline(parser: argparse.ArgumentParser) -> None:
    """Add the options of all programs for files: channel, VAD, autoencoder, threads and device."""
    add = parser.add_argument
    add("--channel", type=channel, metavar="N", help="channel, counted from 1 (default: all mixed)")
    add(
        "--vad",
        choices=("combined", "segmentation", "silero", "energy"),
        default="combined",
        help="how to find speech",
    )
    add("--autoencoder", type=Path, metavar="FILE", help="default: the shipped one")
    add_configs(parser, "segmentation", "vad", "xvector")
    threads = len(os.sched_getaffinity(0))
    add("--threads", type=int, metavar="N", default=threads, help="default: all cores")
    program.add_device(parser)


def pipeline_of(args: argparse.Namespace, dec: DecStageConfig, overlap: bool) -> Pipeline:
    """Load all stages according to the options of ``add_pipeline``.

    Args:
        dec: configuration of DEC. overlap: whether speakers may overlap.

    Raises:
        DataError: parts cannot be loaded, or do not fit together.
    """
    from diar.autoencoder import network
    from diar.pipeline.recording import Pipeline
    from diar.speech import vad
    from diar.speech.segmentation import Segmentation, SegmentationConfig

    device = devices.device_of(args.device)
    xvector = config.load(XVectorConfig, args.xvector_config)
    if args.autoencoder is None and xvector.extractor != network.SHIPPED_EXTRACTOR:
        raise DataError(
            f"the shipped autoencoder is for {network.SHIPPED_EXTRACTOR}, not"
            f" {xvector.extractor}: train one (./run.sh --stop-stage 3) and give it with --autoencoder"
        )
    segmentation = config.load(SegmentationConfig, args.segmentation_config)
    return Pipeline(
        extractors.get(xvector.extractor, device=device, threads=args.threads, **xvector.options),
        network.load_model(args.autoencoder or network.SHIPPED),
        args.vad,
        config.load(vad.VadConfig, args.vad_config),
        xvector,
        dec,
        Segmentation(segmentation, args.threads) if overlap or args.vad in vad.LOCAL else None,
        overlap,
    )


def channel(text: str) -> int:
    """Read --channel, numbered from 1 as in reco2file_and_channel; return it numbered from 0."""
    found = parse_channel(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a channel: channels are numbered from 1")
    return found
