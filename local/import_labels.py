#!/usr/bin/env python3
"""Convert labels made or corrected by hand to RTTM: Audacity (.txt), Praat (.TextGrid), ELAN (.eaf).

Usage: import_labels.py [options] <labels> [<labels> ...] <out.rttm|->

A recording is named after its file; blanks, which are not allowed in an RTTM, become '_'. In Audacity the
speaker is the label; in Praat and ELAN it is the name of the tier, or with --speaker label the text of
the interval. Reversed and negative times are refused; points and labels without a name are ignored
and reported. docs/exports.md explains every step.

Examples:
  local/import_labels.py labels/test-01.TextGrid rttm/test-01.rttm
  local/import_labels.py labels/*.txt ref.rttm
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dec_cli import program
from diar import exports
from diar.base.errors import DataError
from diar.base.types import Turn
from diar.exports.marks import turns_of
from diar.kaldi.rttm import format_rttm, write_rttm


def main() -> None:
    args = parse()
    turns: list[Turn] = []
    names = recording_names(args)
    for recording, path in names.items():
        theirs, notes = turns_of(exports.read(path), recording, args.speaker)
        for note in notes if theirs else [*notes, "no turns"]:
            print(f"import_labels.py: {path}: {note}", file=sys.stderr)
        turns += theirs
    if args.out == "-":
        sys.stdout.write(format_rttm(turns))
        return
    write_rttm(args.out, turns)
    speakers = len({(turn.recording, turn.speaker) for turn in turns})
    print(f"{args.out}: {len(turns)} turn(s) of {speakers} speaker(s) in {len(names)} recording(s)")


def parse() -> argparse.Namespace:
    """Parse the arguments."""
    parser = program.parser(__doc__)
    parser.add_argument(
        "--recording", metavar="NAME", help="recording id (default: the file's name)"
    )
    parser.add_argument(
        "--speaker",
        choices=("tier", "label"),
        default="tier",
        help="what names the speaker in Praat and ELAN",
    )
    parser.add_argument("labels", type=Path, nargs="+", help="files .txt, .TextGrid, .eaf")
    parser.add_argument("out", metavar="out.rttm|-", help="all turns")
    return parser.parse_args()


def recording_names(args: argparse.Namespace) -> dict[str, Path]:
    """Map recording ids to files of labels.

    Raises:
        DataError: two files for one recording; labels instead of the RTTM.
    """
    if exports.is_labels(Path(args.out)):
        raise DataError(
            "the last argument must be the RTTM to write, not a file of labels", args.out
        )
    if args.recording and len(args.labels) > 1:
        raise DataError(f"--recording names one recording, but there are {len(args.labels)} files")
    names: dict[str, Path] = {}
    for path in args.labels:
        name = args.recording or "_".join(path.stem.split())
        if name in names:
            raise DataError(f"{path} and {names[name]} would both be recording {name}: rename one")
        names[name] = path
    return names


if __name__ == "__main__":
    program.run(main)
