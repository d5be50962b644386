"""Hypotheses with every kind of error, made from references: seeded, recording by recording."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diar.base.regions import merge_turns
from diar.base.types import Turn


def perturb(turns: Sequence[Turn], rng: np.random.Generator) -> list[Turn]:
    """A hypothesis for the reference ``turns`` of one recording, in whole milliseconds.

    Boundaries are shifted, turns dropped or given to another speaker; in some recordings a speaker is
    split in two, two are merged, one is dropped, or one who does not exist is added.
    """
    end = max(turn.end for turn in turns)
    found = [_shifted(turn, rng) for turn in turns if rng.random() > 0.05]
    for change, chance in ((_relabel, 1.0), (_split, 0.4), (_merge, 0.3), (_drop, 0.15)):
        if rng.random() < chance:
            found = change(found, rng)
    if rng.random() < 0.3:
        found += _intruder(turns[0].recording, end, rng)
    rounded = [(t, round(t.start, 3), round(t.end, 3)) for t in found]
    return merge_turns([t._replace(start=a, duration=b - a) for t, a, b in rounded if b > a])[0]


def _shifted(turn: Turn, rng: np.random.Generator) -> Turn:
    start, end = np.sort(np.array([turn.start, turn.end]) + rng.normal(0, 0.2, 2)).clip(min=0)
    return turn._replace(start=float(start), duration=float(end - start))


def _names(turns: Sequence[Turn], rng: np.random.Generator) -> list[str]:
    return [str(name) for name in rng.permutation(sorted({turn.speaker for turn in turns}))]


def _relabel(turns: list[Turn], rng: np.random.Generator) -> list[Turn]:
    names = _names(turns, rng)
    return [t._replace(speaker=str(rng.choice(names))) if rng.random() < 0.05 else t for t in turns]


def _split(turns: list[Turn], rng: np.random.Generator) -> list[Turn]:
    victim = _names(turns, rng)[:1]
    own = sorted(t.start for t in turns if t.speaker in victim)
    middle = own[len(own) // 2] if own else 0.0
    return [
        t._replace(speaker=f"{t.speaker}-2") if t.speaker in victim and t.start >= middle else t
        for t in turns
    ]


def _merge(turns: list[Turn], rng: np.random.Generator) -> list[Turn]:
    names = _names(turns, rng)[:2]
    return [t._replace(speaker=names[0]) if t.speaker in names else t for t in turns]


def _drop(turns: list[Turn], rng: np.random.Generator) -> list[Turn]:
    names = _names(turns, rng)
    return [t for t in turns if len(names) < 2 or t.speaker != names[0]]


def _intruder(recording: str, end: float, rng: np.random.Generator) -> list[Turn]:
    starts = rng.uniform(0, end, rng.integers(1, 6))
    return [Turn(recording, float(s), float(rng.uniform(0.2, 4.0)), "nobody") for s in starts]
