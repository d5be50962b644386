#!/usr/bin/env python3
"""Compare two systems scored on the same recordings.

Usage: compare.py [options] <A/score> <B/score>

Prints how the settings of the two differ; then, under each protocol, the difference in DER with its 95 %
bootstrap interval (over recordings), Wilcoxon's signed-rank test over the recordings and in how many of them
A is better; then how well each counts speakers; then the recordings with the largest gains and losses of A.
Differences are A minus B: below 0, A is better. Warns if one of them is out of date, if the two were made by
different code, or if an input had different contents. If a system was fitted with several seeds, the first is
compared; the scores of the others are in <set>/seed<N>/score.

Example: local/compare.py exp/dec_default/test/score exp/ahc/test/score
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from dec_cli import program  # isort: split

import pandas as pd

from dec_cli.provenance import Provenance, differing, old_scores, other_state
from diar.base.errors import DataError
from diar.scoring.comparison import Comparison, compare, total_der
from diar.scoring.frame import other_seeds, read_frame, totals
from diar.scoring.systems import of_seeds
from diar.scoring.text import count_matrix, markdown, number, p_value, signed, span


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--protocol", help="for the gains and losses (default: the first)")
    parser.add_argument("--samples", type=int, default=10_000, help="bootstrap samples")
    program.add_seed(parser)
    parser.add_argument("a", metavar="A/score", help="scores from steps/score.sh")
    parser.add_argument("b", metavar="B/score", help="scores of the other system")
    args = parser.parse_args()
    if args.samples < 1:
        raise DataError(f"--samples is {args.samples}; expected at least 1")
    comparisons = compare(read_frame(args.a), read_frame(args.b))
    protocol = args.protocol or next(iter(comparisons))
    if protocol not in comparisons:
        raise DataError(f"no protocol {protocol!r} in both; they share: {', '.join(comparisons)}")
    chosen = comparisons[protocol]
    for side, path in (("A", args.a), ("B", args.b)):
        print(f"{side}: {of_seeds(path, 1 + len(other_seeds(Path(path))))}")
    print(f"{len(chosen.a)} recording(s)\n")
    print(settings(Provenance.of(Path(args.a)), Provenance.of(Path(args.b))))
    print(differences(comparisons, args.samples, args.seed))
    print(counting(chosen))
    for text, rows in zip(("gains", "losses"), chosen.extremes(), strict=True):
        if rows:
            print(f"Largest {text} of A, {protocol}:\n\n{listing(chosen, rows)}")


def settings(a: Provenance, b: Provenance) -> str:
    """Format the different settings; warn if the comparison does not isolate their effect."""
    for side, one in (("A", a), ("B", b)):
        if why := old_scores([one.score]):
            warn(f"{side} is out of date: {why}")
    if changed := other_state(a.code, b.code):
        more = f" and {len(changed) - 5} more" if len(changed) > 5 else ""
        warn(f"A and B were made by different code: {', '.join(changed[:5])}{more}")
    for name in other_state(a.inputs, b.inputs):
        if not name.endswith(".yaml"):  # the table has the values
            warn(f"{name} had different contents when A and B were made from it")
    if not a.steps or not b.steps:
        return "Their settings are not known: there is no record of how they were made.\n"
    rows = differing(a, b)
    if not rows:
        return "They were made in the same way.\n"
    table = pd.DataFrame(rows, columns=["setting", "A", "B"])
    return markdown(table.set_index("setting"))


def warn(text: str) -> None:
    """Print a warning on standard error."""
    print(f"compare.py: warning: {text}", file=sys.stderr)


def differences(comparisons: Mapping[str, Comparison], samples: int, seed: int) -> str:
    """Format a row for each protocol."""
    rows = [
        [
            name,
            number(total_der(c.a)),
            number(total_der(c.b)),
            signed(c.difference),
            span(c.interval(samples=samples, seed=seed)),
            p_value(c.p_value),
            *c.wins,
        ]
        for name, c in comparisons.items()
    ]
    header = ["protocol", "DER % A", "DER % B", "A - B", "95 % interval", "p (Wilcoxon)"]
    header += ["A better", "equal", "A worse"]
    return markdown(pd.DataFrame(rows, columns=header).set_index("protocol"))


def counting(comparison: Comparison) -> str:
    """Format how well each system counts the speakers, with a matrix for each."""
    frames = {"A": comparison.a, "B": comparison.b}
    both = pd.concat(frames, names=["system"])
    total = totals(both, "system")
    table = pd.DataFrame(
        {
            "count right %": total["exact_%"].map("{:.1f}".format),
            "mean absolute error": total["mean_absolute_error"].map(number),
            "bias": total["bias"].map(signed),
        }
    )
    matrices = [
        f"Recordings by speakers in the reference and found by {name}:\n\n{count_matrix(frame)}"
        for name, frame in frames.items()
    ]
    return "\n".join([markdown(table), *matrices])


def listing(comparison: Comparison, rows: list[int]) -> str:
    """Format these rows of the comparison, a line for each recording."""
    a, b = (side.set_index("recording") for side in (comparison.a, comparison.b))
    table = pd.DataFrame(
        {
            "scored s": a["scored_s"].map("{:.1f}".format),
            "DER % A": a["der_%"].map(number),
            "DER % B": b["der_%"].map(number),
            "A - B": list(map(signed, comparison.differences)),
            "speakers": a["speakers"],
            "A found": a["speakers_found"],
            "B found": b["speakers_found"],
        }
    )
    return markdown(table.iloc[rows])


if __name__ == "__main__":
    program.run(main)
