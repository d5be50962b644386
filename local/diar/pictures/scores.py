"""Scores of systems: DER with its parts as bars, and the numbers of speakers found."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from math import nan
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import withStroke

from diar.base.colours import ERRORS
from diar.base.errors import DataError
from diar.pictures import canvas
from diar.scoring.comparison import der_interval
from diar.scoring.frame import (
    PARTS,
    count_speakers,
    other_seeds,
    read_experiment,
    split,
    totals,
)
from diar.scoring.systems import describe_protocols, of_seeds, read_summaries, system_name

_BAR, _AROUND, _LEGEND = 0.19, 0.5, 0.2  # inches: a system, title and axis of a panel, the legend
_BESIDE = 1.7  # inches that a panel takes at least where there are several side by side
_LARGEST = 0.26  # inches: a cell of the counts


def bars(exp: Path, name: str, protocols: Sequence[str] = ()) -> dict[str, pd.DataFrame]:
    """Find the bars of the systems of an experiment on one set, by the title of each protocol.

    Args:
        protocols: names of the protocols to show; none: the first.

    Returns:
        Tables with a row for each system, named as readers know it, of its first seed; columns: the parts of its DER,
        percent, and low, high, the ends of its bootstrap interval, nan if it has one recording.

    Raises:
        DataError: no scores, no such set or protocol.
    """
    frame = read_experiment(exp)
    rows = frame[frame["set"] == name]
    if rows.empty:
        sets = ", ".join(frame["set"].unique())
        raise DataError(f"no scores of set {name!r}; choose from: {sets}", exp)
    known = list(rows["protocol"].unique())
    if unknown := [protocol for protocol in protocols if protocol not in known]:
        raise DataError(f"no protocol {unknown[0]!r}; choose from: {', '.join(known)}", exp)
    words = describe_protocols(read_summaries(exp, name, rows["system"].unique()).values())
    names = {
        system: of_seeds(system_name(system), 1 + len(other_seeds(exp / system / name / "score")))
        for system in rows["system"].unique()
    }
    panels = {}
    for protocol in protocols or known[:1]:
        some = rows[rows["protocol"] == protocol]
        parts = totals(some, "system")[list(PARTS.values())].set_axis(list(PARTS), axis=1)
        limits = {s: der_interval(x) or (nan, nan) for s, x in split(some, "system").items()}
        ends = pd.DataFrame.from_dict(limits, orient="index", columns=["low", "high"])
        systems = parts.dropna().join(ends).rename(names)  # not where no speech is scored
        if len(systems):
            panels[f"{protocol}: {words[protocol]}"] = systems
    return panels


@canvas.style
def draw_bars(figure: Figure, panels: Mapping[str, pd.DataFrame]) -> None:
    """Draw a panel for each protocol, side by side where the figure is wide enough, with a bar for each system.

    Args:
        panels: the result of ``bars``.

    Raises:
        DataError: there is no bar.
    """
    if not panels:
        raise DataError("no speech is scored: no DER to draw")
    names = list(dict.fromkeys(name for systems in panels.values() for name in systems.index))
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
    canvas.legend(figure, [Patch(color=ERRORS[kind], label=kind) for kind in PARTS])


def _draw_panel(axis: Axes, systems: pd.DataFrame, names: Sequence[str]) -> None:
    parts = systems[list(PARTS)]
    ders = parts.sum(axis=1)
    ends = systems["high"].fillna(0).clip(lower=ders)
    places = [names.index(name) for name in systems.index]
    lefts = parts.cumsum(axis=1) - parts
    for kind in PARTS:
        axis.barh(places, parts[kind], 0.72, lefts[kind], color=ERRORS[kind], label=kind)
    for y, name in zip(places, systems.index, strict=True):
        low, high = systems.loc[name, ["low", "high"]]
        axis.plot(
            [low, high], [y, y], color="black", linewidth=0.8, marker="|", markersize=5,
            path_effects=[withStroke(linewidth=1.5, foreground="white")],
        )  # fmt: skip
        at = ends[name] + 0.02 * ends.max()
        axis.text(at, y, f"{ders[name]:.1f}", va="center", fontsize=canvas.SMALL)
    axis.set(xlim=(0, 1.17 * ends.max() or 1), ylim=(len(names) - 0.5, -0.5), xlabel="DER (%)")
    axis.set_yticks(range(len(names)), names)
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="x")


@canvas.style
def draw_counts(figure: Figure, title: str, rows: pd.DataFrame) -> None:
    """Draw the recordings by speakers in the reference (down) and found (across); the diagonal is right.

    Args:
        rows: the scores of a system under one protocol.
    """
    seen = rows[["speakers", "speakers_found"]]
    numbers = range(seen.to_numpy().min(), seen.to_numpy().max() + 1)
    cells = count_speakers(rows).reindex(index=numbers, columns=numbers, fill_value=0).to_numpy()
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
    axis.set_title(f"{title}: right in {cells.trace()} of {len(rows)} recordings")
