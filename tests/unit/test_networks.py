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
from diar.networks import runtime

STARTS = np.arange(0.5, 28, 0.5)


def cosines(a, b):
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def test_bfloat16_says_nearly_the_same(campplus, sample):
    exact = extractors.get("campplus", precision="float32").embed(sample, STARTS, STARTS + 1.5)
    half = extractors.get("campplus", precision="bfloat16").embed(sample, STARTS, STARTS + 1.5)
    agreement = cosines(exact, half)
    assert np.median(agreement) > 0.999 and agreement.min() > 0.98


def test_bfloat16_gives_the_same_bits_again(campplus, sample):
    one, two = (
        extractors.get("campplus", precision="bfloat16").embed(sample, STARTS, STARTS + 1.5)
        for _ in range(2)
    )
    assert np.array_equal(one, two)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_threads_change_nothing(campplus, sample, precision):
    one, three = (
        extractors.get("campplus", precision=precision, threads=threads).embed(
            sample, STARTS, STARTS + 1.5
        )
        for threads in (1, 3)
    )
    assert np.array_equal(one, three)


def test_single_precision_is_what_is_used_unless_asked(campplus, sample):
    usual = extractors.get("campplus").embed(sample, STARTS[:3], STARTS[:3] + 1.5)
    assert np.array_equal(usual, campplus.embed(sample, STARTS[:3], STARTS[:3] + 1.5))


def test_no_openvino_is_said(campplus, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(DataError, match="pip install openvino"):
        extractors.get("campplus", precision="bfloat16")


def test_an_unknown_precision_is_refused(campplus):
    with pytest.raises(DataError, match="precision is 'int4'; expected float32 or bfloat16"):
        extractors.get("campplus", precision="int4")


def test_a_model_that_is_none(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"no model")
    for precision in ("float32", "bfloat16"):
        with pytest.raises(ValueError):
            runtime.network(path, precision)


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
