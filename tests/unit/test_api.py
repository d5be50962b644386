"""The published interface: names, arguments, defaults, and a data set of real speech."""

import inspect
import os
import re

import numpy as np
import pytest
import soundfile
import torch

import baselineMethods
import DEC
import optimumSpeaker
import utils
from diar.base.errors import DataError
from diar.kaldi.rttm import read_rttm


def published(function):
    """Name -> default of the parameters that may be given by position."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD}


NONE = inspect.Parameter.empty


@pytest.mark.parametrize(
    "function, expected",
    [
        (DEC.load_encoder, {"path": None}),
        (DEC.DEC, {"encoder": NONE, "num_clusters": None, "cinit": "KMeans"}),
        (
            DEC.ClusteringModule,
            {"num_clusters": NONE, "encoder": NONE, "data": NONE, "cinit": "KMeans"},
        ),
        (
            DEC.diarizationDEC,
            {"audio_dataset": NONE, "num_spkr": None, "hypothesis_dir": None},
        ),
        (utils.make_rttm, {"out_dir": NONE, "name": NONE, "labels": NONE, "win_step": NONE}),
        (
            utils.DiarizationDataset,
            {
                "dataset_name": None, "data_dir": None, "sr": 16000, "window_len": 240,
                "window_step": 120, "transform": None, "batch_size_for_ecapa": 512, "vad_step": 4,
                "split": "full", "use_precomputed_vad": True, "use_oracle_vad": False,
                "skip_overlap": True,
            },
        ),
        (
            utils.get_metrics,
            {"groundtruth_path": NONE, "hypothesis_path": NONE, "collar": 0.25, "skip_overlap": True},
        ),
        (
            baselineMethods.diarizationOracleNumSpkrs,
            {"audio_dataset": NONE, "method": "KMeans", "hypothesis_dir": "./rttm_output/"},
        ),
        (
            optimumSpeaker.eigengap,
            {
                "min_clusters": 1, "max_clusters": 100, "p_percentile": 0.9, "gaussian_blur_sigma": 2,
                "stop_eigenvalue": 1e-2, "thresholding_soft_multiplier": 0.01,
                "thresholding_with_row_max": True,
            },
        ),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)  # fmt: skip
def test_signature(function, expected):
    assert published(function) == expected


def test_both_spellings():
    assert utils.DiarizationDataSet is utils.DiarizationDataset
    assert optimumSpeaker.eigenGap is optimumSpeaker.eigengap


def test_pretrained_encoder_is_the_published_network():
    encoder = DEC.load_encoder()
    assert (encoder.ip_features, encoder.hidden_dims) == (192, [500, 500, 2000, 30])
    assert not any(encoder.options.values())
    again = DEC.load_encoder()
    assert again is not encoder
    x = torch.randn(3, 192)
    assert torch.equal(again.encode(x), encoder.encode(x))
    with pytest.raises(DataError, match="--stage 3"):
        DEC.load_encoder("/nowhere/model.safetensors")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, sample, sample_turns, campplus):
    """audio/ and rttm/, as the published code wants them; the recording ends within a cell."""
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "audio").mkdir()
    (folder / "rttm").mkdir()
    soundfile.write(folder / "audio/talk.wav", sample[: int(20.45 * 16000)], 16000)
    lines = [
        f"SPEAKER talk 1 {a:.3f} {min(b, 20.45) - a:.3f} <NA> <NA> {who} <NA> <NA>\n"
        for a, b, who in sample_turns
        if a < 20.4
    ]
    (folder / "rttm/talk.rttm").write_text("".join(lines))
    return folder


@pytest.fixture(scope="module")
def dataset(folder):
    return utils.DiarizationDataset(data_dir=folder, window_len=1500, window_step=750)


def test_item(dataset, folder):
    segments, reference, speech, path = dataset[0]
    n = len(range(0, int(20.45 * 16000), 12000))
    assert segments.shape == (n, 192) and segments.dtype == torch.float32
    assert reference.shape == (n, 2) and set(reference.unique().tolist()) == {0, 1}
    assert speech.shape == (n,) and 0 < speech.sum() < n
    assert (segments[speech == 1].norm(dim=1) > 0).all() and not segments[speech == 0].any()
    assert os.path.basename(path) == "talk.rttm"
    assert read_rttm(path) == read_rttm(folder / "rttm")
    rows = dataset.read_rttm(path)
    assert rows[0].tolist()[:2] == [round(6.69 * 16000), round(7.12 * 16000)]
    assert (np.diff(rows[:, 0]) >= 0).all() and set(rows[:, 2]) == {0, 1}
    # Speaker k of read_rttm is column k of the reference.
    for start, end, k in rows:
        for cell in range((start + 6000) // 12000, (end + 6000) // 12000):
            assert reference[cell, k] == 1


def test_oracle_vad_is_the_reference(folder):
    kept, dropped = (
        utils.DiarizationDataset(
            data_dir=folder,
            window_len=1500,
            window_step=750,
            use_oracle_vad=True,
            skip_overlap=skip,
        )[0]
        for skip in (False, True)
    )
    assert torch.equal(kept[2], (kept[1].sum(1) > 0).long())
    assert torch.equal(dropped[2], (dropped[1].sum(1) == 1).long())


def test_dec_and_baselines_write_rttms_that_can_be_scored(dataset, folder, tmp_path):
    made = {
        "dec": DEC.diarizationDEC(dataset, "oracle", tmp_path / "dec"),
        "kmeans": baselineMethods.diarizationOracleNumSpkrs(dataset, "KMeans", tmp_path / "kmeans"),
        "spectral": baselineMethods.diarizationEigenGapNumSpkrs(dataset, tmp_path / "spectral"),
    }
    for name, directory in made.items():
        assert directory == str(tmp_path / name)
        turns = read_rttm(directory)["talk"]
        assert max(turn.end for turn in turns) <= 20.45
        assert 0 <= abs(utils.get_metrics(folder / "rttm", directory)) < 1
    assert len({t.speaker for t in read_rttm(made["kmeans"])["talk"]}) == 2
    (tmp_path / "nothing").mkdir()
    assert abs(utils.get_metrics(folder / "rttm", tmp_path / "nothing")) == 1
    assert not (tmp_path / "x").exists()  # what cannot be is said before anything is made
    for wrong in ("Oracle", 0, "3", 2.5):
        with pytest.raises(
            (TypeError, ValueError), match="num_spkr must be .*'oracle' or None, not"
        ):
            DEC.diarizationDEC(dataset, wrong, tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_the_configuration_of_the_recipe_takes_its_own_encoder(dataset, folder, root, tmp_path):
    made = DEC.diarizationDEC(dataset, None, tmp_path / "dec", dec_config=root / "conf/dec.yaml")
    assert abs(utils.get_metrics(folder / "rttm", made)) < 1
    with pytest.raises(DataError, match="talk.*speaker space"):
        DEC.diarizationDEC(
            dataset, None, tmp_path / "x",
            encoder=DEC.load_encoder(), dec_config=root / "conf/dec.yaml",
        )  # fmt: skip


def test_a_transform_is_a_function_or_a_list_of_them(folder):
    options = {"data_dir": folder, "window_len": 1500, "window_step": 750}
    plain = utils.DiarizationDataset(**options)[0][0]
    twice = utils.DiarizationDataset(**options, transform=[lambda x: x + 1, lambda x: 2 * x])[0][0]
    assert torch.equal(twice, 2 * (plain + 1))
    odd = utils.DiarizationDataset(**options, transform=lambda x: x[:-1])
    with pytest.raises(ValueError, match=r"what transform returns must be x-vectors \(\d+, d\)"):
        DEC.diarizationDEC(odd, 2, folder / "out")


def test_audio_without_a_reference(folder, tmp_path, caplog):
    (tmp_path / "audio").symlink_to(folder / "audio")
    with pytest.raises(DataError, match="use_oracle_vad=True needs a reference"):
        utils.DiarizationDataset(data_dir=tmp_path, use_oracle_vad=True)
    plain = utils.DiarizationDataset(data_dir=tmp_path, window_len=1500, window_step=750)
    segments, reference, _, path = plain[0]
    assert reference.shape == (len(segments), 0) and not os.path.exists(path)
    assert DEC.diarizationDEC(plain, 500, tmp_path / "out") == str(tmp_path / "out")
    assert re.search(r"talk: \d+ of the 500 requested speakers", caplog.text)
    with pytest.raises(DataError, match="talk"):
        DEC.diarizationDEC(plain, "oracle", tmp_path / "out2")


def test_the_audio_of_a_folder_is_what_diarize_takes(tmp_path):
    (tmp_path / "audio/deep").mkdir(parents=True)
    for name in ("a.opus", "b.wav", "b.mp3", "deep/c.mka", "notes.txt"):
        (tmp_path / "audio" / name).write_text("")
    dataset = utils.DiarizationDataset(data_dir=tmp_path)
    assert dataset.names == ["a", "b.mp3", "b.wav", "c"]
    (tmp_path / "audio/lost").symlink_to("nowhere")
    with pytest.raises(DataError, match="audio/lost: a broken link"):
        utils.DiarizationDataset(data_dir=tmp_path)


def test_make_rttm(tmp_path):
    path = utils.make_rttm(tmp_path, "r", np.array([-1, 0, 0, -1, 1]), 750)
    turns = read_rttm(path)["r"]
    assert [(t.start, t.end, t.speaker) for t in turns] == [
        (0.375, 1.875, "spk0"), (2.625, 3.375, "spk1")
    ]  # fmt: skip
    assert os.path.getsize(utils.make_rttm(tmp_path, "quiet", np.full(4, -1), 750)) == 0


def test_picture(folder, monkeypatch):
    import matplotlib

    matplotlib.use("Agg")
    figure = utils.plot_annot(
        "talk", groundtruth_path=folder / "rttm", hypothesis_path=folder / "rttm"
    )
    assert [axis.get_title() for axis in figure.axes] == ["reference", "hypothesis"]
    assert "DER 0.00 %" in figure._suptitle.get_text()
    with pytest.raises(DataError, match="no turns"):
        utils.plot_annot("none", groundtruth_path=folder / "rttm", hypothesis_path=folder / "rttm")
