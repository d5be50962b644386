"""What a user says of the number of speakers: the options, and the bounds of each recording."""

from __future__ import annotations

import argparse
from pathlib import Path

from diar.base.errors import DataError
from diar.base.numbers import parse_count
from diar.base.types import Bounds
from diar.kaldi.tables import records


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
        DataError: numbers below 1, or such that contradict each other.
    """
    most: int | None = args.max_spk
    if most is None and args.num_spk is None:
        most = max(max_speakers, args.min_spk)
    return Bounds(args.num_spk, args.min_spk, most)


class KnownCounts:
    """The numbers of speakers that a file '<recording> <speakers>' states.

    Args:
        least, most: what is said of all of them.

    Raises:
        DataError: no such file.
    """

    def __init__(self, path: Path, least: int = 1, most: int | None = None):
        self.path, self.least, self.most = path, least, most
        self._lines: dict[str, list[tuple[int, str]]] = {}
        for number, (recording, *rest) in records(path):
            self._lines.setdefault(recording, []).append((number, " ".join(rest)))

    def bounds(self, recording: str) -> Bounds:
        """Return the known number of speakers of a recording.

        Raises:
            DataError: the file does not state it, or twice; it is no number of speakers, or contradicts
                what is said of all.
        """
        lines = self._lines.get(recording)
        if not lines:
            raise DataError(f"no line for recording {recording!r}", self.path)
        number, text = lines[-1]
        if len(lines) > 1:
            raise DataError(f"duplicate recording {recording!r}", self.path, number)
        count = parse_count(text)
        if count is None:
            raise DataError(f"{recording}: {text} is not a number of speakers", self.path, number)
        return Bounds(count, self.least, self.most)
