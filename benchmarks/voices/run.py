#!/usr/bin/env python3
"""How well are people known again: by an enrolled voice, and from one recording to another?

Usage: benchmarks/voices/run.py [options] <data-dir>,<xvector-dir>,<dec-dir> ...

Three pages in one. Dry: voices of the corpus 'mini', enrolment from the first half of a person's pieces, trials
on the second; with --librispeech, the halves of one utterance of each of many people, every second of whom is
of the part 'dev', the others of 'test'. Conversations: the same enrolments against the speakers that DEC has found
in the sets, simulated rooms and all. Linking: the speakers of each set, linked, scored with one pairing for the
whole set. Choose on --part dev; --part test is for the report, once.

Example: benchmarks/voices/run.py --part test data/test,exp/xvectors_campplus/test,exp/dec_default/test
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "local"))
from dec_cli import program
from diar import extractors
from diar.audio import waveform
from diar.autoencoder import network
from diar.base import config
from diar.base.errors import DataError
from diar.base.files import write_text
from diar.base.regions import merge_turns
from diar.base.types import SAMPLE_RATE, Region, Turn
from diar.dec.durations import durations_of
from diar.extractors import Extractor
from diar.identity.config import IdentityConfig
from diar.identity.linking import Speaker, global_names, link, rename
from diar.identity.profiles import (
    SpeakerProfile,
    between_of,
    compare,
    latents_of,
    profile_of,
    profiles_of,
)
from diar.kaldi.rttm import read_rttm, read_uem
from diar.kaldi.xvector_dir import XVectorDir
from diar.scoring.across import chain
from diar.scoring.frame import total_score
from diar.scoring.rates import ScoringConfig
from diar.scoring.right_turns import partners
from diar.scoring.text import markdown
from diar.simulation.voices import VoicesConfig, prepare
from diar.xvectors.extraction import extract
from diar.xvectors.windows import XVectorConfig

ROOT = Path(__file__).resolve().parents[2]
ENROLMENTS, LENGTHS = (5, 15, 30), (3, 10, 30)  # seconds
RATES = (0.1, 0.05, 0.01, 0.001)  # of false acceptance
CHOSEN = 0.005  # the one that 'known' of conf/identity.yaml keeps in every row of part dev
SWEEP = (-20, -10, 0, 5, 10, 15, 20, 30)  # thresholds of linking, nats
MOST = {"enrolments": 5, "trials": 10}  # of a person
MINUTES = 4  # of a person's pieces
PAUSE = 0.5  # seconds between pieces


class Speech(NamedTuple):
    """Latents (n, l) of a person's speech in time order, and the seconds (n,) that they stand for."""

    y: np.ndarray
    seconds: np.ndarray


class Trials(NamedTuple):
    """Log likelihood ratios of trials of one person, and of two."""

    same: np.ndarray
    other: np.ndarray


def main() -> None:
    parser = program.parser(__doc__)
    add = parser.add_argument
    add("--part", choices=("dev", "test"), default="dev", help="whose voices")
    add("--librispeech", type=Path, metavar="DIR", help="a part of LibriSpeech, as distributed")
    program.add_config(parser, str(ROOT / "conf/identity.yaml"))
    add("--out", type=Path, help="the page (default: <part>.md here)")
    add("sets", nargs="*", metavar="data-dir,xvector-dir,dec-dir", help="conversations of --part")
    args = parser.parse_args()
    sets = [[Path(place) for place in text.split(",")] for text in args.sets]
    if any(len(places) != 3 for places in sets):
        raise DataError("a set is <data-dir>,<xvector-dir>,<dec-dir>")
    bench = Bench(config.load(IdentityConfig, args.config, args.set.split()))
    halves = bench.mini(args.part)
    rows = list(bench.dry(halves))
    if args.librispeech:
        rows += bench.librispeech(args.librispeech, 0 if args.part == "dev" else 1)
    rows += bench.conversations(halves, sets)
    page = [f"# Known voices and linked speakers, {args.part}", ""]
    page += [f"Made by `benchmarks/voices/run.py`; conf/identity.yaml: {bench.config}", ""]
    page += ["Miss, %, at rates of false acceptance, and the threshold (nats) of one.", ""]
    page += [markdown(pd.DataFrame(rows).set_index("trials"))]
    if sets:
        page += [
            "",
            "DER, %, protocol 'full', by one pairing of speakers for the whole set; last, the least that is possible.",
            "",
        ]
        tried = SWEEP if args.part == "dev" else (bench.config.linked,)
        linked = pd.DataFrame([row for each in sets for row in bench.linking(each, tried)])
        page += [markdown(linked.set_index("set"))]
    text = "\n".join(page).rstrip() + "\n"
    write_text(args.out or Path(__file__).with_name(f"{args.part}.md"), text)
    print(text, end="")


