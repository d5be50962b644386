#!/usr/bin/env python3
"""Fit DEC to each recording of an x-vector directory (one job of steps/fit_dec.sh).

Usage: fit_dec.py [options] <xvector-dir> <model.safetensors> <out-dir>

Example: local/fit_dec.py exp/xvectors_campplus/real_sample exp/ae_default/model.safetensors exp/by_hand/dec
"""

from __future__ import annotations

import torch

from cli import program, xvector_job
from cli.xvector_job import Decision
from diar.autoencoder import network
from diar.base import config, devices
from diar.base.errors import DataError
from diar.dec import together
from diar.dec.diarization import DecConfig, Fit
from diar.dec.together import Recording


def main() -> None:
    arguments = program.parser(__doc__)
    program.add_config(arguments, "conf/dec.yaml")
    program.add_device(arguments)
    xvector_job.add_arguments(arguments)
    program.add_paths(arguments, "xvector_dir", "model", "out_dir")
    args = arguments.parse_args()
    options = config.load(DecConfig, args.config, args.set.split())
    device = devices.device_of(args.device)
    if args.check:
        return
    torch.set_num_threads(1)
    encoder = network.load_model(args.model, device)

    def decide(recordings: list[Recording]) -> list[Decision | DataError]:
        found = together.fit_all(recordings, encoder, options)
        return [decision(recording, fit) for recording, fit in zip(recordings, found, strict=True)]

    at_once = together.pays(device)
    xvector_job.run(args, args.xvector_dir, args.out_dir, options, decide, at_once)


def decision(recording: Recording, fit: Fit | DataError) -> Decision | DataError:
    """What is written of a fit; how it went is logged."""
    if isinstance(fit, DataError):
        return fit
    program.log.info(
        "%s: %d windows, %d fitted, %d clusters at the start, %d in the end",
        recording.windows.recordings[0], len(recording.x), len(fit.fitted), len(set(fit.start)), fit.count,
    )  # fmt: skip
    return Decision(fit.posteriors, fit)


if __name__ == "__main__":
    program.run(main)
