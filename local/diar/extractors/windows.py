"""Shared by extractors: windows as samples, and the frames that overlapping windows have in common."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from diar.base.errors import DataError


def sample_spans(
    samples: np.ndarray, starts: np.ndarray, ends: np.ndarray, rate: int
) -> np.ndarray:
    """Turn windows in seconds into (n, 2) sample positions [from, to), clipped to the recording.

    Raises:
        DataError: samples that are not one finite channel, or a window that is reversed or wholly
            outside the recording.
    """
    if samples.ndim != 1 or not np.isfinite(samples).all():
        raise DataError(f"audio of shape {samples.shape}: expected one channel of finite samples")
    spans = np.stack([np.asarray(starts, float), np.asarray(ends, float)], axis=1)
    spans = np.clip(np.rint(spans * rate), 0, len(samples)).astype(np.int64)
    empty = np.flatnonzero(spans[:, 1] <= spans[:, 0])
    if len(empty):
        i = int(empty[0])
        raise DataError(
            f"window {starts[i]:.3f}-{ends[i]:.3f} s holds no audio: the recording lasts"
            f" {len(samples) / rate:.3f} s"
        )
    return spans


def pad_short(
    samples: np.ndarray, spans: np.ndarray, shortest: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pad windows shorter than ``shortest`` samples with digital silence on both sides.

    Such windows are copied, padded, to the end of the recording; the others stay where they are.

    Returns:
        (samples, (n, 2) spans), all spans at least ``shortest`` long.
    """
    lengths = spans[:, 1] - spans[:, 0]
    short = np.flatnonzero(lengths < shortest)
    if not len(short):
        return samples, spans
    blocks = np.zeros((len(short), shortest), samples.dtype)
    spans = spans.copy()
    for block, row in zip(blocks, short, strict=True):
        left = (shortest - lengths[row]) // 2
        block[left : left + lengths[row]] = samples[spans[row, 0] : spans[row, 1]]
    spans[short, 0] = len(samples) + shortest * np.arange(len(short))
    spans[short, 1] = spans[short, 0] + shortest
    return np.concatenate([samples, blocks.ravel()]), spans


def frame_runs(spans: np.ndarray, frame: int, shift: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Find the frames of all windows, each once.

    A window's frames start at its first sample and every ``shift`` samples from there, as many as
    fit. Windows whose distance is a multiple of ``shift`` share frames.

    Returns:
        runs: (r, 2) sample positions [from, to); cut into frames, they give all frames, in order.
        rows: per window, the numbers of its frames in that order.
    """
    counts = 1 + (spans[:, 1] - spans[:, 0] - frame) // shift
    window = np.repeat(np.arange(len(spans)), counts)
    within = np.arange(len(window)) - np.repeat(np.cumsum(counts) - counts, counts)
    position = spans[window, 0] + shift * within
    # Sort by phase first, so that neighbours of one phase are adjacent.
    key = (position % shift) * (int(spans.max(initial=0)) + 1) + position
    _, first, row = np.unique(key, return_index=True, return_inverse=True)
    position = position[first]
    breaks = np.flatnonzero(np.diff(position) != shift) + 1
    runs = np.array(
        [[p[0], p[-1] + frame] for p in np.split(position, breaks) if len(p)], np.int64
    ).reshape(-1, 2)
    return runs, np.split(row, np.cumsum(counts)[:-1])


def for_batches(
    work: Callable[[np.ndarray], None], lengths: np.ndarray, size: int, threads: int
) -> None:
    """Run ``work`` on the row numbers of batches of windows of equal length, at most ``size`` of them.

    One thread computes each batch, so that results do not depend on the number of threads.
    """
    alike = [np.flatnonzero(lengths == length) for length in np.unique(lengths)]
    batches = [rows[i : i + size] for rows in alike for i in range(0, len(rows), size)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, batches))  # list: raises what a thread raised
