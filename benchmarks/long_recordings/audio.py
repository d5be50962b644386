#!/usr/bin/env python3
"""How do time and memory from audio to turns grow with the length of a recording?

Usage: benchmarks/long_recordings/audio.py [--hours "1 4 24"] <data-dir> <work-dir>

Repeats the recordings of <data-dir> in one WAV of so many hours, and diarizes it with local/diarize.py on all
cores. Prints a table, and writes it to <work-dir>/audio.md: RTF is seconds per second of audio; memory is the peak of
the process; DER and the number of speakers, of how many there are.

Example: benchmarks/long_recordings/audio.py --hours 0.5 data/test exp/long_audio
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "local"))
from dec_cli import program
from diar.base.errors import DataError
from diar.base.files import write_text
from diar.base.types import SAMPLE_RATE, Turn
from diar.kaldi import rttm
from diar.kaldi.recordings import Recordings
from diar.scoring.frame import total_score
from diar.scoring.rates import Protocol

ROOT = Path(__file__).resolve().parents[2]
FORGIVING = Protocol(0.25, "out")
HEAD = (
    "| hours | seconds | RTF | peak memory, MB | DER, forgiving | speakers |\n"
    "|---:|---:|---:|---:|---:|---:|\n"
)


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--hours", default="1 4 24", help="lengths")
    program.add_paths(parser, "data_dir", "work_dir")
    args = parser.parse_args()
    recordings = Recordings(args.data_dir)
    pieces = [recordings.load(name)[0] for name in recordings.names]
    reference = rttm.read_rttm(args.data_dir / "ref.rttm")
    turns, now = [], 0.0
    for name, piece in zip(recordings.names, pieces, strict=True):
        turns += [turn._replace(start=turn.start + now) for turn in reference.get(name, ())]
        now += len(piece) / SAMPLE_RATE
    shutil.rmtree(args.work_dir, ignore_errors=True)
    args.work_dir.mkdir(parents=True)
    table = HEAD
    print(HEAD, end="", flush=True)
    for hours in sorted(map(float, args.hours.split())):
        table += (row := measure(args.work_dir, np.concatenate(pieces), turns, hours))
        print(row, end="", flush=True)
    write_text(args.work_dir / "audio.md", table)


def measure(folder: Path, samples: np.ndarray, turns: list[Turn], hours: float) -> str:
    """Diarize a recording of so many hours; return one line of the table."""
    path, out = folder / "long.wav", folder / f"{hours:g}h.rttm"
    count = round(hours * 3600 * SAMPLE_RATE)
    with soundfile.SoundFile(path, "w", SAMPLE_RATE, 1, "PCM_16") as stream:
        for first in range(0, count, len(samples)):
            stream.write(samples[: count - first])
    began = time.monotonic()
    with open(out, "w") as file, open(folder / "log.txt", "w") as log:
        command = [sys.executable, str(ROOT / "local/diarize.py"), str(path)]
        child = subprocess.Popen(command, stdout=file, stderr=log)
        _, status, usage = os.wait4(child.pid, 0)  # of this child alone
    seconds = time.monotonic() - began
    path.unlink()
    if status:
        raise DataError("diarize.py failed", folder / "log.txt")
    reference = []
    for first in range(0, count, len(samples)):
        shift, end = first / SAMPLE_RATE, hours * 3600
        moved = [turn._replace(start=turn.start + shift) for turn in turns]
        reference += [
            turn._replace(duration=min(turn.duration, end - turn.start))
            for turn in moved
            if turn.start < end
        ]
    found = rttm.read_rttm(out)["long"]
    true = {"long": [turn._replace(recording="long") for turn in reference]}
    score = total_score(true, {"long": found}, None, FORGIVING)
    speakers = [len({turn.speaker for turn in side}) for side in (found, reference)]
    return (
        f"| {hours:.2g} | {seconds:.0f} | {seconds / hours / 3600:.4f} | {usage.ru_maxrss / 1024:.0f} |"
        f" {score['der_%']:.2f} | {speakers[0]}/{speakers[1]} |\n"
    )


if __name__ == "__main__":
    program.run(main)
