"""Networks of others in ONNX files: found, checked, and run on the filter banks they were trained on."""

from __future__ import annotations

import hashlib

import kaldi_native_fbank
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models import pooling_matrix, save_pooling
from onnx import TensorProto

from diar import extractors
from diar.base import config
from diar.base.errors import DataError
from diar.base.files import sha256
from diar.extractors.fbank import FbankConfig, filter_banks

STARTS = np.array([7.0, 7.25, 8.0037, 12.5, 18.111])


@pytest.fixture
def model(tmp_path):
    return save_pooling(tmp_path / "model.onnx")


def get(path, **options):
    return extractors.get("onnx", path=str(path), **options)


def kaldi(samples, scale, window_type, mels=80):
    """Kaldi's filter banks as the papers' recipes call them, mean removed."""
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.window_type = window_type
    options.mel_opts.num_bins = mels
    computer = kaldi_native_fbank.OnlineFbank(options)
    computer.accept_waveform(16000, samples * scale)
    computer.input_finished()
    frames = np.stack([computer.get_frame(i) for i in range(computer.num_frames_ready)])
    return frames - frames.mean(axis=0)


@pytest.mark.parametrize("length", [0.5, 1.5, 2.6])
@pytest.mark.parametrize(
    "fbank, scale, window_type",
    [
        (None, 32768, "hamming"),
        ("conf/fbank/wespeaker.yaml", 32768, "hamming"),
        ("conf/fbank/3dspeaker.yaml", 1, "povey"),
        ({"window_type": "povey", "scale": 1}, 1, "povey"),
    ],
)
def test_vectors_equal_numpy_on_each_window(
    root, monkeypatch, model, sample, length, fbank, scale, window_type
):
    monkeypatch.chdir(root)
    extractor = get(model, fbank=fbank)
    assert (extractor.dim, extractor.rate) == (24, 16000)
    vectors = extractor.embed(sample, STARTS, STARTS + length)
    for start, vector in zip(STARTS, vectors, strict=True):
        first = round(start * 16000)
        features = kaldi(sample[first : first + round(length * 16000)], scale, window_type)
        expected = np.tanh(features @ pooling_matrix()).mean(axis=0)
        assert np.abs(vector - expected).max() < 1e-5


