#!/usr/bin/env python3
"""How many words go to a wrong speaker, and how long does an hour of them take?

Usage: benchmarks/words/run.py [--seed 0] [--dev-dir DIR --dev-dec-dir DIR] <data-dir> <dec-dir>

The recordings of mini do not keep what their voices say. So the words are made up: each turn of <data-dir>/ref.rttm
is filled with words of two to ten letters, as long as they are at 14 letters a second, and they have
the speaker of the turn. They are given to the turns of the reference and of <dec-dir>, with their times, with
times that are off as a recogniser's are (normal, 0.1 s), and as captions without times of words, of up to ten seconds,
whoever speaks. Overlap: words in which another speaks, too. --dev-dir, --dev-dec-dir: where --distance is chosen.
Needs meeteval. Prints a page.

Example: benchmarks/words/run.py data/test exp/dec_default/test
"""

from __future__ import annotations

import json
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "local"))
import numpy as np

from dec_cli import program
from diar.base.seeds import seed_for
from diar.base.types import Turn
from diar.kaldi.rttm import format_rttm, read_rttm
from diar.scoring.words import WordScore, score
from diar.words.assignment import DISTANCE, assign
from diar.words.word import Word, spread, text_of

ROOT = Path(__file__).resolve().parents[2]
LETTERS = 14.0  # a second
JITTER = 0.1  # seconds
CAPTION = 10.0  # seconds
DISTANCES = (0.0, 0.25, 0.5, 1.0, 2.0, 5.0)
HOUR, WORDS = 3600.0, 10_000
Turns = Mapping[str, Sequence[Turn]]
Said = dict[str, list[Word]]


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--dev-dir", type=Path, help="data directory to choose the distance on")
    parser.add_argument("--dev-dec-dir", type=Path, help="its turns")
    program.add_seed(parser)
    parser.add_argument("data_dir", metavar="data-dir", type=Path, help=program.PATHS["data_dir"])
    parser.add_argument("dec_dir", metavar="dec-dir", type=Path, help="rttm, rttm_exclusive")
    args = parser.parse_args()
    reference = read_rttm(args.data_dir / "ref.rttm")
    words = made_up(reference, args.seed)
    shifted = jittered(words, args.seed)
    ours, exclusive = (read_rttm(args.dec_dir / name) for name in ("rttm", "rttm_exclusive"))
    print(f"# Words to speakers\n\nMade by `benchmarks/words/run.py {shlex.join(sys.argv[1:])}`\n")
    print(f"{sum(map(len, words.values()))} made-up words in {len(words)} recordings.\n")
    print(
        "| turns | words | WDER | WDER, no overlap | WDER, overlap | words in overlap | cpWER | nobody's |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for turns, name, alone in (
        (reference, "reference", {}),
        (ours, "ours", {}),
        (ours, "ours, exclusive decides", exclusive),
    ):
        for kind, heard in (
            ("with times", words),
            (f"times off by {JITTER:g} s", shifted),
            ("captions", captions(words)),
        ):
            print(row(name, kind, reference, words, heard, turns, alone), flush=True)
    if args.dev_dir:
        sweep(args.dev_dir, args.dev_dec_dir, args.seed)
    print(
        f"\n{WORDS} words in an hour, Whisper's JSON, read, given to 6 speakers and written as VTT by"
        f" `local/assign_words.py`: {an_hour(args.seed):.2f} s (median of 5 processes, one thread)."
    )


def made_up(reference: Turns, seed: int) -> Said:
    """Fill each turn with words, by its speaker; in the order of their starts."""
    said: Said = {}
    for recording, turns in reference.items():
        rng = np.random.default_rng(seed_for(seed, recording, "words"))
        words: list[Word] = []
        for turn in turns:
            count = max(1, round(turn.duration * LETTERS / 6))
            text = " ".join(
                "".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), rng.integers(2, 11)))
                for _ in range(count)
            )
            whole = Word(recording, turn.start, turn.end, text, turn.speaker)
            words += [word._replace(estimated=False) for word in spread(whole)]
        said[recording] = sorted(words, key=lambda word: word.start)
    return said


def jittered(said: Said, seed: int) -> Said:
    """Move each word; they keep their length, and begin in the same order."""
    moved: Said = {}
    for recording, words in said.items():
        rng = np.random.default_rng(seed_for(seed, recording, "jitter"))
        off = rng.normal(0, JITTER, len(words))
        starts = np.maximum.accumulate(np.maximum(0, [w.start for w in words] + off)).tolist()
        moved[recording] = [
            w._replace(start=start, end=start + w.end - w.start)
            for w, start in zip(words, starts, strict=True)
        ]
    return moved


