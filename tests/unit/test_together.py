"""Several recordings in one set of tensors are what they are alone."""

import copy
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import fit_dec
from cli import program, xvector_job
from diar.autoencoder import network
from diar.autoencoder.network import ResidualAutoEncoder
from diar.autoencoder.pretraining import learn_speakers
from diar.base import config
from diar.base.errors import DataError
from diar.base.types import Bounds, Subsegments, concatenate
from diar.dec import together
from diar.dec.diarization import DecConfig, fit
from diar.dec.module import ClusteringModule
from diar.dec.refinement import RefineConfig, Refinement, refine
from diar.dec.together import Recording, fit_all, refine_all
from diar.kaldi import arks, tables

DIM = 16


def spaced(n, step=0.25, name="r"):
    starts = step * np.arange(n)
    return Subsegments([f"{name}-{i:03d}" for i in range(n)], [name] * n, starts, starts + 1.5)


def voices(sizes, seed):
    rng = np.random.default_rng(seed)
    centres = np.linalg.qr(rng.normal(size=(DIM, DIM)))[0][: len(sizes)]
    labels = np.repeat(np.arange(len(sizes)), sizes)
    return (centres[labels] + 0.1 * rng.normal(size=(len(labels), DIM))).astype(np.float32)


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    model = ResidualAutoEncoder(DIM, [32, 8], shortcut=True, length_norm=True, speaker_space=True)
    learn_speakers(
        model.eval(), [(voices([40], seed), spaced(40).starts) for seed in range(30)], 1.5
    )
    return model


@pytest.fixture(scope="module")
def recordings():
    sizes = ([60, 45, 50], [40, 30], [80], [7], [25, 25, 25, 25], [3, 4], [1])
    return [
        Recording(voices(each, seed), spaced(sum(each)), Bounds(), seed)
        for seed, each in enumerate(sizes)
    ]


CONFIGS = [
    RefineConfig(),
    RefineConfig(kl_mean="batch", frequency_power=0.0, speaker_scale=0.3, mse_weight=1.0),
    RefineConfig(sphere=2.0, target_interval=2),
]


@settings(max_examples=15, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 30), st.integers(1, 5)), min_size=2, max_size=5),
    options=st.sampled_from(CONFIGS),
    told=st.booleans(),
    seed=st.integers(0, 99),
)
def test_refined_together_as_alone(encoder, sizes, options, told, seed):
    """In double precision, where no rounding hides a window, a cluster or a weight that leaks."""
    generator = torch.Generator().manual_seed(seed)
    options = RefineConfig(**{**vars(options), "niter": 5})
    requests = []
    for n, k in sizes:
        x = torch.randn(n, DIM, generator=generator)
        module = ClusteringModule(k, copy.deepcopy(encoder), x, config=options).double()
        k = module.num_clusters
        target = torch.softmax(torch.randn(n, k, generator=generator).double(), 1) if told else None
        requests.append(Refinement(module, x.double(), target))
    alone = copy.deepcopy(requests)
    expected = [refine(r.module, r.x, given=r.target) for r in alone]
    assert np.allclose(refine_all(requests), expected, rtol=1e-8, atol=1e-10, equal_nan=True)
    for one, other in zip(alone, requests, strict=True):
        start = copy.deepcopy(encoder).double().state_dict()
        for name, value in one.module.state_dict().items():
            assert torch.allclose(value, other.module.state_dict()[name], atol=1e-6), name
        moved = one.module.encoder.decoder[0].linear.weight - start["decoder.0.linear.weight"]
        assert moved.abs().max() > 1e-4  # or else nothing would have been compared


def close(a, b):
    assert a.posteriors.shape == b.posteriors.shape
    assert np.allclose(a.posteriors, b.posteriors, atol=1e-4)
    assert np.allclose(a.latents, b.latents, atol=1e-3)
    assert np.array_equal(a.fitted, b.fitted) and np.array_equal(a.start, b.start)


@pytest.fixture(scope="module")
def dec(root):
    return config.load(DecConfig, root / "conf/dec.yaml")


@pytest.fixture(scope="module")
def alone(recordings, encoder, dec):
    return [fit(r.x, r.windows, encoder, dec, r.bounds, r.seed) for r in recordings]


@pytest.mark.parametrize("at_once", [1, 2, 7, 64])
def test_fitted_together_as_alone(recordings, encoder, dec, alone, at_once):
    before = copy.deepcopy(encoder.state_dict())
    for one, other in zip(alone, fit_all(recordings, encoder, dec, at_once), strict=True):
        close(one, other)
    assert all(torch.equal(v, before[k]) for k, v in encoder.state_dict().items())


