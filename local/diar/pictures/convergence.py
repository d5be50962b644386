"""Convergence of the refinement of one recording: its loss, and the windows that changed cluster."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from diar.base import colours
from diar.base.errors import DataError
from diar.base.types import Step
from diar.pictures import canvas

_PANEL, _REST = 1.15, 0.5  # inches: a panel, what is around all


@canvas.style
def draw(figure: Figure, history: Sequence[Step]) -> None:
    """Draw the known curves over the steps; the height of the figure is set to fit them.

    A step without a loss, if others have one, is not a training step: it is a dotted line.

    Raises:
        DataError: nothing is known.
    """
    loss, changed = np.array(history).T
    steps = np.arange(1, len(history) + 1)
    curves = {"loss": loss, "cluster changed\n(% of windows)": 100 * changed}
    curves = {name: values for name, values in curves.items() if np.isfinite(values).any()}
    if not curves:
        raise DataError("neither losses nor changes are known: nothing to draw")
    figure.set_size_inches(figure.get_figwidth(), _PANEL * len(curves) + _REST)
    axes = figure.subplots(len(curves), sharex=True, squeeze=False)[:, 0]
    between = steps[np.isnan(loss)] if "loss" in curves else []
    for axis, (name, values), colour in zip(axes, curves.items(), colours.SPEAKERS, strict=False):
        axis.plot(steps, values, color=colour, marker="o", markersize=2, label=name, clip_on=False)
        for i, step in enumerate(between):
            label = "_" if i else "clusters decided anew"
            axis.axvline(step, color="0.4", linestyle=":", linewidth=0.8, zorder=0, label=label)
        axis.set_ylabel(name)
        axis.grid(True)
    if np.isfinite(changed).any():
        axes[-1].set_ylim(0, max(1.0, 110 * np.nanmax(changed)))
    figure.align_ylabels()
    axes[-1].set_xlabel("step of the refinement")
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(between):
        canvas.legend(figure, [axes[0].lines[1]])
