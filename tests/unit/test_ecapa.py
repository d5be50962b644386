"""ECAPA-TDNN with random weights in the layout of the hub, and beside SpeechBrain where it is there."""

from __future__ import annotations

import importlib
import sys
import types

import numpy as np
import pytest
import torch
from models import SMALL, ecapa_state, save_ecapa

from diar import extractors
from diar.base.errors import DataError
from diar.base.files import sha256
from diar.extractors import ecapa, ecapa_net
from diar.fetching import hub

STARTS = np.array([7.0, 7.25, 8.0037, 12.5, 18.111])


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DIAR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path):
    return save_ecapa(tmp_path / "model", **SMALL)


def direct(weights, samples, start, length):
    """The network in torch on the features of one window alone."""
    window = samples[round(start * 16000) : round((start + length) * 16000)]
    features = torch.from_numpy(ecapa.filter_banks([window]))
    with torch.no_grad():
        return ecapa.torch_model(weights)(features - features.mean(1, keepdim=True)).numpy()[0]


@pytest.mark.parametrize("length", [0.04, 0.1234, 1.5, 2.6])
def test_onnx_in_batches_equals_torch_on_each_window(folder, sample, length):
    extractor = extractors.get("ecapa", directory=str(folder))
    assert extractor.dim == 192 and extractor.card.source.startswith("ECAPA-TDNN")
    vectors = extractor.embed(sample, STARTS, STARTS + length)
    for start, vector in zip(STARTS[::2], vectors[::2], strict=True):
        assert (
            np.abs(direct(folder / "embedding_model.ckpt", sample, start, length) - vector).max()
            < 1e-4
        )


def test_lengths_that_share_a_number_of_frames_are_not_mixed_up(folder, sample):
    """1.5 s and a few samples more have the same frames; what lies behind a window does not count."""
    extractor = extractors.get("ecapa", directory=str(folder))
    extra = np.array([0, 1, 77, 159]) / 16000
    together = extractor.embed(sample, np.full(4, 7.0), 8.5 + extra)
    for more, vector in zip(extra, together, strict=True):
        cut = sample[7 * 16000 : round((8.5 + more) * 16000)]
        assert np.abs(extractor.embed(cut, [0.0], [9.9])[0] - vector).max() < 1e-5
    assert np.abs(together[0] - together[3]).max() > 1e-5


def test_sizes_are_read_from_the_weights():
    sizes = dict(mels=80, channels=24, wide=30, squeeze=6, attention=10, dim=7)
    net = ecapa_net.load(ecapa_state(**sizes))
    assert net(torch.zeros(2, 9, 80)).shape == (2, 7)
    published = ecapa_net.EcapaTdnn()
    assert len(published.state_dict()) == 231  # tensors, and
    assert sum(p.numel() for p in published.parameters()) == 20_767_552  # numbers of the checkpoint


def test_normalising_subtracts_the_mean_of_the_training(folder, sample):
    plain = extractors.get("ecapa", directory=str(folder)).embed(sample, [7.0], [8.5])
    moved = extractors.get("ecapa", directory=str(folder), normalize=True).embed(
        sample, [7.0], [8.5]
    )
    mean = torch.load(folder / "mean_var_norm_emb.ckpt", weights_only=True)["glob_mean"].numpy()
    assert np.allclose(plain - mean, moved, atol=1e-6) and np.abs(mean).max() > 0.1
    with pytest.raises(DataError, match="options.normalize is 'no'"):
        extractors.get("ecapa", directory=str(folder), normalize="no")
    (folder / "mean_var_norm_emb.ckpt").unlink()
    assert extractors.get("ecapa", directory=str(folder)).dim == 192
    with pytest.raises(DataError, match="mean_var_norm_emb.ckpt: no such file"):
        extractors.get("ecapa", directory=str(folder), normalize=True)


