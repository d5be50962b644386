"""The systems of an experiment: what they are called, their order, and their summaries of scores."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from diar.base.errors import DataError

# How directories are called in tables and pictures, and their order; others keep their own names.
SYSTEMS = {
    "dec_default": "DEC, default",
    "start": "start of DEC",
    "dec_paper": "DEC, as published",
    "ahc": "AHC",
    "nme_sc": "NME-SC",
    "spectral": "spectral, eigengap",
    "kmeans": "k-means",
}
OURS = "dec_default"  # what the others are compared with
ORACLE = "_oracle"  # a system of this ending is told the number of speakers
SETS = ["test", "dev", "real_sample"]

Summaries = dict[str, dict[str, Any]]  # by system


def collect(exp: Path) -> dict[str, Summaries]:
    """Summaries by set and system, both in the order of tables and pictures.

    Raises:
        DataError: there is none.
    """
    sets: dict[str, Summaries] = {}
    for path in exp.glob("*/*/score/summary.json"):
        system, name = path.parts[-4], path.parts[-3]
        sets.setdefault(name, {})[system] = read_json(path)
    if not sets:
        raise DataError("no <system>/<set>/score/summary.json below it: ./run.sh makes them", exp)
    return {
        name: dict(sorted(sets[name].items(), key=lambda item: rank(item[0], list(SYSTEMS))))
        for name in sorted(sets, key=lambda name: rank(name, SETS))
    }


def rank(name: str, known: Sequence[str]) -> tuple[int, str]:
    """Sorting key: known names first, in their order, each before its oracle variant."""
    base = name.removesuffix(ORACLE)
    return (known.index(base) if base in known else len(known), name)


def read_json(path: Path) -> dict[str, Any]:
    """One of the small JSON files that steps leave, such as a summary.json.

    Raises:
        DataError: it is not valid.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(
            f"not valid JSON ({error}): remove its directory and run again", path
        ) from None


def system_name(system: str) -> str:
    """What readers know the directory of a system by."""
    base = system.removesuffix(ORACLE)
    known = ", count known" if base != system else ""
    default = f"DEC, {base[4:]}" if base.startswith("dec_") else base
    return SYSTEMS.get(base, default) + known


def protocol_names(systems: Summaries) -> list[str]:
    """Protocols of any of the systems, in the order of their first appearance."""
    return list(dict.fromkeys(n for summary in systems.values() for n in summary["protocols"]))
