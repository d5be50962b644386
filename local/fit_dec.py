#!/usr/bin/env python3
"""Fit DEC to each recording of an x-vector directory (one job of steps/fit_dec.sh).

Usage: fit_dec.py [options] <xvector-dir> <model.safetensors> <out-dir>

Example: local/fit_dec.py exp/xvectors_campplus/real_sample exp/ae_default/model.safetensors exp/by_hand/dec
"""

from __future__ import annotations

from dec_cli import products, program, survival
from dec_cli.share import log
from diar.base import config
from diar.pipeline.config import DecStageConfig


def main() -> None:
    parser = program.parser(__doc__)
    program.add_config(parser, "conf/dec.yaml")
    products.add_arguments(parser)
    program.add_paths(parser, "xvector_dir", "model", "out_dir")
    args = parser.parse_args()
    options = config.load(DecStageConfig, args.config, args.set.split())
    products.common_bounds(args, options)
    if args.check:
        products.say_changes(args.out_dir, options)
        return
    import torch  # and its dependents: after the check, which does not need them (1.5 s of CPU)

    from diar.autoencoder.network import load_model
    from diar.dec.diarization import fit

    torch.set_num_threads(1)
    encoder = load_model(args.model)
    made = products.Products(args, options, options.confidence)
    for recording in made.recordings():
        with made.share.guard(recording):
            given = made.load(recording)
            vectors, windows = given.xvectors.vectors, given.xvectors.subsegments
            result = fit(vectors, windows, encoder, options, given.bounds, given.seed, given.local)
            log.info(
                "%s: %d windows, %d fitted, %d clusters at the start, %d at the end",
                recording, len(windows), len(result.rows), len(set(result.start)), result.count,
            )  # fmt: skip
            made.keep(given, result.posteriors, result)
    made.write()


if __name__ == "__main__":
    survival.run(main)
