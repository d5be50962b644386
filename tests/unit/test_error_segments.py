"""The segments of error sum up to the DER of the protocol 'full'."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diar.base import colours
from diar.base.types import Region, Turn
from diar.scoring.error_segments import find_errors
from diar.scoring.frame import total_score
from diar.scoring.rates import Protocol

turns = st.lists(
    st.builds(
        lambda start, length, who: Turn("r", start / 10, length / 10, who),
        st.integers(0, 300),
        st.integers(1, 80),
        st.sampled_from("abcd"),
    ),
    max_size=12,
)


@given(turns, turns)
def test_sums_are_those_of_the_scores(reference, hypothesis):
    uem = {"r": [Region(2.0, 25.0)]}
    found = find_errors(reference, hypothesis, uem["r"])
    total = total_score({"r": reference}, {"r": hypothesis}, uem, Protocol(0.0, "in"))
    for kind, column in (("miss", "miss_s"), ("false alarm", "fa_s"), ("confusion", "conf_s")):
        seconds = sum((end - start) * times for start, end, times in found.segments[kind])
        assert seconds == pytest.approx(total[column], abs=1e-6)
    for segments in found.segments.values():
        for (_, end, _), (start, _, _) in pairwise(segments):
            assert end <= start


def test_what_is_said_of_each_segment():
    reference = [Turn("r", 0, 10, "A"), Turn("r", 8, 4, "B")]
    hypothesis = [Turn("r", 1, 9, "1"), Turn("r", 10, 4, "1")]
    found = find_errors(reference, hypothesis, [Region(0, 20)])
    assert found.pairs == {"1": "A"}
    assert found.segments["miss"] == [(0, 1, 1), (8, 10, 1)]
    assert found.segments["confusion"] == [(10, 12, 1)]
    assert found.segments["false alarm"] == [(12, 14, 1)]
    assert found.segments["overlap"] == [(8, 10, 2)]


def test_paired_speakers_share_a_colour():
    ours, theirs = colours.places(["A", "B"], ["1", "2", "3"], {"2": "A"})
    assert ours == {"A": 0, "B": 1}
    assert theirs == {"1": 2, "2": 0, "3": 3}
    assert len({colours.style(i) for i in range(35)}) == 35
