#!/usr/bin/env python3
"""Describe the x-vector extractors and the segmentation.

Usage: list_extractors.py [options]

Without options, describes all of them; with --config or --set, loads and describes the configured
extractor.

Examples:
  local/list_extractors.py
  local/list_extractors.py --set "extractor=onnx options.path=model.onnx"
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from dec_cli import program
from diar import extractors
from diar.base import config
from diar.extractors.cards import SEGMENTATION, Card
from diar.xvectors.windows import XVectorConfig


def main() -> None:
    parser = program.parser(__doc__)
    program.add_config(parser)
    parser.add_argument(
        "--files", action="store_true",
        help="only list the user's files that it reads, one per line, if they exist",
    )  # fmt: skip
    args = parser.parse_args()
    options = config.load(XVectorConfig, args.config, args.set.split())
    if args.files:
        for name in extractors.local_files(options.options):
            if Path(name).exists():
                print(name)
    elif args.config or args.set:
        show(extractors.get(options.extractor, **options.options).card)
    else:
        for name in sorted(extractors.EXTRACTORS):
            show(extractors.card(name))
        show(SEGMENTATION)


def show(card: Card) -> None:
    """Print a card."""
    values = asdict(card)
    print(values.pop("name"))
    values["dim"] = values["dim"] or "as in the file"
    values["rate"] = f"{values['rate']} Hz"
    values["window"] = f"{values['window']:g} s"
    for key, value in values.items():
        print(f"  {key.replace('_', ' ')}: {value}")


if __name__ == "__main__":
    program.run(main)
