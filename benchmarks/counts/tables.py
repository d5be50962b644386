#!/usr/bin/env python3
"""Put the scores of benchmarks/counts/run.sh into tables.

Usage: benchmarks/counts/tables.py <exp-dir> <out.md>

Reads <exp-dir>/<speech>/<system>/<set>/score, and prints the page, too. Intervals are of a bootstrap over recordings;
confusion is compared by Wilcoxon's signed-rank test of its share of each recording, counts by McNemar's exact
test, which is a binomial test of those that only one of the two counts right.

Example: benchmarks/counts/tables.py exp/counts exp/counts/results.md
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "local"))
from dec_cli import program
from diar.base.files import write_text
from diar.scoring.comparison import compare, rate_interval
from diar.scoring.frame import first_protocol, read_seeds, split, totals
from diar.scoring.systems import OURS, system_name
from diar.scoring.text import markdown, number, p_value, rate_span, signed, span

SPEECH = {"combined": "speech as detected", "oracle": "speech given"}
PROTOCOLS = ["forgiving", "fair", "full"]
SAMPLES = 10_000
HEAD = """\
# Counts

Made by `benchmarks/counts/tables.py {exp} {out}`; do not edit. README.md says what the sets are.

Count right: percent of recordings, with its 95 % interval; error: mean absolute error of the number of speakers, with
its interval; bias: mean error. Confusion: percent of the speech that is scored under *forgiving* (±250 ms collar, overlap left
out), with its interval. DER under *forgiving*, *fair* (the collar, overlap scored) and *full* (no collar).
"""
PAIRS = """\
DEC, default, against each baseline: its confusion divided by theirs, with the interval, and the p of Wilcoxon's
test; difference of DER (*forgiving*; below 0, DEC is better) with its interval; in how many recordings only DEC, only the
baseline counts right, and the p of McNemar's test.
"""


def main() -> None:
    parser = program.parser(__doc__)
    program.add_paths(parser, "exp_dir")
    parser.add_argument("out", metavar="out.md", type=Path, help="the page")
    args = parser.parse_args()
    page = [HEAD.format(exp=args.exp_dir, out=args.out)]
    for kind, words in SPEECH.items():
        if not (args.exp_dir / kind).is_dir():
            continue
        for name, rows in split(read_seeds(args.exp_dir / kind), "set").items():
            systems = split(rows, "system")
            count = rows["recording"].nunique()
            page.append(f"## {name}, {words}: {count} recording(s)\n\n{figures(systems)}")
            if OURS in systems and len(systems) > 1:
                page.append(PAIRS + "\n" + pairs(systems))
    write_text(args.out, text := "\n".join(page))
    print(text)


def figures(systems: dict[str, pd.DataFrame]) -> str:
    """A row for each system."""
    rows = []
    for system, frame in systems.items():
        total = totals(frame)
        first = first_protocol(frame)
        forgiving = frame[frame["protocol"] == PROTOCOLS[0]]
        error = (first["speakers_found"] - first["speakers"]).to_numpy()
        ones = np.ones(len(error))
        rows.append(
            {
                "system": system_name(system),
                "count right": f"{100 * (error == 0).mean():.0f} % ({rate_span(rate_interval(error == 0, ones))})",
                "error": f"{np.abs(error).mean():.2f} ({mean_span(np.abs(error))})",
                "bias": signed(error.mean()),
                "confusion": f"{number(total.loc[PROTOCOLS[0], 'conf_%'])}"
                f" ({rate_span(rate_interval(forgiving['conf_s'], forgiving['scored_s']))})",
                **{name: number(total.loc[name, "der_%"]) for name in PROTOCOLS},
            }
        )
    return markdown(pd.DataFrame(rows).set_index("system"))


def mean_span(values: np.ndarray) -> str:
    """The interval of a mean."""
    limits = rate_interval(values / 100, np.ones(len(values)))
    return rate_span(limits)


def pairs(systems: dict[str, pd.DataFrame]) -> str:
    """A row for each baseline."""
    rows = []
    for system, frame in systems.items():
        if system == OURS:
            continue
        both = compare(systems[OURS], frame)[PROTOCOLS[0]]
        ours, theirs = (side.reset_index(drop=True) for side in (both.a, both.b))
        ratio, limits = ratio_of(ours["conf_s"].to_numpy(), theirs["conf_s"].to_numpy())
        more = (ours["conf_%"] - theirs["conf_%"]).fillna(0).to_numpy()
        right, right_theirs = (f["speakers_found"] == f["speakers"] for f in (ours, theirs))
        only, only_theirs = int((right & ~right_theirs).sum()), int((right_theirs & ~right).sum())
        apart = only + only_theirs
        rows.append(
            {
                "against": system_name(system),
                "confusion, ratio": f"{number(ratio)} ({rate_span(limits)})",
                "p": p_value(stats.wilcoxon(more).pvalue if more.any() else None),
                "DER": f"{signed(both.difference)} ({span(both.interval())})",
                "p of DER": p_value(both.p_value),
                "only DEC right": only,
                "only baseline": only_theirs,
                "p of counts": p_value(stats.binomtest(only, apart).pvalue if apart else None),
            }
        )
    return markdown(pd.DataFrame(rows).set_index("against"))


def ratio_of(a: np.ndarray, b: np.ndarray) -> tuple[float | None, tuple[float, float] | None]:
    """sum(a) / sum(b), of seconds (n,) of the same recordings, and its bootstrap interval."""
    if not b.sum():
        return None, None
    drawn = np.random.default_rng(0).integers(0, len(a), (SAMPLES, len(a)))
    below = b[drawn].sum(axis=1)
    ratios = a[drawn].sum(axis=1)[below > 0] / below[below > 0]
    low, high = np.percentile(ratios, [2.5, 97.5])
    return float(a.sum() / b.sum()), (float(low), float(high))


if __name__ == "__main__":
    program.run(main)
