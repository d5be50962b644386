#!/usr/bin/env python3
"""Fit the turn-taking statistics of conf/turn_taking.yaml to a directory of reference RTTMs.

Usage: fit_turn_taking.py [--source TEXT] <rttm-dir> > conf/turn_taking.yaml

Example: local/fit_turn_taking.py data/test > turn_taking.yaml
"""

from __future__ import annotations

import sys
from dataclasses import asdict

from dec_cli import program  # isort: split

import numpy as np
import yaml

from diar.kaldi.rttm import read_rttm
from diar.simulation.turn_taking import fit, overlap_ratio

LEGEND = """\
speakers: share of recordings with 1, 2 ... 8 speakers. concentration: of the Dirichlet distribution of
their shares of time. stay: probability that the floor holder continues after a pause. back: that the floor
returns to the previous holder. interjections: per second of another speaker's floor turn. turn_seconds,
pause_seconds, gap_seconds, interjection_seconds: quantiles, 1 % to 99 %, of floor turns, pauses of the
same speaker, gaps at a change (negative: overlap), interjections. More: diar/simulation/turn_taking.py,
TurnTaking."""


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--source", default="", help="source of the RTTMs, for the header")
    program.add_paths(parser, "rttm_dir")
    args = parser.parse_args()
    recordings = read_rttm(args.rttm_dir)
    stats = fit(recordings)
    overlap = float(np.mean([overlap_ratio(turns) for turns in recordings.values()]))
    head = [args.source] if args.source else []
    head.append(f"Fitted by 'local/fit_turn_taking.py <rttm-dir>' to {len(recordings)} recordings,")
    head.append(
        f"in which on average {100 * overlap:.1f} % of the speech of a recording is overlapped."
    )
    lines = [*head, "", *LEGEND.splitlines()]
    sys.stdout.write("".join(f"# {line}".rstrip() + "\n" for line in lines))
    yaml.safe_dump(asdict(stats), sys.stdout, sort_keys=False, width=96, default_flow_style=None)


if __name__ == "__main__":
    program.run(main)
