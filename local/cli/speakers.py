"""What a user says of the number of speakers: the options, and the bounds of each recording."""

from __future__ import annotations

import argparse
from pathlib import Path

from diar.base.errors import DataError
from diar.base.types import Bounds
from diar.kaldi.tables import read_numbers


def add_speakers(parser: argparse.ArgumentParser, what: str) -> None:
    """--num-spk 3, --min-spk 2, --max-spk 5; ``what`` the number is of."""
    parser.add_argument("--num-spk", type=int, metavar="N", help=f"{what} (default: estimated)")
    parser.add_argument("--min-spk", type=int, metavar="N", default=1, help="at least so many")
    parser.add_argument(
        "--max-spk", type=int, metavar="N", help="at most so many (default: as configured)"
    )


def bounds_of(args: argparse.Namespace, max_speakers: int) -> Bounds:
    """Return what the options say of every recording.

    Args:
        max_speakers: most that are counted, where the options do not say.

    Raises:
        DataError: numbers below 1, a lower bound above the upper one.
    """
    try:
        return Bounds(args.num_spk, args.min_spk, args.max_spk or max(max_speakers, args.min_spk))
    except ValueError as error:
        raise DataError(str(error)) from None


class KnownCounts:
    """The numbers of speakers that a file '<recording> <speakers>' states.

    Raises:
        DataError: a malformed line.
    """

    def __init__(self, path: Path):
        self.path = path
        self._counts = read_numbers(path)

    def bounds(self, recording: str) -> Bounds:
        """Return the known number of speakers of a recording.

        Raises:
            DataError: the file does not state it, or what it states is no number of speakers.
        """
        if recording not in self._counts:
            raise DataError(f"no line for recording {recording!r}", self.path)
        count = self._counts[recording]
        if count < 1 or count % 1:
            raise DataError(f"{recording}: {count:g} is not a number of speakers", self.path)
        return Bounds(int(count))