def test_neither_mates_nor_order_matter(recordings, encoder, dec, alone):
    order = [4, 0, 6, 2, 5]
    for i, found in zip(
        order, fit_all([recordings[i] for i in order], encoder, dec, 5), strict=True
    ):
        close(alone[i], found)


def test_several_are_refined_in_one_set_of_tensors(recordings, encoder, dec, monkeypatch):
    groups = []
    monkeypatch.setattr(
        together, "refine_all", lambda asked: groups.append(len(asked)) or refine_all(asked)
    )
    fit_all(recordings, encoder, dec, 64)
    assert groups[0] >= 3  # all that have more than one cluster
    groups.clear()
    fit_all(recordings, encoder, dec)
    assert set(groups) == {1}  # the CPU: one after the other


@pytest.mark.parametrize("bounds", [Bounds(2), Bounds(least=3), Bounds(most=1)], ids=str)
def test_those_that_take_other_ways_go_together(recordings, encoder, dec, bounds):
    told = [Recording(r.x, r.windows, bounds, r.seed) for r in recordings]
    expected = [fit(r.x, r.windows, encoder, dec, bounds, r.seed) for r in told]
    for one, other in zip(expected, fit_all(told, encoder, dec, 64), strict=True):
        close(one, other)


def test_what_cannot_go_together_goes_alone(encoder):
    """Other settings, a stop rule, more windows than a step sees, and no more than fit."""

    def asked(n, given=True, **options):
        x = torch.randn(n, DIM)
        module = ClusteringModule(1, encoder, x, config=RefineConfig(**options))
        return Refinement(module, x, torch.ones(n, 1) if given else None)

    few = {0: asked(5), 1: asked(9), 2: asked(7), 3: asked(6, given=False), 4: asked(8, alpha=2.0)}
    few |= {5: asked(8, tolerance=0.1), 6: asked(9, tolerance=0.1), 7: asked(30, batch=10)}
    few |= {8: asked(31, batch=10)}
    groups = list(together._groups(few))
    assert [0, 2, 1] in groups
    assert sorted(i for group in groups for i in group) == list(range(9))
    for single in (3, 4, 5, 6, 7, 8):
        assert [single] in groups
    large = {i: asked(together.MOST_WINDOWS // 3 + 1, batch=20000) for i in range(3)}
    assert sorted(len(group) for group in together._groups(large)) == [1, 2]


def test_one_that_fails_fails_alone(recordings, encoder, dec, alone):
    bad = Recording(np.zeros((4, DIM + 1), np.float32), spaced(4), Bounds())
    first, middle, last = fit_all([recordings[0], bad, recordings[1]], encoder, dec, 3)
    close(first, alone[0])
    close(last, alone[1])
    assert isinstance(middle, DataError) and f"dimension {DIM + 1}" in str(middle)


def test_how_many_are_held_at_once(monkeypatch):
    monkeypatch.setattr(xvector_job, "MOST_HELD", 10)
    sizes = {"a": 4, "b": 4, "c": 4, "d": 50, "e": 1, "f": 1, "g": 1}
    groups = list(xvector_job.grouped(sizes, sizes, 2))
    assert groups == [["a", "b"], ["c"], ["d"], ["e", "f"], ["g"]]
    assert list(xvector_job.grouped(sizes, sizes, 1)) == [[name] for name in sizes]


def test_the_program_writes_the_same(recordings, encoder, root, tmp_path, monkeypatch):
    """fit_dec.py with three at once, one of them bad."""
    windows = [spaced(len(r.x), name=f"r{i}") for i, r in enumerate(recordings)]
    vectors = dict(
        zip(
            [i for w in windows for i in w.ids],
            np.concatenate([r.x for r in recordings]),
            strict=True,
        )
    )
    vectors["r1-000"][0] = np.nan
    tables.write_segments(tmp_path, concatenate(windows))
    arks.write_ark(tmp_path / "xvector.ark", vectors)
    network.save_model(tmp_path / "model.safetensors", encoder)
    written = []
    for at_once in (1, 3):
        out = tmp_path / f"out{at_once}"
        monkeypatch.setattr(together, "pays", lambda device, number=at_once: number)
        monkeypatch.setattr(
            sys, "argv",
            ["fit_dec.py", "--config", str(root / "conf/dec.yaml"), str(tmp_path), str(tmp_path / "model.safetensors"), str(out)],
        )  # fmt: skip
        program.run(fit_dec.main)
        names = ("rttm", "labels", "reco2num_spk", "failed")
        written.append({name: (out / "jobs/1" / name).read_text() for name in names})
    assert written[0] == written[1]
    assert "r1 " in written[0]["failed"] and "NaN" in written[0]["failed"]
    assert len(written[0]["reco2num_spk"].splitlines()) == len(recordings) - 1
