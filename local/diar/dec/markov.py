"""Posteriors of a hidden Markov chain whose state is kept or redrawn.

From one window to the next, the state is kept with a probability that depends on the time between them;
otherwise the next state, possibly the same, is drawn with the probabilities ``shares``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from diar.base.posteriors import normalise

# Windows; more are processed in parallel pieces, with the same result to 1e-13: of an hour (4,900 windows, 98
# states) in 13 ms instead of 61, with pieces of 1024 windows in 28.
SEQUENTIAL = 256
_PIECE = 128  # windows
_SAME = 1e-13  # relative: rounding

Advance = Callable[[int, np.ndarray, np.ndarray], np.ndarray]


def forward_backward(
    scores: np.ndarray, shares: np.ndarray, stay: np.ndarray, sequential: int = SEQUENTIAL
) -> tuple[np.ndarray, np.ndarray, float]:
    """Compute the posteriors of the states of a hidden Markov model.

    Args:
        scores: (n, k) log evidence, n >= 1. shares: (k,) sum to 1.
        stay: (n,) probability that the state of the previous window is kept; the first value is unused.
        sequential: maximum number of windows to process one by one; more are processed in pieces, with
            the same result up to rounding.

    Returns:
        (n, k) posteriors; (k,) how often each state is entered, summing to 1; the log likelihood.
    """
    work = _one_by_one if len(scores) <= sequential else _in_pieces
    posteriors, entries, likelihood = work(scores, scores.max(axis=1), shares, stay)
    return posteriors, entries / entries.sum(), likelihood


def _one_by_one(
    scores: np.ndarray, top: np.ndarray, shares: np.ndarray, stay: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    evidence = np.exp(scores - top[:, None])
    forward = np.empty_like(evidence)
    scale = np.empty(len(evidence))
    reached = shares
    for t, (row, kept) in enumerate(zip(evidence, np.append(stay[1:], 1.0), strict=True)):
        joint = reached * row
        scale[t] = joint.sum()
        forward[t] = joint / scale[t]
        reached = kept * forward[t] + (1 - kept) * shares
    backward = np.ones_like(evidence)
    for t in range(len(evidence) - 1, 0, -1):
        later = backward[t] * evidence[t] / scale[t]
        backward[t - 1] = stay[t] * later + (1 - stay[t]) * (shares @ later)
    posteriors = normalise(forward * backward)
    drawn = (1 - stay[1:, None]) * shares * evidence[1:] * backward[1:] / scale[1:, None]
    return posteriors, posteriors[0] + drawn.sum(axis=0), float(np.log(scale).sum() + top.sum())


def _in_pieces(
    scores: np.ndarray, top: np.ndarray, shares: np.ndarray, stay: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    n, k = scores.shape
    pieces = -(-n // _PIECE)
    evidence = np.ones((pieces * _PIECE, k))  # padded with ones, which change no posterior
    np.exp(np.subtract(scores, top[:, None], out=evidence[:n]), out=evidence[:n])
    evidence = evidence.reshape(pieces, _PIECE, k)
    scale = np.ones((pieces, _PIECE))
    kept = np.ones(pieces * _PIECE + 1)
    kept[:n] = stay
    before, after = (part.reshape(pieces, _PIECE) for part in (kept[:-1], kept[1:]))

    def ahead(t: int, rows: np.ndarray, reached: np.ndarray) -> np.ndarray:
        joint = reached * evidence[rows, t]
        scale[rows, t] = joint.sum(axis=1)
        stays = after[rows, t, None]
        return stays * (joint / scale[rows, t, None]) + (1 - stays) * shares

    def back(t: int, rows: np.ndarray, backward: np.ndarray) -> np.ndarray:
        rows, t = pieces - 1 - rows, _PIECE - 1 - t
        later = backward * evidence[rows, t] / scale[rows, t, None]
        stays = before[rows, t, None]
        return stays * later + (1 - stays) * (later @ shares)[:, None]

    posteriors = sweep(ahead, np.broadcast_to(shares, (pieces, k)), _PIECE)
    evidence *= sweep(back, np.ones((pieces, k)), _PIECE)[::-1, ::-1]
    posteriors *= evidence
    posteriors = posteriors.reshape(-1, k)[:n]
    posteriors /= posteriors.sum(axis=1, keepdims=True)
    evidence /= scale[..., None]
    drawn = shares * ((1 - stay[1:]) @ evidence.reshape(-1, k)[1:n])
    return posteriors, posteriors[0] + drawn, float(np.log(scale).sum() + top.sum())


def sweep(advance: Advance, start: np.ndarray, length: int) -> np.ndarray:
    """Run one recursion through p pieces, each from ``start`` (p, k); return its states (p, length, k).

    Only the first piece is known to start there. Every other piece is repeated from the final state of
    the previous one until it reaches its earlier states: the recursions are linear in the state up to
    scale, so relative differences never grow (Birkhoff, Trans. AMS 85, 1957). A recursion that forgets
    quickly needs little more than one pass; otherwise it needs one per piece.

    Args:
        advance: maps (t, rows, states (r, k)) to the states one window later in these pieces.
    """
    pieces, k = start.shape
    states = np.empty((pieces, length, k))
    rows, state, first = np.arange(pieces), start, True
    while len(rows):
        for t in range(length):
            if not first:
                differs = (np.abs(state - states[rows, t]) > _SAME * state).any(axis=1)
                rows, state = rows[differs], state[differs]
                if not len(rows):
                    break
            states[rows, t] = state
            state = advance(t, rows, state)
        inside = rows < pieces - 1
        rows, state, first = rows[inside] + 1, state[inside], False
    return states
