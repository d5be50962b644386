"""Devices: what is said when there is none, and that nothing stays behind on the CPU."""

import copy

import numpy as np
import pytest
import torch
from elsewhere import DEVICE, Elsewhere, Remote, remote_module
from made_up import trained_encoder, voices

from diar.autoencoder import pretraining
from diar.autoencoder.config import AutoencoderConfig, Phase
from diar.base import devices
from diar.base.errors import DataError
from diar.published.dec import DEC


@pytest.fixture(scope="module")
def recordings():
    """X-vectors of speakers who come one after the other, and the starts of their windows."""
    xs = [voices(sizes, seed)[0] for seed, sizes in enumerate(([60, 45, 50], [40, 30], [80]))]
    return [(x, 0.25 * np.arange(len(x))) for x in xs]


@pytest.fixture(scope="module")
def encoder():
    return trained_encoder(0.25)


def test_the_cpu_is_always_there():
    assert devices.device_of("cpu") == "cpu"


def test_auto_takes_what_there_is(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert devices.device_of("auto") == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    assert devices.device_of("auto") == "cuda"


@pytest.mark.parametrize("name", ["tpu", "meta", "", "cuda:x"])
def test_unknown_devices(name):
    with pytest.raises(DataError, match="cpu, cuda"):
        devices.device_of(name)


def test_no_gpu_says_what_to_do(monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.version, "hip", None)
    with pytest.raises(DataError, match="built for CPUs.*install"):
        devices.device_of("cuda")
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert devices.device_of("cuda:0") == "cuda:0"
    with pytest.raises(DataError, match="finds 1 GPU.*nvidia-smi"):
        devices.device_of("cuda:1")


def test_the_device_of_the_tests_tells_places_apart():
    """It must find what it is for."""
    with Elsewhere():
        there = torch.ones(3).to(DEVICE)
        assert isinstance(there, Remote) and isinstance(torch.zeros(2, device=DEVICE), Remote)
        assert (there + 1).cpu().tolist() == [2, 2, 2] and (there * torch.tensor(2.0)).sum() == 6
        for mistake in (
            lambda: there + torch.ones(3),
            lambda: torch.stack([there, torch.ones(3)]),
            lambda: there.numpy(),
        ):
            with pytest.raises((RuntimeError, TypeError)):
                mistake()


def test_nothing_of_the_published_class_stays_on_the_cpu(encoder, recordings):
    x = recordings[0][0]
    expected = DEC(encoder, 3).fit(x, niter=3)
    with Elsewhere():
        found = DEC(remote_module(copy.deepcopy(encoder)), 3).fit(x, niter=3)
        assert found.losses == expected.losses
        assert np.array_equal(found.predict(x), expected.predict(x))


def test_speakers_are_learnt_where_the_network_is(encoder, recordings):
    parts = recordings
    here = copy.deepcopy(encoder)
    pretraining.learn_speakers(here, parts, 1.5)
    with Elsewhere():
        far = remote_module(copy.deepcopy(encoder))
        pretraining.learn_speakers(far, parts, 1.5)
        assert torch.equal(far.speaker_transform.cpu(), here.speaker_transform)


def test_nothing_of_pretraining_stays_on_the_cpu(recordings, monkeypatch):
    options = AutoencoderConfig(
        hidden_dims=(8, 4),
        init="scratch",
        batch=64,
        phases=(Phase(2, 1e-3),),
        center=True,
    )
    x = np.concatenate([x for x, _ in recordings])
    losses = {"cpu": [], "meta": []}
    pretraining.pretrain(x, x[::3], options, losses["cpu"].append)
    monkeypatch.setattr(torch.nn.Module, "to", lambda module, device: remote_module(module))
    with Elsewhere():
        pretraining.pretrain(x, x[::3], options, losses["meta"].append, DEVICE)
    assert losses["cpu"] == losses["meta"] and len(losses["cpu"]) == 2
