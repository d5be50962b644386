"""The label grid of the published method: one label every ``step`` seconds.

Window i begins at sample i * step, and its label stands for the cell [(i - 0.5) step,
(i + 0.5) step). Speech marks cells in whole samples, so that no cell
depends on the rounding of decimal fractions.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from diar.base.errors import DataError
from diar.base.types import SAMPLE_RATE, Turn

SILENCE = -1  # the published label of silence


def cells_of(start: float, end: float, step: float, rate: int = SAMPLE_RATE) -> range:
    """Find the indices of the cells that the region [start, end) marks.

    They are floor((start + step/2) / step) up to, but excluding, floor((end + step/2) / step), so
    a region shorter than a step may mark none, and adjacent regions share none.

    Args:
        start, end: seconds, 0 <= start <= end.
        step: seconds between windows, a whole number of samples.
        rate: samples per second.

    Raises:
        DataError: ``step`` is not positive or not a whole number of samples.
    """
    size = step_samples(step, rate)
    first, last = ((2 * round(t * rate) + size) // (2 * size) for t in (start, end))
    return range(first, last)


def count_cells(duration: float, step: float, rate: int = SAMPLE_RATE) -> int:
    """Count the windows of a recording of ``duration`` seconds: len(range(0, samples, step))."""
    return len(range(0, round(duration * rate), step_samples(step, rate)))


def step_samples(step: float, rate: int = SAMPLE_RATE) -> int:
    """Convert ``step`` (seconds) to samples.

    Raises:
        DataError: not positive, or not a whole number of samples.
    """
    size = round(step * rate)
    if size < 1 or abs(size - step * rate) > 1e-6 * rate:
        raise DataError(f"a step of {step} s is not a whole number of samples at {rate} Hz")
    return size


def turns_from_cells(
    recording: str, labels: Sequence[int] | np.ndarray, step: float, duration: float
) -> list[Turn]:
    """Make the turns of a recording from one label per cell; equal neighbours are joined.

    Args:
        recording: its id.
        labels: (n,) ints, the speaker of each cell, -1 (``SILENCE``) where nobody speaks.
        step: seconds between windows.
        duration: seconds; the first and the last turn are clipped to [0, duration].

    Returns:
        Turns in time order, speakers named by their label; each has a positive duration.

    Raises:
        DataError: more labels than the recording has windows.
    """
    cells = count_cells(duration, step)
    if len(labels) > cells:
        raise DataError(
            f"{recording}: {len(labels)} labels, but {duration:.3f} s have only {cells} windows of {step} s"
        )
    turns = []
    first = 0
    for label, run in groupby(int(x) for x in labels):
        last = first + sum(1 for _ in run)
        if label != SILENCE:
            start, end = max(0.0, (first - 0.5) * step), min(duration, (last - 0.5) * step)
            turns.append(Turn(recording, start, end - start, str(label)))
        first = last
    return turns


def activity(turns: Sequence[Turn], step: float, duration: float) -> tuple[np.ndarray, list[str]]:
    """Mark who speaks in each cell of a recording.

    Args:
        turns: of one recording, overlapping or not.
        step: seconds between windows.
        duration: seconds.

    Returns:
        (n, k) uint8, 1 where the speaker marks the cell, and the k speakers, sorted.
    """
    speakers = sorted({turn.speaker for turn in turns})
    marks = np.zeros((count_cells(duration, step), len(speakers)), dtype=np.uint8)
    for turn in turns:
        cells = cells_of(turn.start, turn.end, step)
        marks[cells.start : cells.stop, speakers.index(turn.speaker)] = 1
    return marks, speakers
