#!/usr/bin/env python3
"""How does the cost of a data directory grow with the number of its recordings?

Usage: benchmarks/many_recordings/run.py [--sizes "100 1000"] [--seconds 20] [--audio] <data-dir> <xvector-dir> <work-dir>

Cuts random pieces of --seconds from the recordings of <data-dir>, with the x-vectors and the reference
that they have there, and runs stages 3 to 5 on directories of so many of them (the autoencoder is trained on
100 others each time); or, with --audio, cuts the audio and runs stages 0 to 5. Prints the time by stage, the time
per recording, the time of the same command again, which finds all done, the files and directories made per
recording, the memory of the largest process, and the DER.

Example: benchmarks/many_recordings/run.py --sizes 100 data/test exp/xvectors_campplus/test exp/many_recordings
"""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "local"))
from dec_cli import program
from diar.base.errors import DataError
from diar.base.types import Turn, concatenate
from diar.kaldi import arks, rttm, tables
from diar.kaldi.xvector_dir import XVectorDir

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--sizes", default="100 1000", help="numbers of recordings")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each recording")
    parser.add_argument("--nj", type=int, default=2, help="jobs")
    parser.add_argument("--audio", action="store_true", help="from audio on, not from x-vectors")
    program.add_paths(parser, "data_dir", "xvector_dir", "work_dir")
    args = parser.parse_args()
    pieces = Pieces(args.data_dir, args.xvector_dir, args.seconds)
    print(
        "| recordings | seconds | s / recording | by stage | again, s | files / recording |"
        " largest process, MB | DER, forgiving |"
    )
    print("|---:|---:|---:|---|---:|---:|---:|---:|", flush=True)
    shutil.rmtree(args.work_dir, ignore_errors=True)
    train = args.work_dir / "train"
    pieces.write(train, 100, "train", seed=1)
    for size in sorted(int(word) for word in args.sizes.split()):  # memory: the maximum so far
        folder = args.work_dir / str(size)
        pieces.write(folder, size, audio=args.audio)
        if args.audio:
            given = ["--test-data", folder / "pieces"]
        else:
            given = ["--stage", 3, "--xvector-dir", folder / "xvectors_pieces"]
            given += ["--train-xvector-dir", train / "xvectors_train"]
        print(measure(folder, size, [*given, "--nj", args.nj]), flush=True)


class Pieces:
    """Recordings to cut pieces from."""

    def __init__(self, data_dir: Path, xvector_dir: Path, seconds: float):
        self.data_dir = data_dir
        self.reference = rttm.read_rttm(data_dir / "ref.rttm")
        directory = XVectorDir(xvector_dir)
        durations = tables.read_numbers(xvector_dir / "reco2dur")
        self.vectors = {r: directory.load(r) for r in directory.windows if durations[r] > seconds}
        self.durations, self.seconds = durations, seconds

    def write(
        self, folder: Path, count: int, name: str = "pieces", seed: int = 0, audio: bool = False
    ) -> None:
        """Write <folder>/xvectors_<name> and <folder>/data/<name>, or with audio <folder>/<name>."""
        random = np.random.default_rng(seed)
        names = sorted(self.vectors)
        windows, turns, vectors, files = [], [], {}, {}
        for i in range(count):
            source = names[int(random.integers(len(names)))]
            start = float(random.uniform(0, self.durations[source] - self.seconds))
            piece = f"{name}-{i:05d}"
            if audio:
                file = files[piece] = (folder / "wav" / f"{piece}.wav").resolve()
                file.parent.mkdir(parents=True, exist_ok=True)
                self.cut(source, start, file)
            whole = self.vectors[source]
            spans = whole.subsegments
            rows = np.flatnonzero((spans.starts >= start) & (spans.ends <= start + self.seconds))
            cut = spans.take(rows)
            ids = [f"{piece}-{j:04d}" for j in range(len(rows))]
            windows.append(
                type(cut)(ids, [piece] * len(rows), cut.starts - start, cut.ends - start)
            )
            vectors |= dict(zip(ids, whole.vectors[rows], strict=True))
            for turn in self.reference.get(source, ()):
                first, last = max(turn.start, start), min(turn.end, start + self.seconds)
                if last > first:
                    turns.append(Turn(piece, first - start, last - first, turn.speaker))
        xvectors, data = folder / f"xvectors_{name}", folder / "data" / name
        if audio:
            data = folder / name
        data.mkdir(parents=True)
        rttm.write_rttm(data / "ref.rttm", turns)
        if audio:
            tables.write_map(data / "wav.scp", files)
            return
        xvectors.mkdir(parents=True)
        tables.write_segments(xvectors, concatenate(windows))
        arks.write_ark(xvectors / "xvector.ark", vectors)

    def cut(self, recording: str, start: float, file: Path) -> None:
        """Write a piece of the audio of a recording."""
        path = self.data_dir / "wav" / f"{recording}.wav"
        rate = soundfile.info(path).samplerate
        first, count = round(start * rate), round(self.seconds * rate)
        soundfile.write(file, soundfile.read(path, count, first, dtype="int16")[0], rate)


def measure(folder: Path, size: int, options: Sequence[object]) -> str:
    """Run the stages twice; return one line of the table."""
    options = [*options, "--data", folder / "data", "--exp", folder / "exp", "--stop-stage", 5]
    seconds, said = run(options)
    again, _ = run(options)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    made = sum(1 for top in ("data", "exp") for _ in (folder / top).rglob("*"))
    der = re.findall(r"\| DEC, default[^|]*\|\s*[\d.]+ \|\s*([\d.]+)", said)[-1]
    stages = re.search(r"run.sh: (stage .*); in all", said)[1]
    return (
        f"| {size} | {seconds:.0f} | {seconds / size:.3f} | {stages} | {again:.0f} | {made / size:.2f} |"
        f" {memory:.0f} | {der} |"
    )


def run(options: Sequence[object]) -> tuple[float, str]:
    """Run ./run.sh on a data directory; return its seconds and what it says."""
    began = time.monotonic()
    command = ["./run.sh", "--corpus", "kaldi", *map(str, options)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if result.returncode:
        raise DataError(f"run.sh failed: {result.stderr}")
    return time.monotonic() - began, result.stdout


if __name__ == "__main__":
    program.run(main)
