#!/usr/bin/env python3
"""Make the Kaldi data directories of the corpus 'mini': simulated conversations of real voices.

Usage: prepare_mini.py [options] <data-dir>

Writes <data-dir>/<set> for each of --sets: wav.scp reco2dur utt2spk spk2utt ref.rttm all.uem
reco2num_spk, the audio in wav/, and in log/ the table of voices and the files that could not be decoded.
The set 'real_sample' has three real conversations: 30 s from the wheel of pyannote.audio, and 44 s of radio
and telephone from Debian's package transcriber.

With --turns <rttm-dir>, re-voices the turns of these RTTMs with the voices of --split instead, into
<data-dir>/<name> (--name, by default 'revoiced').

Example: local/prepare_mini.py --sets test,real_sample data
"""

from __future__ import annotations

import argparse
import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dec_cli import program
from dec_cli.share import log, log_progress
from diar.base import config
from diar.base.errors import DataError
from diar.base.files import write_text
from diar.base.types import Turn
from diar.corpora.real_sample import fetch_real_sample
from diar.kaldi.rttm import read_rttm
from diar.simulation.conversations import SimulationConfig
from diar.simulation.mini_corpus import (
    CorpusConfig,
    Script,
    cast_report,
    failures,
    record,
    revoice,
    write_data_dir,
    write_scripts,
)
from diar.simulation.turn_taking import TurnTaking, overlap_ratio
from diar.simulation.voices import Person, VoicesConfig, prepare


def main() -> None:
    args = parse()
    data = args.data_dir
    if args.turns:
        prepare_revoiced(args, data / args.name)
        return
    corpus = config.load(CorpusConfig, args.corpus)
    for name in args.sets.split(","):
        if name == "real_sample":
            prepare_sample(data / name)
        elif name in corpus.sets:
            prepare_set(args, corpus, name, data / name)
        else:
            known = ", ".join([*corpus.sets, "real_sample"])
            raise DataError(f"--sets: no set {name!r}; it must be one of: {known}")


def parse() -> argparse.Namespace:
    """Parse the arguments."""
    parser = program.parser(__doc__)
    program.add_seed(parser)
    parser.add_argument("--nj", type=int, default=1, help="processes")
    parser.add_argument("--sets", default="train,dev,test", help="sets to make")
    parser.add_argument("--turns", metavar="DIR", help="RTTMs whose turns to re-voice")
    parser.add_argument("--split", default="test", help="split of the voices for --turns")
    parser.add_argument("--name", default="revoiced", help="name of the set for --turns")
    parser.add_argument(
        "--max-duration", type=float, default=math.inf, metavar="S",
        help="cut recordings of --turns after S seconds (default: whole)",
    )  # fmt: skip
    for name in ("corpus", "voices", "turn-taking", "simulation"):
        file = "mini_corpus" if name == "corpus" else name.replace("-", "_")
        parser.add_argument(
            f"--{name}",
            default=str(config.CONF / f"{file}.yaml"),
            help="default: conf/" + f"{file}.yaml",
        )
    program.add_paths(parser, "data_dir")
    return parser.parse_args()


def prepare_set(args: argparse.Namespace, corpus: CorpusConfig, name: str, target: Path) -> None:
    """Make one set of the plan, with the voices of the split of the same name."""
    people = config.load(VoicesConfig, args.voices).of(name)
    stats = config.load(TurnTaking, args.turn_taking)
    scripts = write_scripts(name, corpus.sets[name], people, stats, args.seed)
    make(args, scripts, people, target)


def prepare_revoiced(args: argparse.Namespace, target: Path) -> None:
    """Make a set from the turns of --turns, with the voices of --split."""
    people = config.load(VoicesConfig, args.voices).of(args.split)
    if not people:
        raise DataError(f"--split: no voices in split {args.split!r}")
    if args.max_duration <= 0:
        raise DataError(f"--max-duration is {args.max_duration:g}; it must be positive")
    scripts, skipped = revoice(read_rttm(args.turns), people, args.seed, args.max_duration)
    for recording, reason in skipped.items():
        log.warning("skipped %s: %s", recording, reason)
    if not scripts:
        raise DataError(f"{args.turns}: no recording can be re-voiced")
    make(args, scripts, people, target)
    write_text(target / "log" / "skipped", "".join(f"{r} {why}\n" for r, why in skipped.items()))


def make(
    args: argparse.Namespace, scripts: list[Script], people: list[Person], target: Path
) -> None:
    """Simulate the scripts and write the data directory."""
    if args.nj < 1:
        raise DataError(f"--nj is {args.nj}; it must be 1 or more")
    voices = config.load(VoicesConfig, args.voices)
    acoustics = config.load(SimulationConfig, args.simulation)
    log.info("%s: %d voices", target.name, len(people))
    prepare(voices, people, args.nj, lambda done, total, _: log_progress(done, total, "voices"))
    turns: list[Turn] = []
    heard, audio = 0.0, sum(script.seconds for script in scripts)
    log_progress(0, len(scripts), "recordings", heard, audio)
    with partial_wavs(target) as part:
        made = record(scripts, part, voices, acoustics, args.seed, args.nj)
        for done, (script, reference) in enumerate(zip(scripts, made, strict=True), 1):
            turns += reference
            heard += script.seconds
            log_progress(done, len(scripts), "recordings", heard, audio)
        write_data_dir(target, [part / f"{s.recording}.wav" for s in scripts], turns)
    write_text(target / "log" / "voices.tsv", cast_report(voices, people, turns))
    write_text(target / "log" / "undecoded", failures(voices, people))
    log.info("%s: overlap %.1f %%", target.name, 100 * overlap_ratio(turns))


def prepare_sample(target: Path) -> None:
    """Make the set of real conversations, with the references that come with them."""
    with partial_wavs(target) as part:
        write_data_dir(target, *fetch_real_sample(part))


@contextmanager
def partial_wavs(target: Path) -> Iterator[Path]:
    """Provide a temporary folder beside ``target`` for audio."""
    part = target.parent / f".{target.name}.partial"
    shutil.rmtree(part, ignore_errors=True)  # left by a run that was killed
    part.mkdir(parents=True)
    yield part
    shutil.rmtree(part)


if __name__ == "__main__":
    program.run(main)
