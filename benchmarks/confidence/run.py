#!/usr/bin/env python3
"""Are turns right as often as their confidence says, before and after the map of conf/dec.yaml?

Usage: benchmarks/confidence/run.py [options] <data-dir>,<xvector-dir>,<dec-dir> ...

Of each set: reference, windows, and what DEC made of them. 'Before' is the mean posterior of DEC over a turn,
'after' what the map makes of that and of the length of the turn. A turn is right if for most of it the
reference speaker speaks with whom its speaker is paired. ECE: the mean difference of confidence and share
that is right, over the bins of the table, by turns; Brier: the mean square of confidence minus right.

The map is fitted by local/fit_confidence.py, to development sets; benchmarks/confidence/README.md says which.

Example: benchmarks/confidence/run.py data/test,exp/xvectors_campplus/test,exp/dec_default/test
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "local"))
from scipy.special import expit

from dec_cli import program
from dec_cli.turn_tables import TurnTable, add_sets, read_sets
from diar.base import config
from diar.base.files import write_text
from diar.pipeline.config import DecStageConfig
from diar.scoring.text import markdown
from diar.turns.confidence import ConfidenceConfig, features

ROOT = Path(__file__).resolve().parents[2]
EDGES = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0)


def main() -> None:
    parser = program.parser(__doc__)
    program.add_config(parser, str(ROOT / "conf/dec.yaml"))
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).with_name("results.md"), help="the page"
    )
    add_sets(parser)
    args = parser.parse_args()
    options = config.load(DecStageConfig, args.config, args.set.split()).confidence
    page = ["# Confidence of turns", "", "Made by `benchmarks/confidence/run.py`.", ""]
    for name, part in zip(args.sets, read_sets(args.sets), strict=True):
        page += [f"## {Path(name.split(',')[0]).name}", "", *section(part, options), ""]
    text = "\n".join(page).rstrip() + "\n"
    write_text(args.out, text)
    print(text, end="")


def section(part: TurnTable, options: ConfidenceConfig) -> list[str]:
    """Write the tables of a set."""
    slopes = np.array([options.posterior, options.duration])
    after = expit(features(part.means, part.turns, options.least) @ slopes + options.offset)
    both = {"before": part.means, "after": after}
    totals = pd.DataFrame(
        [
            {
                "confidence": when,
                "turns": len(sure),
                "right %": f"{100 * part.right.mean():.1f}",
                "mean confidence %": f"{100 * sure.mean():.1f}",
                "ECE %": f"{100 * calibration_error(sure, part.right):.1f}",
                "Brier": f"{np.mean((sure - part.right) ** 2):.3f}",
            }
            for when, sure in both.items()
        ]
    ).set_index("confidence")
    doubtful = after < options.doubtful
    found = (
        f"Below {options.doubtful:g} after the map: {doubtful.sum()} turns, of which"
        f" {(~part.right[doubtful]).sum()} are wrong; of the others, {(~part.right[~doubtful]).sum()}"
        f" of {(~doubtful).sum()} are."
    )
    return [markdown(totals), markdown(bins(both, part.right)), found]


def bins(both: dict[str, np.ndarray], right: np.ndarray) -> pd.DataFrame:
    """Make a row for each range of confidence."""
    rows = []
    for low, high in pairwise(EDGES):
        row: dict[str, object] = {"confidence": f"{low:g} to {high:g}"}
        for when, sure in both.items():
            mine = in_bin(sure) == EDGES.index(low)
            row[f"turns {when}"] = int(mine.sum())
            row[f"mean {when}"] = f"{100 * sure[mine].mean():.0f}" if mine.any() else "-"
            row[f"right % {when}"] = f"{100 * right[mine].mean():.0f}" if mine.any() else "-"
        rows.append(row)
    return pd.DataFrame(rows).set_index("confidence")


def in_bin(sure: np.ndarray) -> np.ndarray:
    """Return the number of the range of each confidence (t,)."""
    return np.searchsorted(EDGES[1:-1], sure, side="right")


def calibration_error(sure: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error (Naeini et al., AAAI 2015), of the ranges of the table."""
    number = in_bin(sure)
    gaps = [
        abs(sure[number == i].mean() - right[number == i].mean()) * (number == i).mean()
        for i in np.unique(number)
    ]
    return float(sum(gaps))


if __name__ == "__main__":
    program.run(main)
