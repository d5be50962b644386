"""Windows: the subsegments of speech that get one x-vector each.

There are two layouts. ``regions``, the default, cuts inside each speech region, so that no window includes
silence or another region. ``grid`` is the layout of the published method: one grid over the whole
recording, with windows centred on it, kept if their cell is speech.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from diar.base.config import load
from diar.base.types import Region, Subsegments
from diar.xvectors.grid import cells_of, step_samples
from diar.xvectors.neighbours import NeighbourConfig

MILLISECOND = 0.001  # times in files are whole milliseconds: closer ones are the same


@dataclass(frozen=True)
class XVectorConfig:
    """How x-vectors are made.

    extractor: a name in ``diar.extractors``; options: its options; dim: size of its
    vectors, None for any (a finished x-vector directory states it);
    layout, window, step: the windows, seconds.
    coarse_step: 'regions' are first cut at this step (seconds), and at ``step`` only where the
        speaker may change (``diar.xvectors.extraction``); 0: at ``step`` everywhere.
    change: a change is suspected where the windows on both sides have a cosine below this times that of
        neighbours in the recording.
    neighbours: the prior of that cosine, for few neighbours.
    """

    extractor: str = "campplus"
    options: dict[str, Any] = field(default_factory=dict)
    dim: int | None = None
    layout: Literal["regions", "grid"] = "regions"
    window: float = 1.5
    step: float = 0.25
    coarse_step: float = 0.75
    change: float = 0.65
    neighbours: NeighbourConfig = NeighbourConfig()

    def __post_init__(self) -> None:
        if not 0.01 <= self.step <= self.window <= 60:
            raise ValueError(
                f"step is {self.step:g}, window is {self.window:g}; they must satisfy"
                " 0.01 <= step <= window <= 60 seconds"
            )
        if self.coarse_step and not self.step <= self.coarse_step <= self.window:
            raise ValueError(
                f"coarse_step is {self.coarse_step:g}: it must be 0, or between step {self.step:g} and"
                f" window {self.window:g}"
            )
        if self.change < 0:
            raise ValueError(f"change is {self.change:g}; it must not be negative")
        if self.dim is not None and self.dim < 1:
            raise ValueError(f"dim is {self.dim}; it must be at least 1")


def read_grid(directory: str | Path) -> tuple[float, float] | None:
    """Read (window, step) in seconds of x-vectors on the published grid, None for others."""
    path = Path(directory) / "config.yaml"
    if not path.exists():  # made elsewhere
        return None
    made = load(XVectorConfig, path)
    return (made.window, made.step) if made.layout == "grid" else None


def cut(
    config: XVectorConfig, recording: str, regions: Sequence[Region], samples: int, rate: int
) -> Subsegments:
    """Cut one recording in the layout of ``config``, at ``coarse_step`` if it is not 0.

    Speech outside the recording (``samples`` at ``rate``) is ignored.
    """
    if config.layout == "grid":
        return cut_grid(recording, regions, samples, rate, config.window, config.step)[0]
    inside = clip(regions, samples / rate)
    return cut_regions(recording, inside, config.window, config.coarse_step or config.step)


def clip(regions: Sequence[Region], duration: float) -> list[Region]:
    """Clip regions to [0, duration], and drop those shorter than a millisecond."""
    clipped = [Region(max(0.0, r.start), min(r.end, duration)) for r in regions]
    return [r for r in clipped if r.end - r.start >= MILLISECOND]


def cut_regions(
    recording: str, regions: Sequence[Region], window: float, step: float
) -> Subsegments:
    """Cut windows every ``step`` seconds inside each region.

    The windows of a region cover it exactly: the first starts and the last ends with it, the last at most a
    step after the one before. A region no longer than a window is one window. Regions are
    disjoint, in time order; times inside a region are rounded to the millisecond.
    """
    starts: list[np.ndarray] = []
    ends: list[np.ndarray] = []
    for region in regions:
        # The last step may be a millisecond too long, so that no two windows nearly coincide.
        spare = region.end - region.start - window - MILLISECOND
        count = max(0, int(np.ceil(round(spare / step, 6))))
        last = region.end - window if count else region.start
        start = np.append(region.start + step * np.arange(count), last)
        start[1:] = np.round(start[1:], 3)
        end = start + window
        end[:-1] = np.round(end[:-1], 3)
        end[-1] = region.end
        starts.append(start)
        ends.append(end)
    return subsegments(recording, np.concatenate([[], *starts]), np.concatenate([[], *ends]))


def cut_grid(
    recording: str,
    regions: Sequence[Region],
    samples: int,
    rate: int,
    window: float,
    step: float,
) -> tuple[Subsegments, np.ndarray]:
    """Cut windows centred on i * step for i = 0, 1, ... within the recording, where there is speech.

    The label of window i holds for its cell, and regions mark cells, see ``diar.xvectors.grid``. Windows
    are clipped to the recording.

    Returns:
        (the windows, their numbers i (n,) int).
    """
    hop, width = step_samples(step, rate), round(window * rate)
    speech = np.zeros(len(range(0, samples, hop)), bool)
    for region in regions:
        cells = cells_of(region.start, region.end, step, rate)
        speech[cells.start : cells.stop] = True
    index = np.flatnonzero(speech)
    starts = np.maximum(index * hop - width // 2, 0) / rate
    ends = np.minimum(index * hop + (width + 1) // 2, samples) / rate
    return subsegments(recording, starts, ends), index


def grid_indices(windows: Subsegments, window: float, step: float) -> np.ndarray:
    """Find the numbers (n,) of the windows of one recording that ``cut_grid`` made, from their times.

    A window clipped at the front is identified by its end, any other by its start. Only if a
    whole recording is shorter than ``window``, and ``step`` under half of it, can several windows
    have the same times: they count as neighbours.
    """
    starts, ends = np.asarray(windows.starts), np.asarray(windows.ends)
    by_start = np.rint((starts + window / 2) / step)
    by_end = np.ceil((ends - window / 2 - MILLISECOND) / step)
    index = np.where(starts > 0, by_start, np.maximum(by_end, 0)).astype(int)
    for i in range(1, len(index)):
        index[i] = max(index[i], index[i - 1] + 1)
    return index


def subsegments(recording: str, starts: np.ndarray, ends: np.ndarray) -> Subsegments:
    """Name windows, with ids that differ even if times agree to 10 ms."""
    ids: list[str] = []
    seen = Counter[str]()
    for start, end in zip(starts, ends, strict=True):
        name = segment_id(recording, float(start), float(end))
        seen[name] += 1
        ids.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return Subsegments(ids, [recording] * len(ids), starts, ends)


def segment_id(recording: str, start: float, end: float) -> str:
    """Make '<recording>-<start>-<end>' with times in units of 10 ms, 7 digits: it sorts by time.

    It is only a name: times are always read from ``segments``, never from ids.
    """
    return f"{recording}-{round(start * 100):07d}-{round(end * 100):07d}"
