"""Window posteriors to turns."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diar.base.errors import DataError
from diar.base.posteriors import one_hot
from diar.base.types import Bounds, Region, Turn
from diar.turns import decoding
from diar.turns.decoding import DecodingConfig, viterbi
from diar.turns.doubts import doubts_of_turns
from diar.xvectors.windows import cut_grid, cut_regions

REGIONS = st.lists(
    st.tuples(st.floats(0.02, 3), st.floats(0.05, 8)), min_size=1, max_size=6
)  # (pause before, length)


def decode(*args, **options):
    """Turns without local speakers: nobody speaks at the same time."""
    found = decoding.decode(*args, **options)
    assert found.exclusive == found.turns
    return found.turns


def layout(spans):
    regions, now = [], 0.0
    for pause, length in spans:
        start = round(now + pause, 3)
        now = round(start + length, 3)
        regions.append(Region(start, now))
    return regions, now


@settings(max_examples=60, deadline=None)
@given(REGIONS, st.integers(1, 4), st.integers(0, 99))
def test_turns_tile_the_speech(spans, k, seed):
    regions, end = layout(spans)
    windows = cut_regions("r", regions, 1.5, 0.25)
    posteriors = np.random.default_rng(seed).dirichlet(np.ones(k), len(windows))
    turns = decode(windows, posteriors, end, DecodingConfig())
    assert sum(t.duration for t in turns) == pytest.approx(sum(e - s for s, e in regions), abs=1e-6)
    for a, b in pairwise(turns):
        assert a.end <= b.start + 1e-6
        assert a.speaker != b.speaker or b.start > a.end + 1e-6, "equal neighbours are one turn"
    assert all(t.duration > 0 and t.start >= 0 and t.end <= end + 1e-9 for t in turns)
    assert {t.speaker for t in turns} <= {f"r_{j + 1}" for j in range(k)}


def test_change_is_found_where_it_is():
    windows = cut_regions("r", [Region(0.0, 20.0)], 1.5, 0.25)
    # Each window says how much of it lies before the change at 8.6 s.
    first = np.clip((8.6 - windows.starts) / 1.5, 0, 1)
    turns = decode(windows, np.stack([first, 1 - first], axis=1), 20.0, DecodingConfig())
    assert [t.speaker for t in turns] == ["r_1", "r_2"]
    assert turns[0].end == pytest.approx(8.6, abs=0.15)


def test_one_odd_window_changes_nothing_and_a_short_turn_lives():
    windows = cut_regions("r", [Region(0.0, 30.0)], 1.5, 0.25)
    labels = np.zeros(len(windows), int)
    labels[40] = 1
    assert len(decode(windows, one_hot(labels), 30.0, DecodingConfig())) == 1
    labels[40:50] = 1  # 2.5 s
    assert len(decode(windows, one_hot(labels), 30.0, DecodingConfig())) == 3


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.integers(1, 3), st.floats(0, 4), st.integers(0, 99))
def test_viterbi_is_the_best_of_all_paths(steps, k, penalty, seed):
    scores = np.random.default_rng(seed).normal(size=(steps, k))

    def value(path):
        return scores[range(steps), path].sum() - penalty * np.count_nonzero(np.diff(path))

    best = max(value(np.array(path)) for path in np.ndindex(*[k] * steps))
    assert value(viterbi(scores, penalty)) == pytest.approx(best)


def test_without_a_penalty_every_frame_is_free():
    scores = np.random.default_rng(0).normal(size=(50, 3))
    assert np.array_equal(viterbi(scores, 0.0), scores.argmax(axis=1))


def test_published_cells():
    # Speech 0.5-4.0 s on the 0.75 s grid: cells floor((0.5 + 0.375) / 0.75) = 1 up to 5, so 1..4.
    windows, index = cut_grid("r", [Region(0.5, 4.0)], 16000 * 10, 16000, 1.5, 0.75)
    assert index.tolist() == [1, 2, 3, 4]
    labels = one_hot(np.array([0, 0, 1, 1]))
    turns = decode(windows, labels, 10.0, DecodingConfig("cells"), (1.5, 0.75))
    assert [(t.start, t.end) for t in turns] == [(0.375, 1.875), (1.875, 3.375)]


def test_cells_need_the_grid():
    windows = cut_regions("r", [Region(0.0, 3.0)], 1.5, 0.25)
    with pytest.raises(DataError, match="xvector_paper.yaml"):
        decode(windows, np.ones((len(windows), 1)), 3.0, DecodingConfig("cells"))


def test_no_windows_no_turns():
    windows = cut_regions("r", [], 1.5, 0.25)
    assert decode(windows, np.ones((0, 1)), 3.0, DecodingConfig()) == []


def test_known_speakers_are_all_left():
    windows = cut_regions("r", [Region(0.0, 30.0)], 1.5, 0.25)
    labels = np.zeros(len(windows), int)
    labels[40:44] = 1  # a second: too short for the usual price of a change
    soft = 0.2 + 0.6 * one_hot(labels)
    assert len({t.speaker for t in decode(windows, soft, 30.0, DecodingConfig())}) == 1
    assert len({t.speaker for t in decode(windows, soft, 30.0, DecodingConfig(), least=2)}) == 2


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.floats(1.5, 20), st.integers(0, 10**6))
def test_as_many_speakers_as_are_known(k, seconds, seed):
    """Also those that are nowhere the most likely one; and the rest of the turns stays as it was."""
    windows = cut_regions("r", [Region(0.0, seconds)], 1.5, 0.25)
    rng = np.random.default_rng(seed)
    posteriors = rng.dirichlet([20, *[0.1] * (k - 1)], len(windows))
    free = decode(windows, posteriors, seconds, DecodingConfig())
    known = decode(windows, posteriors, seconds, DecodingConfig(), least=k)
    possible = min(k, int(seconds / 0.5) - 1) if k > 1 else 1
    assert len({t.speaker for t in known}) >= possible
    assert sum(t.duration for t in known) == pytest.approx(sum(t.duration for t in free))
    who = lambda turns, at: next(t.speaker for t in turns if t.start <= at < t.end)  # noqa: E731
    times = np.arange(0.025, seconds - 0.05, 0.05)
    changed = sum(who(free, t) != who(known, t) for t in times) * 0.05
    assert changed <= 0.5 * (k - 1) + 0.15 * k


def test_frames_of_grid_windows_stay_within_their_cells():
    windows, _ = cut_grid("r", [Region(3.0, 6.0)], 16000 * 10, 16000, 1.5, 0.75)
    (turn,) = decode(windows, np.ones((len(windows), 1)), 10.0, DecodingConfig(), (1.5, 0.75))
    assert (turn.start, turn.end) == (2.625, 5.625)


def test_doubts_of_speakers():
    turns = [
        Turn("r", 0, 3, "a"),
        Turn("r", 3, 1.5, "b"),
        Turn("r", 3.5, 1.4, "b"),
        Turn("r", 6, 2, "c"),
    ]
    short = "less than 2 s of b: perhaps part of another speaker, or noise"
    limit = "3 speakers, the maximum allowed: there may be more"
    for bounds, said in (
        (Bounds(), [short]),
        (Bounds(exact=3), [short]),
        (Bounds(most=3), [limit, short]),
        (Bounds(least=4), ["3 of the 4 requested speakers", short]),
    ):
        assert doubts_of_turns(turns, bounds) == said
    assert doubts_of_turns([*turns, Turn("r", 9, 1, "b")], Bounds()) == []
    assert doubts_of_turns([], Bounds(most=2, least=2)) == []
