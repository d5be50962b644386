#!/usr/bin/env python3
"""What does DEC cost, by length of a recording, and with which of its savings?

Usage: benchmarks/dec_fit/run.py [--minutes "0.33 1 5 20"] [--hours 4] [--repeats 3] [--out results.md]

Fits synthetic x-vectors (four voices, turns of 2.5 s, neighbouring windows alike) with conf/dec.yaml and
the autoencoder that ships. Every figure is the median of some repeats, and stands beside the same
measured in the plain way, in turn with it: seconds depend on the machine, ratios hardly. Seconds are CPU
time, which others' load changes least.

Example: benchmarks/dec_fit/run.py --minutes "0.33 1" --hours 0.1 --repeats 1 --out page.md
"""

from __future__ import annotations

import copy
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "local"))
from dec_cli import program
from diar.autoencoder.network import SHIPPED, ResidualAutoEncoder, load_model
from diar.base import config
from diar.base.types import Bounds, Subsegments
from diar.dec import refinement
from diar.dec.config import DecConfig
from diar.dec.diarization import Fit, fit
from diar.dec.module import ClusteringModule
from diar.pipeline.config import DecStageConfig

ROOT = Path(__file__).resolve().parents[2]
STEP, WINDOW, TURN = 0.25, 1.5, 2.5  # seconds


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--minutes", default="0.33 1 5 20", help="lengths")
    parser.add_argument("--hours", type=float, default=4.0, help="of the one that is long")
    parser.add_argument("--repeats", type=int, default=3, help="of which the median is taken")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).with_name("results.md"), help="the page"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    bench = Bench(
        load_model(SHIPPED), config.load(DecStageConfig, ROOT / "conf/dec.yaml"), args.repeats
    )
    made = (
        f"Made by `benchmarks/dec_fit/run.py`; PyTorch {torch.__version__}, {platform.machine()}."
    )
    lines = ["# Seconds of DEC", "", made]
    lines += bench.by_length([float(m) * 60 for m in args.minutes.split()])
    lines += bench.in_parts(args.hours)
    text = "\n".join(lines) + "\n"
    args.out.write_text(text, encoding="utf-8")
    print(text)


class Bench:
    """Measures on one core."""

    def __init__(self, encoder: ResidualAutoEncoder, options: DecConfig, repeats: int):
        self.encoder, self.options, self.repeats = encoder, options, repeats

    def fit(self, recording: tuple[np.ndarray, Subsegments], options: DecConfig) -> Fit:
        return fit(*recording, self.encoder, options, Bounds())

    def by_length(self, lengths: Sequence[float]) -> list[str]:
        every = replace(self.options, settled=0.0)
        lines = table(
            "One recording",
            "minutes | windows fitted | s per hour | torch.optim.Adam, all rounds | its Adam | all rounds",
        )
        for seconds in lengths:
            one = speech(seconds, 0)
            plain, stepped, rounds, now = self.medians(
                [
                    lambda one=one: self.fit_plainly(one, every),
                    lambda one=one: self.fit_plainly(one, self.options),
                    lambda one=one: self.fit(one, every),
                    lambda one=one: self.fit(one, self.options),
                ]
            )
            fitted = len(self.fit(one, replace(self.options, rounds=0)).rows)
            ratios = " | ".join(f"{other / now:.2f} x" for other in (plain, stepped, rounds))
            lines.append(f"| {seconds / 60:g} | {fitted} | {3600 * now / seconds:.2f} | {ratios} |")
        return lines

    def in_parts(self, hours: float) -> list[str]:
        """The refinement alone, whose steps see a part of a long recording, or all of it."""
        n = round(3600 * hours / self.options.fit_step)
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(n, self.encoder.ip_features, generator=generator)
        target = torch.softmax(torch.randn(n, 4, generator=generator) * 5, 1)

        def refined(batch: int) -> None:
            settings = replace(self.options.refine, batch=batch)
            encoder = copy.deepcopy(self.encoder)
            module = ClusteringModule(1, encoder, x[:1], config=settings)
            module.place(encoder.encode_all(x), target.numpy())
            refinement.refine(module, x, given=target)

        whole, parts = self.medians(
            [lambda: refined(n), lambda: refined(self.options.refine.batch)]
        )
        lines = table(f"Refinement of {hours:g} h", "windows | s, in parts | whole")
        return [*lines, f"| {n} | {parts:.1f} | {whole / parts:.2f} x |"]

    def medians(self, ways: Sequence[Callable[[], object]]) -> list[float]:
        """Seconds of each, all in turn, the first time not counted."""
        seconds: list[list[float]] = [[] for _ in ways]
        for repeat in range(self.repeats + 1):
            for way, taken in zip(ways, seconds, strict=True):
                start = time.process_time()
                way()
                if repeat:
                    taken.append(time.process_time() - start)
        return [statistics.median(taken) for taken in seconds]

    def fit_plainly(self, recording: tuple[np.ndarray, Subsegments], options: DecConfig) -> None:
        with plain_adam():
            self.fit(recording, options)


@contextmanager
def plain_adam():
    """The optimiser of PyTorch as it is by default."""

    class Plain:
        def __init__(self, *groups):
            self.inner = torch.optim.Adam([{"params": p, "lr": rate} for p, rate in groups])

        def step(self, loss):
            self.inner.zero_grad(set_to_none=True)
            loss.backward()
            self.inner.step()

    fused, refinement.Adam = refinement.Adam, Plain
    try:
        yield
    finally:
        refinement.Adam = fused


def table(title: str, columns: str) -> list[str]:
    rule = "---:|" * (columns.count("|") + 1)
    return ["", f"## {title}", "", f"| {columns} |", f"|{rule}"]


def speech(
    seconds: float, seed: int, speakers: int = 4, dim: int = 192
) -> tuple[np.ndarray, Subsegments]:
    """A recording of voices that take turns, as x-vectors."""
    rng = np.random.default_rng(seed)
    n = max(1, round((seconds - WINDOW) / STEP) + 1)
    changes = np.cumsum(rng.random(n) < STEP / TURN)
    who = rng.integers(speakers, size=n)[changes]
    overlap = round(WINDOW / STEP)  # windows share their audio, and so what they miss of the voice
    noise = np.cumsum(rng.normal(size=(n + overlap, dim)), axis=0)
    noise = (noise[overlap:] - noise[:-overlap]) / overlap**0.5
    x = rng.normal(size=(speakers, dim))[who] + noise
    starts = STEP * np.arange(n)
    ids = [f"r-{i}" for i in range(n)]
    windows = Subsegments(ids, ["r"] * n, starts, starts + WINDOW)
    return x.astype(np.float32), windows


if __name__ == "__main__":
    program.run(main)
