#!/usr/bin/env python3
"""Fit the turn-taking figures of conf/turn_taking.yaml to a directory of reference RTTMs.

Usage: fit_turn_taking.py [--source TEXT] <rttm-dir> > conf/turn_taking.yaml

Example: local/fit_turn_taking.py data/test > turn_taking.yaml
"""

from __future__ import annotations

import sys
from dataclasses import asdict

from cli import program  # isort: split

import numpy as np
import yaml

from diar.kaldi.rttm import read_rttm
from diar.simulation.turn_taking import fit, overlap_ratio


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--source", default="", help="where the RTTMs are from, for the head")
    program.add_paths(parser, "rttm_dir")
    args = parser.parse_args()
    recordings = read_rttm(args.rttm_dir)
    stats = fit(recordings)
    overlap = float(np.mean([overlap_ratio(turns) for turns in recordings.values()]))
    head = [args.source] if args.source else []
    head.append(f"Fitted by 'local/fit_turn_taking.py <rttm-dir>' to {len(recordings)} recordings,")
    head.append(f"in which {100 * overlap:.1f} % of the speech of a recording overlap on average.")
    head.append("What each key means: diar/simulation/turn_taking.py, TurnTaking.")
    sys.stdout.write("".join(f"# {line}\n" for line in head))
    yaml.safe_dump(asdict(stats), sys.stdout, sort_keys=False, width=96, default_flow_style=None)


if __name__ == "__main__":
    program.run(main)
