#!/usr/bin/env python3
"""How do time and memory of stages 4 and 6 grow with the length of a recording?

Usage: benchmarks/long_recordings/run.py [--hours "0.1667 1 4 24"] [--systems "dec ahc ..."] \\
           <data-dir> <xvector-dir> <ae-dir> <work-dir>

Tiles the recordings of <xvector-dir>, or those that --recordings names: one after the other, and all of
them again and again, their x-vectors and their reference (<data-dir>/ref.rttm), with noise on the
x-vectors so that no two are the same (cosine to the original 0.98). Speakers of one name are one. So the
answer is known, and is the same at any length. Each system runs in a process of its own, on one core.

Prints a table, and writes it to <work-dir>/results.md: wall-clock time; growth, the time per n log n of
n windows, relative to the recording of one hour (where there is one); peak memory of the process; DER;
and the number of speakers in its turns, of how many there are.

Example: benchmarks/long_recordings/run.py --hours 0.1667 data/test exp/xvectors_campplus/test \\
           exp/ae_default exp/long_recordings
"""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "local"))
from dec_cli import program
from diar.base.errors import DataError
from diar.base.files import write_text
from diar.base.types import Subsegments, Turn, concatenate
from diar.kaldi import arks, rttm, tables
from diar.kaldi.xvector_dir import XVectorDir
from diar.scoring.frame import total_score
from diar.scoring.rates import Protocol

ROOT = Path(__file__).resolve().parents[2]
COSINE = 0.98
FORGIVING = Protocol(0.25, "out")
HEAD = """\
| hours | windows | system | seconds | growth | peak memory, MB | DER, forgiving | speakers |
|---:|---:|---|---:|---:|---:|---:|---:|
"""
SYSTEMS = {
    "dec": ["fit_dec.py", "--config", "conf/dec.yaml"],
    "dec_paper": [
        "fit_dec.py", "--config", "conf/dec_paper.yaml", "--set", "fit_step=0.75 decoding.kind=frames",
    ],
    **{name: ["cluster.py", "--method", name] for name in ("ahc", "nme_sc", "spectral")},
}  # fmt: skip


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--hours", default="0.1667 1 4 24", help="lengths")
    parser.add_argument(
        "--systems", default="dec ahc nme_sc spectral", help=f"any of: {' '.join(SYSTEMS)}"
    )
    parser.add_argument("--recordings", default="", help="which to tile (default: all)")
    program.add_paths(parser, "data_dir", "xvector_dir", "ae_dir", "work_dir")
    args = parser.parse_args()
    if unknown := set(args.systems.split()) - set(SYSTEMS):
        raise DataError(f"unknown systems {sorted(unknown)}: known are {' '.join(SYSTEMS)}")
    tile = Tile.read(args.data_dir, args.xvector_dir, args.recordings.split())
    shutil.rmtree(args.work_dir, ignore_errors=True)
    runs: list[Run] = []
    print(HEAD, end="", flush=True)
    for hours in sorted(float(word) for word in args.hours.split()):
        folder = args.work_dir / f"{hours:g}h"
        reference, windows = tile.write(folder, hours * 3600)
        for system in args.systems.split():
            runs.append(measure(folder, args.ae_dir, system, hours, windows, reference))
            print(runs[-1].row(()), end="", flush=True)
    write_text(args.work_dir / "results.md", HEAD + "".join(run.row(runs) for run in runs))
    print("\n" + (args.work_dir / "results.md").read_text())


