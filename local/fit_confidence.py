#!/usr/bin/env python3
"""Fit the probability that a turn of DEC is right, for the section 'confidence' of conf/dec.yaml.

Usage: fit_confidence.py [options] <data-dir>,<xvector-dir>,<dec-dir> ...

For each development set, give its reference, its windows, and the output of DEC. A turn is right if the
reference speaker mapped to its speaker talks during most of it. Prints the lines of the configuration:
slopes and offset of a logistic map, fitted by maximum likelihood.

Example: local/fit_confidence.py data/dev,exp/xvectors_campplus/dev,exp/dec_default/dev
"""

from __future__ import annotations

from dec_cli import program  # isort: split

import numpy as np

from dec_cli.turn_tables import add_sets, read_sets
from diar.base import config
from diar.base.errors import DataError
from diar.pipeline.config import DecStageConfig
from diar.turns.confidence import ConfidenceConfig, features


def main() -> None:
    parser = program.parser(__doc__)
    program.add_config(parser, "conf/dec.yaml")
    add_sets(parser)
    args = parser.parse_args()
    least = config.load(DecStageConfig, args.config, args.set.split()).confidence.least
    parts = read_sets(args.sets)
    right = np.concatenate([part.right for part in parts])
    if right.all() or not right.any():
        raise DataError(f"all or none of the {len(right)} turns are right: nothing to fit")
    from sklearn.linear_model import LogisticRegression  # slow to import

    table = np.concatenate([features(part.means, part.turns, least) for part in parts])
    fitted = LogisticRegression(C=np.inf, max_iter=10_000, tol=1e-10).fit(table, right)
    (posterior, duration), (offset,) = fitted.coef_[0], fitted.intercept_
    made = ConfidenceConfig(round(posterior, 3), round(duration, 3), round(offset, 3), least)
    print(
        f"# Fitted by local/fit_confidence.py to {len(right)} turns, {right.sum()} of them right."
    )
    print("confidence:")
    for name in ("posterior", "duration", "offset"):
        print(f"  {name}: {getattr(made, name)}")


if __name__ == "__main__":
    program.run(main)
