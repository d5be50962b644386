#!/usr/bin/env python3
"""Cluster the x-vectors of each recording by a baseline (one job of steps/cluster.sh).

Usage: cluster.py [options] <xvector-dir> <out-dir>

Example: local/cluster.py --method ahc exp/xvectors_campplus_close/test exp/by_hand/ahc
"""

from __future__ import annotations

import program
import xvector_job
from diar import clustering, config
from diar.decoding import one_hot
from diar.errors import DataError
from diar.together import Recording


def main() -> None:
    arguments = program.parser(__doc__)
    program.add_config(arguments, "conf/baselines.yaml")
    xvector_job.add_arguments(arguments)
    methods = sorted(clustering.METHODS)
    arguments.add_argument("--method", choices=methods, default="ahc", help="the baseline")
    program.add_paths(arguments, "xvector_dir", "out_dir")
    args = arguments.parse_args()
    options = config.load(clustering.BaselineConfig, args.config, args.set.split())
    if args.check:
        return
    method = clustering.method_of(args.method)

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
