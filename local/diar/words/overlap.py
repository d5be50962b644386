"""Words that overlap in time: nobody says two at once, so they belong to different people."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from diar.base.regions import TOUCH
from diar.base.types import Region

CHANGE = 0.02  # seconds: the cost of a change of speaker from the word before
BEAM = 64  # the number of best assignments kept

Column = int  # of the speaker of a word, -1 for nobody
Heard = tuple[
    tuple[tuple[Column, float], ...], Column
]  # until when each still speaks; who spoke last


class SpeechTimes:
    """Speech of each of k speakers within spans of time.

    Args:
        regions: of each speaker, sorted, without overlap.
    """

    def __init__(self, regions: Sequence[Sequence[Region]]):
        self._tables = []
        for each in regions:
            begins, finishes = np.array(each, float).reshape(-1, 2).T
            before = np.concatenate([[0.0], np.cumsum(finishes - begins)])
            ends = np.concatenate([[-np.inf], finishes])
            self._tables.append((begins, ends, before))
        self._lists = [tuple(column.tolist() for column in table) for table in self._tables]

    def within(self, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """(n, k) seconds of each speaker in each of n spans."""
        columns = []
        for begins, finishes, before in self._tables:
            spoken = []
            for times in (starts, ends):
                count = np.searchsorted(begins, times, side="right")
                spoken.append(before[count] - np.maximum(finishes[count] - times, 0.0))
            columns.append(spoken[1] - spoken[0])
        return np.stack(columns, axis=1)

    def of(self, speaker: Column, start: float, end: float) -> float:
        """Seconds of one speaker in one span; 0 if it ends before it starts."""
        begins, finishes, before = self._lists[speaker]
        spoken = []
        for time in (start, max(start, end)):
            count = bisect_right(begins, time)
            spoken.append(before[count] - max(finishes[count] - time, 0.0))
        return float(spoken[1] - spoken[0])


def separate(
    starts: np.ndarray, ends: np.ndarray, able: np.ndarray, times: SpeechTimes
) -> np.ndarray:
    """(n,) column of the speaker of each word that overlaps another; -1 for all other words.

    Of all assignments of words to speakers, the one whose words fill the turns best is chosen: the time of a
    speaker's turns that their words cover counts for it, time that two words of one speaker cover twice, or that
    lies outside their turns, against it. Dynamic programming over the words in the order of their
    starts finds it; a state has the time until which each speaker still says a word.

    Args:
        starts, ends: (n,) seconds of the words of a recording. able: (n, k) bool, who may say them.
    """
    order = np.argsort(starts, kind="stable")
    spans = list(zip(starts[order].tolist(), ends[order].tolist(), strict=True))
    there = [np.flatnonzero(row).tolist() for row in able[order]]
    found = np.full(len(starts), -1)
    found[order] = np.where(_overlapping(spans), _best(spans, there, times), -1)
    return found


def _overlapping(spans: Sequence[tuple[float, float]]) -> list[bool]:
    """Return for each word, in the order of their starts, whether it overlaps another."""
    reaches = list(accumulate((end for _, end in spans), max, initial=-np.inf))
    following = [start for start, _ in spans[1:]] + [np.inf]
    return [
        reach > start + TOUCH or after < end - TOUCH
        for (start, end), reach, after in zip(spans, reaches, following, strict=False)
    ]


def _best(
    spans: Sequence[tuple[float, float]], there: Sequence[Sequence[Column]], times: SpeechTimes
) -> list[Column]:
    """Return the speaker of each word among those who may say it, -1 if nobody may."""
    paths: dict[Heard, tuple[float, tuple]] = {
        ((), -1): (0.0, ())
    }  # score, words before with speakers
    for (start, end), able in zip(spans, there, strict=True):
        longer: dict[Heard, tuple[float, tuple]] = {}
        for (speaking, last), (score, path) in paths.items():
            still = {who: until for who, until in speaking if until > start}
            for who in able or [-1]:
                until = still.get(who, start)
                gain = 0.0 if who < 0 else times.of(who, start, end) + times.of(who, until, end)
                gain -= min(end, until) - start
                gain -= CHANGE if last not in (-1, who) else 0.0
                now = still if who < 0 else {**still, who: max(until, end)}
                state = (tuple(sorted(now.items())), who)
                if state not in longer or score + gain > longer[state][0]:
                    longer[state] = (score + gain, (path, who))
        best = sorted(longer.items(), key=lambda each: -each[1][0])
        paths = dict(best[:BEAM])
    path = max(paths.values(), key=lambda each: each[0])[1]
    found = []
    while path:
        path, who = path
        found.append(who)
    return found[::-1]
