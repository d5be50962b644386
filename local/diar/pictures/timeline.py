"""Timelines: the reference above hypotheses on one time axis, with the errors below each.

Each speaker has a lane. Paired speakers have the same colour, and the lanes of a hypothesis are in the
order of those of the reference. Nothing is drawn wider than its duration. If a printed point is more than
two seconds, errors are drawn as shares of time: a viewer that draws each of many short errors as a line
would exaggerate them.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MultipleLocator

from diar.base import colours
from diar.base.errors import DataError
from diar.base.numbers import clock
from diar.base.regions import speakers_in_order, union
from diar.base.types import Region, Turn
from diar.pictures import canvas
from diar.scoring.error_segments import ErrorSegments, find_errors

# Inches: a speaker, a kind of error, the space between both, a panel's title, the time axis, a tick.
_LANE, _ROW, _GAP, _TITLE, _AXIS, _TICK = 0.15, 0.095, 0.05, 0.22, 0.42, 0.62
_TALLEST = 9.0  # inches that all lanes may take; beyond, each is lower
_LOWEST = 0.03
_STEPS = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),
    *(60 * m for m in (1, 2, 5, 10, 15, 30, 60, 120, 360)),
)  # seconds
_SHARES = 2.0  # seconds in a point of print: from here on errors are shares of time
_OUTSIDE = "0.9"  # the grey of what is not evaluated


@dataclass(frozen=True)
class Lane:
    """A speaker, their index in the palette, and their turns."""

    speaker: str
    place: int
    turns: tuple[Turn, ...]

    @property
    def name(self) -> str:
        """The speaker's name without the recording id that this recipe prepends."""
        return self.speaker.removeprefix(f"{self.turns[0].recording}_")


@dataclass(frozen=True)
class Panel:
    """Reference or a hypothesis, its lanes from the top, and its errors if known."""

    title: str
    lanes: tuple[Lane, ...]
    wrong: ErrorSegments | None = None


@dataclass(frozen=True)
class Profile:
    """Errors drawn as shares of time.

    edges: (n + 1,) of intervals of ``step`` seconds, the last may be shorter. full: the share that fills a
    row.
    """

    edges: np.ndarray
    full: float
    step: float


def shares_of(wrong: Sequence[tuple[float, float, int]], edges: np.ndarray) -> np.ndarray:
    """Compute the share of each interval between edges (n + 1,) with errors, (n,) from 0 to 1."""
    spans = [(start, end) for start, end, _ in wrong]
    return seconds_within(spans, edges[:-1], edges[1:]) / np.diff(edges)


def panels(
    reference: Sequence[Turn] | None,
    hypotheses: Iterable[tuple[str, Sequence[Turn]]],
    regions: Sequence[Region] | None = None,
) -> list[Panel]:
    """Make the panels of one recording; without a reference, the first hypothesis sets the colours.

    Args:
        reference: its turns; None without a reference.
        hypotheses: (title, turns) of each.
        regions: the evaluated regions; None: from 0 to the last turn of reference or hypothesis.
    """
    sides = [*([("reference", reference)] if reference is not None else []), *hypotheses]
    (title, first), *others = sides
    speakers = speakers_in_order(first)
    result = [Panel(title, _lanes(first, {name: i for i, name in enumerate(speakers)}))]
    for title, turns in others:
        wrong = find_errors(first, turns, regions or whole_extent(first, turns))
        places = colours.places(speakers, speakers_in_order(turns), wrong.pairs)[1]
        result.append(Panel(title, _lanes(turns, places), None if reference is None else wrong))
    return result


def whole_extent(*sides: Iterable[Turn]) -> list[Region]:
    """Return the region from 0 to the last turn of any side, if there is one."""
    last = max((turn.end for side in sides for turn in side), default=0.0)
    return [Region(0.0, last)] if last else []


def seconds_within(
    spans: Sequence[tuple[float, float]], starts: np.ndarray, ends: np.ndarray
) -> np.ndarray:
    """Count the (n,) seconds of each window [start, end) within sorted disjoint (start, end) spans."""
    if not len(spans):
        return np.zeros(len(starts))
    edges = np.asarray(spans, dtype=np.float64)
    lengths = np.diff(edges)[:, 0]
    until = np.stack([np.zeros_like(lengths), lengths], axis=1).ravel().cumsum()  # at each edge
    return np.interp(ends, edges.ravel(), until) - np.interp(starts, edges.ravel(), until)