class Bench:
    """Extractor, autoencoder and constants."""

    def __init__(self, options: IdentityConfig):
        self.config = options
        self.encoder = network.load_model(network.SHIPPED)
        self.between = between_of(self.encoder)
        self.windows = config.load(XVectorConfig, ROOT / "conf/xvector.yaml")
        self.extractor: Extractor = extractors.get(self.windows.extractor)

    def speech(self, pieces: Sequence[np.ndarray]) -> Speech:
        """Make latents of pieces (m,) float32 that one person speaks."""
        pause = np.zeros(round(PAUSE * SAMPLE_RATE), np.float32)
        samples = np.concatenate([part for piece in pieces for part in (piece, pause)])
        ends = np.cumsum([len(piece) + len(pause) for piece in pieces]) / SAMPLE_RATE - PAUSE
        spans = zip(ends, pieces, strict=True)
        regions = [Region(max(0.0, end - len(piece) / SAMPLE_RATE), end) for end, piece in spans]
        made = extract(self.windows, self.extractor, "voice", regions, samples)
        seconds = durations_of(made.subsegments.starts, self.windows.window).seconds
        return Speech(latents_of(made.vectors, self.encoder), seconds)

    def profiles(self, speech: Speech, length: float, most: int) -> list[SpeakerProfile]:
        """Cut speech into profiles of so many seconds."""
        number = np.floor(np.cumsum(speech.seconds) / length - 1e-9).astype(int)
        whole = range(min(most, int(speech.seconds.sum() / length + 1e-6)))
        return [
            profile_of(speech.y[number == i], speech.seconds[number == i], self.config)
            for i in whole
            if (number == i).any()
        ]

    def mini(self, part: str) -> dict[str, tuple[Speech, Speech]]:
        """Return the two halves of each voice of a split."""
        voices = config.load(VoicesConfig, ROOT / "conf/voices.yaml")
        halves = {}
        for voice in prepare(voices, voices.of(part)):
            lengths = [len(voice.piece(i)) for i in range(len(voice))]
            count = int(np.searchsorted(np.cumsum(lengths), MINUTES * 60 * SAMPLE_RATE)) + 1
            pieces = [voice.piece(i) for i in range(min(count, len(voice)))]
            middle = len(pieces) // 2
            halves[voice.person.id] = self.speech(pieces[:middle]), self.speech(pieces[middle:])
        return halves

    def dry(self, halves: dict[str, tuple[Speech, Speech]]) -> Iterator[dict[str, object]]:
        """Yield a row for each length of enrolment and trial."""
        for enrolment in ENROLMENTS:
            for length in LENGTHS:
                trials = self.trials(halves, enrolment, length)
                yield row("dry", len(halves), enrolment, length, trials, self.config.known)

    def trials(
        self, halves: dict[str, tuple[Speech, Speech]], enrolment: float, length: float
    ) -> Trials:
        """Compare enrolments of the first halves with trials of the second, everybody with everybody."""
        models, tests, mine, theirs = [], [], [], []
        for number, (first, second) in enumerate(halves.values()):
            models += (made := self.profiles(first, enrolment, MOST["enrolments"]))
            mine += [number] * len(made)
            tests += (made := self.profiles(second, length, MOST["trials"]))
            theirs += [number] * len(made)
        same = np.array(mine)[:, None] == np.array(theirs)[None]
        ratios = compare(models, tests, self.between)
        return Trials(ratios[same], ratios[~same])

    def librispeech(self, folder: Path, part: int) -> Iterator[dict[str, object]]:
        """Yield the rows of one utterance of every second person, cut into halves."""
        files: dict[str, Path] = {}
        for path in sorted(folder.glob("*/*/*.flac")):
            files.setdefault(path.parts[-3], path)
        if not files:
            raise DataError("no <speaker>/<chapter>/*.flac below it", folder)
        halves = {}
        for person in sorted(files)[part::2]:
            samples = waveform.load(files[person])
            middle = len(samples) // 2
            halves[person] = self.speech([samples[:middle]]), self.speech([samples[middle:]])
        for length in (3, 5):
            trials = self.trials(halves, 5, length)
            yield row("one session", len(halves), 5, length, trials, self.config.known)

    def conversations(
        self, halves: dict[str, tuple[Speech, Speech]], sets: Sequence[Sequence[Path]]
    ) -> Iterator[dict[str, object]]:
        """Yield a row for each enrolment, of dry speech against speakers of simulated conversations."""
        people = sorted(halves)
        found: list[tuple[SpeakerProfile, str]] = []
        for data, xvectors, dec in sets:
            reference, made = read_rttm(data / "ref.rttm"), read_rttm(dec / "rttm")
            source = XVectorDir(xvectors)
            for recording, turns in made.items():
                who = partners(merge_turns(reference[recording])[0], turns)
                mine = profiles_of(source.load(recording), turns, self.encoder, self.config)
                found += [(mine[name], who[name]) for name in mine if name in who]
        for enrolment in ENROLMENTS if found else ():
            models = [self.profiles(halves[name][0], enrolment, 1)[0] for name in people]
            ratios = compare(models, [profile for profile, _ in found], self.between)
            same = np.array([[name == who for _, who in found] for name in people])
            trials = Trials(ratios[same], ratios[~same])
            yield row("conversations", len(people), enrolment, "all", trials, self.config.known)

    def linking(
        self, places: Sequence[Path], thresholds: Sequence[float]
    ) -> Iterator[dict[str, object]]:
        """Yield a row for each threshold: DER with names of each recording, with global names, and at best."""
        data, xvectors, dec = places
        reference, made = read_rttm(data / "ref.rttm"), read_rttm(dec / "rttm")
        uem, source = read_uem(data / "all.uem"), XVectorDir(xvectors)
        protocol = ScoringConfig().protocols["full"]
        profiles: dict[Speaker, SpeakerProfile] = {}
        for recording, turns in made.items():
            found = profiles_of(source.load(recording), turns, self.encoder, self.config)
            profiles |= {(recording, name): profile for name, profile in found.items()}

        def der(hypothesis: dict[str, list[Turn]]) -> float:
            one, other, inside = chain(reference, hypothesis, uem)
            return float(total_score(one, other, inside, protocol)["der_%"])

        each = float(total_score(reference, made, uem, protocol)["der_%"])
        for threshold in thresholds:
            groups = link(profiles, self.between, threshold)
            names = global_names(groups)
            linked = {
                recording: rename(turns, {n: names[r, n] for r, n in names if r == recording})
                for recording, turns in made.items()
            }
            yield {
                "set": data.name,
                "recordings": str(len(made)),
                "people": str(len({t.speaker for turns in reference.values() for t in turns})),
                "speakers of recordings": str(len(profiles)),
                "names per recording": f"{der(made):.2f}",
                "linked (nats)": f"{threshold:g}",
                "people found": str(len(groups)),
                "global names": f"{der(linked):.2f}",
                "a pairing for each recording": f"{each:.2f}",
            }


def row(
    name: str, people: int, enrolment: float, length: object, trials: Trials, known: float
) -> dict[str, object]:
    """Make a row of the table; what so few trials cannot tell is left out."""
    made: dict[str, object] = {
        "trials": name,
        "people": people,
        "enrolment s": enrolment,
        "trial s": length,
        "same": len(trials.same),
        "other": len(trials.other),
    }
    for rate in RATES:
        missed = trials.same < threshold_at(rate, trials)
        enough = len(trials.other) * rate >= 1
        made[f"miss at {100 * rate:g} %"] = f"{100 * missed.mean():.1f}" if enough else "-"
    made[f"nats at {100 * CHOSEN:g} %"] = f"{threshold_at(CHOSEN, trials):.1f}"
    made[f"miss at {known:g} nats"] = f"{100 * (trials.same < known).mean():.1f}"
    made["false acceptance there"] = f"{100 * (trials.other >= known).mean():.2f}"
    return made


def threshold_at(rate: float, trials: Trials) -> float:
    """Return the least threshold (nats) from which on no larger share of two people would be one."""
    most = int(rate * len(trials.other))
    return float(np.nextafter(np.sort(trials.other)[::-1][most], np.inf))


if __name__ == "__main__":
    program.run(main)
