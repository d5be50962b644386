"""Latents of one recording's windows in the plane of their principal components.

Latents before and after a refinement are shown in one plane, computed from both together, so that
movements are visible.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.optimize import linear_sum_assignment
from sklearn.decomposition import PCA

from diar.base import colours
from diar.base.errors import DataError
from diar.base.regions import TOUCH, union
from diar.base.types import Subsegments, Turn
from diar.pictures import canvas
from diar.pictures.timeline import seconds_within

_MANY = 5000  # points; more are a bitmap within a PDF, which would be slow to show
_TITLE, _ENTRY, _LEFT, _BELOW = 0.2, 0.13, 0.2, 0.25  # inches: around a panel, a line of the legend
_NOBODY = ("#bbbbbb", ".")  # colour and marker of a window in which no speaker talks

# The speaker of each window, and the speakers' indices in the palette.
Labelling = tuple[Sequence[str | None], Mapping[str, int]]


def window_speakers(windows: Subsegments, turns: Sequence[Turn]) -> list[str | None]:
    """Find the main speaker of each of n windows of one recording; None for windows without speech."""
    names = sorted({turn.speaker for turn in turns})
    if not names:
        return [None] * len(windows)
    spans = [union((t.start, t.end) for t in turns if t.speaker == name) for name in names]
    seconds = np.stack([seconds_within(each, windows.starts, windows.ends) for each in spans])
    best = seconds.argmax(axis=0)
    return [names[i] if seconds[i, j] > TOUCH else None for j, i in enumerate(best)]


def pair_clusters(clusters: Sequence[str], speakers: Sequence[str | None]) -> dict[str, str]:
    """Pair clusters one-to-one with the reference speakers with whom they share most windows."""
    rows, columns = sorted(set(clusters)), sorted({name for name in speakers if name})
    common = Counter(zip(clusters, speakers, strict=True))
    table = np.array([[common[row, column] for column in columns] for row in rows])
    return {
        rows[i]: columns[j]
        for i, j in zip(*linear_sum_assignment(table, maximize=True), strict=True)
        if table[i, j]
    }


@canvas.style
def draw(
    figure: Figure,
    spaces: Mapping[str, np.ndarray],
    clusters: np.ndarray,
    speakers: Sequence[str | None] | None = None,
    order: Sequence[str] = (),
) -> None:
    """Draw a column for each space, a row by clusters and one by speakers.

    If there is only one space, clusters and speakers stand side by side.

    Args:
        spaces: title -> latents (n, l) of the same windows.
        clusters: (n,) ints, of the hypothesis.
        speakers: n, of the reference, see ``window_speakers``; None: there is no reference.
        order: reference speakers in the order of the colours (``diar.base.regions.speakers_in_order``).

    Raises:
        DataError: too few windows, or latents that are not finite or all equal.
    """
    planes, shares = _project(spaces)
    names = [str(cluster) for cluster in clusters]
    paired = pair_clusters(names, speakers) if speakers else {}
    ours, theirs = colours.places(order, map(str, np.unique(clusters)), paired)
    sides: dict[str, Labelling] = {"by cluster": (names, theirs)}
    if speakers:
        sides["by reference"] = (speakers, ours)
    limits = _limits(np.concatenate(list(planes.values())))
    axes = _panels(figure, len(spaces), len(sides), limits, _entries(sides.values()))
    panels = [(*side, *plane) for side in sides.items() for plane in planes.items()]
    for axis, (by, (labels, places), title, points) in zip(axes.flat, panels, strict=True):
        _scatter(axis, points, labels, places)
        axis.set_title(f"{title}, {by}")
    for axis in axes[-1]:
        axis.set_xlabel(f"PC 1 ({shares[0]:.0f} % of variance)")
    for axis in axes[:, 0]:
        axis.set_ylabel(f"PC 2 ({shares[1]:.0f} %)")


def _panels(
    figure: Figure, spaces: int, sides: int, limits: np.ndarray, entries: Sequence[Line2D]
) -> np.ndarray:
    """Make (rows, columns) of empty axes with limits [[x, x], [y, y]], above a legend of these entries."""
    columns = spaces if spaces > 1 else sides
    rows = spaces * sides // columns
    width = figure.get_figwidth()
    longest = max(len(str(entry.get_label())) for entry in entries)
    at_once = min(len(entries), max(1, int(width / (0.35 + canvas.LETTER * longest))))
    below = _ENTRY * (-(-len(entries) // at_once) + (sides > 1))
    across, up = np.diff(limits)[:, 0]
    height = (width - _LEFT) / columns * up / across
    figure.set_size_inches(width, rows * (height + _TITLE) + below + _BELOW)
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axis in axes.flat:
        axis.set(xlim=limits[0], ylim=limits[1], aspect="equal", xticks=[], yticks=[])
    canvas.legend(figure, entries, at_once, "cluster = reference" if sides > 1 else "cluster")
    return axes


def _project(spaces: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return (n, 2) of each space, and the share of the variance of each component, percent."""
    everything = np.concatenate(list(spaces.values())).astype(np.float64)
    count, size = len(everything) // len(spaces), everything.shape[1]
    if count < 3 or size < 2:
        raise DataError(f"latents of {count} window(s) x {size} dimension(s): too few for a figure")
    if not np.isfinite(everything).all():
        raise DataError("latents contain NaN or infinity: fit them again")
    if not np.ptp(everything, axis=0).any():
        raise DataError("all latents are equal: nothing to see")
    pca = PCA(2).fit(everything)
    planes = {name: pca.transform(z.astype(np.float64)) for name, z in spaces.items()}
    return planes, 100 * pca.explained_variance_ratio_


def _limits(points: np.ndarray) -> np.ndarray:
    """Find [[x, x], [y, y]] of axes with equal scales, with a margin; not flatter than 1:2."""
    low, high = points.min(axis=0), points.max(axis=0)
    extent = 1.08 * np.maximum(high - low, 1e-6)
    extent = np.maximum(extent, extent.max() / 2)
    middle = (low + high) / 2
    return np.stack([middle - extent / 2, middle + extent / 2], axis=1)


def _scatter(
    axis: Axes, points: np.ndarray, names: Sequence[str | None], places: Mapping[str, int]
) -> None:
    """Draw one series for each speaker, on top of the windows without a speaker."""
    for name in [None, *places]:
        x, y = points[[other == name for other in names]].T
        colour, marker = canvas.marker(places[name]) if name else _NOBODY
        axis.scatter(
            x, y, s=np.clip(3000 / len(points), 3, 12), color=colour, marker=marker, alpha=0.8,
            edgecolors=[canvas.darken(colour)], linewidths=0.2, label=name or "nobody",
            rasterized=len(points) > _MANY,
        )  # fmt: skip


def _entries(sides: Iterable[Labelling]) -> list[Line2D]:
    """Make the legend: each visible colour of the palette, with its speaker on each side."""
    who: dict[int, list[str]] = {}
    nobody = False
    for names, places in sides:
        nobody |= None in names
        for name in places.keys() & set(names):
            who.setdefault(places[name], []).append(canvas.shorten(name))
    entries = [(*canvas.marker(place), " = ".join(who[place])) for place in sorted(who)]
    if nobody:
        entries.append((*_NOBODY, "nobody"))
    return [
        Line2D([], [], linestyle="", color=colour, marker=marker, markersize=4, label=label)
        for colour, marker, label in entries
    ]