def test_weights_come_from_the_cache_of_the_hub(folder, cache, monkeypatch, sample):
    """The pinned files, copied there by hand as the error message asks."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # the discard port: nobody answers
    with pytest.raises(DataError) as error:
        extractors.get("ecapa")
    target = cache / "models/spkrec-ecapa-voxceleb"
    assert f"copy embedding_model.ckpt and mean_var_norm_emb.ckpt of {ecapa.REPOSITORY}" in str(
        error.value
    )
    assert str(error.value).endswith(str(target))
    for name in ("WEIGHTS", "MEAN"):
        pinned = getattr(ecapa, name)
        data = (folder / pinned.name).read_bytes()
        (target / pinned.name).write_bytes(data)
        mine = hub.HubFile(
            pinned.repository, "x", pinned.name, len(data), sha256(folder / pinned.name)
        )
        with pytest.raises(DataError, match="damaged weights"):
            extractors.get("ecapa")  # not the published ones
        monkeypatch.setattr(ecapa, name, mine)
    extractor = extractors.get("ecapa")
    assert extractor.card == extractors.card("ecapa")
    expected = direct(folder / "embedding_model.ckpt", sample, 7.0, 1.5)
    assert np.abs(extractor.embed(sample, [7.0], [8.5])[0] - expected).max() < 1e-4


def test_the_pinned_files_are_those_of_the_repository():
    url = ecapa.WEIGHTS.remote.url
    assert url.startswith("https://") and url.endswith(
        "/speechbrain/spkrec-ecapa-voxceleb/resolve/"
        "0f99f2d0ebe89ac095bcc5903c4dd8f72b367286/embedding_model.ckpt"
    )


class Evil:
    def __reduce__(self):
        return (print, ("executed",))


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda p: p.write_bytes(p.read_bytes()[:-100]), "damaged weights"),
        (lambda p: p.write_bytes(b"<html>"), "damaged weights"),
        (lambda p: p.write_bytes(b""), "damaged weights"),
        (lambda p: torch.save({"x": Evil()}, p), "damaged weights"),
        (lambda p: torch.save({"a.b": torch.zeros(2)}, p), "not the weights of an ECAPA-TDNN"),
        (lambda p: torch.save([1, 2], p), "not the weights of an ECAPA-TDNN"),
        (lambda p: torch.save(ecapa_state(**SMALL, mels=40), p), "takes 40 mels, not 80"),
        (lambda p: p.unlink(), "embedding_model.ckpt .* is missing"),
    ],
)
def test_bad_weights_are_named(folder, capsys, damage, message):
    damage(folder / "embedding_model.ckpt")
    with pytest.raises(DataError, match=message) as error:
        extractors.get("ecapa", directory=str(folder))
    assert str(folder) in str(error.value) and "\n" not in str(error.value)
    assert "executed" not in capsys.readouterr().out


def test_one_weight_missing_is_named(folder):
    state = ecapa_state(**SMALL)
    del state["mfa.norm.norm.running_mean"]
    torch.save(state, folder / "embedding_model.ckpt")
    with pytest.raises(DataError, match="mfa.norm.running_mean"):
        extractors.get("ecapa", directory=str(folder))


def test_a_damaged_onnx_model_is_named(folder, cache):
    extractors.get("ecapa", directory=str(folder))
    (path,) = (cache / "models").glob("ecapa-*.onnx")
    path.write_bytes(b"damaged")
    with pytest.raises(DataError, match="damaged model"):
        extractors.get("ecapa", directory=str(folder))


def test_loud_and_quiet_windows_have_the_same_vector(folder, sample):
    """A gain shifts all filters alike, and the mean of each is removed."""
    extractor = extractors.get("ecapa", directory=str(folder))
    loud, quiet = (extractor.embed(sample * gain, STARTS, STARTS + 1.5) for gain in (1, 0.05))
    assert np.abs(loud - quiet).max() < 1e-3 * np.abs(loud).max()


@pytest.fixture(scope="module")
def speechbrain():
    """SpeechBrain's own network and features; torchaudio, of which they need nothing, by a stand-in."""
    stand_in = types.ModuleType("torchaudio")
    stand_in.__version__ = "2.9.0"
    stand_in.list_audio_backends = lambda: ["soundfile"]
    names = ["lobes.models.ECAPA_TDNN", "lobes.features", "processing.features"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "torchaudio", stand_in)
        try:
            yield [importlib.import_module(f"speechbrain.{name}") for name in names]
        except ImportError as error:
            pytest.skip(f"SpeechBrain, to compare with, cannot be imported: {error}")
    # Its modules that import others when looked at would trip over those who look at all modules.
    for name in [n for n in sys.modules if n.partition(".")[0] == "speechbrain"]:
        del sys.modules[name]


@pytest.mark.parametrize("length", [0.05, 0.2011, 1.5, 3.0])
def test_vectors_equal_those_of_speechbrain(speechbrain, tmp_path, sample, length):
    """The published sizes and constants, window by window, as its ``encode_batch`` puts them together."""
    models, features, processing = speechbrain
    folder = save_ecapa(tmp_path / "full", seed=1)
    net = models.ECAPA_TDNN(
        80,
        channels=[1024, 1024, 1024, 1024, 3072],
        kernel_sizes=[5, 3, 3, 3, 1],
        dilations=[1, 2, 3, 4, 1],
        attention_channels=128,
        lin_neurons=192,
    ).eval()
    net.load_state_dict(torch.load(folder / "embedding_model.ckpt", weights_only=True))
    fbank = features.Fbank(n_mels=80)
    mean = processing.InputNormalization(norm_type="sentence", std_norm=False)
    extractor = extractors.get("ecapa", directory=str(folder))
    vectors = extractor.embed(sample, STARTS, STARTS + length)
    full = torch.ones(1)
    for start, vector in zip(STARTS, vectors, strict=True):
        window = sample[round(start * 16000) : round((start + length) * 16000)]
        with torch.no_grad():
            theirs = fbank(torch.from_numpy(window)[None])
            expected = net(mean(theirs, full), full)[0, 0].numpy()
        ours = ecapa.filter_banks([window])
        assert ours.shape == theirs.shape and np.abs(ours - theirs.numpy()).max() < 5e-3  # dB
        assert np.abs(vector - expected).max() < 1e-3 * np.abs(expected).max()
