#!/usr/bin/env python3
"""How fast are x-vectors, by precision, batch, threads, processes and spacing of the windows?

Usage: benchmarks/extractor/run.py [--repeats 3] [--windows 400] <data-dir> <vad-dir> <out.md>

CAM++ on real speech: windows of 1.5 s from the recordings of <data-dir>, where <vad-dir> finds speech.
Times are medians; ratios are to single precision in batches of 16 on one thread, in the same run.
Agreement is the cosine of a window's vector to that in single precision.
Prints and writes a page of tables.

Example: benchmarks/extractor/run.py data/test exp/vad_combined/test exp/extractor.md
"""

from __future__ import annotations

import atexit
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
from int8 import quantized

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "local"))
from dec_cli import program
from diar.base.types import Region
from diar.extractors import campplus
from diar.kaldi import tables
from diar.kaldi.recordings import Recordings
from diar.networks import half, runtime
from diar.xvectors import extraction
from diar.xvectors.windows import XVectorConfig, cut

BATCHES = (1, 4, 8, 16, 32)
SPACINGS = {
    "0.25 s": {"coarse_step": 0.0},
    "0.5 s": {"coarse_step": 0.0, "step": 0.5},
    "0.75 s": {"coarse_step": 0.0, "step": 0.75},
    "0.75 s, and 0.25 s where the speaker may change": {},
}


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="of which the median is taken")
    parser.add_argument("--windows", type=int, default=400, help="that are embedded")
    parser.add_argument(
        "--alone", metavar="PRECISION", help="one process of those that run at once"
    )
    program.add_paths(parser, "data_dir", "vad_dir")
    parser.add_argument("out", metavar="out.md", type=Path, help="the page")
    args = parser.parse_args()
    speech = list(recordings(args.data_dir, args.vad_dir, args.windows))
    bench = Bench(speech[0][0], speech[0][1], args.windows, args.repeats)
    if args.alone:
        work = bench.embedding(args.alone, campplus.BATCH, 1)
        print("ready", flush=True)
        sys.stdin.readline()
        for _ in range(args.repeats):
            work()
        return
    page = [*bench.precisions(), "", *bench.threads(sys.argv[1:]), "", *spacings(speech)]
    print("\n".join(page))
    args.out.write_text("\n".join(page) + "\n", encoding="utf-8")


def recordings(
    data_dir: Path, vad_dir: Path, least: int
) -> Sequence[tuple[np.ndarray, list[Region]]]:
    """Samples and speech of the recordings, one with enough windows first."""
    audio = Recordings(data_dir)
    found = []
    for name, spoken in tables.read_regions(vad_dir / "segments").items():
        found.append((audio.load(name, campplus.CAMPPLUS.rate)[0], spoken))
    found.sort(key=lambda pair: -sum(r.end - r.start for r in pair[1]))
    return found


