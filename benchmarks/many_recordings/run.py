#!/usr/bin/env python3
"""How does the cost of a data directory grow with the number of its recordings?

Usage: benchmarks/many_recordings/run.py [--sizes "100 1000"] [--seconds 20] <data-dir> <xvector-dir> <work-dir>

Cuts random pieces of --seconds from the recordings of <data-dir>, with the x-vectors and the reference
that they have there, and runs stages 3 to 5 on directories of so many of them (x-vectors are given; the
autoencoder is trained on 100 others each time).
Prints time, time per recording, and the memory of the largest process.

Example: benchmarks/many_recordings/run.py --sizes 100 data/test exp/xvectors_campplus/test exp/many_recordings
"""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

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
    program.add_paths(parser, "data_dir", "xvector_dir", "work_dir")
    args = parser.parse_args()
    pieces = Pieces(args.data_dir, args.xvector_dir, args.seconds)
    print(
        "| recordings | seconds | s / recording | by stage | largest process, MB | DER, forgiving |"
    )
    print("|---:|---:|---:|---|---:|---:|", flush=True)
    shutil.rmtree(args.work_dir, ignore_errors=True)
    train = args.work_dir / "train"
    pieces.write(train, 100, "train", seed=1)
    for size in sorted(int(word) for word in args.sizes.split()):  # memory: the maximum so far
        folder = args.work_dir / str(size)
        pieces.write(folder, size)
        print(measure(folder, size, train / "xvectors_train", args.nj), flush=True)


class Pieces:
    """Recordings to cut pieces from."""

    def __init__(self, data_dir: Path, xvector_dir: Path, seconds: float):
        self.reference = rttm.read_rttm(data_dir / "ref.rttm")
        directory = XVectorDir(xvector_dir)
        durations = tables.read_numbers(xvector_dir / "reco2dur")
        self.vectors = {r: directory.load(r) for r in directory.windows if durations[r] > seconds}
        self.durations, self.seconds = durations, seconds

    def write(self, folder: Path, count: int, name: str = "pieces", seed: int = 0) -> None:
        """<folder>/xvectors_<name> and <folder>/data/<name>."""
        random = np.random.default_rng(seed)
        names = sorted(self.vectors)
        windows, turns, vectors = [], [], {}
        for i in range(count):
            source = names[int(random.integers(len(names)))]
            start = float(random.uniform(0, self.durations[source] - self.seconds))
            piece = f"{name}-{i:05d}"
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
        for directory in (xvectors, data):
            directory.mkdir(parents=True)
        tables.write_segments(xvectors, concatenate(windows))
        arks.write_ark(xvectors / "xvector.ark", vectors)
        rttm.write_rttm(data / "ref.rttm", turns)


def measure(folder: Path, size: int, train: Path, nj: int) -> str:
    """One line of the table."""
    result = subprocess.run(
        [
            "./run.sh", "--corpus", "kaldi", "--stage", "3", "--stop-stage", "5", "--nj", str(nj),
            "--xvector-dir", str(folder / "xvectors_pieces"), "--train-xvector-dir", str(train), "--data", str(folder / "data"),
            "--exp", str(folder / "exp"),
        ],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    if result.returncode:
        raise DataError(f"run.sh failed: {result.stderr}")
    stages, seconds = re.search(r"run.sh: (.*); in all (\d+) s", result.stdout).groups()
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    der = re.findall(r"\| DEC, default \|\s*[\d.]+ \|\s*([\d.]+)", result.stdout)[-1]
    return f"| {size} | {seconds} | {int(seconds) / size:.2f} | {stages} | {memory:.0f} | {der} |"


if __name__ == "__main__":
    program.run(main)
