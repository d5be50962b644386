#!/usr/bin/env python3
"""Cluster the x-vectors of each recording with a baseline (one job of steps/cluster.sh).

Usage: cluster.py [options] <xvector-dir> <out-dir>

Example: local/cluster.py --method ahc exp/xvectors_campplus_close/test exp/by_hand/ahc
"""

from __future__ import annotations

from dec_cli import products, program, survival
from diar.base import config
from diar.base.errors import DataError
from diar.base.posteriors import one_hot
from diar.clustering.methods import METHODS, method_of
from diar.pipeline.config import BaselineConfig


def main() -> None:
    parser = program.parser(__doc__)
    program.add_config(parser, "conf/baselines.yaml")
    products.add_arguments(parser)
    parser.add_argument("--method", choices=sorted(METHODS), default="ahc", help="the baseline")
    program.add_paths(parser, "xvector_dir", "out_dir")
    args = parser.parse_args()
    options = config.load(BaselineConfig, args.config, args.set.split())
    least, most = products.common_bounds(args, options).range
    if args.method == "kmeans" and least < most and not args.reco2num_spk:
        raise DataError("kmeans needs the number of speakers: give --num-spk or --reco2num-spk")
    if args.check:
        products.say_changes(args.out_dir, options)
        return
    method = method_of(args.method)
    made = products.Products(args, options)
    for recording in made.recordings():
        with made.share.guard(recording):
            given = made.load(recording)
            labels = method(given.xvectors.vectors, given.bounds, options.clustering, given.seed)
            made.keep(given, one_hot(labels))
    made.write()


if __name__ == "__main__":
    survival.run(main)
