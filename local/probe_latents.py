#!/usr/bin/env python3
"""Measure what an autoencoder loses: compare AHC with the known count on its latents and on the x-vectors.

Usage: probe_latents.py <data-dir> <xvector-dir> <ae-dir> <out-dir>

Writes <out-dir>/probe.json: confusion in % under the protocol 'forgiving', with the same decoding for both.

Example: local/probe_latents.py data/test exp/xvectors_campplus_close/test exp/ae_default exp/by_hand/probe
"""

from __future__ import annotations

import json
from collections.abc import Callable

from dec_cli import program  # isort: split

import numpy as np
import torch

from dec_cli.speakers import KnownCounts
from diar.autoencoder import network
from diar.base import config, posteriors
from diar.base.errors import DataError
from diar.base.files import write_text
from diar.clustering.methods import ahc
from diar.kaldi import rttm
from diar.kaldi.tables import read_durations
from diar.kaldi.xvector_dir import XVectorDir, duration_of
from diar.pipeline.config import BaselineConfig
from diar.scoring.frame import total_score
from diar.scoring.rates import ScoringConfig
from diar.turns import decoding


def main() -> None:
    parser = program.parser(__doc__)
    program.add_config(parser, "conf/baselines.yaml")
    program.add_paths(parser, "data_dir", "xvector_dir", "ae_dir", "out_dir")
    args = parser.parse_args()
    options = config.load(BaselineConfig, args.config, args.set.split())
    protocol = ScoringConfig().protocols["forgiving"]
    model = network.load_model(args.ae_dir / "model.safetensors")
    torch.set_num_threads(1)
    reference = rttm.read_rttm(args.data_dir / "ref.rttm")
    uem_file = args.data_dir / "all.uem"
    uem = rttm.read_uem(uem_file) if uem_file.exists() else None
    counts = KnownCounts(args.data_dir / "reco2num_spk")
    durations = read_durations(args.xvector_dir)
    xvectors = XVectorDir(args.xvector_dir)

    @torch.no_grad()
    def encode(x: np.ndarray) -> np.ndarray:
        return model.encode(torch.from_numpy(x)).numpy()

    def confusion(space: Callable[[np.ndarray], np.ndarray]) -> float:
        found = {}
        for recording, windows in xvectors.windows.items():
            try:
                bounds, vectors = counts.bounds(recording), xvectors.load(recording).vectors
            except DataError:  # stage 6 reports it
                continue
            labels = ahc(space(vectors), bounds, options.clustering)
            decoded = decoding.decode(
                windows,
                posteriors.one_hot(labels),
                duration_of(durations, windows),
                options.decoding,
            )
            found[recording] = decoded.turns
        return round(total_score(reference, found, uem, protocol)["conf_%"], 3)

    figures = {
        "set": args.data_dir.name,
        "xvectors": confusion(lambda x: x),
        "latents": confusion(encode),
    }
    write_text(args.out_dir / "probe.json", json.dumps(figures) + "\n")
    print(
        f"{args.ae_dir}: AHC, count known, on {figures['set']}: confusion {figures['xvectors']:.2f} %"
        f" on x-vectors, {figures['latents']:.2f} % on latents"
    )


if __name__ == "__main__":
    program.run(main)
