"""The published module ``utils``: the data set, RTTM output, metrics and a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from diar.base import arguments
from diar.base.errors import DataError
from diar.base.types import Turn
from diar.kaldi.rttm import read_rttm
from diar.published.dataset import DiarizationDataset
from diar.published.runs import annotation, make_rttm

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pyannote.core import Timeline
    from pyannote.metrics.diarization import DiarizationErrorRate

DiarizationDataSet = DiarizationDataset  # both spellings are published

__all__ = ["DiarizationDataSet", "DiarizationDataset", "get_metrics", "make_rttm", "plot_annot"]


def get_metrics(
    groundtruth_path: str | Path,
    hypothesis_path: str | Path,
    collar: float = 0.25,
    skip_overlap: bool = True,
) -> DiarizationErrorRate:
    """Compute the DER of a directory of RTTMs (or one file) against another.

    In the returned metric, ``abs(metric)`` is the DER, ``metric.report()`` the table, ``metric[:]`` the
    parts. A reference without a hypothesis counts as missed.

    Args:
        collar: seconds in pyannote's convention: half of it on each side of a boundary.
        skip_overlap: exclude regions where the reference has several speakers.

    Raises:
        TypeError, ValueError: an invalid argument.
        DataError: a path has no RTTMs, or the reference has no turns.
    """
    metric = _metric(collar, skip_overlap)
    groundtruth_path = arguments.path("groundtruth_path", groundtruth_path)
    hypothesis_path = arguments.path("hypothesis_path", hypothesis_path)
    reference = read_rttm(groundtruth_path)
    empty = hypothesis_path.is_dir() and not any(hypothesis_path.glob("*.rttm"))
    hypothesis = {} if empty else read_rttm(hypothesis_path)
    if not reference:
        raise DataError("no turns in the reference", groundtruth_path)
    for name, turns in reference.items():
        theirs = hypothesis.get(name, [])
        metric(annotation(name, turns), annotation(name, theirs), uem=_extent([*turns, *theirs]))
    return metric


def plot_annot(
    name: str = "IS1009a",
    collar: float = 0.25,
    skip_overlap: bool = True,
    groundtruth_path: str | Path | None = None,
    hypothesis_path: str | Path | None = None,
) -> Figure:
    """Draw the reference above the hypothesis on one time axis; return the figure.

    Mapped speakers have the same colour. Below the hypothesis are its errors, without a collar and with
    overlap. In a notebook the figure is displayed, like any figure of pyplot.

    Args:
        name: the recording.
        collar, skip_overlap: for the DER in the title, see ``get_metrics``.
        groundtruth_path, hypothesis_path: RTTM files or directories of them.

    Raises:
        TypeError, ValueError: an argument that cannot be; the two paths cannot be None.
        DataError: a path has no RTTMs, or the reference lacks the recording.
    """
    arguments.text("name", name, "the name of a recording")
    metric = _metric(collar, skip_overlap)
    groundtruth_path = arguments.path("groundtruth_path", groundtruth_path)
    hypothesis_path = arguments.path("hypothesis_path", hypothesis_path)
    import matplotlib.pyplot as plt

    from diar.pictures import canvas, timeline

    turns = read_rttm(groundtruth_path).get(name, [])
    if not turns:
        raise DataError(f"no turns of recording {name!r}", groundtruth_path)
    theirs = read_rttm(hypothesis_path).get(name, [])
    sides = annotation(name, turns), annotation(name, theirs)
    der = 100 * metric(*sides, uem=_extent([*turns, *theirs]))

    figure = plt.figure(figsize=(canvas.PAGE, 1), dpi=140, layout="constrained")
    timeline.draw(figure, timeline.panels(turns, [("hypothesis", theirs)]))
    figure.suptitle(f"{name}: DER {der:.2f} %", fontsize=8)
    return figure


def _metric(collar: float, skip_overlap: bool) -> DiarizationErrorRate:
    collar = arguments.number("collar", collar)
    skip_overlap = arguments.truth("skip_overlap", skip_overlap)
    from pyannote.metrics.diarization import DiarizationErrorRate

    return DiarizationErrorRate(collar=collar, skip_overlap=skip_overlap)


def _extent(turns: list[Turn]) -> Timeline:
    from pyannote.core import Segment, Timeline

    return Timeline([Segment(0.0, max(turn.end for turn in turns))])
