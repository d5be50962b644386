"""Turns of DEC with a reference, for fitting and evaluating confidences."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from diar.base.errors import DataError
from diar.base.regions import merge_turns
from diar.base.types import Turn
from diar.kaldi.arks import Scp
from diar.kaldi.rttm import load_rttm, read_rttm
from diar.kaldi.xvector_dir import XVectorDir
from diar.scoring.right_turns import right_turns
from diar.turns.confidence import mean_posteriors


class TurnTable(NamedTuple):
    """t turns of a set.

    right: (t,) bool. means: (t,) mean posteriors. stated: (t,) confidences in the RTTM, NaN if missing.
    """

    turns: list[Turn]
    right: np.ndarray
    means: np.ndarray
    stated: np.ndarray


def add_sets(parser: argparse.ArgumentParser) -> None:
    """Add the sets, three directories each."""
    parser.add_argument(
        "sets", metavar="data-dir,xvector-dir,dec-dir", nargs="+", help="reference, windows, DEC"
    )


def read_sets(sets: Sequence[str]) -> list[TurnTable]:
    """Read the sets of ``add_sets``.

    Raises:
        DataError: not three directories; a recording without a reference; a file that cannot be read.
    """
    return [_read(text) for text in sets]


def _read(text: str) -> TurnTable:
    places = [Path(place) for place in text.split(",")]
    if len(places) != 3:
        raise DataError(f"{text!r}: expected <data-dir>,<xvector-dir>,<dec-dir>")
    data, xvectors, dec = places
    reference, made = read_rttm(data / "ref.rttm"), load_rttm(dec / "rttm")
    posteriors, windows = Scp(dec / "posteriors.scp"), XVectorDir(xvectors).windows
    turns: list[Turn] = []
    right, means = [np.zeros(0, bool)], [np.zeros(0)]
    for recording, mine in made.turns.items():
        if recording not in reference:
            raise DataError(f"no reference of {recording}", data / "ref.rttm")
        turns += mine
        right.append(right_turns(merge_turns(reference[recording])[0], mine))
        means.append(mean_posteriors(windows[recording], posteriors[recording], mine))
    stated = np.array([made.confidences.get(turn, np.nan) for turn in turns])
    return TurnTable(turns, np.concatenate(right), np.concatenate(means), stated)
