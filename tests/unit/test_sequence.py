"""The sequence model and the speaker space: against brute force, and on data whose truth is known."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from diar.autoencoder.speaker_space import estimate
from diar.base.errors import DataError
from diar.base.posteriors import one_hot
from diar.dec.durations import Durations, durations_of
from diar.dec.markov import forward_backward
from diar.dec.sequence import (
    SequenceConfig,
    common_offset,
    infer,
    longest_stretch,
    merge,
    most_mixed,
    same_speaker,
    soften,
    unfounded,
    without,
)
from diar.xvectors.neighbours import check_neighbours, neighbours


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.integers(1, 3), st.floats(0, 0.99), st.integers(0, 10**6))
def test_forward_backward_is_the_sum_over_all_paths(n, k, most, seed):
    rng = np.random.default_rng(seed)
    stay = most * rng.random(n)  # windows may be close or far apart
    scores = rng.normal(0, 3, (n, k))
    shares = rng.dirichlet(np.ones(k))
    moves = [kept * np.eye(k) + (1 - kept) * shares for kept in stay]
    total, occupied = 0.0, np.zeros((n, k))
    for path in itertools.product(range(k), repeat=n):
        weight = shares[path[0]] * np.exp(scores[range(n), path].sum())
        weight *= np.prod([moves[t][path[t - 1], path[t]] for t in range(1, n)])
        total += weight
        occupied[range(n), path] += weight
    posteriors, entries, likelihood = forward_backward(scores, shares, stay)
    assert likelihood == pytest.approx(np.log(total))
    assert posteriors == pytest.approx(occupied / total)
    assert entries.sum() == pytest.approx(1) and (entries >= 0).all()


def uniform(count, step):
    """Of windows every ``step`` seconds."""
    return Durations(np.full(count, step), np.full(count, step))


def conversation(speakers, turns, rng, dim=16, between=8.0, length=12):
    """Latents of spread 1 within a speaker; every turn is ``length`` windows."""
    means = rng.normal(0, np.sqrt(between), (speakers, dim))
    order = [*range(speakers), *rng.integers(0, speakers, turns - speakers)]
    labels = np.repeat(order, length)
    return means[labels] + rng.normal(size=(len(labels), dim)), labels


@pytest.mark.parametrize("speakers", [1, 2, 5])
def test_too_many_clusters_are_dissolved(speakers):
    rng = np.random.default_rng(speakers)
    y, labels = conversation(speakers, 20, rng)
    start = labels * 3 + rng.integers(0, 3, len(labels))  # every speaker in three pieces
    start = np.unique(start, return_inverse=True)[1]
    found = infer(y, np.full(16, 8.0), soften(start), uniform(len(y), 0.75), SequenceConfig())
    assert found.shape[1] == speakers
    assert np.allclose(found.sum(axis=1), 1)
    pairs = set(zip(labels.tolist(), found.argmax(axis=1).tolist(), strict=True))
    assert len(pairs) == speakers


def test_nothing_is_dissolved_when_the_number_is_known():
    y, _ = conversation(1, 10, np.random.default_rng(0))
    start = np.arange(len(y)) % 3
    found = infer(
        y,
        np.full(16, 8.0),
        soften(start),
        uniform(len(y), 0.75),
        SequenceConfig(),
        dissolve=False,
    )
    assert found.shape[1] == 3


def test_complexity_dissolves_more():
    rng = np.random.default_rng(3)
    y, labels = conversation(6, 30, rng, between=0.5)
    counts = [
        infer(
            y,
            np.full(16, 0.5),
            soften(labels),
            uniform(len(y), 0.75),
            SequenceConfig(complexity=c),
        ).shape[1]
        for c in (0.5, 10, 40)
    ]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == 6 and counts[-1] == 1


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4), st.floats(0.05, 0.95), st.integers(0, 10**6))
def test_the_common_offset_is_the_mean_of_its_posterior(speakers, share, seed):
    """Here by conditioning the joint normal distribution of the offset and all means, one dimension at a time."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(speakers), 3)
    y = rng.normal(0, 2, (len(labels), 2))
    phi = rng.uniform(0.5, 5, 2)
    config = SequenceConfig(offset=share, drift=0.2)
    found = common_offset(y, phi, one_hot(labels), uniform(len(y), 0.75), config)
    means = np.array([y[labels == s].mean(axis=0) for s in range(speakers)])
    own = 1 / (config.evidence * 3 * 0.75) + config.drift
    for d in range(2):
        common = share * phi[d]
        total = common + np.eye(speakers) * ((1 - share) * phi[d] + own)
        assert found[d] == pytest.approx(
            np.full(speakers, common) @ np.linalg.solve(total, means[:, d])
        )


