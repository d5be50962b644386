"""Decoding: from window posteriors to who spoke when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from diar.base.errors import DataError
from diar.base.regions import TOUCH, merge_turns, regions_of, union
from diar.base.types import LocalSpeakers, Region, Subsegments, Turn
from diar.turns.overlap import OverlapConfig, speakers_of
from diar.xvectors.grid import SILENCE, turns_from_cells
from diar.xvectors.windows import grid_indices


@dataclass(frozen=True)
class DecodingConfig:
    """How window posteriors become turns.

    kind: 'frames' averages the posteriors of the windows over each frame and decodes them with an
    HMM; 'cells' assigns each window of the published grid its cell, as published.
    sharpen: power to which the posteriors are raised first; 2 gives the size-neutral target of DEC.
    frame: seconds. switch_penalty: cost of a speaker change in log probability. rate: independent
    windows per second of speech (overlapping windows share evidence).
    floor: minimum posterior of a frame, so that no outlier window forces a speaker change.
    shortest: seconds given to a speaker who must exist, but wins no frame.
    overlap: for 'frames' with a segmentation.
    """

    kind: Literal["frames", "cells"] = "frames"
    sharpen: float = 1.0
    frame: float = 0.05
    switch_penalty: float = 2.0
    rate: float = 1.5
    floor: float = 1e-3
    shortest: float = 0.5
    overlap: OverlapConfig = OverlapConfig()

    def __post_init__(self) -> None:
        if min(self.frame, self.rate, self.sharpen) <= 0 or self.switch_penalty < 0:
            raise ValueError("frame, rate and sharpen must be positive, switch_penalty at least 0")
        if not 0 < self.floor < 1 or self.shortest < 0:
            raise ValueError("floor must lie in (0, 1), shortest must not be negative")


NO_GRID = (
    "decoding kind 'cells' needs x-vectors on the published grid: extract them with"
    " conf/xvector_paper.yaml, or choose kind 'frames'"
)


@dataclass(frozen=True)
class Decoded:
    """The turns of one recording, and those with one speaker at a time; both sorted."""

    turns: list[Turn]
    exclusive: list[Turn]


def decode(
    windows: Subsegments,
    posteriors: np.ndarray,
    duration: float,
    config: DecodingConfig,
    grid: tuple[float, float] | None = None,
    least: int = 1,
    local: LocalSpeakers | None = None,
) -> Decoded:
    """Decode the turns of one recording; the speaker of cluster j is named '<recording>_<j + 1>'.

    Args:
        windows: the n windows of one recording, in time order.
        posteriors: (n, k), rows sum to 1.
        duration: seconds; no turn ends later.
        config: how to decode.
        grid: (window, step) in seconds, if the windows are on the published grid, or None.
        least: minimum number of speakers, if there are enough clusters: those that win no frame get
            ``shortest`` seconds where they lose least.
        local: the local speakers of a segmentation; without them, turns do not overlap.

    Raises:
        DataError: 'cells' without a grid.
    """
    if not len(windows):
        return Decoded([], [])
    recording = windows.recordings[0]
    if config.kind == "cells":
        if grid is None:
            raise DataError(NO_GRID)
        ranks = [_by_cells(windows, posteriors.argmax(axis=1), duration, *grid)]
    else:
        ranks = _by_frames(windows, posteriors, config, grid, least, local)
    exclusive = _named(recording, ranks[0], duration)
    if len(ranks) == 1:
        return Decoded(exclusive, exclusive)
    everyone = _named(recording, [turn for rank in ranks for turn in rank], duration)
    return Decoded(merge_turns(everyone)[0], exclusive)  # a speaker may change rank within a turn


def _by_frames(
    windows: Subsegments,
    posteriors: np.ndarray,
    config: DecodingConfig,
    grid: tuple[float, float] | None,
    least: int,
    local: LocalSpeakers | None,
) -> list[list[list[float]]]:
    """Decode the frames covered by windows: (start, end, cluster) of the first speaker, and of others.

    Without local speakers, uses an HMM.
    """
    posteriors = posteriors**config.sharpen
    posteriors /= posteriors.sum(axis=1, keepdims=True)
    if grid is None:
        regions = regions_of(windows)
    else:  # windows on a grid extend beyond the speech, but their cells do not
        centres = grid_indices(windows, *grid) * grid[1]
        regions = union((max(0.0, c - grid[1] / 2), c + grid[1] / 2) for c in centres)
    edges, frames = _frame_posteriors(windows, posteriors, regions, config.frame)
    length = max(1, round(config.shortest / config.frame))
    if local:
        first, *others = speakers_of(edges.mean(axis=1), frames, local, config.overlap)
        _keep_speakers(first, frames, least, length)
        others = [np.where(other == first, SILENCE, other) for other in others]
        return [_runs(edges, labels) for labels in (first, *others)]
    scores = np.maximum(frames, config.floor)  # in place, to save memory
    np.log(scores, out=scores)
    scores *= np.diff(edges, axis=1) * config.rate
    path = viterbi(scores, config.switch_penalty)
    _keep_speakers(path, frames, least, length)
    return [_runs(edges, path)]


def _keep_speakers(path: np.ndarray, frames: np.ndarray, least: int, length: int) -> None:
    """Give clusters that win no frame of the path (T,) the ``length`` frames where they lose least.

    Stops when ``least`` clusters have frames. No other cluster loses its last frame.
    """
    sizes = np.bincount(path, minlength=frames.shape[1])
    length = min(length, len(path))
    missing = np.flatnonzero(sizes == 0)
    missing = missing[np.argsort(-frames[:, missing].max(axis=0), kind="stable")]
    for cluster in missing[: max(0, least - np.count_nonzero(sizes))]:
        won = frames[np.arange(len(path)), path]
        # 1e-300 distinguishes values that the floor would not
        gain = np.log(np.maximum(frames[:, cluster], 1e-300)) - np.log(np.maximum(won, 1e-300))
        totals = np.convolve(gain, np.ones(length), "valid")
        for first in np.argsort(-totals, kind="stable"):
            lost = np.bincount(path[first : first + length], minlength=len(sizes))
            if ((lost == 0) | (lost < sizes)).all():
                path[first : first + length] = cluster
                sizes = np.bincount(path, minlength=len(sizes))
                break


def _runs(edges: np.ndarray, labels: np.ndarray) -> list[list[float]]:
    """Merge adjacent frames with the same label to (start, end, label), without SILENCE."""
    turns: list[list[float]] = []
    for (start, end), label in zip(edges, labels, strict=True):
        if label == SILENCE:
            continue
        if turns and turns[-1][2] == label and start <= turns[-1][1] + TOUCH:
            turns[-1][1] = end
        else:
            turns.append([start, end, label])
    return turns


def viterbi(scores: np.ndarray, switch_penalty: float) -> np.ndarray:
    """Find the best state path (T,) for log scores (T, k) with a constant cost per change of state."""
    steps, states = scores.shape
    stays = np.empty((steps, states), dtype=bool)
    origin = np.empty(steps, dtype=int)  # of states that do not stay
    best = scores[0].copy()
    for t in range(1, steps):
        origin[t] = best.argmax()
        moved = best[origin[t]] - switch_penalty
        stays[t] = best >= moved
        best = np.maximum(best, moved) + scores[t]
    path = np.empty(steps, dtype=int)
    path[-1] = best.argmax()
    for t in range(steps - 1, 0, -1):
        path[t - 1] = path[t] if stays[t, path[t]] else origin[t]
    return path


def _frame_posteriors(
    windows: Subsegments, posteriors: np.ndarray, regions: Sequence[Region], frame: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return edges (T, 2) of frames that tile the regions, and mean posteriors (T, k) over each.

    A window has more weight the nearer its centre is to the frame's, because it represents its middle
    better than its ends.
    """
    parts = []
    for start, end in regions:
        cuts = np.linspace(start, end, max(1, round((end - start) / frame)) + 1)
        parts.append(np.stack([cuts[:-1], cuts[1:]], axis=1))
    edges = np.concatenate(parts)
    centres = edges.mean(axis=1)
    total = np.zeros((len(edges), posteriors.shape[1]))
    weight = np.zeros((len(edges), 1))
    firsts, lasts = np.searchsorted(centres, (windows.starts, windows.ends))
    for row, start, end, first, last in zip(
        posteriors, windows.starts, windows.ends, firsts, lasts, strict=True
    ):
        half = (end - start) / 2
        near = 1.0 - np.abs(centres[first:last, None] - (start + half)) / (half * 1.01)
        total[first:last] += near * row
        weight[first:last] += near
    total /= np.maximum(weight, 1e-12)
    return edges, total


def _by_cells(
    windows: Subsegments, labels: np.ndarray, duration: float, window: float, step: float
) -> list[list[float]]:
    """Decode as published: window i of the grid decides its cell and nothing else."""
    cells = grid_indices(windows, window, step)
    track = np.full(int(cells.max()) + 1, SILENCE)
    track[cells] = labels
    turns = turns_from_cells(windows.recordings[0], track, step, duration)
    return [[t.start, t.end, int(t.speaker)] for t in turns]


def cluster_of(turn: Turn) -> int:
    """Return the column of the posteriors for the speaker of a turn of ``decode``."""
    return int(turn.speaker.rpartition("_")[2]) - 1


def _named(recording: str, turns: Sequence[Sequence[float]], duration: float) -> list[Turn]:
    clipped = ((start, min(end, duration), int(label)) for start, end, label in turns)
    return [Turn(recording, a, b - a, f"{recording}_{k + 1}") for a, b, k in clipped if b > a]