def _lanes(turns: Sequence[Turn], places: dict[str, int]) -> tuple[Lane, ...]:
    return tuple(
        Lane(name, place, tuple(turn for turn in turns if turn.speaker == name))
        for name, place in sorted(places.items(), key=lambda item: item[1])
    )


@canvas.style
def draw(
    figure: Figure,
    sides: Sequence[Panel],
    regions: Sequence[Region] | None = None,
    span: tuple[float, float] | None = None,
) -> None:
    """Draw panels one below the other; the height of the figure is set to fit them.

    Args:
        regions: the evaluated regions; the rest is grey.
        span: start and end in seconds; None: all. Lanes without a turn in it are left out.

    Raises:
        DataError: there is nothing.
    """
    start, end = span or extent(sides, regions)
    sides = [_within(side, start, end) for side in sides]
    width = figure.get_figwidth()
    titles = [textwrap.fill(side.title, int(0.85 * width / canvas.LETTER)) for side in sides]
    lines = sum(1 + title.count("\n") for title in titles)
    point = (end - start) / (72 * width)
    profile = _profile(sides, start, end, point) if point > _SHARES else None
    lane, row = _lane_height(sides), 1.7 * _ROW if profile else _ROW
    heights = [_height(side, lane, row) for side in sides]
    figure.set_size_inches(width, sum(heights) + _TITLE * lines + _AXIS)
    axes = figure.subplots(len(sides), sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    outlined = _wide(sides, point)
    outside = _gaps(regions, start, end)
    for axis, side, title, height in zip(axes, sides, titles, heights, strict=True):
        _dress(axis, title, height, last=axis is axes[-1])
        _draw_lanes(axis, side, lane, outlined)
        middles = _draw_errors(axis, side, height, row, profile)
        _name_rows(axis, side, lane, middles)
        for before, after in outside:
            axis.axvspan(before, after, color=_OUTSIDE, linewidth=0, zorder=0)
    _time_axis(axes[-1], start, end, width, profile)
    if outside:
        canvas.legend(figure, [Patch(color=_OUTSIDE, label="not evaluated")])


def extent(sides: Sequence[Panel], regions: Sequence[Region] | None = None) -> tuple[float, float]:
    """Return seconds from 0 to the last turn, or to the end of the evaluated regions if later.

    Raises:
        DataError: there is nothing.
    """
    ends = [turn.end for side in sides for lane in side.lanes for turn in lane.turns]
    last = max([*ends, *(region.end for region in regions or [])], default=0.0)
    if not last:
        raise DataError("nobody speaks on any side: nothing to draw")
    return 0.0, last


def _within(side: Panel, start: float, end: float) -> Panel:
    lanes = (
        replace(lane, turns=tuple(t for t in lane.turns if t.start < end and t.end > start))
        for lane in side.lanes
    )
    return replace(side, lanes=tuple(lane for lane in lanes if lane.turns))


def _lane_height(sides: Sequence[Panel]) -> float:
    """Return inches; smaller if there are more speakers than fit on a page."""
    count = sum(max(len(side.lanes), 1) for side in sides)
    return max(_LOWEST, min(_LANE, _TALLEST / count))


def _wide(sides: Sequence[Panel], point: float) -> bool:
    """Return whether most turns have room for an outline and a hatch, given the seconds per point."""
    turns = [turn.duration for side in sides for lane in side.lanes for turn in lane.turns]
    return bool(turns) and float(np.median(turns)) > 3 * point


def _height(side: Panel, lane: float, row: float) -> float:
    strip = _GAP + row * len(colours.ERRORS) if side.wrong else 0.0
    return lane * max(len(side.lanes), 1) + strip


def _dress(axis: Axes, title: str, height: float, last: bool) -> None:
    """Set up axes with a given height and distance from the top, with a time axis if they are the last."""
    axis.set_title(title, loc="center", x=0, ha="left")  # what get_title() returns
    axis.set_ylim(height, 0)
    axis.tick_params(axis="y", length=0)
    axis.tick_params(axis="x", length=2.5 * last)
    axis.spines["left"].set_visible(False)
    axis.spines["bottom"].set_visible(last)
    axis.grid(True)


def _draw_lanes(axis: Axes, side: Panel, lane: float, outlined: bool) -> None:
    """Draw lanes on a vertical axis of inches."""
    for i, row in enumerate(side.lanes):
        colour, hatch = colours.style(row.place)
        spans = [(turn.start, turn.duration) for turn in row.turns]
        axis.broken_barh(
            spans, (lane * (i + 0.08), lane * 0.84), facecolor=colour, label=row.speaker, snap=False,
            edgecolor=canvas.darken(colour), linewidth=0.3 * outlined, hatch=3 * outlined * hatch,
        )  # fmt: skip
    if not side.lanes:
        middle = axis.get_yaxis_transform()
        axis.text(0.5, lane / 2, "no turns", transform=middle, ha="center", va="center")


def _draw_errors(
    axis: Axes, side: Panel, height: float, row: float, profile: Profile | None
) -> np.ndarray:
    """Draw a row of each kind at the bottom of a panel of this height; return the rows' centres."""
    if side.wrong is None:
        return np.zeros(0)
    feet = height - row * (np.arange(len(colours.ERRORS))[::-1] + 0.06)
    for foot, (kind, stretches) in zip(feet, side.wrong.segments.items(), strict=True):
        look: dict[str, Any] = {
            "color": colours.ERRORS[kind], "linewidth": 0, "label": kind, "snap": False,
        }  # fmt: skip
        if profile is None:
            spans = [(start, end - start) for start, end, _ in stretches]
            axis.broken_barh(spans, (foot, -0.88 * row), **look)
        else:
            tops = foot - 0.88 * row * shares_of(stretches, profile.edges) / profile.full
            axis.stairs(tops, profile.edges, baseline=foot, fill=True, **look)
    return feet - 0.44 * row


def _name_rows(axis: Axes, side: Panel, lane: float, errors: np.ndarray) -> None:
    """Write speakers beside their lanes, and kinds of errors at these heights."""
    names = [canvas.shorten(row.name) for row in side.lanes]
    ticks = [*(lane * (np.arange(len(names)) + 0.5)), *errors]
    kinds = list(colours.ERRORS) if len(errors) else []
    axis.set_yticks(ticks, names + kinds, fontsize=min(canvas.SMALL, 65 * lane))
    for tick in axis.yaxis.get_major_ticks()[len(names) :]:
        tick.label1.set(color="0.3", fontsize=canvas.SMALL)
        tick.gridline.set_visible(False)


def _profile(sides: Sequence[Panel], start: float, end: float, point: float) -> Profile | None:
    """Divide time into intervals of three points or more; None if no errors are known."""
    step = next((s for s in _STEPS if s >= 3 * point), _STEPS[-1])
    count = math.ceil((end - start) / step - 1e-6)
    edges = np.append(start + step * np.arange(count), end)
    kinds = [wrong for side in sides if side.wrong for wrong in side.wrong.segments.values()]
    if not kinds:
        return None
    full = max(float(shares_of(wrong, edges).max()) for wrong in kinds)
    return Profile(edges, full or 1.0, step)


def _gaps(regions: Sequence[Region] | None, start: float, end: float) -> list[tuple[float, float]]:
    """Find the parts of the span outside of the regions; none without regions."""
    if not regions:
        return []
    edges = np.clip([start, *np.ravel(union(regions)), end], start, end).reshape(-1, 2)
    return [(float(a), float(b)) for a, b in edges if b > a]


def _time_axis(axis: Axes, start: float, end: float, width: float, profile: Profile | None) -> None:
    """Label round times, h:mm:ss, as densely as they fit."""
    step = next((s for s in _STEPS if (end - start) / s * _TICK <= width), (end - start) / 4)
    decimals = int(step < 1)
    axis.set_xlim(start, end)
    axis.xaxis.set_major_locator(MultipleLocator(step))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: clock(seconds, decimals)))
    label = "time (h:mm:ss)"
    if profile:
        label += (
            f"\nerrors: share of every {profile.step:g} s, full height {100 * profile.full:.0f} %"
        )
    axis.set_xlabel(label)