def test_other_rates_mels_and_frames(tmp_path, sample):
    path = save_pooling(tmp_path / "m.onnx", mels=40, dim=5)
    fbank = dict(rate=8000, mels=40, frame_length=32, frame_shift=8, high_freq=-200)
    extractor = get(path, fbank=fbank, shortest=0.1)
    assert (extractor.dim, extractor.rate) == (5, 8000)
    half = sample[::2]
    vector = extractor.embed(half, [3.0], [4.5])[0]
    frames = filter_banks(half[24000:36000], FbankConfig(**fbank))
    assert frames.shape == (1 + (12000 - 256) // 64, 40)
    expected = np.tanh((frames - frames.mean(axis=0)) @ pooling_matrix(40, 5)).mean(axis=0)
    assert np.abs(vector - expected).max() < 1e-5
    raw = get(path, fbank=dict(fbank, subtract_mean=False)).embed(half, [3.0], [4.5])[0]
    assert np.abs(raw - np.tanh(frames @ pooling_matrix(40, 5)).mean(axis=0)).max() < 1e-5


def test_short_windows_are_put_into_silence(model, sample):
    padded = np.zeros(8000, np.float32)
    padded[3200:4800] = sample[112000:113600]
    vectors = get(model).embed(sample, [7.0], [7.1]), get(model).embed(padded, [0.0], [0.5])
    assert np.array_equal(*vectors)
    whole = get(model, shortest=0).embed(sample, [7.0], [7.1])
    assert np.abs(whole - vectors[0]).max() > 1e-3


def test_the_embedding_is_found_among_other_outputs(tmp_path, sample, model):
    extra = save_pooling(tmp_path / "extra.onnx", extra=True)  # frames (b, t, dim) come first
    expected = get(model).embed(sample, STARTS, STARTS + 1.5)
    assert np.array_equal(get(extra).embed(sample, STARTS, STARTS + 1.5), expected)
    assert get(extra, output="embs").dim == 24
    with pytest.raises(DataError, match=r"no output 'emb'; its outputs: frames, embs"):
        get(extra, output="emb")
    with pytest.raises(DataError, match=r"expected one output \(batch, dim\)"):
        get(extra, output="frames")


def test_two_vectors_have_to_be_told_apart(tmp_path):
    import onnx

    proto = onnx.load(save_pooling(tmp_path / "m.onnx"))
    value = onnx.helper.make_tensor_value_info("negative", TensorProto.FLOAT, ["batch", 24])
    proto.graph.output.append(value)
    onnx.save(proto, tmp_path / "two.onnx")
    with pytest.raises(DataError, match=r"embs \(2, 24\), negative \(2, 24\).*set options.output"):
        get(tmp_path / "two.onnx")
    first, second = (get(tmp_path / "two.onnx", output=name) for name in ("embs", "negative"))
    noise = np.random.default_rng(0).normal(size=16000).astype(np.float32)
    assert np.array_equal(first.embed(noise, [0.0], [1.0]), -second.embed(noise, [0.0], [1.0]))


def test_a_batch_that_is_fixed_to_one_is_gone_through(tmp_path, sample, model):
    one = save_pooling(tmp_path / "one.onnx", shape=(1, "frames"))
    expected = get(model).embed(sample, STARTS, STARTS + 1.5)
    assert np.abs(get(one).embed(sample, STARTS, STARTS + 1.5) - expected).max() < 1e-6


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(mels=40), "takes 40 mels, but the filter banks have 80: set options.fbank"),
        (dict(shape=("batch", 200)), "must not be fixed"),
        (dict(shape=(4, "frames")), "must not be fixed"),
        (dict(shape=("frames",)), "one input \\(batch, frames, mels\\)"),
        (dict(kind=TensorProto.DOUBLE), "not a usable ONNX model"),
    ],
)
def test_models_that_do_not_fit_are_explained(tmp_path, options, message):
    path = save_pooling(tmp_path / "model.onnx", **options)
    with pytest.raises(DataError, match=message) as error:
        get(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_mels_that_the_model_does_not_name_are_tried(tmp_path):
    import onnx

    proto = onnx.load(save_pooling(tmp_path / "m.onnx", mels=40))
    proto.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "mels"
    onnx.save(proto, tmp_path / "m.onnx")
    with pytest.raises(DataError, match="it fails on 2 windows of 120 frames with 80 mels"):
        get(tmp_path / "m.onnx")
    assert get(tmp_path / "m.onnx", fbank={"mels": 40}).dim == 24


def test_bad_calls_are_one_clear_line(tmp_path, model):
    with pytest.raises(DataError, match="set options.path"):
        extractors.get("onnx")
    with pytest.raises(DataError, match="gone.onnx: no such file: options.path"):
        get(tmp_path / "gone.onnx")
    (tmp_path / "text.onnx").write_text("no model\n")
    with pytest.raises(DataError, match="text.onnx: not a usable ONNX model"):
        get(tmp_path / "text.onnx")
    for damage in (model.read_bytes()[:100], b""):
        (tmp_path / "cut.onnx").write_bytes(damage)
        with pytest.raises(DataError, match="cut.onnx"):
            get(tmp_path / "cut.onnx")
    with pytest.raises(DataError, match="no such configuration file"):
        get(model, fbank="gone.yaml")
    with pytest.raises(DataError, match="unknown key 'melz'; did you mean 'mels'"):
        get(model, fbank={"melz": 40})
    with pytest.raises(DataError, match="impossible filter banks"):
        get(model, fbank={"frame_length": 5, "frame_shift": 5})
    with pytest.raises(DataError, match="options.fbank is 3"):
        get(model, fbank=3)
    with pytest.raises(DataError, match="options.shortest is 'long'"):
        get(model, shortest="long")


def test_the_digest_is_checked_when_given(model):
    digest = sha256(model)
    assert digest in get(model, sha256=digest.upper()).card.source
    with pytest.raises(DataError, match=f"its sha256 is {digest}, not abc"):
        get(model, sha256="abc")


@pytest.fixture
def split_model(tmp_path):
    """A model whose weights are in a file of their own."""
    import onnx

    path = tmp_path / "split.onnx"
    proto = onnx.load(save_pooling(tmp_path / "whole.onnx"))
    onnx.save(proto, path, save_as_external_data=True, location="split.data", size_threshold=0)
    return path


def test_the_digest_covers_external_data(split_model, sample):
    data = split_model.with_name("split.data")
    digest = hashlib.sha256(split_model.read_bytes() + data.read_bytes()).hexdigest()
    before = get(split_model, sha256=digest).embed(sample, STARTS, STARTS + 1.5)
    assert np.array_equal(
        before, get(split_model.with_name("whole.onnx")).embed(sample, STARTS, STARTS + 1.5)
    )
    assert extractors.local_files({"path": str(split_model)}) == [str(split_model), str(data)]
    content = bytearray(data.read_bytes())
    content[5] ^= 1
    data.write_bytes(content)
    with pytest.raises(DataError, match=r"\(cat split.onnx split.data \| sha256sum\), not"):
        get(split_model, sha256=digest)
    data.unlink()
    with pytest.raises(DataError, match="split.data: no such file: it must hold weights of"):
        get(split_model)


@pytest.mark.parametrize("place", ["/etc/passwd", "../split.data", "a/../../split.data"])
def test_external_data_lies_beside_the_model(split_model, place):
    import onnx

    proto = onnx.load(split_model, load_external_data=False)
    (location,) = (e for e in proto.graph.initializer[0].external_data if e.key == "location")
    location.value = place
    onnx.save(proto, split_model)
    with pytest.raises(DataError, match="its weights lie outside of its folder"):
        get(split_model)


@pytest.mark.parametrize(
    "values, message",
    [
        (["rate=8000", "high_freq=4001"], "do not fit a rate of 8000"),
        (["low_freq=9000"], "do not fit"),
        (["high_freq=-8000"], "do not fit"),
        (["window_type=hann"], "must be one of"),
        (["frame_shift=30"], "frame_shift"),
        (["mels=0"], "mels"),
        (["scale=0"], "scale"),
        (["dither=1"], "unknown key 'dither'"),
    ],
)
def test_impossible_filter_banks_are_refused(values, message):
    with pytest.raises(DataError, match=message):
        config.load(FbankConfig, None, values)


@given(
    st.integers(8000, 48000),
    st.integers(3, 80),
    st.floats(5, 60),
    st.sampled_from(["hamming", "hanning", "povey", "rectangular", "blackman"]),
)
def test_filter_banks_have_as_many_frames_as_fit(rate, mels, frame_length, window_type):
    """As many as ``frame_runs`` counts, for any configuration: the two must agree."""
    asked = FbankConfig(
        rate=rate, mels=mels, frame_length=frame_length, frame_shift=5, window_type=window_type
    )
    noise = np.random.default_rng(0).normal(size=3 * asked.frame + 7).astype(np.float32)
    expected = 1 + (len(noise) - asked.frame) // asked.shift
    try:
        assert filter_banks(noise, asked).shape == (expected, mels)
    except DataError as error:
        assert "num_mel_bins too large" in str(error)
