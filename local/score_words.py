#!/usr/bin/env python3
"""How many words are said to be of a wrong speaker: WDER, cpWER and tcpWER in %, against a reference.

Usage: score_words.py [options] <reference> <hypothesis>

Both are files of words with speakers: CTM of eight fields, STM, or SegLST (.json). Prints a table. WDER: of the
words that stand at one place, how many have a wrong speaker. cpWER: word error rate of each speaker with the one
who fits best; tcpWER: the same, of words that lie near each other. Letters are compared without case, and
without punctuation. A recording without hypothesis lacks all its words. Needs meeteval: pip install meeteval

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
        raise DataError(f"no reference of {', '.join(extra)}: --allow-extra leaves them out")
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
    add("-o", "--out", type=Path, metavar="FILE", help="write all figures there, too, as JSON")
    add("--as-written", action="store_true", help="compare with case and punctuation")
    add("--allow-extra", action="store_true", help="leave out recordings without a reference")
    add("--collar", type=float, default=COLLAR, metavar="S", help="of tcpWER, seconds")
    add("reference", type=Path, help="who says what")
    add("hypothesis", type=Path, help="who is said to have said what")
    return parser.parse_args()


def read(path: Path) -> dict[str, list[Word]]:
    """Read the words of each recording.

    Raises:
        DataError: what the reader refuses, also of one recording only.
    """
    found = reading.read(path, path.stem)
    if found.faults:
        raise DataError(next(iter(found.faults.values())))
    return {name: list(words) for name, words in found.words.items()}


def table(rows: dict[str, WordScore]) -> str:
    """Write the figures of each recording and of all."""
    cells = [
        {"words": each.words, **{name: number(rate) for name, rate in each.rates.items()}}
        for each in rows.values()
    ]
    return markdown(pd.DataFrame(cells, index=pd.Index(list(rows), name="recording")))


if __name__ == "__main__":
    program.run(main)
