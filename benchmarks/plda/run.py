#!/usr/bin/env python3
"""Does Kaldi's PLDA help DEC, does a refinement help then, and how much hangs on the constants?

Usage: benchmarks/plda/run.py [options] <xvector-dir> <ref.rttm>

<xvector-dir> is a Kaldi x-vector directory with a plda, as --xvector-dir takes it (that of a VBx after
local/import_vbx.py). All of its recordings are diarized with the plda and conf/dec_plda.yaml, with and without a
refinement of the x-vectors, and with other constants; and without it, by conf/dec.yaml with a speaker space
that is learnt from these recordings, and by the baselines. Writes a page of DER (protocols 'forgiving' and
'full') and of mean numbers of speakers.

Example: benchmarks/plda/run.py kaldi/exp/calls data/calls/ref.rttm --out page.md
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "local"))
from dec_cli import program
from diar.autoencoder.config import AutoencoderConfig
from diar.autoencoder.network import ResidualAutoEncoder, network_of_plda
from diar.autoencoder.pretraining import learn_speakers, pretrain
from diar.base import config
from diar.base.errors import DataError
from diar.base.posteriors import one_hot
from diar.base.types import Bounds, Turn, XVectors
from diar.clustering.methods import method_of
from diar.dec.diarization import fit
from diar.kaldi import rttm, xvector_dir
from diar.kaldi.normalization import Normalization
from diar.pipeline.config import BaselineConfig, DecStageConfig
from diar.scoring.rates import ScoringConfig, evaluate
from diar.turns.decoding import DecodingConfig, decode

ROOT = Path(__file__).resolve().parents[2]
BASELINES = ("ahc", "nme_sc", "spectral")
SEQUENCE = {
    "evidence": (0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0),
    "complexity": (2, 5, 10, 30),
    "turn": (2.5, 10.0),
    "drift": (0.0, 0.1, 0.15, 0.3, 0.4),
}
# (rate of the encoder, steps) of a refinement of two rounds
REFINEMENTS = ((1e-4, 10), (1e-3, 10), (1e-3, 50), (1e-2, 10))
PROTOCOLS = ("forgiving", "full")

Posteriors = Callable[[XVectors], np.ndarray]


def main() -> None:
    parser = program.parser(__doc__)
    program.add_paths(parser, "xvector_dir")
    parser.add_argument("reference", metavar="ref.rttm", type=Path, help="who spoke when")
    parser.add_argument("--other", metavar="RTTM", type=Path, help="the answer of another system")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).with_name("results.md"), help="the page"
    )
    args = parser.parse_args()
    normalize = Normalization(args.xvector_dir)
    if normalize.plda is None:
        raise DataError("no plda in it, which is what this measures", args.xvector_dir)
    source = xvector_dir.of_others(args.xvector_dir)
    given = {}
    for name in source.windows:
        theirs = source.load(name)
        given[name] = XVectors(theirs.subsegments, normalize(theirs.vectors))
    bench = Bench(given, rttm.read_rttm(args.reference))
    lines = [
        "# The PLDA that comes with x-vectors",
        "",
        f"Made by `benchmarks/plda/run.py`: {len(given)} recording(s), {', '.join(given)[:60]}."
        " DER in percent; mean number of speakers that were found, of"
        f" {np.mean([len({t.speaker for t in r}) for r in bench.reference.values()]):g}.",
    ]
    if args.other:
        lines += bench.section("Another system", {args.other.stem: rttm.read_rttm(args.other)})
    plda = normalize.plda
    model = network_of_plda(plda.mean, plda.transform, plda.between)
    lines += with_plda(bench, model)
    lines += without_plda(bench)
    args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


def with_plda(bench: Bench, model: ResidualAutoEncoder) -> list[str]:
    """Write the tables of the plda: as configured, refined, with other constants."""
    given = config.load(DecStageConfig, ROOT / "conf/dec_plda.yaml")
    learnt = config.load(DecStageConfig, ROOT / "conf/dec.yaml")

    def dec(options: DecStageConfig) -> dict[str, list[Turn]]:
        return bench.diarize(fitted(model, options), options.decoding)

    rows = {
        "conf/dec_plda.yaml": dec(given),
        "conf/dec.yaml, rounds=0": dec(replace(learnt, rounds=0)),
    }
    lines = bench.section("With the plda", rows)
    rows = {"none (rounds=0)": dec(given)}
    for rate, steps in REFINEMENTS:
        refined = replace(given.refine, lr_encoder=rate, niter=steps)
        name = f"rounds=2 settled=0 refine.lr_encoder={rate:g} refine.niter={steps}"
        rows[name] = dec(replace(given, rounds=2, settled=0, refine=refined))
    lines += bench.section("A refinement of the x-vectors, in the space of the plda", rows)
    for key, values in SEQUENCE.items():
        own = getattr(given.sequence, key)
        rows = {
            f"{value:g}" + (" (as configured)" if value == own else ""): dec(
                replace(given, sequence=replace(given.sequence, **{key: value}))
            )
            for value in sorted({*values, own})
        }
        lines += bench.section(f"sequence.{key}", rows)
    return lines


def without_plda(bench: Bench) -> list[str]:
    """Write the table of DEC with a speaker space that it learns from these recordings, and of baselines."""
    learnt = config.load(DecStageConfig, ROOT / "conf/dec.yaml")
    network = replace(
        config.load(AutoencoderConfig, ROOT / "conf/autoencoder.yaml"), init="scratch"
    )
    every = np.concatenate([x.vectors for x in bench.given.values()])
    model = pretrain(every, every, network)
    spans = [x.subsegments for x in bench.given.values()]
    window = float(np.median(np.concatenate([span.ends - span.starts for span in spans])))
    learn_speakers(model, ((x.vectors, x.subsegments.starts) for x in bench.given.values()), window)
    rows = {"DEC, conf/dec.yaml": bench.diarize(fitted(model, learnt), learnt.decoding)}
    baseline = config.load(BaselineConfig, ROOT / "conf/baselines.yaml")
    for name in BASELINES:

        def posteriors(x: XVectors, name: str = name) -> np.ndarray:
            bounds = Bounds(most=baseline.max_speakers)
            return one_hot(method_of(name)(x.vectors, bounds, baseline.clustering, 0))

        rows[name] = bench.diarize(posteriors, baseline.decoding)
    return bench.section("Without the plda", rows)


def fitted(model: ResidualAutoEncoder, options: DecStageConfig) -> Posteriors:
    """Return what gives the posteriors of a recording by DEC."""
    torch.set_num_threads(1)
    bounds = Bounds(most=options.max_speakers)
    return lambda x: fit(x.vectors, x.subsegments, model, options, bounds).posteriors


class Bench:
    """The recordings, their reference, and what is made of them."""

    def __init__(self, given: Mapping[str, XVectors], reference: Mapping[str, list[Turn]]):
        self.given = given
        self.reference = {name: reference[name] for name in given if name in reference}
        if not self.reference:
            raise DataError("no recording of the reference has x-vectors")

    def diarize(self, posteriors: Posteriors, decoding: DecodingConfig) -> dict[str, list[Turn]]:
        """Return the turns of the recordings that have a reference."""
        turns = {}
        for name in self.reference:
            x = self.given[name]
            end = float(x.subsegments.ends.max())
            turns[name] = decode(x.subsegments, posteriors(x), end, decoding).turns
        return turns

    def section(self, title: str, rows: Mapping[str, Mapping[str, list[Turn]]]) -> list[str]:
        """Write a table: DER under each protocol and mean number of speakers of each row."""
        lines = ["", f"## {title}", "", f"| | {' | '.join(PROTOCOLS)} | speakers |"]
        lines.append("|---|" + "---:|" * (len(PROTOCOLS) + 1))
        protocols = {name: ScoringConfig().protocols[name] for name in PROTOCOLS}
        for name, turns in rows.items():
            found = evaluate(self.reference, turns, None, protocols).scores
            cells = []
            for scores in found.values():
                wrong = sum(s.miss_s + s.fa_s + s.conf_s for s in scores)
                cells.append(f"{100 * wrong / sum(s.scored_s for s in scores):.2f}")
            count = np.mean([s.speakers_found for s in next(iter(found.values()))])
            lines.append(f"| {name} | {' | '.join(cells)} | {count:g} |")
        return lines


if __name__ == "__main__":
    program.run(main)
