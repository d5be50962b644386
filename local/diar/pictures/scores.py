"""Scores of systems: DER with its parts as bars, and the numbers of speakers that were found."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import withStroke

from diar.base.colours import ERRORS
from diar.base.errors import DataError
from diar.pictures import canvas
from diar.scoring.comparison import Figures, rate_interval, read_figures
from diar.scoring.rates import count_table
from diar.scoring.systems import collect, protocol_names, system_name

_PARTS = {"miss": "miss_%", "false alarm": "fa_%", "confusion": "conf_%"}
_BAR, _AROUND, _LEGEND = 0.19, 0.5, 0.2  # inches: a system, title and axis of a panel, the legend
_BESIDE = 1.7  # inches that a panel takes at least where there are several side by side
_LARGEST = 0.26  # inches: a cell of the counts


@dataclass(frozen=True)
class Bar:
    """DER of a system in percent, by parts, with its bootstrap interval if it has several recordings."""

    system: str
    parts: dict[str, float]
    interval: tuple[float, float] | None

    @property
    def total(self) -> float:
        return sum(self.parts.values())


def bars(exp: Path, name: str, protocols: Sequence[str] = ()) -> dict[str, list[Bar]]:
    """Bars of the systems of an experiment on one set, by the title of each protocol.

    Args:
        protocols: names of those to show; none: the first.

    Raises:
        DataError: no scores, no such set or protocol.
    """
    sets = collect(exp)
    if name not in sets:
        raise DataError(f"no scores of a set {name!r}; there are: {', '.join(sets)}", exp)
    systems = sets[name]
    known = protocol_names(systems)
    if unknown := [protocol for protocol in protocols if protocol not in known]:
        raise DataError(f"no protocol {unknown[0]!r}; there are: {', '.join(known)}", exp)
    figures = {system: read_figures(exp / system / name / "score") for system in systems}
    found: dict[str, list[Bar]] = {}
    for protocol in protocols or known[:1]:
        for system, summary in systems.items():
            totals = summary["protocols"].get(protocol)
            scored = figures[system].get(protocol)
            if not totals or not scored or not scored.scored.any():  # not scored so, or no speech
                continue
            parts = {kind: totals[key] for kind, key in _PARTS.items()}
            bar = Bar(system_name(system), parts, rate_interval(scored.error, scored.scored))
            found.setdefault(f"{protocol}: {totals['words']}", []).append(bar)
    return found


@canvas.style
def draw_bars(figure: Figure, panels: Mapping[str, Sequence[Bar]]) -> None:
    """A panel for each protocol, a bar for each system, side by side where the figure is wide enough.

    Raises:
        DataError: there is no bar.
    """
    if not panels:
        raise DataError("no speech is scored: no DER to draw")
    names = list(dict.fromkeys(bar.system for systems in panels.values() for bar in systems))
    left = 0.3 + canvas.LETTER * max(map(len, names))
    width = figure.get_figwidth() - left
    columns = max(1, min(len(panels), int(width / _BESIDE)))
    rows = -(-len(panels) // columns)
    titles = [
        textwrap.fill(title, max(8, int(width / columns / canvas.LETTER))) for title in panels
    ]
    tall = len(names) * _BAR + _AROUND + 0.11 * max(title.count("\n") for title in titles)
    figure.set_size_inches(left + width, rows * tall + _LEGEND)
    axes = list(figure.subplots(rows, columns, sharey=True, squeeze=False).flat)
    for axis, title, systems in zip(axes, titles, panels.values(), strict=False):
        _draw_panel(axis, systems, names)
        axis.set_title(title)
    for axis in axes[len(panels) :]:
        axis.remove()
    canvas.legend(figure, [Patch(color=ERRORS[kind], label=kind) for kind in _PARTS])


def _draw_panel(axis: Axes, systems: Sequence[Bar], names: Sequence[str]) -> None:
    ends = [max((bar.total, *(bar.interval or ()))) for bar in systems]
    for bar, end in zip(systems, ends, strict=True):
        y, left = names.index(bar.system), 0.0
        for kind, value in bar.parts.items():
            axis.barh(y, value, 0.72, left, color=ERRORS[kind], label=kind)
            left += value
        if bar.interval:
            axis.plot(
                bar.interval, [y, y], color="black", linewidth=0.8, marker="|", markersize=5,
                path_effects=[withStroke(linewidth=1.5, foreground="white")],
            )  # fmt: skip
        axis.text(end + 0.02 * max(ends), y, f"{bar.total:.1f}", va="center", fontsize=canvas.SMALL)
    axis.set(xlim=(0, 1.17 * max(ends) or 1), ylim=(len(names) - 0.5, -0.5), xlabel="DER (%)")
    axis.set_yticks(range(len(names)), names)
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="x")


@canvas.style
def draw_counts(figure: Figure, title: str, figures: Figures) -> None:
    """Recordings by speakers in the reference (rows) and found (columns); the diagonal is right."""
    table = count_table(zip(figures.speakers.tolist(), figures.found.tolist(), strict=True))
    seen = [*table, *(found for row in table.values() for found in row)]
    numbers = range(min(seen), max(seen) + 1)
    cells = np.array([[table.get(row, {}).get(column, 0) for column in numbers] for row in numbers])
    size = min(_LARGEST, (figure.get_figwidth() - 0.6) / len(numbers))
    figure.set_size_inches(figure.get_figwidth(), size * len(numbers) + 0.75)
    axis = figure.subplots()
    edges = np.arange(len(numbers) + 1) + numbers[0] - 0.5
    axis.pcolormesh(edges, edges, cells, cmap="Greys", vmin=0, vmax=2 * cells.max())
    for number in numbers:
        corner = (number - 0.5, number - 0.5)
        axis.add_patch(Rectangle(corner, 1, 1, fill=False, linewidth=0.8, clip_on=False))
    for (row, column), count in np.ndenumerate(cells):
        if count:
            axis.text(
                numbers[column], numbers[row], str(count),
                ha="center", va="center", fontsize=min(canvas.SMALL, 40 * size),
            )  # fmt: skip
    axis.set(aspect="equal", xlabel="speakers found", ylabel="speakers in the reference")
    axis.invert_yaxis()
    ticks = numbers[:: int(np.ceil(0.14 / size))]
    axis.set(xticks=ticks, yticks=ticks)
    right = int((figures.speakers == figures.found).sum())
    axis.set_title(f"{title}: right in {right} of {len(figures.speakers)} recordings")