@dataclass(frozen=True)
class Tile:
    """What is repeated: windows, vectors (n, d), turns, and its length in seconds."""

    windows: Subsegments
    vectors: np.ndarray
    turns: Sequence[Turn]
    duration: float

    @staticmethod
    def read(data_dir: Path, xvector_dir: Path, names: Sequence[str]) -> Tile:
        directory = XVectorDir(xvector_dir)
        durations = tables.read_numbers(xvector_dir / "reco2dur")
        reference = rttm.read_rttm(data_dir / "ref.rttm")
        windows, vectors, turns, now = [], [], [], 0.0
        for name in names or directory.windows:
            if name not in directory.windows:
                raise DataError(f"no recording {name!r}", xvector_dir)
            made = directory.load(name)
            spans = made.subsegments
            windows.append(replace(spans, starts=spans.starts + now, ends=spans.ends + now))
            vectors.append(made.vectors)
            turns += [turn._replace(start=turn.start + now) for turn in reference.get(name, ())]
            now += durations[name]
        return Tile(concatenate(windows), np.concatenate(vectors), turns, now)

    def write(self, folder: Path, seconds: float) -> tuple[dict[str, list[Turn]], int]:
        """An x-vector directory of so long a recording; its reference, and its number of windows."""
        random = np.random.default_rng(0)
        spread = math.sqrt((1 / COSINE**2 - 1) / self.vectors.shape[1])
        starts, ends, vectors, turns = [], [], [], []
        for i in range(math.ceil(seconds / self.duration)):
            shift = i * self.duration
            rows = self.windows.ends + shift <= seconds
            starts.append(self.windows.starts[rows] + shift)
            ends.append(self.windows.ends[rows] + shift)
            clean = self.vectors[rows]
            length = np.linalg.norm(clean, axis=1, keepdims=True)
            noise = random.normal(0, spread, clean.shape)
            vectors.append((clean + length * noise).astype(np.float32))
            for turn in self.turns:
                last = min(turn.end + shift, seconds)
                if last > (first := turn.start + shift):
                    turns.append(Turn("long", first, last - first, turn.speaker))
        folder.mkdir(parents=True)
        total = sum(map(len, starts))
        ids = [f"long-{i:07d}" for i in range(total)]
        names = ["long"] * total
        windows = Subsegments(ids, names, np.concatenate(starts), np.concatenate(ends))
        tables.write_segments(folder, windows)
        table = dict(zip(ids, np.concatenate(vectors), strict=True))
        arks.write_ark(folder / "xvector.ark", table)
        tables.write_map(folder / "reco2dur", {"long": f"{seconds:.3f}"})
        return {"long": turns}, total


@dataclass(frozen=True)
class Run:
    """One line of the table."""

    system: str
    hours: float
    windows: int
    seconds: float
    memory: float
    der: float
    found: int
    speakers: int

    def row(self, runs: Sequence[Run]) -> str:
        hour = [r.cost for r in runs if r.system == self.system and r.hours == 1]
        growth = f"{self.cost / hour[0]:.2f}" if hour else ""
        return (
            f"| {self.hours:.2g} | {self.windows} | {self.system} | {self.seconds:.1f} | {growth} |"
            f" {self.memory:.0f} | {self.der:.2f} | {self.found}/{self.speakers} |\n"
        )

    @property
    def cost(self) -> float:
        return self.seconds / (self.windows * math.log(self.windows))


def measure(
    folder: Path,
    ae_dir: Path,
    system: str,
    hours: float,
    windows: int,
    reference: dict[str, list[Turn]],
) -> Run:
    """Run one system on one recording, and score it."""
    program_name, *options = SYSTEMS[system]
    out = folder / system
    command = [sys.executable, f"local/{program_name}", *options, str(folder.resolve())]
    if program_name == "fit_dec.py":
        command.append(str(ae_dir.resolve()))
    out.mkdir()
    began = time.monotonic()
    with open(out / "log", "w") as log:
        child = subprocess.Popen([*command, str(out.resolve())], cwd=ROOT, stdout=log, stderr=log)
        _, status, usage = os.wait4(child.pid, 0)  # of this child alone
    seconds = time.monotonic() - began
    if status or (out / "jobs/1/failed").read_text():
        raise DataError(f"{system} failed", out / "log")
    hypothesis = rttm.read_rttm(out / "jobs/1/rttm")
    total = total_score(reference, hypothesis, None, FORGIVING)
    return Run(
        system, hours, windows, seconds, usage.ru_maxrss / 1024, total["der_%"],
        len({turn.speaker for turn in hypothesis["long"]}),
        len({turn.speaker for turn in reference["long"]}),
    )  # fmt: skip


if __name__ == "__main__":
    program.run(main)
