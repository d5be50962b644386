#!/usr/bin/env python3
"""Cluster the x-vectors of each recording by a baseline (one job of steps/cluster.sh).

Usage: cluster.py [options] <xvector-dir> <out-dir>

Example: local/cluster.py --method ahc exp/xvectors_campplus_close/test exp/by_hand/ahc
"""

from __future__ import annotations

from cli import program, xvector_job
from diar.base import config
from diar.base.errors import DataError
from diar.base.posteriors import one_hot
from diar.clustering import methods
from diar.dec.together import Recording
from diar.pipeline import baselines


def main() -> None:
    arguments = program.parser(__doc__)
    program.add_config(arguments, "conf/baselines.yaml")
    xvector_job.add_arguments(arguments)
    arguments.add_argument(
        "--method", choices=sorted(methods.METHODS), default="ahc", help="the baseline"
    )
    program.add_paths(arguments, "xvector_dir", "out_dir")
    args = arguments.parse_args()
    options = config.load(baselines.BaselineConfig, args.config, args.set.split())
    if args.check:
        return
    method = methods.method_of(args.method)

    def decide(recording: Recording) -> xvector_job.Decision | DataError:
        try:
            labels = method(recording.x, recording.bounds, options.clustering, recording.seed)
        except ValueError as error:
            return DataError(f"{args.method}: {error}")
        return xvector_job.Decision(one_hot(labels))

    def decide_all(recordings: list[Recording]) -> list[xvector_job.Decision | DataError]:
        return [decide(recording) for recording in recordings]

    xvector_job.run(args, args.xvector_dir, args.out_dir, options, decide_all)


if __name__ == "__main__":
    program.run(main)
