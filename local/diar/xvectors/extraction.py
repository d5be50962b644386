"""X-vectors of a recording: coarse windows, and close ones where the speaker may change.

Close windows locate a change; elsewhere they repeat the information of their neighbours, at the same
cost. Half of them are enough for the same result (benchmarks/extractor).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diar.audio.spool import Samples
from diar.base.errors import DataError
from diar.base.types import Region, Subsegments, XVectors
from diar.base.vectors import unit_rows
from diar.extractors import Extractor
from diar.xvectors.neighbours import neighbour_cosine
from diar.xvectors.windows import MILLISECOND, XVectorConfig, cut, subsegments

STRETCH = 600.0  # seconds of a recording whose windows are embedded at once: the result is the same


def extract(
    config: XVectorConfig,
    extractor: Extractor,
    recording: str,
    regions: Sequence[Region],
    samples: Samples,
) -> XVectors:
    """Cut a recording into windows, in time order, and make their vectors (n, dim).

    Args:
        regions: its speech, disjoint, in time order.
        samples: (N,) float32 mono at ``extractor.rate``.

    Raises:
        DataError: the extractor's vectors have another shape, or are not finite.
    """
    windows = cut(config, recording, regions, len(samples), extractor.rate)
    vectors = _embed(extractor, samples, windows)
    if config.layout == "grid" or not config.coarse_step:
        return XVectors(windows, vectors)
    starts = starts_between(windows, vectors, config)
    close = subsegments(recording, starts, starts + config.window)
    vectors = np.concatenate([vectors, _embed(extractor, samples, close)])
    starts = np.concatenate([windows.starts, close.starts])
    ends = np.concatenate([windows.ends, close.ends])
    order = np.argsort(starts, kind="stable")
    return XVectors(subsegments(recording, starts[order], ends[order]), vectors[order])


def starts_between(windows: Subsegments, vectors: np.ndarray, config: XVectorConfig) -> np.ndarray:
    """Find windows needed besides those every ``coarse_step``: (m,) starts in seconds.

    Between two windows of one region the speaker may have changed if the cosine of the first window and the one
    after the second, which shares less or no audio with it, is below ``change`` times that of
    neighbours in this recording.
    """
    starts, ends = np.asarray(windows.starts), np.asarray(windows.ends)
    joined = starts[1:] <= ends[:-1] + MILLISECOND / 2  # in one region: regions do not touch
    unit = unit_rows(vectors, vectors.dtype)
    least = config.change * neighbour_cosine(vectors, starts, config.window, config.neighbours)
    wanted: list[np.ndarray] = [np.zeros(0)]
    for i in np.flatnonzero(joined):
        other = i + 2 if i + 1 < len(joined) and joined[i + 1] else i + 1
        if unit[i] @ unit[other] < least:
            inner = np.arange(starts[i] + config.step, starts[i + 1] - MILLISECOND, config.step)
            wanted.append(np.round(inner, 3))
    return np.concatenate(wanted)


def _embed(extractor: Extractor, samples: Samples, windows: Subsegments) -> np.ndarray:
    """Make vectors (n, dim), stretch by stretch, because the features of a day would need much memory."""
    rate = extractor.rate
    parts = [np.zeros((0, extractor.dim), np.float32)]
    starts, ends = np.asarray(windows.starts), np.asarray(windows.ends)
    first = 0
    while first < len(windows):
        last = max(first + 1, int(np.searchsorted(starts, starts[first] + STRETCH)))
        begin = int(starts[first] * rate)
        piece = samples[begin : round(float(ends[first:last].max()) * rate)]
        shift = begin / rate
        vectors = extractor.embed(piece, starts[first:last] - shift, ends[first:last] - shift)
        if vectors.shape != (last - first, extractor.dim) or not np.isfinite(vectors).all():
            raise DataError(f"{extractor.name}: x-vectors of shape {vectors.shape} or not finite")
        parts.append(vectors.astype(np.float32, copy=False))
        first = last
    return np.concatenate(parts)
