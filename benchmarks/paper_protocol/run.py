#!/usr/bin/env python3
"""What perfect labels on the published method's grid score: the floor of its published figures.

Usage: benchmarks/paper_protocol/run.py [<rttm-dir>]

The method puts one label on every 750 ms (test) or 250 ms (training) of a recording, and drops the
windows that overlap in the reference. Here each label is the reference's own: what remains is the
error of the grid. The 50 test recordings are those of conf/voxconverse_split.tsv. False alarm and
miss at 750 ms under the paper protocol, 1.07 and 2.55, are those that were published for DEC with
the oracle VAD.

Example: benchmarks/paper_protocol/run.py voxconverse/dev
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "local"))

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from dec_cli import program  # noqa: E402
from diar.base.types import Turn  # noqa: E402
from diar.kaldi.rttm import read_rttm  # noqa: E402
from diar.kaldi.tables import read_map  # noqa: E402
from diar.scoring import text  # noqa: E402
from diar.scoring.frame import make_frame, totals  # noqa: E402
from diar.scoring.rates import ScoringConfig, evaluate  # noqa: E402
from diar.xvectors import grid  # noqa: E402

STEPS = (0.75, 0.25)
PROTOCOLS = ("paper", "forgiving", "full")


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument(
        "rttm_dir", nargs="?", metavar="rttm-dir", default=os.environ.get("VOXCONVERSE_RTTM"),
        help="the RTTMs of VoxConverse dev (default: $VOXCONVERSE_RTTM)",
    )  # fmt: skip
    directory = parser.parse_args().rttm_dir
    if not directory:
        parser.error("no <rttm-dir>, and VOXCONVERSE_RTTM is not set")
    header = ["step", "protocol", "scored s", "DER %", "FA %", "miss %", "conf. %"]
    table = pd.DataFrame(golden(directory), columns=header)
    print(text.markdown(table.set_index(header[:2])), end="")


def golden(directory: str | Path, steps: Sequence[float] = STEPS) -> Iterator[tuple[str, ...]]:
    """Rows of the table as printed: step, protocol, scored seconds, DER, FA, miss, confusion."""
    split = read_map(ROOT / "conf/voxconverse_split.tsv")
    turns = read_rttm(directory)
    reference = {name: turns[name] for name, part in split.items() if part == "test"}
    known = ScoringConfig().protocols
    for step in steps:
        hypothesis = {name: perfect(reference[name], step) for name in reference}
        evaluation = evaluate(reference, hypothesis, None, {p: known[p] for p in PROTOCOLS})
        for name, total in totals(make_frame(evaluation)).iterrows():
            rates = map(text.number, total[["der_%", "fa_%", "miss_%", "conf_%"]])
            yield f"{1000 * step:.0f} ms", name, f"{total['scored_s']:.0f}", *rates


def perfect(turns: Sequence[Turn], step: float) -> list[Turn]:
    """The turns that perfect labels give: the reference's speaker in every cell that has one."""
    duration = max(turn.end for turn in turns)
    marks, _ = grid.activity(turns, step, duration)
    labels = np.where(marks.sum(axis=1) == 1, marks.argmax(axis=1), grid.SILENCE)
    return grid.turns_from_cells(turns[0].recording, labels, step, duration)


if __name__ == "__main__":
    program.run(main)