def test_what_all_speakers_have_in_common_costs_none_of_them():
    """A line shifts all voices: far from the mean of the training, a speaker would cost more than they explain."""
    rng = np.random.default_rng(0)
    y, labels = conversation(4, 12, rng, between=2, length=4)
    y += 4
    start, durations = soften(labels), uniform(len(y), 0.75)

    def count(config: SequenceConfig) -> int:
        phi = np.full(16, 2.0)
        offset = common_offset(y, phi, start, durations, config)
        return infer(y - offset, (1 - config.offset) * phi, start, durations, config).shape[1]

    assert count(SequenceConfig(offset=0.4)) == 4 > count(SequenceConfig())


def test_time_decides_where_a_window_does_not():
    y, labels = conversation(2, 20, np.random.default_rng(1))
    y[30] = y[labels == labels[30]].mean(axis=0) * 0.5 + y[labels != labels[30]].mean(axis=0) * 0.5
    found = infer(y, np.full(16, 8.0), soften(labels), uniform(len(y), 0.75), SequenceConfig())
    assert found[30].argmax() == found[29].argmax() == found[31].argmax()


def test_order_of_clusters_does_not_matter():
    rng = np.random.default_rng(5)
    y, labels = conversation(3, 15, rng)
    one = infer(y, np.full(16, 8.0), soften(labels), uniform(len(y), 0.75), SequenceConfig())
    other = infer(y, np.full(16, 8.0), soften(2 - labels), uniform(len(y), 0.75), SequenceConfig())
    assert one == pytest.approx(other[:, ::-1])


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.integers(0, 10**6))
def test_likelihood_ratio_is_that_of_the_two_gaussians(dim, seed):
    rng = np.random.default_rng(seed)
    between = rng.uniform(0.1, 5, dim)
    spread = between + rng.uniform(0.05, 2, (3, dim))
    means = rng.normal(0, 2, (3, dim))
    ratios = same_speaker(means, spread, between)
    assert ratios == pytest.approx(ratios.T)
    apart = sum(norm.logpdf(means[i], scale=np.sqrt(spread[i])).sum() for i in (0, 2))
    covariances = [[[spread[0, d], b], [b, spread[2, d]]] for d, b in enumerate(between)]
    pairs = means[[0, 2]].T
    together = sum(
        multivariate_normal.logpdf(p, cov=c) for p, c in zip(pairs, covariances, strict=True)
    )
    assert ratios[0, 2] == pytest.approx(together - apart)


def split_voice(offset, seed=0):
    """Three speakers of 40 windows; those of the last are two halves, this far apart."""
    rng = np.random.default_rng(seed)
    means = rng.normal(0, np.sqrt(8.0), (3, 16))
    y = np.repeat(means, 40, axis=0) + rng.normal(size=(120, 16))
    y[100:, 0] += offset
    labels = np.repeat([0, 1, 2, 3], [40, 40, 20, 20])
    return y, soften(labels)


def test_a_voice_that_drifts_is_merged_and_others_are_not():
    between = np.full(16, 8.0)
    y, posteriors = split_voice(1.0)
    merged = merge(y, between, posteriors, uniform(len(y), 0.75), SequenceConfig(drift=0.2))
    assert merged.shape[1] == 3
    assert merged.sum(axis=1) == pytest.approx(np.ones(120))
    assert merged[80:, 2].min() > 0.9
    y, posteriors = split_voice(12.0)
    assert (
        merge(y, between, posteriors, uniform(len(y), 0.75), SequenceConfig(drift=0.2)).shape[1]
        == 4
    )
    assert (
        merge(y, between, posteriors, uniform(len(y), 0.75), SequenceConfig(drift=0)).shape[1] == 4
    )
    for count in (1, 2, 3, 4, 5):
        found = merge(y, between, posteriors, uniform(len(y), 0.75), SequenceConfig(drift=0), count)
        assert found.shape[1] == min(count, 4)


def test_neighbours_share_no_audio_and_cross_no_silence():
    starts = np.concatenate([np.arange(20) * 0.25, 60 + np.arange(20) * 0.25])
    i, j = neighbours(starts, 1.5)
    gaps = starts[j] - starts[i]
    assert len(i) and gaps.min() >= 1.5 and gaps.max() <= 3.0
    expected = sum(
        1.5 <= b - a <= 3.0 for half in (starts[:20], starts[20:]) for a in half for b in half
    )
    assert len(i) == expected
    assert len(neighbours(starts[:1], 1.5)[0]) == len(neighbours(starts[:0], 1.5)[0]) == 0


