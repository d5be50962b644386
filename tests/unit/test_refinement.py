"""The refinement: Adam, long recordings in parts, the stop rules."""

import copy

import numpy as np
import pytest
import torch

from diar.autoencoder.network import ResidualAutoEncoder
from diar.dec.config import RefineConfig
from diar.dec.diarization import share_changed
from diar.dec.module import ClusteringModule
from diar.dec.objective import target_distribution
from diar.dec.refinement import Adam, batches, refine


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return ResidualAutoEncoder(8, [16, 4])


def blobs(sizes, seed=0):
    rng = np.random.default_rng(seed)
    centres = np.linalg.qr(rng.normal(size=(8, 8)))[0][: len(sizes)] * 3
    labels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    x = centres[labels] + 0.5 * rng.normal(size=(len(labels), 8))
    return torch.tensor(x, dtype=torch.float32), labels


def test_adam_is_that_of_torch():
    """Also where a gradient lies transposed in memory."""
    generator = torch.Generator().manual_seed(0)
    ours = [torch.randn(5, 3, generator=generator).requires_grad_() for _ in range(2)]
    theirs = [p.detach().clone().requires_grad_() for p in ours]
    fixed = torch.randn(3, 5, generator=generator)

    def loss(first, second):
        return (first.T * fixed).sum() + (first @ second.T).square().sum()

    one = Adam(([ours[0]], 0.1), ([ours[1]], 0.01))
    two = torch.optim.Adam(
        [{"params": [theirs[0]], "lr": 0.1}, {"params": [theirs[1]], "lr": 0.01}]
    )
    for _ in range(5):
        one.step(loss(*ours))
        two.zero_grad()
        loss(*theirs).backward()
        two.step()
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("n, size", [(1, 1), (5, 5), (6, 5), (23, 5), (100, 7)])
def test_parts_take_turns_and_miss_nothing(n, size):
    parts = -(-n // size)
    stream = batches(n, size)
    seen = [list(range(n))[next(stream)] for _ in range(2 * parts)]
    assert sorted(i for part in seen[:parts] for i in part) == list(range(n))
    assert seen[:parts] == seen[parts:]
    lengths = {len(part) for part in seen}
    assert max(lengths) <= size and max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("frequency_power, told", [(0.0, False), (1.0, False), (0.0, True)])
def test_parts_end_near_the_whole(encoder, frequency_power, told):
    x, labels = blobs([150, 100, 50])
    given = torch.nn.functional.one_hot(torch.from_numpy(labels), 3).float() if told else None
    found = {}
    for batch in (300, 100):
        config = RefineConfig(
            niter=20, lr_encoder=1e-3, lr_centroids=1e-2, batch=batch, mse_weight=0.1,
            kl_mean="batch", frequency_power=frequency_power,
        )  # fmt: skip
        module = ClusteringModule(3, copy.deepcopy(encoder), x, config=config)
        start = module.assign(x)[0]
        losses = [step.loss for step in refine(module, x, given=given)]
        found[batch] = module.assign(x)[0]
        assert len(losses) == 20 and (losses[-1] < losses[0] or not told)
    moved = (found[300] - start).abs().mean()
    assert (found[100] - found[300]).abs().mean() < 0.1 * moved


def test_parts_are_the_same_twice(encoder):
    x, _ = blobs([60, 40])
    results = []
    for _ in range(2):
        module = ClusteringModule(
            2, copy.deepcopy(encoder), x, config=RefineConfig(niter=7, batch=30)
        )
        losses = [step.loss for step in refine(module, x)]
        results.append((losses, module.centroids.detach()))
    assert results[0][0] == results[1][0] and torch.equal(results[0][1], results[1][1])


def test_no_more_windows_at_once_than_a_part(encoder):
    x, _ = blobs([60, 41])
    module = ClusteringModule(2, encoder, x, config=RefineConfig(niter=9, batch=30))
    sizes = []
    module.register_forward_hook(lambda m, inputs, outputs: sizes.append(len(inputs[0])))
    refine(module, x)
    assert len(sizes) == 9 and set(sizes) == {25, 26}


def test_the_frequencies_of_a_part_are_those_of_all(encoder):
    """Without a move of the weights, so that what every window is assigned is known."""
    x, _ = blobs([70, 20, 10])
    config = RefineConfig(niter=4, lr_encoder=0.0, lr_centroids=0.0, batch=30, mse_weight=0.0)
    module = ClusteringModule(3, encoder, x, config=config)
    q = module.assign(x)[0].double()
    p = target_distribution(q)
    divergence = (p * (p / q).log()).sum(1) / 3  # 'element'
    expected = [divergence[first::4].mean().item() for first in range(4)]
    assert [step.loss for step in refine(module, x)] == pytest.approx(expected, rel=1e-3)
    apart = target_distribution(q[::4])
    assert (apart - p[::4]).abs().max() > 1e-3  # those of the part alone would be others


def test_parts_stop_when_labels_settle(encoder):
    x, _ = blobs([60, 40])
    config = RefineConfig(niter=100, batch=30, tolerance=0.01, lr_encoder=1e-4, lr_centroids=1e-4)
    assert 0 < len(refine(ClusteringModule(2, encoder, x, config=config), x)) < 100


def test_the_share_that_moved_is_of_all_that_were_seen_before(encoder):
    x, _ = blobs([60, 41])
    config = RefineConfig(niter=9, batch=30, lr_encoder=1e-2, lr_centroids=1.0)
    module = ClusteringModule(4, encoder, x, config=config)
    seen = {}
    expected = []

    def look(_, inputs, outputs):
        keys = [row.numpy().tobytes() for row in inputs[0]]
        labels = outputs[0].argmax(1).tolist()
        before = [seen.get(key) for key in keys]
        there = [a != b for a, b in zip(before, labels, strict=True) if a is not None]
        expected.append(sum(there) / len(there) if there else None)
        seen.update(zip(keys, labels, strict=True))

    module.register_forward_hook(look)
    changes = [step.changed for step in refine(module, x)]
    assert expected[:4] == [None] * 4 and all(np.isnan(changes[:4]))
    assert changes[4:] == pytest.approx(expected[4:]) and max(changes[4:]) > 0


def test_many_windows_are_encoded_in_parts(encoder, monkeypatch):
    x, _ = blobs([30, 20])
    module = ClusteringModule(2, encoder, x)
    whole = module.assign(x)
    monkeypatch.setattr("diar.dec.module.BLOCK", 7)
    for one, other in zip(whole, module.assign(x), strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_share_of_changed_windows():
    one = np.eye(2)[[0, 0, 1, 1]]
    assert share_changed(one, one) == 0
    assert share_changed(one, np.eye(2)[[0, 1, 1, 1]]) == 0.25
    assert share_changed(one, np.eye(3)[[0, 0, 1, 1]]) == 1  # others cannot be compared
