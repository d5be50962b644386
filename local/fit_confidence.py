#!/usr/bin/env python3
"""Fit how likely the turns of DEC are right, for the part 'confidence' of conf/dec.yaml.

Usage: fit_confidence.py [options] <data-dir>,<xvector-dir>,<dec-dir> ...

Of each development set: its reference, its windows, and what DEC made of them. A turn is right if for
most of it the reference speaker speaks with whom its speaker is paired. Prints the lines of the
configuration: slopes and offset of a logistic map, by maximum likelihood.

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
        raise DataError(f"of {len(right)} turns all, or none, are right: that teaches nothing")
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
