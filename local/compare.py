#!/usr/bin/env python3
"""Compare two systems that were scored on the same recordings.

Usage: compare.py [options] <A/score> <B/score>

Prints, under each protocol, the difference of DER with its 95 % bootstrap interval (recordings
resampled), Wilcoxon's signed-rank test over the recordings and in how many A is better; then how well
each counts speakers; then the recordings with the largest gains and losses of A. Differences are A
minus B: below 0, A is better.

Example: local/compare.py exp/dec_default/test/score exp/ahc/test/score
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cli import program
from diar.base.errors import DataError
from diar.scoring.comparison import Comparison, compare, read_figures
from diar.scoring.rates import count_table
from diar.scoring.text import count_matrix, markdown, number, p_value, signed, span


def main() -> None:
    arguments = program.parser(__doc__)
    arguments.add_argument("--protocol", help="of the gains and losses (default: the first)")
    arguments.add_argument("--samples", type=int, default=10_000, help="of the bootstrap")
    program.add_seed(arguments)
    arguments.add_argument("a", metavar="A/score", help="scores, as steps/score.sh writes them")
    arguments.add_argument("b", metavar="B/score", help="those of the other system")
    args = arguments.parse_args()
    if args.samples < 1:
        raise DataError(f"--samples is {args.samples}; expected at least 1")
    comparisons = compare(read_figures(args.a), read_figures(args.b))
    protocol = args.protocol or next(iter(comparisons))
    if protocol not in comparisons:
        raise DataError(f"no protocol {protocol!r} in both; there are: {', '.join(comparisons)}")
    chosen = comparisons[protocol]
    print(f"A: {args.a}\nB: {args.b}\n{len(chosen.a.recordings)} recording(s)\n")
    print(totals(comparisons, args.samples, args.seed))
    print(counting(chosen))
    for text, rows in zip(("gains", "losses"), chosen.extremes(), strict=True):
        if rows:
            print(f"Largest {text} of A, {protocol}:\n\n{listing(chosen, rows)}")


def totals(comparisons: Mapping[str, Comparison], samples: int, seed: int) -> str:
    header = ["protocol", "DER % A", "DER % B", "A - B", "95 % interval", "p (Wilcoxon)"]
    rows = [
        [name, number(c.a.total), number(c.b.total), signed(c.difference)]
        + [span(c.interval(samples=samples, seed=seed)), p_value(c.p_value), *map(str, c.wins)]
        for name, c in comparisons.items()
    ]
    return markdown([*header, "A better", "equal", "A worse"], rows)


def counting(comparison: Comparison) -> str:
    """Both systems' counting of speakers, with the matrix of each."""
    rows, matrices = [], []
    for name, figures in (("A", comparison.a), ("B", comparison.b)):
        error = figures.found - figures.speakers
        pairs = zip(figures.speakers.tolist(), figures.found.tolist(), strict=True)
        rows.append(
            [name, number(100 * (error == 0).mean(), 1), number(np.abs(error).mean())]
            + [signed(error.mean())]
        )
        matrices.append(
            f"Recordings by speakers in the reference and found by {name}:\n\n"
            + count_matrix(count_table(pairs))
        )
    header = ["system", "count right %", "mean absolute error", "bias"]
    return "\n".join([markdown(header, rows), *matrices])


def listing(comparison: Comparison, rows: list[int]) -> str:
    a, b = comparison.a, comparison.b
    header = [
        "recording",
        "scored s",
        "DER % A",
        "DER % B",
        "A - B",
        "speakers",
        "A found",
        "B found",
    ]
    lines = [
        [a.recordings[i], number(a.scored[i], 1), number(a.der[i]), number(b.der[i])]
        + [signed(comparison.differences[i])]
        + [str(count[i]) for count in (a.speakers, a.found, b.found)]
        for i in rows
    ]
    return markdown(header, lines)


if __name__ == "__main__":
    program.run(main)
