"""How sure the turns are: from posteriors to probabilities, and into the files."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diar.base.types import Subsegments, Turn
from diar.exports import lines
from diar.exports.document import document_of
from diar.exports.recording import recording_of
from diar.kaldi.rttm import format_rttm, load_rttm
from diar.scoring.across import chain
from diar.scoring.rates import ScoringConfig, evaluate
from diar.scoring.right_turns import partners, right_turns
from diar.turns.confidence import ConfidenceConfig, confidences, mean_posteriors

MAP = ConfidenceConfig(posterior=0.5, duration=1.0, offset=1.0)


def windows(n, step=1.0):
    starts = step * np.arange(n)
    return Subsegments([f"r-{i}" for i in range(n)], ["r"] * n, starts, starts + 1.0)


def test_windows_count_by_what_they_share_with_the_turn():
    posteriors = np.array([[1.0, 0.0], [0.4, 0.6], [0.0, 1.0]])
    turns = [Turn("r", 0.0, 1.5, "r_1"), Turn("r", 1.5, 1.5, "r_2"), Turn("r", 9.0, 1.0, "r_2")]
    means = mean_posteriors(windows(3), posteriors, turns)
    np.testing.assert_allclose(means, [(1 + 0.5 * 0.4) / 1.5, (0.5 * 0.6 + 1) / 1.5, 1.0])


def test_recordings_with_underscores_and_many_speakers():
    posteriors = np.eye(12)
    turn = Turn("a_b", 10.0, 1.0, "a_b_11")
    assert mean_posteriors(windows(12), posteriors, [turn])[0] == 1.0


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.001, 1e4), st.floats(0.001, 1e4))
def test_the_map_never_falls_and_gives_probabilities(p, q, short, long):
    (p, q), (short, long) = sorted((p, q)), sorted((short, long))

    def sure(posterior, seconds):
        turn = Turn("r", 0.0, seconds, "r_1")
        table = np.array([[posterior, 1 - posterior]])
        return confidences(windows(1), table, [turn], MAP)[turn]

    assert 0 <= sure(p, short) <= sure(q, short) + 1e-12 <= sure(q, long) + 2e-12 <= 1 + 3e-12


def test_without_a_map_there_is_none():
    turn = Turn("r", 0.0, 1.0, "r_1")
    assert confidences(windows(1), np.ones((1, 1)), [turn], ConfidenceConfig()) == {}
    assert confidences(windows(1), np.ones((1, 1)), [], MAP) == {}


def test_a_falling_map_is_refused():
    with pytest.raises(ValueError, match="never falls"):
        ConfidenceConfig(posterior=-1.0)
    with pytest.raises(ValueError, match="least"):
        ConfidenceConfig(least=0.5)


def test_the_rttm_holds_it_and_gives_it_back(tmp_path):
    turns = [Turn("r", 0.0, 1.0, "a"), Turn("r", 1.0, 1.0, "b")]
    text = format_rttm(turns, {turns[0]: 0.98765})
    assert [line.split()[8:] for line in text.splitlines()] == [["0.988", "<NA>"], ["<NA>", "<NA>"]]
    (tmp_path / "x.rttm").write_text(text)
    read = load_rttm(tmp_path / "x.rttm")
    assert read.confidences == {turns[0]: 0.988} and read.turns["r"] == turns
    assert format_rttm(turns) == format_rttm(turns, {})


def test_what_is_no_probability_is_no_confidence(tmp_path):
    line = "SPEAKER r 1 {} 1 <NA> <NA> x {} <NA>\n"
    scores = ["1.7", "-0.1", "0", "1", "<NA>"]
    path = tmp_path / "scores.rttm"
    path.write_text("".join(map(line.format, range(5), scores)))
    read = load_rttm(path)
    assert len(read.turns["r"]) == 5
    assert {turn.start: sure for turn, sure in read.confidences.items()} == {2: 0, 3: 1}


def test_the_exports_that_have_a_place_for_it_have_it():
    turns = [Turn("r", 0.0, 1.0, "a"), Turn("r", 1.0, 3.0, "a"), Turn("r", 4.0, 1.0, "b")]
    recording = recording_of("r", turns, confidences={turns[0]: 0.5, turns[1]: 0.9})
    document = document_of(recording)
    assert [turn.get("confidence") for turn in document["turns"]] == [0.5, 0.9, None]
    assert [who.get("confidence") for who in document["speakers"]] == [0.8, None]
    assert [len(line.split()) for line in lines.ctm(recording).splitlines()] == [6, 6, 5]
    manifest = [json.loads(line) for line in lines.supervisions(recording).splitlines()]
    assert [line.get("custom") for line in manifest[1:]] == [{"confidence": 0.9}, None]


REFERENCE = [Turn("r", 0.0, 10.0, "anna"), Turn("r", 10.0, 10.0, "ben")]


def test_right_turns():
    found = [
        Turn("r", 0.0, 9.0, "1"),
        Turn("r", 9.0, 1.5, "2"),  # more of it is anna's
        Turn("r", 10.5, 9.0, "2"),
        Turn("r", 10.6, 0.5, "3"),  # ben is 2
        Turn("r", 30.0, 1.0, "1"),  # nobody speaks
    ]
    assert partners(REFERENCE, found) == {"1": "anna", "2": "ben"}
    assert right_turns(REFERENCE, found).tolist() == [True, False, True, False, False]
    assert right_turns([], found).tolist() == [False] * 5
    assert right_turns(REFERENCE, []).tolist() == []


class TestAcross:
    """One pairing for a collection."""

    protocols = {"full": ScoringConfig().protocols["full"]}
    reference = {"q": [Turn("q", 0.0, 10.0, "anna")], "r": REFERENCE}

    def der(self, hypothesis, uem=None):
        (score,) = evaluate(*chain(self.reference, hypothesis, uem), self.protocols).scores["full"]
        return (score.miss_s + score.fa_s + score.conf_s) / score.scored_s

    def named(self, q, first, second):
        turns = [t._replace(speaker=n) for t, n in zip(REFERENCE, (first, second), strict=True)]
        return {"q": [Turn("q", 0.0, 10.0, q)], "r": turns}

    def test_global_names_are_right_and_local_ones_half(self):
        assert self.der(self.named("1", "1", "2")) == 0.0
        assert self.der(self.named("q1", "r1", "r2")) == pytest.approx(1 / 3)
        assert self.der(self.named("1", "2", "1")) == pytest.approx(1 / 3)

    def test_a_recording_that_is_missing_is_missed(self):
        assert self.der({"r": REFERENCE}) == pytest.approx(1 / 3)

    def test_only_what_is_evaluated_counts(self):
        uem = {"q": [], "r": [(0.0, 10.0)]}
        assert self.der({"q": [Turn("q", 3.0, 5.0, "x")], "r": REFERENCE[:1]}, uem) == 0.0
