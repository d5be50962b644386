#!/usr/bin/env python3
"""Fit DEC to each recording of an x-vector directory (one job of steps/fit_dec.sh)."""

from __future__ import annotations

from pathlib import Path

import torch

import program
import xvector_job
from diar import autoencoder, config, diarization
from diar.clustering import Bounds
from diar.errors import DataError
from diar.types import XVectors


def main() -> None:
    arguments = program.parser(__doc__)
    program.add_config(arguments, "conf/dec.yaml")
    xvector_job.add_arguments(arguments)
    arguments.add_argument("xvector_dir", type=Path)
    arguments.add_argument("model", type=Path)
    arguments.add_argument("out_dir", type=Path)
    args = arguments.parse_args()
    options = config.load(diarization.DecConfig, args.config, args.set.split())
    if args.check:
        return
    torch.set_num_threads(1)
    encoder = autoencoder.load_model(args.model)

    def decide(xvectors: XVectors, bounds: Bounds, seed: int) -> xvector_job.Decision:
        if xvectors.dim != encoder.ip_features:
            raise DataError(
                f"x-vectors of dimension {xvectors.dim}, but the autoencoder is for"
                f" {encoder.ip_features}: train it on the same kind of x-vectors",
                args.model,
            )
        found = diarization.fit(
            xvectors.vectors, xvectors.subsegments, encoder, options, bounds, seed
        )
        program.log.info(
            "%d windows, %d fitted, %d clusters at the start, %d in the end",
            len(xvectors), len(found.fitted), len(set(found.start)), found.posteriors.shape[1],
        )  # fmt: skip
        return xvector_job.Decision(found.posteriors, found.latents)

    xvector_job.run(args, args.xvector_dir, args.out_dir, options, decide)


if __name__ == "__main__":
    program.run(main)
