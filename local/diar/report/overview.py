"""What the page says of a set: scores of the systems, their differences, counts, recordings."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from diar.base.errors import DataError
from diar.scoring import text
from diar.scoring.comparison import Figures, compare, rate_interval, read_figures
from diar.scoring.rates import count_table
from diar.scoring.systems import Summaries, protocol_names, system_name

PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "scikit-learn",
    "onnxruntime",
    "silero-vad",
    "pyannote.metrics",
)


@dataclass(frozen=True)
class Cell:
    """A figure of a table: how it reads, what it is sorted by, and a smaller line below it."""

    text: str
    value: float | None = None
    below: str = ""
    bar: Sequence[tuple[str, float]] = ()  # (kind, percent of the longest one)


@dataclass(frozen=True)
class Table:
    """A sortable table; the first ``names`` cells of a row are text."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    names: int = 1


@dataclass(frozen=True)
class SetPage:
    """All that is said of one set. recordings: names in order; protocols: name -> what it means."""

    name: str
    title: str
    systems: Mapping[str, str]
    recordings: Sequence[str]
    recording_table: Table
    protocols: Mapping[str, str] = field(default_factory=dict)
    tables: Sequence[Table] = ()
    paired: Table | None = None
    counts: Sequence[Table] = ()
    commands: Mapping[str, str] = field(default_factory=dict)


def scored_set(exp: Path, name: str, systems: Summaries, ours: str) -> dict[str, Any]:
    """The fields of a ``SetPage`` that scores give: protocols, tables, paired, counts, commands.

    Args:
        systems: summaries of scores by system.
        ours: the system that the others are compared with.
    """
    figures = {system: read_figures(exp / system / name / "score") for system in systems}
    words = {p: s["words"] for x in systems.values() for p, s in x["protocols"].items()}
    pairs = ours in systems and len(systems) > 1 and systems[ours]["recordings"] > 1
    first = {system: next(iter(f.values())) for system, f in figures.items()}
    return {
        "protocols": words,
        "tables": [_main_table(systems, figures), _parts_table(systems)],
        "paired": _paired(ours, figures) if pairs else None,
        "counts": [_count_table(system_name(system), f) for system, f in first.items()],
        "commands": {system_name(system): x["command"] for system, x in systems.items()},
    }


def _main_table(systems: Summaries, figures: Mapping[str, Mapping[str, Figures]]) -> Table:
    protocols = protocol_names(systems)
    rows = []
    for system, summary in systems.items():
        cells = [Cell(system_name(system))]
        for protocol in protocols:
            scores = summary["protocols"].get(protocol)
            numbers = figures[system].get(protocol)
            if scores is None or numbers is None:
                cells.append(Cell("-"))
                continue
            limits = rate_interval(numbers.error, numbers.scored)
            cells.append(_percent(scores["der_%"], text.rate_span(limits) if limits else ""))
        count = summary["speakers"]
        cells += [
            _percent(summary["jer_%"]),
            Cell(f"{count['exact_%']:.1f}", count["exact_%"]),
            Cell(f"{count['mean_absolute_error']:.2f}", count["mean_absolute_error"]),
        ]
        rows.append(cells)
    header = ["system", *(f"DER % {p}" for p in protocols), "JER %", "count right %", "count error"]
    return Table(
        "DER of each protocol, below it the 95 % bootstrap interval over recordings", header, rows
    )


def _parts_table(systems: Summaries) -> Table:
    protocol = protocol_names(systems)[-1]
    parts = {"miss": "miss_%", "false alarm": "fa_%", "confusion": "conf_%"}
    scores = {system: x["protocols"].get(protocol) for system, x in systems.items()}
    longest = max((s["der_%"] for s in scores.values() if s and s["der_%"]), default=0) or 1
    rows = []
    for system, s in scores.items():
        if s is None or s["der_%"] is None:
            continue
        bar = [(kind, 100 * s[key] / longest) for kind, key in parts.items()]
        rows.append(
            [Cell(system_name(system)), Cell("", s["der_%"], bar=bar)]
            + [_percent(s[key]) for key in parts.values()]
        )
    return Table(
        f"What the DER is made of, protocol {protocol}",
        ["system", "DER", *(f"{p} %" for p in parts)],
        rows,
    )


def _paired(ours: str, figures: Mapping[str, Mapping[str, Figures]]) -> Table:
    rows = []
    for system, numbers in figures.items():
        if system == ours:
            continue
        name = Cell(system_name(system))
        try:
            comparisons = compare(figures[ours], numbers)
        except DataError as error:  # scored at another time, of other recordings or otherwise
            rows.append([name, Cell(f"cannot be compared: {error}"), *[Cell("-")] * 5])
            continue
        for protocol, c in comparisons.items():
            rows.append(
                [name, Cell(protocol)]
                + [Cell(text.signed(c.difference), c.difference, text.span(c.interval()))]
                + [Cell(text.p_value(c.p_value), c.p_value)]
                + [Cell(str(n), n) for n in c.wins]
            )
    header = ["against", "protocol", "DER points", "p", "better", "equal", "worse"]
    caption = (
        f"{system_name(ours)} against the others, paired by recording: difference of DER (below 0: it is"
        " better) with its 95 % bootstrap interval; Wilcoxon's p; recordings better, equal, worse"
    )
    return Table(caption, header, rows, names=2)


def _count_table(name: str, figures: Figures) -> Table:
    counts = count_table(zip(figures.speakers.tolist(), figures.found.tolist(), strict=True))
    columns = sorted({found for row in counts.values() for found in row})
    most = max(times for row in counts.values() for times in row.values())
    rows = [
        [Cell(str(there), there)]
        + [
            Cell(str(row.get(found, "")), row.get(found, 0), below="right" if found == there else "",
                 bar=[("count", 100 * row.get(found, 0) / most)])
            for found in columns
        ]
        for there, row in sorted(counts.items())
    ]  # fmt: skip
    return Table(name, ["speakers", *map(str, columns)], rows)


def recording_table(
    recordings: Mapping[str, float],
    there: Mapping[str, int],
    found: Mapping[str, Mapping[str, int]],
    ders: Mapping[str, Mapping[str, float]],
    names: Mapping[str, str],
) -> Table:
    """One row a recording.

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
        cells = [Cell(recording), Cell(clock(seconds), seconds)]
        cells += [Cell("-" if count is None else str(count), count)] if there else []
        for system, counts in found.items():
            speakers = counts.get(recording, 0)
            cells.append(Cell(str(speakers), speakers))
            cells += [_percent(ders[system].get(recording))] if system in ders else []
        rows.append(cells)
    return Table("Recordings: choose one to see and hear it", header, rows)


def versions() -> dict[str, str]:
    """Of the recipe, of Python, and of the packages that results depend on."""
    found = {"dec-diarization": _version("dec-diarization"), "Python": platform.python_version()}
    return found | {name: _version(name) for name in PACKAGES} | {"machine": platform.platform()}


def configurations(exp: Path, directories: Sequence[Path]) -> dict[str, str]:
    """config.yaml of each of these directories that has one, by its name below ``exp``."""
    files = {path.relative_to(exp).as_posix(): path / "config.yaml" for path in directories}
    return {name: file.read_text(encoding="utf-8") for name, file in files.items() if file.exists()}


def clock(seconds: float) -> str:
    """h:mm:ss, or m:ss below an hour, rounded."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _percent(value: float | None, below: str = "") -> Cell:
    return Cell(text.number(value), value, below)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "-"
