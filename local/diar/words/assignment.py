"""Assignment of words to speakers, by the times of words and turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diar.base.errors import DataError
from diar.base.regions import TOUCH, speakers_in_order, union
from diar.base.types import Region, Turn
from diar.words.overlap import SpeechTimes, separate
from diar.words.word import Word

DISTANCE = 1.0  # seconds from a word in silence to the turn that it may belong to


@dataclass(frozen=True)
class Assignment:
    """Words with their speakers, in their original order.

    at_once: the number of words said while someone else says another. tied: the number of words decided by
    their neighbours. near: the number of words in silence, assigned to the nearest speaker. nobody: the number
    of words too far from any turn, without a speaker.
    """

    words: list[Word]
    tied: int
    near: int
    at_once: int = 0

    @property
    def nobody(self) -> int:
        """The number of words without a speaker."""
        return sum(not word.speaker for word in self.words)


def assign(
    words: Sequence[Word],
    turns: Sequence[Turn],
    exclusive: Sequence[Turn] = (),
    distance: float = DISTANCE,
) -> Assignment:
    """Assign each word of a recording to the speaker who speaks most during it.

    ``diar.words.overlap`` separates words that overlap, because nobody says two at once; it needs their own times,
    not estimated ones. A tie in another word goes to the tied speaker of the nearest word with one speaker
    (the word before, if two are equally near); without such a word, to the speaker with the first turn.

    Args:
        turns: of the recording; they may overlap.
        exclusive: turns of one speaker at a time, which decide if they overlap a word that overlaps no
            other.
        distance: the maximum distance from a word in silence to the nearest turn, seconds.

    Raises:
        DataError: a distance below 0.
    """
    if not distance >= 0:
        raise DataError(f"a distance of {distance:g} s: expected 0 or more")
    speakers = speakers_in_order([*turns, *exclusive])
    if not words or not speakers:
        return Assignment([word._replace(speaker="") for word in words], 0, 0)
    starts, ends = (np.array([word[i] for word in words], float) for i in (1, 2))
    times = SpeechTimes(_regions(turns, speakers))
    spoken = times.within(starts, ends)
    mostly = _best(spoken, TOUCH)
    alone = _best(SpeechTimes(_regions(exclusive, speakers)).within(starts, ends), TOUCH)
    away = _distances([*turns, *exclusive], speakers, starts, ends)
    nearest = _best(-away, -distance - TOUCH)
    silent = ~np.array(mostly.any(axis=1) | alone.any(axis=1))
    candidates = np.where(
        alone.any(axis=1, keepdims=True),
        alone,
        np.where(mostly.any(axis=1, keepdims=True), mostly, nearest),
    )
    apart = np.full(len(words), -1)
    timed = np.flatnonzero([not word.estimated for word in words])
    able = (spoken > TOUCH) | (nearest & silent[:, None])
    apart[timed] = separate(starts[timed], ends[timed], able[timed], times)
    at_once = np.flatnonzero((apart >= 0) & mostly.any(axis=1))
    candidates[at_once] = np.arange(len(speakers)) == apart[at_once, None]
    chosen = _by_neighbours(candidates, starts, ends)
    named = [
        word._replace(speaker=speakers[who] if who >= 0 else "")
        for word, who in zip(words, chosen.tolist(), strict=True)
    ]
    tied = int((candidates.sum(axis=1) > 1).sum())
    near = int((silent & (chosen >= 0)).sum())
    return Assignment(named, tied, near, len(at_once))


def _best(scores: np.ndarray, least: float) -> np.ndarray:
    """(n, k) bool: the speakers with the highest score of each row; none if it is not above ``least``."""
    highest = scores.max(axis=1, keepdims=True)
    return (scores >= highest - TOUCH) & (highest > least)


def _regions(turns: Sequence[Turn], speakers: Sequence[str]) -> list[list[Region]]:
    spans: dict[str, list[tuple[float, float]]] = {speaker: [] for speaker in speakers}
    for turn in turns:
        spans[turn.speaker].append((turn.start, turn.end))
    return [union(each) for each in spans.values()]


def _distances(
    turns: Sequence[Turn], speakers: Sequence[str], starts: np.ndarray, ends: np.ndarray
) -> np.ndarray:
    """(n, k) seconds from each word to the nearest turn of each speaker; 0 if it touches one."""
    columns = []
    for regions in _regions(turns, speakers):
        begins, finishes = np.array(regions, float).reshape(-1, 2).T
        count = np.searchsorted(begins, ends, side="right")
        last = np.concatenate([[-np.inf], finishes])[count]
        following = np.concatenate([begins, [np.inf]])[count]
        columns.append(np.minimum(np.maximum(starts - last, 0.0), following - ends))
    return np.stack(columns, axis=1)


def _by_neighbours(candidates: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """(n,) column of the speaker of each word, -1 for none; ties as in ``assign``."""
    count = candidates.sum(axis=1)
    chosen = np.where(count > 0, candidates.argmax(axis=1), -1)
    sure = np.flatnonzero(count == 1)
    for i in np.flatnonzero(count > 1):
        at = int(np.searchsorted(sure, i))
        near = [(starts[i] - ends[j], 0, chosen[j]) for j in sure[max(at - 1, 0) : at]]
        near += [(starts[j] - ends[i], 1, chosen[j]) for j in sure[at : at + 1]]
        if fitting := [each for each in near if candidates[i, each[2]]]:
            chosen[i] = min(fitting)[2]
    return chosen
