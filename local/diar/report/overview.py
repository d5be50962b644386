"""Tables of the page for a set; ``score_tables`` makes those of the scores."""

from __future__ import annotations

import math
import platform
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path

from diar.base.numbers import clock
from diar.scoring.systems import OLD, system_name

PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "scikit-learn",
    "onnxruntime",
    "silero-vad",
    "pandas",
)


HOT = 50.0  # DER % at which the colour of a cell saturates


@dataclass(frozen=True)
class Cell:
    """A figure of a table: its text, its sort value, and a smaller line below it.

    bar: (kind, percent of the longest one). heat: strength of its colour, 0 to 1. best: of its column.
    link: target '<set>' or '<set>/<recording>', used if the page has it.
    """

    text: str
    value: float | None = None
    below: str = ""
    bar: Sequence[tuple[str, float]] = ()
    heat: float = 0.0
    best: bool = False
    link: str = ""


@dataclass(frozen=True)
class Column:
    """The heading of a column. system, protocol: it is shown if these are selected; '': always."""

    text: str
    system: str = ""
    protocol: str = ""


@dataclass(frozen=True)
class Row:
    """A row of a table. system, protocol: it is shown if these are selected; '': always."""

    cells: Sequence[Cell]
    system: str = ""
    protocol: str = ""


@dataclass(frozen=True)
class PageTable:
    """A sortable table; the first ``names`` cells of a row are text."""

    caption: str
    header: Sequence[Column]
    rows: Sequence[Row]
    names: int = 1


@dataclass(frozen=True)
class SetPage:
    """The content of the page for one set.

    systems: directory -> displayed name. recordings: names in order. protocols: name ->
    description. ders: system -> protocol -> DER %. main: the table shown first; folded: collapsed ones.
    counts: system -> its table. old: system whose scores the recipe would not reproduce now -> why.
    """

    name: str
    title: str
    systems: Mapping[str, str]
    recordings: Sequence[str]
    recording_table: PageTable
    protocols: Mapping[str, str] = field(default_factory=dict)
    ders: Mapping[str, Mapping[str, Cell]] = field(default_factory=dict)
    main: PageTable | None = None
    folded: Sequence[PageTable] = ()
    counts: Mapping[str, PageTable] = field(default_factory=dict)
    commands: Mapping[str, str] = field(default_factory=dict)
    old: Mapping[str, str] = field(default_factory=dict)


def figure(value: float | None, decimals: int = 2, below: str = "") -> Cell:
    """Make the cell of a figure, '-' if there is none."""
    if value is None or math.isnan(value):
        return Cell("-", below=below)
    return Cell(f"{value:.{decimals}f}", round(float(value), 4), below)


def warm(cell: Cell) -> Cell:
    """Colour the cell of a DER; higher is stronger."""
    return replace(cell, heat=math.sqrt(min((cell.value or 0.0) / HOT, 1.0)))


def mark_best(
    cells: Mapping[str, Cell], told: Collection[str], highest: bool = False
) -> dict[str, Cell]:
    """Mark the best cell, and those with the same text, if there are at least two.

    Args:
        cells: by system. told: systems that are given the number of speakers: they do not compete.
        highest: whether the highest figure is the best, instead of the lowest.
    """
    values = {s: c.value for s, c in cells.items() if c.value is not None and s not in told}
    if len(values) < 2:
        return dict(cells)
    best = (max if highest else min)(values, key=lambda s: values[s])
    return {
        s: replace(c, best=s in values and c.text == cells[best].text) for s, c in cells.items()
    }


def recording_table(
    name: str,
    recordings: Mapping[str, float],
    there: Mapping[str, int],
    found: Mapping[str, Mapping[str, int]],
    ders: Mapping[str, Mapping[str, Mapping[str, float]]],
    names: Mapping[str, str],
) -> PageTable:
    """Make the table of a set's recordings, one row for each; a column for each system and protocol.

    Args:
        name: of the set.
        recordings: seconds of each; there: speakers of the reference, for recordings that have one.
        found: system -> recording -> speakers; ders: system -> protocol -> recording -> DER %, if scored.
        names: system -> displayed name.
    """
    header = [Column("recording"), Column("length"), *([Column("speakers")] if there else [])]
    for system in found:
        header += [Column(names[system], system, protocol) for protocol in ders.get(system, ("",))]
    rows = []
    for recording, seconds in recordings.items():
        count = there.get(recording)
        cells = [
            Cell(recording, link=f"{name}/{recording}"),
            Cell(clock(seconds, short=True), seconds),
        ]
        cells += [Cell("-" if count is None else str(count), count)] if there else []
        for system, counts in found.items():
            speakers = counts.get(recording, 0)
            below = f"{speakers} found"
            rates = ders.get(system)
            if rates is None:
                cells.append(Cell(str(speakers), speakers))
                continue
            cells += [warm(figure(rate.get(recording), below=below)) for rate in rates.values()]
        rows.append(Row(cells))
    what = "DER % of each system, below it the number of speakers found" if ders else ""
    return PageTable(f"Recordings: select one to see and hear it. {what}".strip(), header, rows)


def summary(pages: Sequence[SetPage]) -> PageTable | None:
    """Make the table of all sets, a row for each: DER % of each system; None if nothing is scored."""
    scored = [page for page in pages if page.ders]
    systems = dict.fromkeys(system for page in scored for system in page.ders)
    protocols = dict.fromkeys(p for page in scored for p in page.protocols)
    header = [Column("set"), *(Column(system_name(s), s, p) for s in systems for p in protocols)]
    nothing: Mapping[str, Cell] = {}
    rows = []
    for page in scored:
        cells = [Cell(page.name, link=page.name)]
        for s in systems:
            rates = page.ders.get(s, nothing)
            below = OLD.strip() if s in page.old else ""
            found = [replace(rates.get(p, Cell("-")), below=below) for p in protocols]
            cells += [warm(cell) for cell in found]
        rows.append(Row(cells))
    return PageTable("DER % of each set", header, rows) if scored else None


def versions() -> dict[str, str]:
    """Return the versions of the recipe, of Python, and of the packages that affect results."""
    found = {"dec-diarization": _version("dec-diarization"), "Python": platform.python_version()}
    return found | {name: _version(name) for name in PACKAGES} | {"machine": platform.platform()}


def configurations(exp: Path, directories: Sequence[Path]) -> dict[str, str]:
    """Read the config.yaml of these directories, if any, by their names below ``exp``."""
    files = {path.relative_to(exp).as_posix(): path / "config.yaml" for path in directories}
    return {name: file.read_text(encoding="utf-8") for name, file in files.items() if file.exists()}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "-"