def test_speaker_space_is_found_without_labels():
    """Within speakers the space makes the spread 1; between them it finds the one direction."""
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(4, 4))
    recordings = []
    for _ in range(200):
        mean = np.array([3.0, 0.1, 0.1, 0.1]) * rng.normal(size=4)
        recordings.append(((mean + rng.normal(size=(60, 4))) @ mix, np.arange(60) * 1.5))
    center, transform, between = estimate(recordings, 1.5)
    y = [(z - center) @ transform for z, _ in recordings]
    within = np.mean([np.cov(part.T) for part in y], axis=0)
    assert within == pytest.approx(np.eye(4), abs=0.1)
    assert between[0] == pytest.approx(9, rel=0.3)
    assert between[1:].max() < 0.3
    assert (np.diff(between) <= 0).all()


def test_one_recording_is_enough_and_little_speech_invents_no_speakers():
    """Without shrinkage, 40 windows of one speaker in 30 dimensions would seem to be of many."""
    rng = np.random.default_rng(0)
    starts = np.arange(40) * 1.5
    one = rng.normal(size=(40, 30))
    two = one + np.where(starts[:, None] < 30, 3, -3) * np.eye(30)[0]
    assert estimate([(one, starts)], 1.5)[2].max() < 3
    _, transform, between = estimate([(two, starts)], 1.5)
    assert between[0] > 4 > between[1] and abs(transform[0, 0]) > np.abs(transform[1:, 0]).max()


def test_too_little_to_learn_from():
    few = [np.arange(3) * 0.75] * 5
    with pytest.raises(DataError, match="no recording has 5 pairs of windows"):
        check_neighbours(few, 1.5)
    with pytest.raises(DataError, match="no neighbouring windows that differ"):
        estimate([(np.ones((3, 4)), starts) for starts in few], 1.5)
    alike = np.arange(30) * 0.75
    check_neighbours([*few, alike], 1.5)
    with pytest.raises(DataError, match="no neighbouring windows that differ"):
        estimate([(np.ones((30, 4)), alike)], 1.5)


@pytest.mark.parametrize(
    "wrong", [{"evidence": 0}, {"turn": -1}, {"iterations": -1}, {"drift": -1}]
)
def test_options_are_checked(wrong):
    with pytest.raises(ValueError, match="must (be positive|not)|not be negative"):
        SequenceConfig(**wrong)


def test_windows_stand_for_the_time_around_them():
    # close, then far apart; a pause; far apart
    starts = np.array([0, 0.25, 0.5, 1.25, 2.0, 9.0, 9.75])
    found = durations_of(starts, 1.5)
    assert found.gaps == pytest.approx([0.75, 0.25, 0.25, 0.75, 0.75, 0.75, 0.75])
    assert found.seconds == pytest.approx([0.5, 0.25, 0.5, 0.75, 0.75, 0.75, 0.75])
    alone = durations_of(np.array([3.0]), 1.5)
    assert (alone.gaps, alone.seconds) == (pytest.approx([0.75]), pytest.approx([0.75]))
    apart = durations_of(
        2.0 * np.arange(5), 1.5
    )  # windows that do not touch: each as far as the next
    assert apart.seconds == pytest.approx(np.full(5, 2.0))


def test_a_window_that_stands_for_twice_the_time_counts_as_two():
    """Twice the same window, the second at once behind the first, or one that stands for both."""
    rng = np.random.default_rng(0)
    y, labels = conversation(3, 12, rng)
    between, start = np.full(16, 8.0), soften(labels)
    config = SequenceConfig()
    n = len(y)
    one = Durations(np.full(n, 0.5), np.full(n, 0.5))
    two = Durations(np.full(2 * n, 0.25), np.tile([0.5, 1e-9], n))
    whole = infer(y, between, start, one, config)
    halves = infer(np.repeat(y, 2, axis=0), between, np.repeat(start, 2, axis=0), two, config)
    assert halves[::2] == pytest.approx(whole, abs=1e-5)
    assert merge(np.repeat(y, 2, axis=0), between, halves, two, config, 2)[::2] == pytest.approx(
        merge(y, between, whole, one, config, 2), abs=1e-5
    )


def gamma_of(*seconds):
    """Windows of a second: so many of each cluster."""
    labels = np.repeat(np.arange(len(seconds)), seconds)
    return one_hot(labels), Durations(np.ones(len(labels)), np.ones(len(labels)))


