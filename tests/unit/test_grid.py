"""The label grid of the published method."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diar.base.errors import DataError
from diar.base.types import Turn
from diar.xvectors.grid import SILENCE, activity, cells_of, count_cells, turns_from_cells

times = st.integers(0, 60_000).map(lambda ms: ms / 1000)
steps = st.sampled_from([0.25, 0.75, 0.1, 1.0])


def test_cells_by_hand():
    # cells of 0.75 s begin at -0.375, 0.375, 1.125, 1.875 ...
    assert cells_of(0.0, 0.374, 0.75) == range(0)
    assert cells_of(0.0, 0.375, 0.75) == range(1)
    assert cells_of(0.375, 1.125, 0.75) == range(1, 2)
    assert cells_of(0.4, 7.04, 0.75) == range(1, 9)


@given(times, times, steps)
def test_cells_are_those_whose_beginning_is_passed(start, length, step):
    end = start + length
    milli = round(step * 1000)
    expected = range(
        math.floor((2 * round(start * 1000) + milli) / (2 * milli)),
        math.floor((2 * round(end * 1000) + milli) / (2 * milli)),
    )
    assert list(cells_of(start, end, step)) == list(expected)


@given(times, times, times, steps)
def test_regions_that_touch_share_no_cell_and_leave_none_out(a, b, c, step):
    a, b, c = sorted((a, b, c))
    assert [*cells_of(a, b, step), *cells_of(b, c, step)] == list(cells_of(a, c, step))


@pytest.mark.parametrize(("samples", "cells"), [(0, 0), (1, 1), (12000, 1), (12001, 2)])
def test_number_of_windows(samples, cells):
    assert count_cells(samples / 16000, 0.75) == cells == len(range(0, samples, 12000))


@pytest.mark.parametrize("step", [0, -0.75, 1 / 3, 1e-9])
def test_steps_that_are_no_samples_are_refused(step):
    with pytest.raises(DataError, match="whole number of samples"):
        count_cells(1.0, step)


def test_turns_by_hand():
    assert turns_from_cells("r", [0, 0, -1, 1, 0], 0.75, 3.5) == [
        Turn("r", 0.0, 1.125, "0"),
        Turn("r", 1.875, 0.75, "1"),
        Turn("r", 2.625, 0.75, "0"),
    ]


def test_more_labels_than_windows_are_refused():
    with pytest.raises(DataError, match="r: 3 labels, but 1.500 s have only 2 windows"):
        turns_from_cells("r", [0, 0, 0], 0.75, 1.5)


@given(st.lists(st.integers(-1, 3), min_size=1, max_size=40), steps, st.floats(0.01, 1))
def test_turns_keep_every_label_and_stay_inside(labels, step, part):
    duration = round((len(labels) - 1 + part) * step, 3)
    labels = labels[: count_cells(duration, step)]
    turns = turns_from_cells("r", labels, step, duration)
    assert all(t.start >= 0 and t.duration > 0 and t.end <= duration + 1e-9 for t in turns)
    assert all(
        a.end < b.start - 1e-9 or a.speaker != b.speaker for a, b in itertools.pairwise(turns)
    )
    for i, label in enumerate(labels):
        instant = min(max(i * step, 1e-4), duration - 1e-4)
        speaking = [t.speaker for t in turns if t.start <= instant < t.end]
        assert speaking == ([] if label == SILENCE else [str(label)])


@given(st.lists(st.integers(-1, 3), min_size=2, max_size=40), steps)
def test_turns_mark_the_cells_that_they_came_from(labels, step):
    duration = len(labels) * step
    marks, speakers = activity(turns_from_cells("r", labels, step, duration), step, duration)
    back = [int(speakers[row.argmax()]) if row.any() else SILENCE for row in marks]
    assert back == labels
    assert marks.dtype == np.uint8 and marks.sum(axis=1).max(initial=0) <= 1


def test_activity_has_overlap():
    turns = [Turn("r", 0.0, 2.0, "b"), Turn("r", 1.0, 2.0, "a")]
    marks, speakers = activity(turns, 0.5, 3.0)
    assert speakers == ["a", "b"]
    assert marks.tolist() == [[0, 1], [0, 1], [1, 1], [1, 1], [1, 0], [1, 0]]