class Bench:
    """One recording's windows, embedded in many ways."""

    def __init__(self, samples: np.ndarray, speech: list[Region], count: int, repeats: int):
        rate = campplus.CAMPPLUS.rate
        close = replace(XVectorConfig(), coarse_step=0.0)
        found = cut(close, "a", speech, len(samples), rate)
        whole = np.flatnonzero(found.ends - found.starts > 1.499)[:count]
        self.samples, self.repeats = samples, repeats
        self.starts, self.ends = found.starts[whole], found.ends[whole]

    @cached_property
    def in_int8(self) -> Path:
        """The model in 8 bits, its ranges from every third window."""
        seen: list[np.ndarray] = []

        def network(features: np.ndarray) -> np.ndarray:
            seen.append(features)
            return np.zeros((len(features), 192), np.float32)

        extractor = campplus.CamPlusPlusExtractor("float32")
        extractor.batch, extractor.network = 16, network
        extractor.embed(self.samples, self.starts[::3], self.ends[::3])
        folder = Path(tempfile.mkdtemp())
        atexit.register(shutil.rmtree, folder)
        return quantized(campplus.model_path(), np.concatenate(seen), folder / "int8.onnx")

    def embedding(self, precision: str, batch: int, threads: int) -> Callable[[], np.ndarray]:
        known = precision if precision in half.PRECISIONS else "float32"
        extractor = campplus.CamPlusPlusExtractor(known, threads=threads)
        extractor.batch = batch
        if extractor.half:
            extractor.half.batch = batch
        if precision == "int8":
            extractor.network = runtime.network(self.in_int8)
        return lambda: extractor.embed(self.samples, self.starts, self.ends)

    def seconds(self, work: Callable[[], object]) -> float:
        work()
        times = []
        for _ in range(self.repeats):
            began = time.perf_counter()
            work()
            times.append(time.perf_counter() - began)
        return statistics.median(times)

    def precisions(self) -> list[str]:
        exact = self.embedding("float32", 16, 1)
        vectors, base = exact(), self.seconds(exact)
        lines = [
            f"### Precision and batch: {len(self.starts)} windows, one thread",
            "",
            "| precision | batch | windows/s | ratio | agreement, median | least 1 % | least |",
            "|---|---:|---:|---:|---:|---:|---:|",
        ]
        for precision in ("float32", "bfloat16", "int8"):
            for batch in BATCHES:
                work = self.embedding(precision, batch, 1)
                agreement = cosines(vectors, work())
                spent = self.seconds(work)
                low, middle, least = (*np.quantile(agreement, (0.01, 0.5)), agreement.min())
                lines.append(
                    f"| {precision} | {batch} | {len(self.starts) / spent:.0f} | {base / spent:.2f} |"
                    f" {middle:.4f} | {low:.4f} | {least:.4f} |"
                )
        return lines

    def threads(self, arguments: list[str]) -> list[str]:
        lines = [
            "### Threads against processes",
            "",
            "| precision | processes x threads | windows/s | ratio to 1 x 1 |",
            "|---|---:|---:|---:|",
        ]
        for precision in ("float32", "bfloat16"):
            one = len(self.starts) / self.seconds(self.embedding(precision, campplus.BATCH, 1))
            two = len(self.starts) / self.seconds(self.embedding(precision, campplus.BATCH, 2))
            both = self.at_once(precision, arguments)
            for name, rate in (("1 x 1", one), ("1 x 2", two), ("2 x 1", both)):
                lines.append(f"| {precision} | {name} | {rate:.0f} | {rate / one:.2f} |")
        return lines

    def at_once(self, precision: str, arguments: list[str]) -> float:
        """Windows per second of two processes together."""
        command = [sys.executable, __file__, "--alone", precision, *arguments]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        jobs = [subprocess.Popen(command, **pipes) for _ in range(2)]
        for job in jobs:
            job.stdout.readline()
        began = time.perf_counter()
        for job in jobs:
            job.stdin.write("\n")
            job.stdin.flush()
        for job in jobs:
            job.wait()
        return 2 * self.repeats * len(self.starts) / (time.perf_counter() - began)


def spacings(speech: Sequence[tuple[np.ndarray, list[Region]]]) -> list[str]:
    extractor = campplus.CamPlusPlusExtractor("float32")
    total = sum(r.end - r.start for _, regions in speech for r in regions)
    lines = [
        f"### Spacing: {len(speech)} recordings, {total / 60:.1f} minutes of speech, one thread",
        "",
        "| a window every | windows/s of speech | RTF of speech | ratio |",
        "|---|---:|---:|---:|",
    ]
    base = None
    for name, values in SPACINGS.items():
        config = replace(XVectorConfig(), **values)
        began, count = time.perf_counter(), 0
        for samples, regions in speech:
            count += len(extraction.extract(config, extractor, "a", regions, samples))
        spent = time.perf_counter() - began
        base = base or spent
        lines.append(f"| {name} | {count / total:.2f} | {spent / total:.4f} | {spent / base:.2f} |")
    return lines


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


if __name__ == "__main__":
    program.run(main)
