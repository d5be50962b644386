"""Two systems on the same recordings: differences, intervals, tests, and what cannot be compared."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from small_scores import scores_in

from diar.base.errors import DataError
from diar.base.types import Region, Turn
from diar.scoring.comparison import Comparison, compare, rate_interval, total_der
from diar.scoring.frame import make_frame, read_experiment, read_frame, to_tsv, totals
from diar.scoring.rates import ScoringConfig, evaluate


def figures(scored, error, protocol="full"):
    """The scores of a system; half of the error is confusion."""
    scored, error = np.array(scored, float), np.array(error, float)
    names = [f"r{i:02d}" for i in range(len(scored))]
    return pd.DataFrame({
        "protocol": protocol, "recording": names, "scored_s": scored, "miss_s": error / 2, "fa_s": 0.0,
        "conf_s": error / 2, "der_%": 100 * error / scored, "speakers": 2, "speakers_found": 2,
    })  # fmt: skip


def test_scores_are_read_back(tmp_path):
    read = read_frame(scores_in(tmp_path / "a", [10, 20, 0.5]))
    assert list(read["protocol"].unique()) == ["paper", "forgiving", "fair", "full"]
    full = read[read["protocol"] == "full"]
    assert list(full["recording"]) == ["r0", "r1", "r2"]
    assert list(full["scored_s"]) == pytest.approx([100, 100, 100])
    assert list(full["miss_s"]) == pytest.approx([10, 20, 0.5])
    assert total_der(full) == pytest.approx(30.5 / 3)


def test_what_is_read_is_what_was_scored(tmp_path):
    """But for the decimals of the file; totals of it are those of the scores."""
    turns = [Turn("NA", 0, 5, "A"), Turn("NA", 4, 3, "B"), Turn("quiet", 1, 2, "x")]
    other = [Turn("NA", 0, 6.123, "1"), Turn("NA", 7, 1, "2"), Turn("NA", 9, 1, "3")]
    uem = {name: [Region(0, 20)] for name in ("NA", 'o"d', "quiet")}
    reference, hypothesis = {"NA": turns[:2]}, {"NA": other, "quiet": turns[2:]}
    frame = make_frame(evaluate(reference, hypothesis, uem, ScoringConfig().protocols))
    (tmp_path / "per_recording.tsv").write_text(to_tsv(frame), encoding="utf-8")
    read = read_frame(tmp_path)
    pd.testing.assert_frame_equal(read, frame, atol=1e-3, rtol=0)
    pd.testing.assert_frame_equal(totals(read), totals(frame), atol=1e-3, rtol=0)


def test_an_experiment_is_read_in_the_order_of_tables(tmp_path):
    for system, name in (("ahc", "dev"), ("zzz", "test"), ("ahc", "test"), ("dec_default", "test")):
        scores_in(tmp_path / system / name / "score", [1])
    frame = read_experiment(tmp_path)
    assert read_experiment(str(tmp_path)).equals(frame)
    rows = frame[frame["protocol"] == "full"][["set", "system"]].to_numpy().tolist()
    assert rows == [["test", "dec_default"], ["test", "ahc"], ["test", "zzz"], ["dev", "ahc"]]
    assert set(read_experiment(tmp_path, "dev")["system"]) == {"ahc"}
    with pytest.raises(DataError, match=r"per_recording\.tsv below it: \./run\.sh"):
        read_experiment(tmp_path, "none")


def test_difference_is_of_totals_not_of_means():
    comparison = Comparison(figures([90, 10], [0, 5]), figures([90, 10], [9, 0]))
    assert comparison.difference == pytest.approx(5 - 9)
    assert comparison.wins == (1, 0, 1)
    assert comparison.extremes() == ([0], [1])


def test_what_a_table_would_not_show_is_equal():
    comparison = Comparison(figures([100] * 3, [10, 10.004, 12]), figures([100] * 3, [10, 10, 10]))
    assert comparison.wins == (0, 2, 1)


def test_a_system_against_itself():
    same = figures([10, 20, 30], [1, 2, 3])
    comparison = Comparison(same, same)
    assert comparison.difference == 0
    assert comparison.interval() == (0, 0)
    assert comparison.p_value is None
    assert comparison.wins == (0, 3, 0)
    assert comparison.extremes() == ([], [])


def test_wilcoxon_by_hand():
    # six differences of one sign: the smallest p of the exact two-sided test is 2 / 2**6
    better = Comparison(
        figures([100] * 6, [1, 2, 3, 4, 5, 6]), figures([100] * 6, [9, 11, 13, 15, 17, 19])
    )
    assert better.p_value == pytest.approx(2 / 2**6)


def test_interval_covers_the_truth_as_often_as_it_says():
    """Of 200 draws of 40 recordings, the 95 % interval holds the true difference in 88 to 100 %."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(200):
        scored = rng.uniform(60, 600, 40)
        rates = rng.gamma(2, 0.03, (2, 40))
        a, b = (figures(scored, scored * rate) for rate in (rates[0] + 0.01, rates[1]))
        low, high = Comparison(a, b).interval(samples=500)
        hits += low <= 1.0 <= high
    assert 0.88 <= hits / 200 <= 1


