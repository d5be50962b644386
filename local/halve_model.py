#!/usr/bin/env python3
"""Copy an autoencoder with half-precision weights: small enough to ship.

Usage: halve_model.py <model.safetensors> <out.safetensors>

Example: local/halve_model.py exp/ae_default/model.safetensors small.safetensors
"""

from __future__ import annotations

from pathlib import Path

from dec_cli import program  # isort: split

import torch

from diar.autoencoder.network import load_model, save_model


def main() -> None:
    parser = program.parser(__doc__)
    program.add_paths(parser, "model")
    parser.add_argument("out", type=Path, help="output file")
    args = parser.parse_args()
    save_model(args.out, load_model(args.model), torch.float16)


if __name__ == "__main__":
    program.run(main)
