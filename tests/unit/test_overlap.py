"""Local speakers get the names of DEC's speakers: by hand, and what holds for any."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diar.base.posteriors import one_hot
from diar.base.types import LocalSpeakers, Region
from diar.turns.decoding import DecodingConfig, decode
from diar.turns.overlap import OverlapConfig, name_local_speakers, speakers_of
from diar.xvectors.windows import cut_regions

FRAME = 0.05


def heard(spans, length=20.0, window=10.0, step=2.5, shuffle=0):
    """Local speakers of spans (start, end, speaker), in each window in another order."""
    starts = np.arange(0, length - window + step / 2, step)
    frames = np.arange(FRAME / 2, window, FRAME)
    rng = np.random.default_rng(shuffle)
    activity = np.zeros((len(starts), len(frames), 3), np.float32)
    for number, start in enumerate(starts):
        column = rng.permutation(3)
        for begin, end, speaker in spans:
            there = (frames + start >= begin) & (frames + start < end)
            activity[number, there, column[speaker]] = 1
    return LocalSpeakers(starts, activity, FRAME / 2, FRAME)


def clusters(spans, length=20.0, count=3):
    """Windows of a recording that is all speech, and posteriors: who speaks most of each."""
    windows = cut_regions("r", [Region(0.0, length)], 1.5, 0.5)
    total = np.zeros((len(windows), count))
    for begin, end, speaker in spans:
        lasts, firsts = np.minimum(windows.ends, end), np.maximum(windows.starts, begin)
        total[:, speaker] += np.maximum(0, lasts - firsts)
    return windows, one_hot(np.append(total.argmax(axis=1), count - 1))[:-1]


TALK = [(0.0, 8.0, 0), (7.0, 13.0, 1), (12.0, 20.0, 0)]


@pytest.mark.parametrize("order", range(3))
def test_overlap_is_found_whatever_the_local_speakers_are_called(order):
    windows, posteriors = clusters(TALK)
    found = decode(windows, posteriors, 20.0, DecodingConfig(), local=heard(TALK, shuffle=order))
    expected = [(0, 8, "r_1"), (7, 13, "r_2"), (12, 20, "r_1")]
    assert [t.speaker for t in found.turns] == [who for _, _, who in expected]
    for turn, (start, end, _) in zip(found.turns, expected, strict=True):
        assert turn.start == pytest.approx(start, abs=0.1)
        assert turn.end == pytest.approx(end, abs=0.1)
    assert sum(t.duration for t in found.exclusive) == pytest.approx(20.0)


def test_two_local_speakers_never_become_one():
    """DEC has merged them: one gets the name, the other has none."""
    windows, _ = clusters(TALK)
    posteriors = np.ones((len(windows), 1))
    found = decode(windows, posteriors, 20.0, DecodingConfig(), local=heard(TALK))
    assert [(t.start, t.end) for t in found.turns] == [(0.0, pytest.approx(20.0))]


def test_where_the_network_hears_nobody_dec_decides():
    windows, posteriors = clusters([(0.0, 10.0, 0), (10.0, 20.0, 1)])
    found = decode(windows, posteriors, 20.0, DecodingConfig(), local=heard([]))
    assert [t.speaker for t in found.turns] == ["r_1", "r_2"]


def test_second_is_how_sure_the_network_must_be():
    windows, posteriors = clusters(TALK)
    local = heard(TALK)
    local.activity[:, :, :] *= 0.7  # where both speak, 1.4 are active
    for second, overlapped in ((0.3, True), (0.5, False)):
        config = DecodingConfig(overlap=OverlapConfig(second=second))
        turns = decode(windows, posteriors, 20.0, config, local=local).turns
        assert (sum(t.duration for t in turns) > 20.5) == overlapped


def test_three_at_once_where_the_network_hears_three():
    spans = [(0.0, 20.0, 0), (5.0, 15.0, 1), (8.0, 12.0, 2)]
    centres = np.arange(FRAME / 2, 20, FRAME)
    posteriors = np.tile([0.5, 0.3, 0.2], (len(centres), 1))
    ranks = speakers_of(centres, posteriors, heard(spans), OverlapConfig())
    number = sum((rank >= 0).astype(int) for rank in ranks)
    assert number[[100, 200, 300 - 1]].tolist() == [2, 3, 2] and number[20] == 1


def test_activity_is_the_mean_of_windows():
    local = heard([(0.0, 20.0, 0)])
    local.activity[1] = 0  # the second window hears nothing
    centres = np.array([1.0, 4.0, 9.0])
    activity, active = name_local_speakers(centres, np.ones((3, 1)), local, 0.01)
    assert active == pytest.approx([1, 1 / 2, 3 / 4]) and activity[:, 0] == pytest.approx(active)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.integers(0, 10**6))
def test_turns_of_a_speaker_are_apart_and_all_speech_has_somebody(count, seed):
    rng = np.random.default_rng(seed)
    windows = cut_regions("r", [Region(0.3, 4.1), Region(5.0, 17.7)], 1.5, 0.5)
    posteriors = rng.dirichlet(np.full(count, 0.3), len(windows))
    local = LocalSpeakers(
        np.array([0.0, 2.5, 5.0, 7.7]), rng.random((4, 200, 3)).astype(np.float32), 0.025, 0.05
    )
    found = decode(windows, posteriors, 17.7, DecodingConfig(), local=local, least=count)
    assert found.turns == sorted(found.turns)
    speech = 3.8 + 12.7
    assert sum(t.duration for t in found.exclusive) == pytest.approx(speech)
    assert sum(t.duration for t in found.turns) >= speech - 1e-6
    for name in {t.speaker for t in found.turns}:
        mine = [t for t in found.turns if t.speaker == name]
        assert all(a.end < b.start for a, b in pairwise(mine))
    spans = [(t.start - 1e-6, t.end + 1e-6, t.speaker) for t in found.turns]
    for turn in found.exclusive:  # one of those who speak
        assert any(a <= turn.start and turn.end <= b and turn.speaker == who for a, b, who in spans)


@pytest.mark.parametrize("options", [{"trust": -1.0}, {"second": 0.0}, {"second": 1.1}])
def test_bad_options_are_refused(options):
    with pytest.raises(ValueError, match="trust|second"):
        OverlapConfig(**options)
