#!/usr/bin/env python3
"""Has anything become slower? The ratios that the speed of the recipe rests on, in two minutes.

Usage: benchmarks/regression/run.py [--update] [--tolerance 1.3]

Every ratio is of two ways to do the same, timed in turn in this run (medians of five), on input that is made
here: machines differ in seconds, less so in ratios. Each is shown beside that in ratios.tsv, which
--update writes anew.

Example: benchmarks/regression/run.py

Exit status: 0 nothing is slower; 1 a ratio has become larger by more than the tolerance; 2 wrong usage;
130 interrupted.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "local"))
from dec_cli import program
from diar.autoencoder import network
from diar.base import config
from diar.base.types import Bounds, Subsegments
from diar.clustering import linkage
from diar.clustering.methods import ClusteringConfig, ahc
from diar.dec import diarization, markov
from diar.extractors import campplus
from diar.pipeline.config import DecStageConfig
from diar.speech import vad

ROOT = Path(__file__).resolve().parents[2]
STORED = Path(__file__).with_name("ratios.tsv")
Way = Callable[[], object]


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--update", action="store_true", help="keep the ratios of this run")
    parser.add_argument("--tolerance", type=float, default=1.3, help="how much larger is worse")
    args = parser.parse_args()
    torch.set_num_threads(1)
    stored = (
        dict(line.split("\t") for line in STORED.read_text().splitlines())
        if STORED.exists()
        else {}
    )
    found, worse = {}, False
    print("| way | ratio to the other | stored |\n|---|---:|---:|")
    for name, ways in comparisons().items():
        found[name] = ratio(*ways)
        before = stored.get(name, "-")
        grown = before != "-" and found[name] > float(before) * args.tolerance
        worse |= grown
        print(f"| {name} | {found[name]:.3f} | {before}{' WORSE' if grown else ''} |", flush=True)
    if args.update:
        STORED.write_text("".join(f"{name}\t{value:.3f}\n" for name, value in found.items()))
    sys.exit(int(worse))


def comparisons() -> dict[str, tuple[Way, Way]]:
    """What is done, and what it is compared with."""
    rng = np.random.default_rng(0)
    noise = (0.1 * rng.normal(size=30 * 16000)).astype(np.float32)
    extractor = campplus.CamPlusPlusExtractor()
    network = campplus.torch_model()
    starts = np.arange(0.0, 8.0, 0.25)
    features = torch.zeros(8, 148, 80)
    scores, shares, stay = rng.normal(size=(40000, 8)), np.full(8, 1 / 8), np.full(40000, 0.9)
    voices = np.repeat(rng.normal(size=(20, 192)), 200, axis=0) + rng.normal(size=(4000, 192))
    few = ClusteringConfig(exact=1000)

    def stream() -> None:
        from silero_vad import load_silero_vad

        load_silero_vad(onnx=True).audio_forward(torch.from_numpy(noise), 16000)

    def in_torch() -> None:
        with torch.no_grad():
            for _ in range(4):
                network(features)

    return {
        "Silero, many chunks in a call / one by one": (lambda: vad.silero_scores(noise), stream),
        "32 x-vectors / the network in torch": (
            lambda: extractor.embed(noise, starts, starts + 1.5), in_torch,
        ),
        "forward-backward of 40,000 windows, side by side / in turn": (
            lambda: markov.forward_backward(scores, shares, stay),
            lambda: markov.forward_backward(scores, shares, stay, sequential=10**9),
        ),
        "AHC of 4000 windows, from blocks / exact": (
            lambda: ahc(voices, Bounds(), few), lambda: linkage.tree_of(voices),
        ),
        "AHC of 8000 windows / of 4000, from blocks": (
            lambda: ahc(np.concatenate([voices, voices + 0.1]), Bounds(), few),
            lambda: ahc(voices, Bounds(), few),
        ),
        "DEC of 1200 windows / of 300": (dec(1200), dec(300)),
        "DEC of 20 s / the forward and backward passes of it": (dec(80), passes(28)),
    }  # fmt: skip


def four_voices(count: int) -> np.ndarray:
    """(count, 192) x-vectors of a conversation."""
    rng = np.random.default_rng(1)
    means = np.repeat(rng.normal(size=(4, 192)), count // 4, axis=0)
    return (means + rng.normal(size=means.shape)).astype(np.float32)


def dec(count: int) -> Way:
    """The default DEC of so many windows, 0.25 s apart."""
    encoder = network.load_model(network.SHIPPED)
    options = config.load(DecStageConfig, ROOT / "conf/dec.yaml", ["settled=0"])
    starts = 0.25 * np.arange(count)
    windows = Subsegments([f"r-{i}" for i in range(count)], ["r"] * count, starts, starts + 1.5)
    x = four_voices(count)
    return lambda: diarization.fit(x, windows, encoder, options, Bounds())


def passes(count: int) -> Way:
    encoder = network.load_model(network.SHIPPED).train()
    data = torch.from_numpy(four_voices(count))

    def work() -> None:
        for _ in range(20):
            _, xo, xr = encoder(data)
            torch.nn.functional.mse_loss(xr[0], xo[0]).backward()

    return work


def ratio(one: Way, other: Way, repeats: int = 5) -> float:
    """Median seconds of ``one`` to those of ``other``, timed in turn."""
    one(), other()
    spent: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        for way, times in zip((one, other), spent, strict=True):
            began = time.perf_counter()
            way()
            times.append(time.perf_counter() - began)
    return statistics.median(spent[0]) / statistics.median(spent[1])


if __name__ == "__main__":
    program.run(main)
