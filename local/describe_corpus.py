#!/usr/bin/env python3
"""Summarise Kaldi data directories: recordings, minutes, speakers, speech, overlap.

Usage: describe_corpus.py [--recordings] <data-dir> ...

Speech and overlap come from ref.rttm, if it exists. With --recordings, each recording gets a line of
its own.

Example: local/describe_corpus.py --recordings data/test
"""

from __future__ import annotations

from pathlib import Path

from dec_cli import program
from diar.base.types import Turn
from diar.kaldi.rttm import read_rttm
from diar.kaldi.tables import read_numbers
from diar.simulation.turn_taking import speech_and_overlap


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--recordings", action="store_true", help="a line for each recording")
    parser.add_argument("data_dir", metavar="data-dir", nargs="+", help=program.PATHS["data_dir"])
    args = parser.parse_args()
    print(
        f"{'set':<24}{'recordings':>11}{'minutes':>9}{'speakers':>10}{'speech %':>10}{'overlap %':>11}"
    )
    for name in args.data_dir:
        directory = Path(name)
        seconds = read_numbers(directory / "reco2dur")
        reference = directory / "ref.rttm"
        turns = read_rttm(reference) if reference.exists() else {}
        print(line(directory.name, seconds, [t for r in turns.values() for t in r]))
        for recording in sorted(seconds) if args.recordings else ():
            one = {recording: seconds[recording]}
            print(line(f"  {recording}", one, turns.get(recording, [])))


def line(name: str, seconds: dict[str, float], turns: list[Turn]) -> str:
    """Format one row; overlap is in percent of the speech."""
    speech, overlap = speech_and_overlap(turns)
    total = sum(seconds.values())
    speakers = len({turn.speaker for turn in turns})
    return (
        f"{name:<24}{len(seconds):>11}{total / 60:>9.1f}{speakers:>10}"
        f"{100 * speech / max(total, 1e-9):>10.1f}{100 * overlap / max(speech, 1e-9):>11.1f}"
    )


if __name__ == "__main__":
    program.run(main)
