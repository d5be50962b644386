#!/usr/bin/env python3
"""Cut short recordings out of those of a data directory.

Usage: benchmarks/counts/cut.py [options] <data-dir> <out-dir>

Draws --each cuts of --seconds from every recording, at random (by --seed and the name of the recording), of
which speech fills half or more. With --speakers N only those in whose reference N people speak; a recording
without such a place gives fewer. <out-dir> becomes a data directory, with audio of its own in wav/: what is
near the ends of a cut is not heard by anything.

Example: benchmarks/counts/cut.py --seconds 20 data/dev data/dev_cut20
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "local"))
from dec_cli import program
from diar.audio.waveform import SAMPLE_RATE, save
from diar.base.errors import DataError
from diar.base.regions import union
from diar.base.seeds import seed_for
from diar.base.types import Turn
from diar.kaldi.recordings import Recordings
from diar.kaldi.rttm import read_rttm
from diar.simulation.mini_corpus import write_data_dir

TRIES = 200  # places that are looked at for each cut
SHORTEST = 0.1  # seconds of a turn that is left at an end: less is no word


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="length of a cut")
    parser.add_argument("--each", type=int, default=2, help="cuts of a recording")
    parser.add_argument(
        "--speakers", type=int, help="how many people speak in a cut (default: any number)"
    )
    program.add_seed(parser)
    program.add_paths(parser, "data_dir", "out_dir")
    args = parser.parse_args()
    if args.seconds < 1 or args.each < 1:
        raise DataError("--seconds and --each must be at least 1")
    recordings = Recordings(args.data_dir)
    reference = read_rttm(args.data_dir / "ref.rttm")
    (args.out_dir / "cut").mkdir(parents=True, exist_ok=True)
    wavs, turns = [], []
    for name in recordings.names:
        places = draw(name, reference.get(name, []), recordings.seconds(name), args)
        samples = recordings.load(name)[0] if places else np.zeros(0)
        for start, inside in places.items():
            wavs.append(args.out_dir / "cut" / f"{inside[0].recording}.wav")
            first = round(start * SAMPLE_RATE)
            save(wavs[-1], samples[first : first + round(args.seconds * SAMPLE_RATE)])
            turns += inside
    if not wavs:
        raise DataError(f"{args.data_dir}: no place for such a cut")
    write_data_dir(args.out_dir, wavs, turns)
    (args.out_dir / "cut").rmdir()
    print(f"{len(wavs)} cuts of {len(recordings.names)} recordings")


def draw(name: str, turns: list[Turn], duration: float, args) -> dict[int, list[Turn]]:
    """Starts, in whole seconds, of cuts that do not overlap, and the turns of each."""
    random = np.random.default_rng(seed_for(args.seed, name, f"cut of {args.seconds:g}"))
    places: dict[int, list[Turn]] = {}
    last = int(duration - args.seconds)
    for start in random.integers(0, last + 1, TRIES) if last >= 0 else ():
        if len(places) == args.each:
            break
        inside = cut(turns, int(start), args.seconds)
        speech = sum(end - begin for begin, end in union((turn.start, turn.end) for turn in inside))
        right = args.speakers in (None, len({turn.speaker for turn in inside}))
        apart = all(abs(start - other) >= args.seconds for other in places)
        if right and apart and speech >= args.seconds / 2:
            places[int(start)] = inside
    return places


def cut(turns: list[Turn], start: int, seconds: float) -> list[Turn]:
    """What is left of the turns inside a cut, whose name says where it begins."""
    inside = []
    for turn in turns:
        begin, end = max(turn.start, start), min(turn.end, start + seconds)
        if end - begin >= SHORTEST:
            name = f"{turn.recording}-{start:05d}"
            inside.append(Turn(name, begin - start, end - begin, turn.speaker))
    return inside


if __name__ == "__main__":
    program.run(main)
