#!/usr/bin/env python3
"""Copy an autoencoder with its weights in half precision: small enough to ship.

Usage: halve_model.py <model.safetensors> <out.safetensors>
"""

from __future__ import annotations

from pathlib import Path

import torch

import program
from diar.autoencoder import load_model, save_model


def main() -> None:
    arguments = program.parser(__doc__)
    arguments.add_argument("model", type=Path)
    arguments.add_argument("out", type=Path)
    args = arguments.parse_args()
    save_model(args.out, load_model(args.model), torch.float16)


if __name__ == "__main__":
    program.run(main)
