"""Small experiments with scores: of systems with made-up turns, or of errors of a chosen length."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from diar.base.files import write_text
from diar.base.types import Subsegments, Turn
from diar.kaldi import arks, tables
from diar.kaldi.rttm import write_rttm
from diar.scoring import text
from diar.scoring.frame import make_frame, to_tsv
from diar.scoring.rates import ScoringConfig, evaluate

REFERENCE = [Turn("r", 0, 10, "ann"), Turn("r", 8, 6, "bob"), Turn("r", 20, 10, "ann")]
FOUND = [
    Turn("r", 0, 1, "r_3"),
    Turn("r", 1, 8, "r_1"),
    Turn("r", 9, 5, "r_2"),
    Turn("r", 21, 10, "r_1"),
]


def make_experiment(root: Path) -> Path:
    """Make an experiment of two recordings, two systems and latents, as the steps leave it."""
    other = [turn._replace(recording="s", speaker="ann") for turn in REFERENCE]
    reference = {"r": REFERENCE, "s": other}
    found = {"r": FOUND, "s": [Turn("s", 0, 10, "s_1"), Turn("s", 10, 4, "s_2")]}
    (root / "data/test").mkdir(parents=True)
    write_rttm(root / "data/test/ref.rttm", [t for turns in reference.values() for t in turns])
    for system, turns in (("dec_default", found), ("ahc_oracle", {**reference, "s": other[:1]})):
        folder = root / "exp" / system / "test"
        folder.mkdir(parents=True)
        write_rttm(folder / "rttm", [t for some in turns.values() for t in some])
        evaluation = evaluate(reference, turns, None, ScoringConfig().protocols)
        frame = make_frame(evaluation)
        write_text(folder / "score/per_recording.tsv", to_tsv(frame))
        write_text(folder / "score/summary.json", json.dumps(text.summary(evaluation, frame)))
    rng = np.random.default_rng(0)
    starts = np.arange(20) * 1.5
    windows = Subsegments([f"r-{i:02d}" for i in range(20)], ["r"] * 20, starts, starts + 1.5)
    dec = root / "exp/dec_default/test"
    for name, columns in (("latents", 8), ("start_latents", 8), ("posteriors", 3)):
        table = rng.random((20, columns)).astype(np.float32)
        arks.write_ark(dec / f"{name}.ark", {"r": table}, dec / f"{name}.scp")
    tables.write_segments(dec, windows)
    write_text(dec / "history", "r 1 0.5 -\nr 2 0.4 0.1\nr 3 - 0\n")
    return root


def scores_in(folder: Path, errors: Sequence[float], collar_end: float = 100.0) -> Path:
    """Make a score directory: each recording is one speaker of 100 s, of which errors[i] s are missed."""
    reference = {f"r{i}": [Turn(f"r{i}", 0.0, collar_end, "A")] for i in range(len(errors))}
    hypothesis = {f"r{i}": [Turn(f"r{i}", 0.0, 100.0 - e, "x")] for i, e in enumerate(errors)}
    result = evaluate(reference, hypothesis, None, ScoringConfig().protocols)
    folder.mkdir(parents=True)
    (folder / "per_recording.tsv").write_text(to_tsv(make_frame(result)), encoding="utf-8")
    return folder
