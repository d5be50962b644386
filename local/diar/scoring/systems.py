"""The systems of an experiment: their names, their order, and remarks on their scores."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from diar.base.errors import DataError

# Display names of directories in tables and pictures, in order; others keep their own names.
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
TOLD = re.compile(r"(.+)_(oracle|\d+)")  # a system that is told the number of speakers
VARIANT = "+"  # behind a name: what was changed on the command line, each behind another
OLD = (
    " \N{DAGGER}"  # behind the name of a system whose scores are not what the recipe would make now
)
NOTHING: Mapping[str, str] = MappingProxyType({})
SETS = ["test", "dev", "real_sample"]


def rank(name: str, known: Sequence[str]) -> tuple[int, str]:
    """Return the sorting key: known names first, in their order, each before its variants."""
    base, _ = _told(name.partition(VARIANT)[0])
    return (known.index(base) if base in known else len(known), name)


def is_told(system: str) -> bool:
    """Return whether a system is given the number of speakers."""
    return bool(_told(system.partition(VARIANT)[0])[1])


def system_name(system: str) -> str:
    """Return the display name of the directory of a system."""
    whole, *changes = system.split(VARIANT)
    base, count = _told(whole)
    known = {"": "", "oracle": ", count known", "1": ", 1 speaker"}.get(
        count, f", {count} speakers"
    )
    default = f"DEC, {base[4:]}" if base.startswith("dec_") else base
    return SYSTEMS.get(base, default) + known + (f"; {', '.join(changes)}" if changes else "")


def _told(system: str) -> tuple[str, str]:
    """Split the name of a system that is told the number of speakers: 'oracle', a number, or ''."""
    match = TOLD.fullmatch(system)
    # Only names of SYSTEMS: dec_mine_2 is conf/dec_mine_2.yaml.
    if match and (match[2] == "oracle" or match[1] in SYSTEMS):
        return match[1], match[2]
    return system, ""


def of_seeds(name: str, seeds: int) -> str:
    """Return the label of a system fitted with several seeds, where one fit is shown."""
    return f"{name}, first of {seeds} seeds" if seeds > 1 else name


def name_of_directory(directory: Path) -> str:
    """Return the display name of <system>/<set> or <system>/<set>/seed<N>."""
    seed = directory.name.removeprefix("seed")
    if seed != directory.name and seed.isdecimal():
        return f"{system_name(directory.parents[1].name)}, seed {seed}"
    return system_name(directory.parent.name)


def read_json(path: Path) -> dict[str, Any]:
    """Read one of the small JSON files written by steps, such as a summary.json.

    Raises:
        DataError: it is missing or invalid.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(values, dict):
            return values
        reason = "no object"
    except FileNotFoundError:
        raise DataError("no such file: remove its directory and run again", path) from None
    except (ValueError, RecursionError) as error:
        reason = str(error)
    raise DataError(f"not valid JSON ({reason}): remove its directory and run again", path)


def read_summaries(exp: Path, name: str, systems: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Read the protocols, commands and remarks that belong to the scores of some systems on a set.

    Raises:
        DataError: it is missing or was not made by steps/score.sh.
    """
    return {s: _read_summary(exp / s / name / "score/summary.json") for s in systems}


def _read_summary(path: Path) -> dict[str, Any]:
    summary = read_json(path)
    try:
        _ = [summary[key] for key in ("missing", "extra", "derived_uem")]
        _ = [protocol["words"] for protocol in summary["protocols"].values()]
    except (AttributeError, LookupError, TypeError):
        raise DataError("not made by steps/score.sh: make it again", path) from None
    return summary


def describe_protocols(summaries: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Describe what each protocol scores, in the order of their first appearance."""
    words: dict[str, str] = {}
    for summary in summaries:
        for name, protocol in summary["protocols"].items():
            words.setdefault(name, protocol["words"])
    return words
