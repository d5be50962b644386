"""What runs the networks: precisions agree as far as they should, and devices are refused in words."""

from __future__ import annotations

import sys

import models
import numpy as np
import pytest
from elsewhere import DEVICE, Elsewhere, remote_module

from diar import extractors
from diar.base.errors import DataError
from diar.extractors import campplus as cam
from diar.extractors import resemblyzer
from diar.networks import half, runtime

STARTS = np.arange(0.5, 28, 0.5)


def cosines(a, b):
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


@pytest.fixture
def capable(monkeypatch):
    """A processor with bfloat16; without one OpenVINO computes in float32 what is asked for here."""
    monkeypatch.setattr(half, "_processor_flags", lambda: half.CAPABLE)


def embed(sample, last=1.5, **options):
    """Vectors of the windows, the last of them ``last`` seconds long."""
    ends = STARTS + 1.5
    ends[-1] = STARTS[-1] + last
    return extractors.get("campplus", **options).embed(sample, STARTS, ends)


def test_bfloat16_says_nearly_the_same(campplus, sample, capable):
    agreement = cosines(embed(sample, precision="float32"), embed(sample, precision="bfloat16"))
    assert np.median(agreement) > 0.999 and agreement.min() > 0.98


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_threads_and_repetition_change_nothing(campplus, sample, precision, capable):
    one, three = (embed(sample, precision=precision, threads=threads) for threads in (1, 3))
    assert np.array_equal(one, three)


def test_windows_of_unusual_length_stay_in_single_precision(campplus, sample, capable):
    exact, made = (embed(sample, last=0.9, precision=p) for p in ("float32", "bfloat16"))
    same = (exact == made).all(axis=1)
    assert same[-1] and not same[:-1].all()


def test_few_windows_are_not_worth_it(campplus, sample, capable, monkeypatch):
    monkeypatch.setattr(half.HalfNetwork, "_compiled", pytest.fail)
    assert np.array_equal(embed(sample, precision="auto"), embed(sample, precision="float32"))


def test_many_windows_are_worth_it(campplus, sample, capable, monkeypatch):
    monkeypatch.setattr(cam, "HALF_WORTH", len(STARTS))
    expected = embed(sample, precision="bfloat16")
    assert np.array_equal(embed(sample, precision="auto"), expected)


@pytest.mark.parametrize("wrong", [lambda x: x * 1.2, np.zeros_like, lambda x: x * np.nan])
def test_a_processor_that_computes_something_else_is_not_used(
    campplus, sample, capable, monkeypatch, caplog, wrong
):
    compiled = half.HalfNetwork._compiled

    def off(self, shape):
        network = compiled(self, shape)
        return lambda inputs: wrong(network(inputs))

    monkeypatch.setattr(half.HalfNetwork, "_compiled", off)
    found = cosines(embed(sample, precision="bfloat16"), embed(sample, precision="float32"))
    assert found.min() > 0.99999
    assert "float32 is used" in caplog.text


def test_what_bfloat16_needs_is_said(campplus, monkeypatch, capable):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(DataError, match="pip install openvino"):
        extractors.get("campplus", precision="bfloat16")
    assert extractors.get("campplus").half is None  # auto does without
    monkeypatch.setattr(half, "_processor_flags", frozenset)
    with pytest.raises(DataError, match="this processor"):
        extractors.get("campplus", precision="bfloat16")


def test_an_unknown_precision_is_refused(campplus):
    with pytest.raises(
        DataError, match="precision is 'int4'; expected one of auto, float32, bfloat16"
    ):
        extractors.get("campplus", precision="int4")


def test_a_damaged_model_is_said(tmp_path, capable):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"no model")
    network = half.HalfNetwork(lambda: path, np.asarray, 2, 1)
    with pytest.raises(DataError, match="damaged model"):
        network(np.zeros((1, 3), np.float32))


def test_a_model_that_is_none(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"no model")
    with pytest.raises(ValueError):
        runtime.network(path)


def test_onnx_on_a_gpu_needs_another_onnxruntime(tmp_path, monkeypatch):
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    path = models.save_pooling(tmp_path / "model.onnx")
    with pytest.raises(DataError, match="pip install onnxruntime-gpu"):
        extractors.get("onnx", path=str(path), device="cuda")


def networks(tmp_path):
    from diar.extractors import ecapa

    weights = models.save_ecapa(tmp_path, **models.SMALL) / "embedding_model.ckpt"
    yield cam.torch_model(), (2, 148, 80)
    yield ecapa.torch_model(weights), (2, 150, 80)
    yield resemblyzer.SpeakerEncoder().eval(), (2, 160, 40)


def test_networks_compute_where_they_are_sent(campplus, tmp_path):
    """No tensor of theirs stays on the CPU: on a GPU that would be an error."""
    for module, shape in networks(tmp_path):
        features = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        here = runtime.torch_network(module, "cpu")(features)
        with Elsewhere():
            there = runtime.torch_network(remote_module(module), DEVICE)(features)
        assert np.abs(here - there).max() < 1e-4
