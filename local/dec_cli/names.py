"""Names of speakers chosen by the user: the options, and the names."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from diar.kaldi.names import NAME, Names, parse_names, read_names


def add_names(parser: argparse.ArgumentParser) -> None:
    """--names "1=Anna,2=Ben", --names-file FILE."""
    parser.add_argument(
        "--names",
        default="",
        metavar="'1=NAME,2=NAME ...'",
        help="names of speakers in any recording; 1 is short for <recording>_1",
    )
    parser.add_argument("--names-file", type=Path, metavar="FILE", help=f"lines '{NAME}'")


def names_of(args: argparse.Namespace) -> Names:
    """Return the names given by the options.

    Raises:
        DataError: the options or the file cannot be used.
    """
    given = parse_names(args.names)
    return Names([*given, *(read_names(args.names_file) if args.names_file else ())])


def tell_unused(program: str, names: Names) -> None:
    """Report names that match no speaker on standard error."""
    for recording, speaker in names.unused:
        place = f" in {recording}" if recording else ""
        print(f"{program}: no speaker {speaker!r}{place} to name", file=sys.stderr)
