"""Long recordings: what replaces the exact computation above a size gives the same, or nearly so."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import spaced, trained_encoder
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform
from sklearn.metrics import adjusted_rand_score

from diar.base import config
from diar.base.types import Bounds
from diar.clustering import linkage as upgma
from diar.clustering import sampling
from diar.clustering.counting import cosine_affinity, eigengap
from diar.clustering.methods import METHODS, ClusteringConfig, ahc, method_of
from diar.dec import markov, module, start
from diar.dec.diarization import fit
from diar.pipeline.config import DecStageConfig
from diar.turns import decoding
from diar.xvectors.neighbours import neighbour_cosine

FEW = ClusteringConfig(exact=300)


def conversation(sizes, seed=0, turn=12, spread=0.15, dim=16):
    """Vectors of speakers who speak so many windows each, in turns of ``turn`` windows, and labels."""
    rng = np.random.default_rng(seed)
    centres = np.linalg.qr(rng.normal(size=(dim, dim)))[0][: len(sizes)]
    turns = [np.full(min(turn, n - i), j) for j, n in enumerate(sizes) for i in range(0, n, turn)]
    labels = np.concatenate([turns[i] for i in rng.permutation(len(turns))])
    x = centres[labels] + spread * rng.normal(size=(len(labels), dim))
    return x.astype(np.float32), labels


# Average linkage


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 40), st.integers(1, 40), st.integers(0, 10**6))
def test_linkage_continues_exactly(n, left, seed):
    """From the groups of any prefix of the merges, the rest of the tree is the same."""
    left = min(left, n)
    x = np.random.default_rng(seed).normal(size=(n, 6))
    distance = 1 - cosine_affinity(x)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average")
    groups = np.unique(upgma.cut(tree, left), return_inverse=True)[1]
    edges, heights = upgma.merges_of(*upgma.means_of(x, groups))
    assert heights == pytest.approx(tree[n - left :, 2], abs=1e-9)
    for count in range(1, left + 1):
        ours = upgma.join_groups(edges, count, left)[groups]
        assert adjusted_rand_score(upgma.cut(tree, count), ours) == 1


@pytest.mark.parametrize("n, block", [(50, 7), (50, 50), (51, 10), (50, 1)])
def test_groups_stay_within_blocks(n, block):
    x = np.random.default_rng(0).normal(size=(n, 5))
    groups = upgma.groups_within_blocks(x, 20, block)
    blocks = np.array_split(np.arange(n), -(-n // block))
    assert sorted(set(groups)) == list(range(max(20, len(blocks))))
    for group in set(groups):
        assert any(np.isin(np.flatnonzero(groups == group), rows).all() for rows in blocks)


def test_groups_of_few_rows_are_the_rows():
    rows = np.random.default_rng(0).normal(size=(6, 4))
    assert upgma.groups_within_blocks(rows, 9).tolist() == [0, 1, 2, 3, 4, 5]


def test_ahc_above_the_limit_is_nearly_that_of_all_pairs():
    x, labels = conversation([1200, 700, 250, 60, 12], spread=0.2)
    for bounds in (Bounds(), Bounds(5), Bounds(2), Bounds(least=7)):
        exact = ahc(x, bounds, ClusteringConfig())
        assert adjusted_rand_score(exact, ahc(x, bounds, FEW)) > 0.98
    assert adjusted_rand_score(labels, ahc(x, Bounds(5), FEW)) > 0.99


def test_memory_of_the_start_does_not_grow_with_the_square():
    n = 50_000
    x, labels = conversation([n // 2, n // 2])
    tracemalloc.start()
    found = ahc(x, Bounds(), ClusteringConfig(exact=1000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < n * n * 8 / 100
    assert adjusted_rand_score(labels, found) > 0.99


# All clusterings


@pytest.mark.parametrize("method", sorted(METHODS))
def test_at_the_limit_nothing_changes(method):
    x, _ = conversation([120, 100, 80])
    exact = method_of(method)(x, Bounds(3), ClusteringConfig(exact=10**9), 0)
    assert np.array_equal(method_of(method)(x, Bounds(3), FEW, 0), exact)


@pytest.mark.parametrize(
    "method, bounds",
    [(name, Bounds(3)) for name in sorted(METHODS)]
    + [(name, Bounds()) for name in ("ahc", "nme_sc", "spectral")],
    ids=str,
)
def test_above_the_limit_the_speakers_are_found(method, bounds):
    x, labels = conversation([900, 600, 400], spread=0.1)
    found = method_of(method)(x, bounds, FEW, 0)
    assert adjusted_rand_score(labels, found) > (0.85 if method == "spectral" else 0.98)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(METHODS)), st.integers(1, 4), st.integers(0, 99), st.booleans())
def test_just_above_the_limit(method, k, seed, alike):
    few = replace(FEW, exact=8)
    x = np.ones((9, 4)) if alike else np.random.default_rng(seed).normal(size=(9, 4))
    labels = method_of(method)(x, Bounds(k), few, seed)
    assert labels.shape == (9,)
    assert set(labels) <= set(range(k)) if alike else set(labels) == set(range(k))


@pytest.mark.parametrize("method", ["ahc", "nme_sc", "spectral"])
@pytest.mark.parametrize("spread", [0.0, 0.05])
def test_one_speaker_is_one(method, spread):
    x, _ = conversation([700], spread=spread)
    assert set(method_of(method)(x, Bounds(), FEW, 0)) == {0}


def test_sampled_count_is_that_of_all_windows():
    x, _ = conversation([500, 400, 300], spread=0.1)
    for percentile in (0.8, 0.9):
        rows = sampling.sample_rows(len(x), 300)
        sampled = sampling.SampledEigengap(1, 20, percentile)
        exact = eigengap(1, 20, percentile).find(x)
        assert sampled.find(sampling.blur(x, rows, 2.0)) == exact == 3
    assert start.count_on_latents(x, exact=300) == start.count_on_latents(x)


def test_blur_before_the_sample_is_that_of_the_affinity():
    x, _ = conversation([40, 40])
    rows = np.arange(10, 70, 7)
    points = sampling.blur(x, rows, 2.0)
    operation = eigengap(gaussian_blur_sigma=2.0).operations[1]
    whole = operation.refine(cosine_affinity(x))
    assert points @ points.T == pytest.approx(whole[np.ix_(rows, rows)], abs=1e-6)


def test_published_start_above_the_limit():
    x, labels = conversation([500, 400, 300], spread=0.1)
    assert adjusted_rand_score(labels, start.spectral_labels(x, 3, 0, exact=300)) > 0.98


@given(st.integers(1, 200), st.integers(1, 60), st.integers(1, 20))
def test_sample_rows(n, count, stretch):
    rows = sampling.sample_rows(n, min(count, n), stretch)
    assert 1 <= len(rows) <= count and (np.diff(rows) > 0).all()
    assert rows[0] >= 0 and rows[-1] < n


def test_neighbour_cosine_in_pieces(monkeypatch):
    x, _ = conversation([300, 300])
    starts = 0.25 * np.arange(len(x))
    whole = neighbour_cosine(x, starts)
    monkeypatch.setattr("diar.xvectors.neighbours._PAIRS", 100)
    assert neighbour_cosine(x, starts) == whole


# The model of time


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 60), st.integers(1, 4), st.floats(0, 0.999), st.floats(0, 30),
    st.integers(1, 12), st.integers(0, 10**6),
)  # fmt: skip
def test_pieces_are_the_whole(n, k, most, spread, piece, seed):
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, spread, (n, k))
    scores[:, : k // 2] = scores[:, :1]  # speakers that nothing tells apart are forgotten late
    shares = rng.dirichlet(np.ones(k))
    stay = most * rng.random(n)
    whole = markov.forward_backward(scores, shares, stay)
    before, markov._PIECE = markov._PIECE, piece
    try:
        pieces = markov.forward_backward(scores, shares, stay, sequential=0)
    finally:
        markov._PIECE = before
    assert pieces[0] == pytest.approx(whole[0], abs=1e-9)
    assert pieces[1] == pytest.approx(whole[1], abs=1e-9)
    assert pieces[2] == pytest.approx(whole[2], rel=1e-9, abs=1e-9)


def test_what_is_never_forgotten_goes_through_all_pieces():
    """Two equal speakers, no change of speaker: the first window alone decides, in all the others."""
    n = 3 * markov._PIECE
    scores = np.zeros((n, 2))
    scores[0, 0] = 2.0
    posteriors, _, _ = markov.forward_backward(
        scores, np.full(2, 0.5), np.full(n, 1 - 1e-12), sequential=0
    )
    assert posteriors[-1, 0] == pytest.approx(1 / (1 + np.exp(-2)), abs=1e-6)


# DEC


@pytest.fixture(scope="module")
def encoder():
    return trained_encoder(0.75, spread=0.15)


def test_ten_seconds_in_four_hours_survive(root, encoder):
    x, labels = conversation([57_560, 40], turn=40, spread=0.1)
    options = config.load(DecStageConfig, root / "conf/dec.yaml")
    found = fit(x, spaced(len(x), 0.25), encoder, options, Bounds()).labels
    assert np.array_equal(np.unique(found), [0, 1])
    assert adjusted_rand_score(labels, found) > 0.9


def test_too_many_speakers_in_a_long_recording_are_merged(root, encoder):
    x, labels = conversation([400, 400, 400], turn=40, spread=0.1)
    options = config.load(DecStageConfig, root / "conf/dec.yaml", ["clustering.exact=100"])
    assert fit(x, spaced(len(x), 0.25), encoder, options, Bounds()).count == 3
    found = fit(x, spaced(len(x), 0.25), encoder, options, Bounds(most=2))
    assert found.count == 2 and np.allclose(found.posteriors.sum(axis=1), 1)
    together = [set(found.labels[labels == speaker]) for speaker in range(3)]
    assert all(len(one) == 1 for one in together)  # whole speakers are merged, none is cut


def test_encoding_in_blocks(encoder, monkeypatch):
    x = torch.from_numpy(conversation([100])[0])
    clustered = module.ClusteringModule(1, encoder, x)
    with torch.no_grad():
        latents, (q, *_) = encoder.encode(x), clustered(x)
    assert torch.equal(encoder.encode_all(x), latents) and torch.equal(clustered.assign(x)[0], q)
    monkeypatch.setattr("diar.autoencoder.network.BLOCK", 7)
    monkeypatch.setattr("diar.dec.module.BLOCK", 7)
    assert torch.allclose(encoder.encode_all(x), latents, atol=1e-5)
    assert torch.allclose(clustered.assign(x)[0], q, atol=1e-5)


def test_viterbi_by_hand():
    scores = np.zeros((6, 3))
    scores[:3, 1], scores[3:, 2] = 5.0, 5.0
    assert decoding.viterbi(scores, 1.0).tolist() == [1, 1, 1, 2, 2, 2]
    assert decoding.viterbi(scores, 100.0).tolist() == [1] * 6
