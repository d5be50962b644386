"""Links between windows from the local speakers of a segmentation: same speaker, or different ones.

Within ten seconds, a segmentation network tells speakers apart better than x-vectors of 1.5 s do. Two
windows of one local speaker are linked; two of different local speakers, who are different people, are
kept apart.
"""

from __future__ import annotations

import numpy as np
import scipy

from diar.base.types import LocalSpeakers, Subsegments

_BLOCK = 64  # windows of the network whose pairs are summed at a time, to limit memory
_TOUCH = 0.01  # s by which a window may extend beyond the network's: less than a frame


def links_of(windows: Subsegments, local: LocalSpeakers) -> scipy.sparse.csr_array:
    """Return symmetric links (n, n) in [-1, 1] between the n windows of one recording.

    Let o_il be the share of window i in which local speaker l speaks alone. Within a window of the
    network, sum_l o_il o_jl is the evidence that i and j have one speaker, and the sum over l != m of
    o_il o_jm that they have two; a link is the difference, averaged over the network's windows that
    contain both. It is divided by the root of the total links of i, and of j, if that exceeds 1, so that
    dense windows do not count more.
    """
    starts, ends = np.asarray(windows.starts), np.asarray(windows.ends)
    spans = np.array([local.span(number) for number in range(len(local.starts))])
    parts = [
        _said_by(range(first, min(first + _BLOCK, len(spans))), spans, starts, ends, local)
        for first in range(0, len(spans), _BLOCK)
    ]
    where = tuple(np.concatenate([part.coords[axis] for part in parts]) for axis in (0, 1))
    said = scipy.sparse.coo_array(
        (np.concatenate([part.data for part in parts]), where), parts[0].shape
    ).tocsr()
    i, j = said.tocoo().coords
    lasts = np.searchsorted(spans[:, 0], np.minimum(starts[i], starts[j]) + _TOUCH, "right")
    firsts = np.searchsorted(spans[:, 1], np.maximum(ends[i], ends[j]) - _TOUCH, "left")
    said.data /= lasts - firsts  # how many windows of the network contain both
    root = np.sqrt(np.maximum(abs(said).sum(axis=1), 1))
    said.data /= root[i] * root[j]
    return said


def _said_by(
    numbers: range, spans: np.ndarray, starts: np.ndarray, ends: np.ndarray, local: LocalSpeakers
) -> scipy.sparse.coo_array:
    """Sum the evidence of some windows of the network on pairs (n, n)."""
    rows, columns, values = [], [], []
    for number in numbers:
        first, last = spans[number]
        inside = np.flatnonzero((starts >= first - _TOUCH) & (ends <= last + _TOUCH))
        shares = _alone(local, number, starts[inside], ends[inside])
        total = shares.sum(axis=1)
        pairs = 2 * shares @ shares.T - np.outer(total, total)
        np.fill_diagonal(pairs, 0)
        rows.append(np.repeat(inside, len(inside)))
        columns.append(np.tile(inside, len(inside)))
        values.append(pairs.ravel())
    where = (np.concatenate(rows), np.concatenate(columns))
    shape = (len(starts), len(starts))
    summed = scipy.sparse.coo_array((np.concatenate(values), where), shape).tocsr()
    return summed.tocoo()  # without duplicates


def solo_of(windows: Subsegments, local: LocalSpeakers) -> np.ndarray:
    """Return the largest share (n,) of each window in which one local speaker is alone, from 0 to 1.

    It is the mean over the windows of the network that contain it, and 1 if none does.
    """
    starts, ends = np.asarray(windows.starts), np.asarray(windows.ends)
    total, held = np.zeros(len(starts)), np.zeros(len(starts))
    for number in range(len(local.starts)):
        first, last = local.span(number)
        rows = slice(
            np.searchsorted(starts, first - _TOUCH), np.searchsorted(ends, last + _TOUCH, "right")
        )
        total[rows] += _alone(local, number, starts[rows], ends[rows]).max(axis=1)
        held[rows] += 1
    return np.where(held > 0, total / np.maximum(held, 1), 1.0)


def _alone(local: LocalSpeakers, number: int, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the share (n, l) of time spans in which each local speaker of a window is alone."""
    alone = local.alone(number)
    sums = np.concatenate([np.zeros((1, alone.shape[1])), alone.cumsum(axis=0)])
    a, b = np.searchsorted(local.centres(number), (starts, ends))
    return (sums[b] - sums[a]) / np.maximum(b - a, 1)[:, None]


def local_count(local: LocalSpeakers, seconds: float) -> int:
    """Return the largest number of local speakers active for ``seconds`` in one window, at least 1.

    The network sometimes splits one person in two, more often than it merges two. So this is a start
    for the search for the number of speakers, not a bound.
    """
    active = local.activity.sum(axis=1) * local.shift
    return max(1, int((active >= seconds).sum(axis=1).max(initial=0)))
