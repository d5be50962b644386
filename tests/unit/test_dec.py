"""DEC: assignment, target, centroids, refinement, the published classes."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diar.autoencoder.network import ResidualAutoEncoder
from diar.clustering.counting import eigengap
from diar.dec.config import RefineConfig
from diar.dec.module import ClusteringModule
from diar.dec.objective import student_t, target_distribution
from diar.dec.refinement import refine
from diar.dec.start import spectral_labels
from diar.published.dec import DEC


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return ResidualAutoEncoder(8, [16, 4])


def blobs(sizes, dim=8, spread=0.1, seed=0):
    """Well separated clusters and their labels."""
    rng = np.random.default_rng(seed)
    centres = np.linalg.qr(rng.normal(size=(dim, dim)))[0][: len(sizes)] * 3
    labels = np.repeat(np.arange(len(sizes)), sizes)
    x = centres[labels] + spread * rng.normal(size=(len(labels), dim))
    return torch.tensor(x, dtype=torch.float32), labels


def test_student_t_by_hand():
    z, mu = torch.tensor([[0.0], [2.0]]), torch.tensor([[0.0], [1.0]])
    # (1 + d^2)^-1: 1 and 1/2; 1/5 and 1/2
    expected = torch.tensor([[2 / 3, 1 / 3], [2 / 7, 5 / 7]])
    assert torch.allclose(student_t(z, mu), expected)


def test_target_by_hand():
    q = torch.tensor([[0.5, 0.5], [0.9, 0.1]])
    weight = torch.tensor([[0.25 / 1.4, 0.25 / 0.6], [0.81 / 1.4, 0.01 / 0.6]])
    assert torch.allclose(target_distribution(q), weight / weight.sum(1, keepdim=True))
    sizeless = torch.tensor([[0.5, 0.5], [0.81 / 0.82, 0.01 / 0.82]])
    assert torch.allclose(target_distribution(q, 2, 0), sizeless)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.integers(1, 12), st.floats(0.5, 60), st.integers(0, 99))
def test_rows_sum_to_one(k, n, alpha, seed):
    generator = torch.Generator().manual_seed(seed)
    z, mu = (torch.randn(m, 3, generator=generator) * 50 for m in (n, k))
    q = student_t(z, mu, alpha)
    p = target_distribution(q)
    for table in (q, p):
        assert torch.isfinite(table).all() and (table >= 0).all()
        assert torch.allclose(table.sum(1), torch.ones(n), atol=1e-5)


def test_size_neutral_target_never_changes_the_order_within_a_row():
    q = torch.softmax(torch.randn(50, 5), dim=1)
    assert torch.equal(target_distribution(q, 2, 0).argmax(1), q.argmax(1))


def test_module_returns_what_the_interface_says(encoder):
    x, _ = blobs([10, 10, 10])
    module = ClusteringModule(3, encoder, x)
    q, p, original, rebuilt = module(x)
    assert q.shape == p.shape == (30, 3)
    assert torch.equal(original, x) and rebuilt.shape == x.shape
    assert module.centroids.shape == (3, 4)
    assert torch.allclose(p, target_distribution(q))


@pytest.mark.parametrize("method", ["KMeans", "Spectral"])
def test_centroids_are_cluster_means(encoder, method):
    x, labels = blobs([12, 9, 7])
    module = ClusteringModule(3, encoder, x)
    centroids = module.init_centroid(x, method)
    with torch.no_grad():
        z = encoder.encode(x)
        means = torch.stack([z[labels == j].mean(0) for j in range(3)])
    distance = torch.cdist(centroids, means)
    assert sorted(distance.argmin(1).tolist()) == [0, 1, 2]
    assert distance.min(1).values.max() < 1e-4


def test_unknown_initialisation_is_refused(encoder):
    with pytest.raises(ValueError, match="KMeans"):
        ClusteringModule(2, encoder, blobs([4, 4])[0], "Random")


def test_counts_on_the_latents_when_not_told(encoder):
    x, _ = blobs([30, 30, 30])
    with torch.no_grad():
        z = encoder.encode(x).double().numpy()
    expected = max(eigengap(p_percentile=p).find(z) for p in (0.9, 0.95))
    module = ClusteringModule(None, encoder, x)
    assert module.num_clusters == len(module.centroids) == expected


@pytest.mark.parametrize("cinit", ["KMeans", "Spectral"])
def test_dec_finds_the_clusters_and_leaves_the_encoder_alone(encoder, cinit):
    x, labels = blobs([20, 15, 10])
    before = copy.deepcopy(encoder.state_dict())
    dec = DEC(encoder, 3, cinit).fit(x, niter=20)
    predicted = dec.predict(x)
    assert isinstance(predicted, np.ndarray) and predicted.shape == (45,)
    accuracy, mapping = dec.clusterAccuracy(predicted, labels)
    assert accuracy == 1.0 and sorted(mapping) == sorted(mapping.values()) == [0, 1, 2]
    assert len(dec.losses) == 20
    for name, value in encoder.state_dict().items():
        assert torch.equal(value, before[name])


def test_two_fits_are_the_same(encoder):
    x, _ = blobs([20, 15])
    dec = DEC(encoder, 2)
    first = dec.fit(x, niter=15).losses
    assert dec.fit(x, niter=15).losses == first
    assert DEC(encoder, 2).fit(x.numpy(), niter=15).losses == first


def test_accuracy_by_hand():
    assert DEC.clusterAccuracy([0, 0, 1, 1], [1, 1, 0, 0]) == (1.0, {0: 1, 1: 0})
    accuracy, mapping = DEC.clusterAccuracy([0, 0, 1, 2], [3, 3, 3, 0])
    assert accuracy == 0.75 and mapping[0] == 3 and mapping[2] == 0
    with pytest.raises(ValueError, match=r"y_true must be whole numbers \(2,\)"):
        DEC.clusterAccuracy([0, 1], [0])


def test_predict_runs_only_where_there_is_a_reference(encoder, monkeypatch):
    x, labels = blobs([10, 10])
    calls = []
    monkeypatch.setattr(DEC, "predict", lambda self, data: calls.append(1) or np.zeros(20, int))
    DEC(encoder, 2).fit(x, niter=3, verbose=True)
    assert not calls
    assert DEC(encoder, 2).fit(x, labels, niter=3).accuracies == [0.5] * 3
    assert len(calls) == 3


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("k", [None, 1, 2, 5])
def test_very_few_windows(encoder, n, k):
    x = torch.randn(n, 8)
    labels = DEC(encoder, k).fit(x, niter=3).predict(x)
    assert labels.shape == (n,) and labels.max() < min(n, k or n)


@pytest.mark.parametrize("cinit", ["KMeans", "Spectral"])
def test_identical_windows_are_one_speaker(encoder, cinit):
    x = torch.ones(10, 8)
    assert set(DEC(encoder, 3, cinit).fit(x, niter=3).predict(x)) == {0}
    assert set(DEC(encoder, None, cinit).fit(x, niter=3).predict(x)) == {0}


def test_bad_data_is_refused(encoder):
    for bad in (torch.zeros(0, 8), torch.full((3, 8), torch.nan), torch.zeros(8)):
        with pytest.raises(ValueError):
            DEC(encoder, 2).fit(bad)
    with pytest.raises(ValueError, match="at least 1"):
        DEC(encoder, 0).fit(torch.zeros(3, 8))
    with pytest.raises(RuntimeError, match="fit"):
        DEC(encoder, 2).predict(torch.zeros(3, 8))


def test_element_mean_of_the_divergence_shrinks_with_the_clusters(encoder):
    x, _ = blobs([10, 10, 10])
    losses = {}
    for mean in ("element", "batch"):
        config = RefineConfig(niter=1, mse_weight=0.0, kl_mean=mean)
        module = ClusteringModule(3, copy.deepcopy(encoder), x, config=config)
        losses[mean] = refine(module, x)[0].loss
    assert losses["batch"] == pytest.approx(3 * losses["element"], rel=1e-5)


def test_refinement_stops_when_labels_settle(encoder):
    x, _ = blobs([20, 20])
    config = RefineConfig(niter=100, tolerance=0.001, target_interval=5)
    losses = refine(ClusteringModule(2, encoder, x, config=config), x)
    assert len(losses) < 100 and len(losses) % 5 == 0


def test_latents_on_the_sphere(encoder):
    x, _ = blobs([5, 5])
    module = ClusteringModule(2, encoder, x, config=RefineConfig(sphere=3.0))
    assert torch.allclose(module.assign(x)[1].norm(dim=1), torch.full((10,), 3.0), atol=1e-4)
    assert torch.allclose(module.centroids.norm(dim=1), torch.full((2,), 3.0), atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 15), st.integers(1, 6), st.integers(0, 99))
def test_spectral_start_keeps_every_cluster(n, k, seed):
    z = np.random.default_rng(seed).normal(size=(n, 3))
    labels = spectral_labels(z, k, 0)
    assert sorted(set(labels)) == list(range(min(n, k)))