def test_interval_is_seeded_and_scipys():
    rng = np.random.default_rng(1)
    scored = rng.uniform(50, 100, 30)
    a, b = (figures(scored, scored * rng.uniform(0, 0.2, 30)) for _ in "ab")
    comparison = Comparison(a, b)
    assert comparison.interval(seed=3) == comparison.interval(seed=3)
    assert comparison.interval(seed=3) != comparison.interval(seed=4)
    assert comparison.p_value == stats.wilcoxon(a["der_%"] - b["der_%"]).pvalue


def test_interval_of_a_rate_holds_the_rate_and_not_what_was_not_scored():
    rng = np.random.default_rng(2)
    scored = np.append(rng.uniform(50, 100, 40), 0)
    error = np.append(0.1 * scored[:40] * rng.uniform(0, 2, 40), 0)
    low, high = rate_interval(error, scored)
    assert low < 100 * error.sum() / scored.sum() < high
    assert (low, high) == rate_interval(error[:40], scored[:40])
    assert rate_interval(2 * error, 2 * scored) == pytest.approx((low, high))
    assert rate_interval(error[:1], scored[:1]) is None


def test_one_recording_has_no_interval():
    comparison = Comparison(figures([10], [1]), figures([10], [2]))
    assert comparison.interval() is None
    assert comparison.difference == pytest.approx(-10)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 99), st.integers(0, 50), st.integers(0, 50)), min_size=2))
def test_exchanged_systems_mirror(rows):
    scored, one, other = zip(*rows, strict=True)
    there = Comparison(figures(scored, one), figures(scored, other))
    back = Comparison(there.b, there.a)
    assert there.difference == pytest.approx(-back.difference)
    assert there.wins == back.wins[::-1]
    assert there.p_value == (None if back.p_value is None else pytest.approx(back.p_value))
    gains, losses = there.extremes(3)
    assert all(there.differences[i] < 0 for i in gains) and len(gains) <= 3
    assert all(there.differences[i] > 0 for i in losses)


class TestNotComparable:
    def test_other_recordings(self, tmp_path):
        a, b = (read_frame(scores_in(tmp_path / n, [1] * k)) for n, k in (("a", 2), ("b", 3)))
        with pytest.raises(DataError, match=r"only the second system has scores of 1.*: r2$"):
            compare(a, b)

    def test_another_reference(self, tmp_path):
        a = read_frame(scores_in(tmp_path / "a", [1, 1]))
        b = read_frame(scores_in(tmp_path / "b", [1, 1], collar_end=90.0))
        with pytest.raises(DataError, match=r"r0: .*not the same reference, UEM or protocol"):
            compare(a, b)

    def test_no_protocol_in_common(self):
        with pytest.raises(DataError, match="no protocol in common: x and y"):
            compare(figures([1], [1], "x"), figures([1], [1], "y"))

    @pytest.mark.parametrize("text", [None, "", "protocol\trecording\nfull\tr\n", "x\n1\n"])
    def test_no_scores(self, tmp_path, text):
        if text is not None:
            (tmp_path / "per_recording.tsv").write_text(text)
        with pytest.raises(DataError, match=r"per_recording\.tsv: .*steps/score\.sh"):
            read_frame(tmp_path)