def test_seconds_of_an_hour_are_no_speaker():
    config = SequenceConfig(least_time=0.005, enough=1500)
    for seconds, odd in {
        (3600, 7): [False, True],
        (3600, 8): [False, False],  # of an hour as of 25 minutes
        (300, 2): [False, False],
        (300, 1): [False, True],
        (1,): [False],
    }.items():
        assert unfounded(*gamma_of(*seconds), config, None).tolist() == odd, seconds


def test_who_is_never_alone_is_two_at_once():
    config = SequenceConfig(solo=0.33, solo_from=10)
    gamma, durations = gamma_of(100, 30, 30, 9)
    solo = np.repeat([0.9, 0.2, 0.2, 0.0], [100, 30, 30, 9])
    solo[100:111] = 0.6  # eleven of the thirty
    assert unfounded(gamma, durations, config, solo).tolist() == [False, False, True, False]
    assert not unfounded(gamma, durations, config, None).any(), (
        "without a segmentation nobody knows"
    )
    assert unfounded(gamma, durations, config, solo * 0).sum() == 2, (
        "one is left, and who says little"
    )


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 8)), min_size=1, max_size=60))
def test_the_longest_stretch_is_that_of_the_runs(windows):
    labels, quarters = map(np.array, zip(*windows, strict=True))
    durations = Durations(quarters / 4, quarters / 4)
    longest = [0.0] * 4
    for label, run in itertools.groupby(
        zip(labels, quarters, strict=True), key=lambda pair: pair[0]
    ):
        longest[label] = max(longest[label], sum(each for _, each in run) / 4)
    assert longest_stretch(np.eye(4)[labels], durations) == pytest.approx(longest)


def test_who_never_speaks_for_long_is_nobody():
    rows = np.arange(400)
    durations = uniform(len(rows), 0.75)
    config = SequenceConfig(stretch=2, solo_from=10)
    odd = np.where(rows % 20 == 7, 2, rows // 200)  # 20 single windows, 15 s
    assert unfounded(one_hot(odd), durations, config, None).tolist() == [False, False, True]
    turn = np.where(rows // 3 == 33, 2, odd)  # one turn of three of them, 2.25 s
    assert not unfounded(one_hot(turn), durations, config, None).any()
    little = np.where(rows % 40 == 7, 2, rows // 200)  # 7.5 s: too little to know
    assert not unfounded(one_hot(little), durations, config, None).any()
    assert not unfounded(one_hot(odd), durations, SequenceConfig(), None).any()


MIXED = SequenceConfig(mixed_ratio=1, drift=0.2, solo_from=10)


def three_people(share, seconds, seed=0, dim=32, between=4.0):
    """Latents of two people of 150 s, and of a third cluster; it is a person where share is None."""
    rng = np.random.default_rng(seed)
    means = rng.normal(0, np.sqrt(between), (3, dim))
    if share is not None:
        means[2] = (1 - share) * means[0] + share * means[1]
    labels = np.repeat([0, 1, 2], [200, 200, round(seconds / 0.75)])
    y = means[labels] + rng.normal(size=(len(labels), dim))
    return y, np.full(dim, between), one_hot(labels), uniform(len(labels), 0.75)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.2, 0.8), st.integers(12, 100), st.integers(0, 10**6))
def test_two_at_once_are_no_third_person(share, seconds, seed):
    assert most_mixed(*three_people(share, seconds, seed), MIXED).tolist() == [False, False, True]
    assert not most_mixed(*three_people(None, seconds, seed), MIXED).any()


def test_of_a_few_seconds_nobody_knows_whether_they_are_two_at_once():
    assert not most_mixed(*three_people(0.5, 9), MIXED).any()
    assert not most_mixed(*three_people(0.5, 60), SequenceConfig()).any()


def test_no_more_than_one_is_dissolved_at_a_time_and_none_of_two():
    y, phi, gamma, durations = three_people(0.5, 60)
    twice = np.hstack([gamma[:, :2], gamma[:, 2:] * (np.arange(len(y)) % 2 == 0)[:, None]])
    twice = np.hstack([twice, 1 - twice.sum(axis=1, keepdims=True)])
    assert most_mixed(y, phi, twice, durations, MIXED).sum() == 1
    two = gamma[:, :2] + gamma[:, 2:] / 2
    assert not most_mixed(y, phi, two, durations, MIXED).any()


def test_windows_of_who_is_dissolved_go_to_the_others():
    gamma = np.array([[0.2, 0.3, 0.5], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    left = without(gamma, np.array([False, False, True]))
    assert left == pytest.approx(np.array([[0.4, 0.6], [0.5, 0.5], [1.0, 0.0]]))
