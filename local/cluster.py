#!/usr/bin/env python3
"""Cluster the x-vectors of each recording by a baseline (one job of steps/cluster.sh)."""

from __future__ import annotations

from pathlib import Path

import program
import xvector_job
from diar import clustering, config
from diar.clustering import Bounds
from diar.decoding import one_hot
from diar.errors import DataError
from diar.types import XVectors


def main() -> None:
    arguments = program.parser(__doc__)
    program.add_config(arguments, "conf/baselines.yaml")
    xvector_job.add_arguments(arguments)
    arguments.add_argument("--method", choices=sorted(clustering.METHODS), default="ahc")
    arguments.add_argument("xvector_dir", type=Path)
    arguments.add_argument("out_dir", type=Path)
    args = arguments.parse_args()
    options = config.load(clustering.BaselineConfig, args.config, args.set.split())
    if args.check:
        return
    method = clustering.METHODS[args.method]

    def decide(xvectors: XVectors, bounds: Bounds, seed: int) -> xvector_job.Decision:
        try:
            labels = method(xvectors.vectors, bounds, options.clustering, seed)
        except ValueError as error:
            raise DataError(f"{args.method}: {error}") from None
        return xvector_job.Decision(one_hot(labels))

    xvector_job.run(args, args.xvector_dir, args.out_dir, options, decide)


if __name__ == "__main__":
    program.run(main)