def captions(said: Said) -> Said:
    """Join words to captions, whoever says them, and forget when each of them was said."""
    found: Said = {}
    for recording, words in said.items():
        runs: list[list[Word]] = []
        for word in words:
            if not runs or word.end - runs[-1][0].start > CAPTION:
                runs.append([])
            runs[-1].append(word)
        found[recording] = [
            word
            for run in runs
            for word in spread(Word(recording, run[0].start, max(w.end for w in run), text_of(run)))
        ]
    return found


def overlapped(word: Word, turns: Sequence[Turn]) -> bool:
    """Tell whether another speaks in a word, too."""
    return any(
        t.speaker != word.speaker and t.start < word.end - 1e-6 and t.end > word.start + 1e-6
        for t in turns
    )


def given(heard: Said, turns: Turns, alone: Turns, distance: float = DISTANCE) -> Said:
    """Words with the speakers of these turns."""
    return {
        recording: assign(words, turns.get(recording, ()), alone.get(recording, ()), distance).words
        for recording, words in heard.items()
    }


def row(
    name: str, kind: str, reference: Turns, words: Said, heard: Said, turns: Turns, alone: Turns
) -> str:
    """One line of the table."""
    found = given(heard, turns, alone)
    total = reduce(add, score(words, found).values())
    inside = {r: [overlapped(w, reference[r]) for w in each] for r, each in words.items()}
    apart, within = (
        _total({r: _chosen(words[r], inside[r], x) for r in words}, {r: _chosen(found[r], inside[r], x) for r in words})
        for x in (False, True)
    )  # fmt: skip
    nobody = sum(not word.speaker for each in found.values() for word in each)
    share = sum(map(sum, inside.values()))
    figures = [total.rates["WDER"], apart.rates["WDER"], within.rates["WDER"]]
    cells = [
        name,
        kind,
        *(f"{x:.2f}" for x in figures),
        share,
        f"{total.rates['cpWER']:.2f}",
        nobody,
    ]
    return f"| {' | '.join(map(str, cells))} |"


def _chosen(words: Sequence[Word], inside: Sequence[bool], which: bool) -> list[Word]:
    return [word for word, is_inside in zip(words, inside, strict=True) if is_inside is which]


def _total(reference: Said, hypothesis: Said) -> WordScore:
    kept = {recording: words for recording, words in reference.items() if words}
    return reduce(add, score(kept, hypothesis).values())


def sweep(data_dir: Path, dec_dir: Path, seed: int) -> None:
    """Print WDER for each distance."""
    reference = read_rttm(data_dir / "ref.rttm")
    words = made_up(reference, seed)
    heard = jittered(words, seed)
    turns, alone = (read_rttm(dec_dir / name) for name in ("rttm", "rttm_exclusive"))
    print(f"\n`--distance`, on {data_dir} with our turns and times off by {JITTER:g} s:\n")
    print("| distance, s | WDER | nobody's |\n|---:|---:|---:|")
    for distance in DISTANCES:
        found = given(heard, turns, alone, distance)
        total = reduce(add, score(words, found).values())
        nobody = sum(not word.speaker for each in found.values() for word in each)
        print(f"| {distance:g} | {total.rates['WDER']:.2f} | {nobody} |")


def an_hour(seed: int) -> float:
    """Seconds of the program for Whisper's JSON of an hour."""
    rng = np.random.default_rng(seed)
    edges = np.sort(rng.uniform(0, HOUR, 1199))
    edges = np.concatenate([[0.0], edges, [HOUR]])
    turns = [
        Turn("r", a, b - a, f"r_{1 + int(k)}")
        for a, b, k in zip(edges, edges[1:], rng.integers(0, 6, 1200), strict=False)
    ]
    starts = np.arange(WORDS) * HOUR / WORDS
    words = [
        {"word": f" word{i}", "start": round(s, 2), "end": round(s + 0.3, 2), "probability": 0.9}
        for i, s in enumerate(starts.tolist())
    ]
    segments = [
        {
            "id": i // 10,
            "start": words[i]["start"],
            "end": words[i + 9]["end"],
            "text": "".join(str(w["word"]) for w in words[i : i + 10]),
            "words": words[i : i + 10],
        }
        for i in range(0, WORDS, 10)
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "r.rttm").write_text(format_rttm(turns))
        (folder / "r.json").write_text(json.dumps({"text": "", "segments": segments}))
        command = [
            sys.executable,
            ROOT / "local/assign_words.py",
            folder / "r.rttm",
            folder / "r.json",
        ]
        times = []
        for _ in range(5):
            began = time.monotonic()
            subprocess.run([*command, "-o", folder / "r.vtt"], check=True, capture_output=True)
            times.append(time.monotonic() - began)
    return statistics.median(times)


if __name__ == "__main__":
    program.run(main)
