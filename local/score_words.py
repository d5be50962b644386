#!/usr/bin/env python3
"""Score words with speakers against a reference: WDER, cpWER and tcpWER in %.

Usage: score_words.py [options] <reference> <hypothesis>

Both are files of words with speakers: CTM with eight fields, STM, or SegLST (.json). Prints a table. WDER: share
of the aligned words that have a wrong speaker. cpWER: word error rate with the best mapping of speakers; tcpWER:
the same, aligning only words close in time. Case and punctuation are ignored. All words of a recording without
hypothesis count as deleted. Needs meeteval: pip install meeteval

Example: local/score_words.py ref.stm exp/words/test/words.ctm
"""

from __future__ import annotations

import argparse
import json
from functools import reduce
from operator import add
from pathlib import Path

from dec_cli import program  # isort: split

import pandas as pd

from diar.base.errors import DataError
from diar.base.files import write_text
from diar.scoring.text import markdown, number
from diar.scoring.words import COLLAR, WordScore, plain, score
from diar.words import reading
from diar.words.word import Word

TOTAL = "TOTAL"


def main() -> None:
    args = parse()
    reference, hypothesis = read(args.reference), read(args.hypothesis)
    extra = sorted(hypothesis.keys() - reference.keys())
    if extra and not args.allow_extra:
        raise DataError(f"no reference of {', '.join(extra)}: --allow-extra excludes them")
    if not args.as_written:
        reference, hypothesis = (
            {name: plain(words) for name, words in side.items()} for side in (reference, hypothesis)
        )
    scores = score(reference, hypothesis, args.collar)
    rows = {**scores, TOTAL: reduce(add, scores.values())}
    if args.out:
        about = {"reference": str(args.reference), "hypothesis": str(args.hypothesis)}
        about |= {"collar": args.collar, "as_written": args.as_written}
        figures = {name: vars(each) | each.rates for name, each in rows.items()}
        write_text(args.out, json.dumps({**about, "scores": figures}, indent=1) + "\n")
    print(table(rows), end="")


def parse() -> argparse.Namespace:
    """Parse the arguments."""
    parser = program.parser(__doc__)
    add = parser.add_argument
    add("-o", "--out", type=Path, metavar="FILE", help="also write all figures to FILE, as JSON")
    add("--as-written", action="store_true", help="compare with case and punctuation")
    add("--allow-extra", action="store_true", help="exclude recordings without a reference")
    add("--collar", type=float, default=COLLAR, metavar="S", help="collar of tcpWER, seconds")
    add("reference", type=Path, help="true words")
    add("hypothesis", type=Path, help="words to score")
    return parser.parse_args()


def read(path: Path) -> dict[str, list[Word]]:
    """Read the words of each recording.

    Raises:
        DataError: the words of any recording cannot be read.
    """
    found = reading.read(path, path.stem)
    if found.faults:
        raise DataError(next(iter(found.faults.values())))
    return {name: list(words) for name, words in found.words.items()}


def table(rows: dict[str, WordScore]) -> str:
    """Format the figures of each recording and of all."""
    cells = [
        {"words": each.words, **{name: number(rate) for name, rate in each.rates.items()}}
        for each in rows.values()
    ]
    return markdown(pd.DataFrame(cells, index=pd.Index(list(rows), name="recording")))


if __name__ == "__main__":
    program.run(main)
