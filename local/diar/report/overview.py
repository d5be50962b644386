"""What the page says of a set: its tables, of which ``score_tables`` makes those of the scores."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from diar.base.numbers import clock

PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "scikit-learn",
    "onnxruntime",
    "silero-vad",
    "pandas",
)


@dataclass(frozen=True)
class Cell:
    """A figure of a table: how it reads, what it is sorted by, and a smaller line below it."""

    text: str
    value: float | None = None
    below: str = ""
    bar: Sequence[tuple[str, float]] = ()  # (kind, percent of the longest one)


@dataclass(frozen=True)
class PageTable:
    """A sortable table; the first ``names`` cells of a row are text."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    names: int = 1


@dataclass(frozen=True)
class SetPage:
    """All that is said of one set.

    recordings: names in order. protocols: name -> what it means. old: name of a system whose scores are not
    what the recipe would make now -> why.
    """

    name: str
    title: str
    systems: Mapping[str, str]
    recordings: Sequence[str]
    recording_table: PageTable
    protocols: Mapping[str, str] = field(default_factory=dict)
    tables: Sequence[PageTable] = ()
    paired: PageTable | None = None
    counts: Sequence[PageTable] = ()
    commands: Mapping[str, str] = field(default_factory=dict)
    old: Mapping[str, str] = field(default_factory=dict)


def figure(value: float | None, decimals: int = 2, below: str = "") -> Cell:
    """Make the cell of a figure, '-' where there is none."""
    if value is None or math.isnan(value):
        return Cell("-", below=below)
    return Cell(f"{value:.{decimals}f}", round(float(value), 4), below)


def recording_table(
    recordings: Mapping[str, float],
    there: Mapping[str, int],
    found: Mapping[str, Mapping[str, int]],
    ders: Mapping[str, Mapping[str, float]],
    names: Mapping[str, str],
) -> PageTable:
    """Make the table of a set's recordings, one row for each.

    Args:
        recordings: seconds of each; there: speakers of the reference, where a recording has one.
        found: system -> recording -> speakers; ders: system -> recording -> DER %, where scored.
        names: system -> what readers know it by.
    """
    header = ["recording", "length", *(["speakers"] if there else [])]
    for system in found:
        header.append(f"found: {names[system]}")
        header += [f"DER %: {names[system]}"] if system in ders else []
    rows = []
    for recording, seconds in recordings.items():
        count = there.get(recording)
        cells = [Cell(recording), Cell(clock(seconds, short=True), seconds)]
        cells += [Cell("-" if count is None else str(count), count)] if there else []
        for system, counts in found.items():
            speakers = counts.get(recording, 0)
            cells.append(Cell(str(speakers), speakers))
            cells += [figure(ders[system].get(recording))] if system in ders else []
        rows.append(cells)
    return PageTable("Recordings: choose one to see and hear it", header, rows)


def versions() -> dict[str, str]:
    """Return the versions of the recipe, of Python, and of the packages that results depend on."""
    found = {"dec-diarization": _version("dec-diarization"), "Python": platform.python_version()}
    return found | {name: _version(name) for name in PACKAGES} | {"machine": platform.platform()}


def configurations(exp: Path, directories: Sequence[Path]) -> dict[str, str]:
    """Read config.yaml of those of these directories that have one, by their names below ``exp``."""
    files = {path.relative_to(exp).as_posix(): path / "config.yaml" for path in directories}
    return {name: file.read_text(encoding="utf-8") for name, file in files.items() if file.exists()}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "-"
