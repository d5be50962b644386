"""Number of speakers given by the user: the options, and the bounds for each recording."""

from __future__ import annotations

import argparse
from pathlib import Path

from diar.base.errors import DataError
from diar.base.numbers import parse_count
from diar.base.types import Bounds
from diar.kaldi.tables import records


def add_speakers(parser: argparse.ArgumentParser, what: str) -> None:
    """Add --num-spk 3, --min-spk 2, --max-spk 5; ``what`` describes the number."""
    parser.add_argument("--num-spk", type=int, metavar="N", help=f"{what} (default: estimated)")
    parser.add_argument(
        "--min-spk", type=int, metavar="N", default=1, help="minimum of the estimate"
    )
    parser.add_argument(
        "--max-spk", type=int, metavar="N", help="maximum of the estimate (default: as configured)"
    )


def bounds_of(args: argparse.Namespace, max_speakers: int) -> Bounds:
    """Return the bounds that the options set for every recording.

    Args:
        max_speakers: maximum of the estimate, if the options do not set one.

    Raises:
        DataError: numbers that are below 1, or contradict each other.
    """
    most: int | None = args.max_spk
    if most is None and args.num_spk is None:
        most = max(max_speakers, args.min_spk)
    return Bounds(args.num_spk, args.min_spk, most)


class KnownCounts:
    """The numbers of speakers in a file with lines '<recording> <speakers>'.

    Args:
        least, most: bounds for all of them.

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
            DataError: the file lacks it or has it twice; it is not a number of speakers, or outside the
                bounds.
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
