"""Counting and the baselines: known answers, bounds, tiny and degenerate input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import voices
from sklearn.metrics import adjusted_rand_score

from diar.base.errors import DataError
from diar.base.types import Bounds
from diar.clustering.counting import (
    AffinityRefinementOperation,
    CropDiagonal,
    Diffuse,
    GaussianBlur,
    RowWiseNormalize,
    RowWiseThreshold,
    Symmetrize,
    cosine_affinity,
    eigengap,
)
from diar.clustering.methods import METHODS, ClusteringConfig, method_of, nme_sc, renumber
from diar.xvectors.neighbours import NeighbourConfig, neighbour_cosine


def test_refinements_by_hand():
    X = np.array([[1.0, 0.2, 0.4], [0.3, 1.0, 0.1], [0.5, 0.6, 1.0]])
    assert np.diag(CropDiagonal().refine(X)).tolist() == [0.4, 0.3, 0.6]
    assert Symmetrize().refine(X)[0, 1] == 0.3
    assert np.allclose(Diffuse().refine(X), X @ X.T)
    assert np.allclose(RowWiseNormalize().refine(X * [[2], [3], [4]]).max(axis=1), 1)
    thresholded = RowWiseThreshold(0.5, 0.01, thresholding_with_row_max=True).refine(X)
    assert np.allclose(thresholded[0], [1.0, 0.002, 0.004])
    by_quantile = RowWiseThreshold(0.5, 0.01).refine(X)
    assert np.allclose(by_quantile[0], [1.0, 0.002, 0.4])
    assert GaussianBlur(1).refine(np.eye(5)).max() < 1
    for operation in (CropDiagonal(), Diffuse(), Symmetrize(), RowWiseNormalize()):
        with pytest.raises(ValueError, match="square"):
            operation.refine(np.zeros((2, 3)))
    with pytest.raises(TypeError):
        AffinityRefinementOperation()


def test_published_defaults():
    finder = eigengap()
    assert (finder.min_clusters, finder.max_clusters, finder.stop_eigenvalue) == (1, 100, 1e-2)
    threshold = finder.operations[2]
    assert (threshold.p_percentile, threshold.multiplier, threshold.with_row_max) == (
        0.9,
        0.01,
        True,
    )
    assert GaussianBlur().sigma == 1 and RowWiseThreshold().p_percentile == 0.95


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_eigengap_counts(count):
    x, _ = voices([40] * count, spread=0.02)
    assert eigengap().find(x) == count
    assert 2 <= eigengap(min_clusters=2, max_clusters=4).find(x) <= 4
    if count == 3:
        assert eigengap(min_clusters=2).find(x) == 3


def test_eigenvalues_of_find_are_those_of_the_affinity():
    x, _ = voices([15, 12, 9])
    finder = eigengap()
    plain = finder.compute_affinity_matrix(x)
    assert np.allclose(plain, plain.T) and plain.min() >= 0 and np.allclose(np.diag(plain), 1)
    symmetric, root = finder._symmetric(x)
    affinity = RowWiseNormalize().refine(symmetric * root * root.T)
    expected = finder.compute_sorted_eigenvalues(affinity)
    assert np.allclose(np.linalg.eigvalsh(symmetric)[::-1], expected, atol=1e-6)
    values, vectors = finder.compute_sorted_eigenvectors(affinity)
    assert np.allclose(values, expected) and vectors.shape == affinity.shape
    top = finder.spectral_embedding(x, 2)
    assert np.allclose(affinity @ top, top * expected[:2], atol=1e-6)


def test_number_of_clusters_by_hand():
    count = eigengap().compute_number_of_clusters
    assert count(np.array([1.0, 0.9, 0.1, 0.09])) == 2
    assert count(np.array([1.0, 0.9, 0.1, 1e-9]), max_clusters=2) == 2
    assert count(np.array([1.0, 0.5, 0.4, 0.005, 1e-9]), stop_eigenvalue=1e-2) == 3


def test_cosine_of_a_zero_row_is_zero():
    assert np.isfinite(cosine_affinity(np.zeros((3, 4)))).all()


@pytest.mark.parametrize("method", sorted(METHODS))
def test_known_count_on_clear_clusters(method):
    x, labels = voices([30, 20, 12], spread=0.05)
    found = method_of(method)(x, Bounds(3), ClusteringConfig(), 0)
    # The blur of 'spectral' takes windows for neighbours: those beside a change may go astray.
    assert adjusted_rand_score(labels, found) > (0.85 if method == "spectral" else 0.999)


@pytest.mark.parametrize("method", ["ahc", "nme_sc", "spectral"])
def test_estimated_count_on_clear_clusters(method):
    x, labels = voices([30, 25, 20], spread=0.05)
    found = method_of(method)(x, Bounds(), ClusteringConfig(), 0)
    assert adjusted_rand_score(labels, found) > (0.85 if method == "spectral" else 0.999)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(METHODS)), st.integers(0, 12), st.integers(1, 5), st.integers(0, 99))
def test_exact_count_is_honoured(method, n, k, seed):
    x = np.random.default_rng(seed).normal(size=(n, 4))
    labels = method_of(method)(x, Bounds(k), ClusteringConfig(), seed)
    assert labels.shape == (n,)
    assert sorted(set(labels)) == list(range(min(n, k)))


@pytest.mark.parametrize("method", ["ahc", "nme_sc", "spectral"])
def test_bounds_are_honoured(method):
    x, _ = voices([20, 20, 20, 20], spread=0.05)
    run = method_of(method)
    assert len(set(run(x, Bounds(least=6), ClusteringConfig(), 0))) >= 6
    assert len(set(run(x, Bounds(most=2), ClusteringConfig(), 0))) <= 2


@pytest.mark.parametrize("method", sorted(METHODS))
def test_identical_windows(method):
    labels = method_of(method)(np.ones((9, 4)), Bounds(1), ClusteringConfig(), 0)
    assert set(labels) == {0}
    many = method_of(method)(np.ones((9, 4)), Bounds(2), ClusteringConfig(), 0)
    assert many.shape == (9,) and many.max() <= 1


def test_bounds_make_sense():
    for bad in ({"exact": 0}, {"exact": 2.5}, {"least": 0}, {"most": 0}, {"most": -1}):
        with pytest.raises(DataError, match="must be a whole number of at least 1, not"):
            Bounds(**bad)
    for bad in ({"least": 3, "most": 2}, {"exact": 5, "most": 2}, {"exact": 2, "least": 5}):
        with pytest.raises(DataError, match="contradict each other: .*at least"):
            Bounds(**bad)
    assert Bounds(46).range == (46, 46) and Bounds(least=30).range == (30, 30)
    assert Bounds(5).shortfall(3) == "3 of the 5 requested speakers"
    assert Bounds(5).shortfall(5) == Bounds(least=2).shortfall(2) == Bounds().shortfall(1) == ""


def test_k_means_needs_the_count():
    with pytest.raises(ValueError, match="number of speakers"):
        method_of("kmeans")(np.ones((3, 2)), Bounds(), ClusteringConfig(), 0)


def test_renumber_by_first_appearance():
    assert renumber(np.array([7, 7, 2, 9, 2])).tolist() == [0, 0, 1, 2, 1]


def test_neighbour_cosine_of_one_voice_and_of_nothing():
    x, _ = voices([80], spread=0.1)
    starts = 0.25 * np.arange(80)
    affinity = cosine_affinity(x)
    expected = np.median([affinity[i, j] for i in range(80) for j in range(i + 6, min(i + 13, 80))])
    assert neighbour_cosine(x, starts) == pytest.approx(expected, abs=0.02)
    for few in (0, 1, 5):
        assert neighbour_cosine(x[:few], starts[:few]) == NeighbourConfig().prior_cosine
    apart = np.arange(80) * 0.25 + 10.0 * (np.arange(80) // 4)  # stretches of a second
    assert neighbour_cosine(x, apart) == NeighbourConfig().prior_cosine
    assert np.isfinite(neighbour_cosine(np.zeros((80, 4)), starts))


def test_windows_that_share_audio_are_no_speakers_to_nme():
    """Twenty seconds of one voice, a window every 0.25 s: neighbours are alike because they overlap."""
    rng = np.random.default_rng(0)
    pieces = rng.normal(size=(86, 32))
    x = 3 + np.stack([pieces[i : i + 6].mean(axis=0) for i in range(81)]) * 3
    counts = [
        len(set(nme_sc(x, Bounds(), ClusteringConfig(nme_neighbours=least)))) for least in (2, 12)
    ]
    assert counts[0] > 4 and counts[1] == 1
