"""What the local speakers of a segmentation say about pairs of windows: one speaker, or two.

Within ten seconds a network hears who speaks again and who is another, better than x-vectors of a second
and a half do. Two windows of one local speaker are linked; two of different local speakers, which are
different people, are held apart.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array, csr_array

from diar.base.types import LocalSpeakers, Subsegments

_BLOCK = 64  # windows of the network, whose pairs are summed before others come: a matter of memory
_TOUCH = 0.01  # s by which a window may reach beyond the network's: less than a frame


def links_of(windows: Subsegments, local: LocalSpeakers) -> csr_array:
    """Make symmetric links (n, n) in [-1, 1] of the n windows of one recording.

    Let o_il be the share of window i in which local speaker l speaks alone. Within a window of the
    network, i and j are of one speaker by sum_l o_il o_jl, and of two by the sum over l != m of
    o_il o_jm; a link is the difference, on average over the network's windows that hold both. It is
    divided by the root of what the links of i, and those of j, amount to, where that is more than 1: a
    window has no more to say where others are close.
    """
    starts, ends = np.asarray(windows.starts), np.asarray(windows.ends)
    spans = np.array([local.span(number) for number in range(len(local.starts))])
    parts = [
        _said_by(range(first, min(first + _BLOCK, len(spans))), spans, starts, ends, local)
        for first in range(0, len(spans), _BLOCK)
    ]
    where = tuple(np.concatenate([part.coords[axis] for part in parts]) for axis in (0, 1))
    said = coo_array((np.concatenate([part.data for part in parts]), where), parts[0].shape).tocsr()
    i, j = said.tocoo().coords
    lasts = np.searchsorted(spans[:, 0], np.minimum(starts[i], starts[j]) + _TOUCH, "right")
    firsts = np.searchsorted(spans[:, 1], np.maximum(ends[i], ends[j]) - _TOUCH, "left")
    said.data /= lasts - firsts  # how many windows of the network hold both
    root = np.sqrt(np.maximum(abs(said).sum(axis=1), 1))
    said.data /= root[i] * root[j]
    return said


def _said_by(
    numbers: range, spans: np.ndarray, starts: np.ndarray, ends: np.ndarray, local: LocalSpeakers
) -> coo_array:
    """Sum what some windows of the network say of pairs (n, n)."""
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
    return coo_array((np.concatenate(values), where), shape).tocsr().tocoo()  # pairs once


def solo_of(windows: Subsegments, local: LocalSpeakers) -> np.ndarray:
    """Measure how much of each window (n,) one local speaker has to themselves, from 0 to 1.

    It is the mean over the windows of the network that hold it, and 1 where none does.
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
    """Measure the share (n, l) of stretches of time in which each speaker of a window is alone."""
    alone = local.alone(number)
    sums = np.concatenate([np.zeros((1, alone.shape[1])), alone.cumsum(axis=0)])
    a, b = np.searchsorted(local.centres(number), (starts, ends))
    return (sums[b] - sums[a]) / np.maximum(b - a, 1)[:, None]


def local_count(local: LocalSpeakers, seconds: float) -> int:
    """Count the local speakers who are active for so long in a window: the most of any, at least 1.

    A network takes one person for two now and then, more often than it takes two for one. So this is
    where a search for the number of speakers may start, and no bound of it.
    """
    active = local.activity.sum(axis=1) * local.shift
    return max(1, int((active >= seconds).sum(axis=1).max(initial=0)))
