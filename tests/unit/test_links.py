"""Links between windows: what they say, and that the sequence model hears it."""

from __future__ import annotations

import numpy as np
import pytest

from diar.base.types import LocalSpeakers, Region
from diar.dec.durations import durations_of
from diar.dec.links import links_of, local_count, solo_of
from diar.dec.sequence import SequenceConfig, infer, soften
from diar.xvectors.windows import cut_regions

FRAME = 0.05


def local_of(windows):
    """Of (start, activity (f, s)) each."""
    starts, activity = zip(*windows, strict=True)
    return LocalSpeakers(np.array(starts), np.array(activity, np.float32), FRAME / 2, FRAME)


def halves(swap=False):
    """Ten seconds: one speaker for five, then another."""
    activity = np.zeros((200, 3))
    activity[:100, 1 if swap else 0] = activity[100:, 2] = 1
    return activity


def test_who_speaks_alone():
    local = local_of([(0.0, [[1.0, 0.0], [1.0, 1.0], [0.5, 0.5]])])
    assert local.alone(0).tolist() == [[1, 0], [0, 0], [0.25, 0.25]]


def test_links_hold_one_speaker_together_and_two_apart():
    windows = cut_regions("r", [Region(0.0, 10.0)], 1.0, 1.0)
    links = links_of(windows, local_of([(0.0, halves())])).toarray()
    signs = np.where(np.arange(10) < 5, 1, -1)
    off = ~np.eye(10, dtype=bool)
    assert np.array_equal(np.sign(links)[off], np.outer(signs, signs)[off])
    assert (np.diag(links) == 0).all() and np.array_equal(links, links.T)
    assert abs(links).sum(axis=1) == pytest.approx(np.ones(10))


def test_overlap_links_nothing():
    windows = cut_regions("r", [Region(0.0, 10.0)], 1.0, 1.0)
    both = np.zeros((200, 3))
    both[:, :2] = 1
    assert abs(links_of(windows, local_of([(0.0, both)])).toarray()).max() == 0


def test_local_speakers_of_two_windows_are_not_compared():
    """Their numbers mean nothing."""
    windows = cut_regions("r", [Region(0.0, 15.0)], 1.0, 1.0)
    one = links_of(windows, local_of([(0.0, halves()), (5.0, halves())])).toarray()
    other = links_of(windows, local_of([(0.0, halves()), (5.0, halves(swap=True))])).toarray()
    assert np.allclose(one, other)
    assert (one[:5, 10:] == 0).all()  # never in one window


def test_of_what_several_windows_hold_the_mean_is_taken():
    windows = cut_regions("r", [Region(6.0, 7.0), Region(8.0, 9.0)], 1.0, 1.0)
    links = links_of(windows, local_of([(0.0, halves()), (5.0, np.zeros((200, 3)))])).toarray()
    assert links == pytest.approx(np.array([[0, 0.5], [0.5, 0]]))


def test_windows_that_no_other_knows_are_free():
    windows = cut_regions("r", [Region(0.0, 30.0)], 1.5, 0.75)
    links = links_of(windows, local_of([(0.0, halves())])).toarray()
    assert (links[windows.starts > 10] == 0).all()


def test_the_sequence_model_hears_links():
    """Two voices that latents do not tell apart, but the segmentation does."""
    rng = np.random.default_rng(0)
    windows = cut_regions("r", [Region(0.0, 10.0)], 0.5, 0.5)
    y, phi = rng.normal(0, 0.3, (20, 4)), np.full(4, 4.0)
    truth = (windows.starts >= 5).astype(int)
    start = truth.copy()
    start[[3, 14]] = [1, 0]  # two are wrong
    durations = durations_of(windows.starts, 0.5)
    links = links_of(windows, local_of([(0.0, halves())]))
    found = {}
    for nats in (0.0, 20.0):
        config = SequenceConfig(links=nats, turn=0.5)
        gamma = infer(y, phi, soften(start), durations, config, False, links)
        found[nats] = gamma.argmax(axis=1)
    assert np.array_equal(found[20.0], truth)
    assert not np.array_equal(found[0.0], truth)


def test_local_speakers_are_counted():
    activity = np.zeros((2, 200, 3))
    activity[0, :, 0] = activity[0, :30, 1] = 1  # 1.5 s
    activity[1, :, 0] = activity[1, :10, 1] = activity[1, 50:60, 2] = 1  # half a second each
    local = LocalSpeakers(np.array([0.0, 5.0]), activity.astype(np.float32), FRAME / 2, FRAME)
    assert local_count(local, 1.0) == 2
    assert local_count(local_of([(0.0, np.zeros((200, 3)))]), 1.0) == 1


def test_how_much_of_a_window_one_has_to_themselves():
    activity = np.zeros((200, 3))
    activity[:, 0] = activity[100:, 1] = 1  # alone for five seconds, then with another
    windows = cut_regions("r", [Region(0.0, 10.0), Region(20.0, 21.0)], 1.0, 1.0)
    solo = solo_of(windows, local_of([(0.0, activity)]))
    assert solo == pytest.approx([1] * 5 + [0] * 5 + [1], abs=0.02), "1 where none knows"
    half = local_of([(0.0, activity), (0.0, activity[:, :1] @ np.ones((1, 3)))])  # nobody is alone
    assert solo_of(windows, half)[:5] == pytest.approx(np.full(5, 0.5), abs=0.02)
