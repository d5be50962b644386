"""How the refinement of one recording went: its loss, and how many windows changed their cluster."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from diar import colours
from diar.errors import DataError
from diar.kaldi_data import records
from diar.numbers import number_in
from diar.pictures import page
from diar.scoring import listed

_PANEL, _REST = 1.15, 0.5  # inches: a panel, what is around all


@dataclass(frozen=True)
class History:
    """n steps: their numbers, losses, and shares (0 to 1) of windows that changed; nan: not known."""

    steps: np.ndarray
    loss: np.ndarray
    changed: np.ndarray


def read_history(path: str | Path, recording: str) -> History:
    """The steps of one recording from a file '<recording> <step> <loss> <changed>', '-' for no value.

    Raises:
        DataError: no such file, a malformed line, or no step of the recording.
    """
    rows: list[list[float]] = []
    others: dict[str, None] = {}
    for number, fields in records(path):
        if len(fields) != 4:
            raise DataError(
                f"expected '<recording> <step> <loss> <changed>', found {len(fields)} field(s)", path, number
            )  # fmt: skip
        others[fields[0]] = None
        if fields[0] == recording:
            values = [np.nan if text == "-" else number_in(text) for text in fields[1:]]
            bad = [t for t, v in zip(fields[1:], values, strict=True) if np.isnan(v) and t != "-"]
            if bad or fields[1] == "-":
                raise DataError(f"{(bad or ['-'])[0]!r} is not a number", path, number)
            rows.append(values)
    if not rows:
        raise DataError(
            f"no steps of {recording!r}, for one cluster leaves nothing to refine; there are"
            f" those of {listed(list(others))}", path
        )  # fmt: skip
    return History(*np.array(sorted(rows)).T)


@page.style
def draw(figure: Figure, history: History) -> None:
    """Curves over the steps, of what is known; the height of the figure becomes what they need.

    A step without a loss, where others have one, is no training: it is a dotted line.

    Raises:
        DataError: nothing is known.
    """
    curves = {"loss": history.loss, "cluster changed\n(% of windows)": 100 * history.changed}
    curves = {name: values for name, values in curves.items() if np.isfinite(values).any()}
    if not curves:
        raise DataError("neither losses nor changes are known: nothing to draw")
    figure.set_size_inches(figure.get_figwidth(), _PANEL * len(curves) + _REST)
    axes = figure.subplots(len(curves), sharex=True, squeeze=False)[:, 0]
    between = history.steps[np.isnan(history.loss)] if "loss" in curves else []
    for axis, (name, values), colour in zip(axes, curves.items(), colours.SPEAKERS, strict=False):
        axis.plot(
            history.steps, values, color=colour, marker="o", markersize=2, label=name, clip_on=False
        )
        for i, step in enumerate(between):
            label = "_" if i else "clusters decided anew"
            axis.axvline(step, color="0.4", linestyle=":", linewidth=0.8, zorder=0, label=label)
        axis.set_ylabel(name)
        axis.grid(True)
    if np.isfinite(history.changed).any():
        axes[-1].set_ylim(0, max(1.0, 110 * np.nanmax(history.changed)))
    figure.align_ylabels()
    axes[-1].set_xlabel("step of the refinement")
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(between):
        page.legend(figure, [axes[0].lines[1]])
