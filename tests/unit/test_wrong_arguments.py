"""Wrong arguments of the published interface: one line that names the argument and says what was given."""

import numpy as np
import pytest
import soundfile
import torch

import baselineMethods
import DEC
import optimumSpeaker
import utils
from diar.base import arguments
from diar.base.errors import DataError

NAN = float("nan")
x = torch.randn(12, 6, generator=torch.Generator().manual_seed(0))
X = x.double().numpy()
y = np.arange(12) % 2
one_hot = np.eye(2)[y]
with_nan = x.clone()
with_nan[3, 2] = NAN
encoder = DEC.ResidualAutoEncoder(6, [5, 3])


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """ref: a folder with audio and reference; file: a file that is neither; rttm: a directory of RTTMs."""
    base = tmp_path_factory.mktemp("place")
    for name in ("ref", "plain"):
        (base / name / "audio").mkdir(parents=True)
        soundfile.write(base / name / "audio/a.wav", np.zeros(48000, "f4"), 16000)
    (base / "ref/rttm").mkdir()
    (base / "ref/rttm/a.rttm").write_text("SPEAKER a 1 0.0 2.0 <NA> <NA> s <NA> <NA>\n")
    (base / "file").write_text("words")
    return base


# What each kind of argument must not be
WHOLE = (None, "3", -1, 2.5, True, NAN, [], x, 2**70)
POSITIVE = (*WHOLE, 0)
NUMBER = (None, "a", -1, NAN, float("inf"), True, x)
TRUTH = (None, "no", 2, [])
NAME = (None, 3, "Other", "")
PATH = (None, 3, "", ["a"])
VECTORS = (
    None, "a", 3, [], x[0], x[:0], x[:, :5], with_nan, x[None], x.to(torch.complex64), X.astype(str),
    [[1, 2], [3]], 1e300 * X,
)  # fmt: skip
TENSOR = (None, "a", X, x.double(), x.int(), x[0], x[:, :5], [[1] * 6])
LABELS = (None, "a", 3, -y - 2, y + 0.5, one_hot[None], y.astype(str), np.full(12, NAN), 10**12 * y)
REFERENCE = (
    "a", 3, -y, y[:5], y + 0.5, one_hot[:5], one_hot[:, :0], np.zeros((12, 2)), 2 * one_hot,
    y.astype(str), np.full(12, NAN), np.ones((12, 2, 2)),
)  # fmt: skip
MATRIX = (None, "a", 3, [], X[0], X[:0], X[:, :0], with_nan, X.astype(str), X * 1j)
NOT_NONE = slice(1, None)


def fitted():
    return DEC.DEC(encoder, 2).fit(x, niter=1)


def data(place):
    return utils.DiarizationDataset(data_dir=place / "ref", use_oracle_vad=True)


ARGUMENTS = [
    ("ip_features", POSITIVE, lambda v, _: DEC.ResidualAutoEncoder(v)),
    ("hidden_dims", (None, [], 5, "53", [5, 0], [5, 2.5], ["5"]),
     lambda v, _: DEC.ResidualAutoEncoder(6, v)),
    ("shortcut", TRUTH, lambda v, _: DEC.ResidualAutoEncoder(6, [5], shortcut=v)),
    ("x", TENSOR, lambda v, _: encoder(v)),
    ("x", TENSOR, lambda v, _: DEC.ClusteringModule(2, encoder, x)(v)),
    ("path", PATH[NOT_NONE], lambda v, _: DEC.load_encoder(v)),
    ("device", (3, "tpu", "cuda:99", None), lambda v, _: DEC.load_encoder(device=v)),
    ("num_clusters", POSITIVE[NOT_NONE], lambda v, _: DEC.ClusteringModule(v, encoder, x)),
    ("encoder", (None, 3, encoder.encoder, torch.nn.Linear(6, 3)),
     lambda v, _: DEC.ClusteringModule(2, v, x)),
    ("data", VECTORS, lambda v, _: DEC.ClusteringModule(2, encoder, v)),
    ("data", VECTORS, lambda v, _: DEC.ClusteringModule(2, encoder, x).init_centroid(v)),
    ("cinit", NAME, lambda v, _: DEC.ClusteringModule(2, encoder, x, v)),
    ("config", (3, {}), lambda v, _: DEC.ClusteringModule(2, encoder, x, config=v)),
    ("encoder", (None, "a", torch.nn.Linear(6, 3)), lambda v, _: DEC.DEC(v, 2)),
    ("num_clusters", POSITIVE[NOT_NONE], lambda v, _: DEC.DEC(encoder, v)),
    ("cinit", NAME, lambda v, _: DEC.DEC(encoder, 2, v)),
    ("seed", WHOLE, lambda v, _: DEC.DEC(encoder, 2, seed=v)),
    ("config", (3, {}), lambda v, _: DEC.DEC(encoder, 2, config=v)),
    ("data", VECTORS, lambda v, _: DEC.DEC(encoder, 2).fit(v)),
    ("y_true", REFERENCE, lambda v, _: DEC.DEC(encoder, 2).fit(x, v, niter=1)),
    ("y_true", REFERENCE, lambda v, _: DEC.DEC(encoder, 2).fit(x, v, niter=1, verbose=True)),
    ("niter", WHOLE, lambda v, _: DEC.DEC(encoder, 2).fit(x, niter=v)),
    ("lrEnc", NUMBER, lambda v, _: DEC.DEC(encoder, 2).fit(x, lrEnc=v)),
    ("lrCC", NUMBER, lambda v, _: DEC.DEC(encoder, 2).fit(x, lrCC=v)),
    ("verbose", TRUTH, lambda v, _: DEC.DEC(encoder, 2).fit(x, verbose=v)),
    ("data", VECTORS, lambda v, _: fitted().predict(v)),
    ("data", VECTORS, lambda v, _: fitted().predict_proba(v)),
    ("y_pred", LABELS, lambda v, _: DEC.DEC.clusterAccuracy(v, y)),
    ("y_true", (None, *REFERENCE), lambda v, _: DEC.DEC.clusterAccuracy(y, v)),
    ("audio_dataset", (None, "data/test", [], x), lambda v, _: DEC.diarizationDEC(v)),
    ("num_spkr", (*POSITIVE[NOT_NONE], "Oracle"),
     lambda v, p: DEC.diarizationDEC(data(p), v, p / "none")),
    ("hypothesis_dir", PATH[NOT_NONE], lambda v, p: DEC.diarizationDEC(data(p), 1, v)),
    ("encoder", (3, "a"), lambda v, p: DEC.diarizationDEC(data(p), 1, p / "none", encoder=v)),
    ("dec_config", PATH, lambda v, p: DEC.diarizationDEC(data(p), 1, p / "none", dec_config=v)),
    *(
        (name, values, lambda v, p, name=name: utils.DiarizationDataset(data_dir=p / "ref", **{name: v}))
        for name, values in {
            "sr": POSITIVE, "window_len": (*NUMBER, 1.5), "window_step": (*NUMBER, 0.75),
            "transform": (3, [3], "a"), "batch_size_for_ecapa": POSITIVE, "vad_step": POSITIVE,
            "split": NAME, "use_precomputed_vad": TRUTH, "use_oracle_vad": TRUTH,
            "skip_overlap": TRUTH, "extractor": NAME,
        }.items()
    ),
    ("dataset_name", (3, "", x), lambda v, _: utils.DiarizationDataset(v)),
    ("data_dir", PATH[NOT_NONE], lambda v, _: utils.DiarizationDataset(data_dir=v)),
    ("index", (None, "a", 1.0, 5, -2), lambda v, p: data(p)[v]),
    ("path", PATH, lambda v, p: data(p).read_rttm(v)),
    ("out_dir", PATH, lambda v, _: utils.make_rttm(v, "a", y, 750)),
    ("name", (None, 3, "", "a/b", "a b"), lambda v, p: utils.make_rttm(p, v, y, 750)),
    ("labels", LABELS, lambda v, p: utils.make_rttm(p, "a", v, 750)),
    ("win_step", (*NUMBER, 0, 0.75), lambda v, p: utils.make_rttm(p, "a", y, v)),
    ("duration", NUMBER[NOT_NONE], lambda v, p: utils.make_rttm(p, "a", y, 750, duration=v)),
    ("groundtruth_path", PATH, lambda v, p: utils.get_metrics(v, p / "ref/rttm")),
    ("hypothesis_path", PATH, lambda v, p: utils.get_metrics(p / "ref/rttm", v)),
    ("collar", NUMBER, lambda v, p: utils.get_metrics(p / "ref/rttm", p / "ref/rttm", v)),
    ("skip_overlap", TRUTH, lambda v, p: utils.get_metrics(p / "ref/rttm", p / "ref/rttm", 0.25, v)),
    ("name", (None, 3, ""), lambda v, _: utils.plot_annot(v)),
    ("collar", NUMBER, lambda v, _: utils.plot_annot("a", v)),
    ("skip_overlap", TRUTH, lambda v, _: utils.plot_annot("a", 0.25, v)),
    ("groundtruth_path", PATH, lambda v, p: utils.plot_annot("a", groundtruth_path=v, hypothesis_path=p)),
    ("hypothesis_path", PATH, lambda v, p: utils.plot_annot("a", groundtruth_path=p, hypothesis_path=v)),
    ("audio_dataset", (None, "a"), lambda v, _: baselineMethods.diarizationOracleNumSpkrs(v)),
    ("method", NAME, lambda v, p: baselineMethods.diarizationOracleNumSpkrs(data(p), v, p / "none")),
    ("hypothesis_dir", PATH[NOT_NONE],
     lambda v, p: baselineMethods.diarizationOracleNumSpkrs(data(p), "KMeans", v)),
    ("audio_dataset", (None, "a"), lambda v, _: baselineMethods.diarizationEigenGapNumSpkrs(v)),
    ("hypothesis_dir", PATH[NOT_NONE], lambda v, p: baselineMethods.diarizationEigenGapNumSpkrs(data(p), v)),
    *(
        (name, values, lambda v, _, name=name: optimumSpeaker.eigengap(**{name: v}))
        for name, values in {
            "min_clusters": POSITIVE, "max_clusters": POSITIVE, "p_percentile": (*NUMBER, 2),
            "gaussian_blur_sigma": NUMBER, "stop_eigenvalue": NUMBER,
            "thresholding_soft_multiplier": NUMBER, "thresholding_with_row_max": TRUTH,
        }.items()
    ),
    ("X", MATRIX, lambda v, _: optimumSpeaker.eigengap().find(v)),
    ("X", MATRIX, lambda v, _: optimumSpeaker.eigengap().compute_affinity_matrix(v)),
    ("A", (*MATRIX, X), lambda v, _: optimumSpeaker.eigengap().compute_sorted_eigenvalues(v)),
    ("A", (*MATRIX, X), lambda v, _: optimumSpeaker.eigengap().compute_sorted_eigenvectors(v)),
    ("eigenvalues", (None, "a", [], X, [NAN, 1], [NAN], [1.0, 2.0], ["a"]),
     lambda v, _: optimumSpeaker.eigengap().compute_number_of_clusters(v)),
    ("max_clusters", POSITIVE[NOT_NONE],
     lambda v, _: optimumSpeaker.eigengap().compute_number_of_clusters([1.0, 0.5], v)),
    ("stop_eigenvalue", NUMBER,
     lambda v, _: optimumSpeaker.eigengap().compute_number_of_clusters([1.0, 0.5], 2, v)),
    *(
        ("X", (None, [[1.0]], x, X, np.full((3, 3), NAN), np.full((2, 2), "a")),
         lambda v, _, operation=operation: operation().refine(v))
        for operation in optimumSpeaker.AffinityRefinementOperation.__subclasses__()
    ),
    ("sigma", NUMBER, lambda v, _: optimumSpeaker.GaussianBlur(v)),
    ("p_percentile", (*NUMBER, 2), lambda v, _: optimumSpeaker.RowWiseThreshold(v)),
    ("thresholding_soft_multiplier", NUMBER, lambda v, _: optimumSpeaker.RowWiseThreshold(0.9, v)),
    ("thresholding_with_row_max", TRUTH, lambda v, _: optimumSpeaker.RowWiseThreshold(0.9, 0.01, v)),
]  # fmt: skip


@pytest.mark.parametrize(
    "name, values, call",
    ARGUMENTS,
    ids=[f"{i}-{name}" for i, (name, _, _) in enumerate(ARGUMENTS)],
)
def test_a_wrong_argument_is_named_in_one_line(name, values, call, place):
    for value in values:
        with pytest.raises((TypeError, ValueError, IndexError)) as caught:
            call(value, place)
        said = str(caught.value)
        assert said.startswith(name), f"{value!r}: {said}"
        assert len(said.splitlines()) == 1 and len(said) < 250, said
    assert not (place / "none").exists()


def test_the_order_of_another_page_is_put_right():
    for wrong in (
        lambda: DEC.DEC(3, encoder),
        lambda: DEC.DEC(3, encoder, x),
        lambda: DEC.DEC(3, encoder, x, "KMeans"),
        lambda: DEC.DEC(encoder, 3, x),
        lambda: DEC.DEC(encoder, data=x),
        lambda: DEC.DEC(num_clusters=3, encoder=encoder, data=x, cinit="KMeans"),
    ):
        with pytest.raises(TypeError, match=r"DEC\(encoder, num_clusters, cinit\)\.fit\(data\)"):
            wrong()
    with pytest.raises(TypeError, match=r"order is ClusteringModule\(num_clusters, encoder, data"):
        DEC.ClusteringModule(encoder, 2, x)


def test_what_is_no_data_is_said(place, campplus):
    for wrong in ({}, {"dataset_name": "a", "data_dir": "b"}):
        with pytest.raises(DataError, match="dataset_name or data_dir"):
            utils.DiarizationDataset(**wrong)
    with pytest.raises(DataError, match="hypothesis_dir: cannot make this directory"):
        DEC.diarizationDEC(data(place), 1, place / "file")
    with pytest.raises(DataError, match="sr=16000, not 8000"):
        _ = utils.DiarizationDataset(data_dir=place / "ref", sr=8000)[0]
    with pytest.raises(DataError, match="not a whole number of samples"):
        utils.DiarizationDataset(data_dir=place / "ref", window_step=750.01)
    with pytest.raises(DataError, match="contradict"):
        optimumSpeaker.eigengap(5, 2)


def test_kinds_that_mean_the_same_are_taken():
    for data in (x, X, X.tolist(), X[::-1], x.half(), np.asfortranarray(X), X.astype(">f8")):
        assert DEC.DEC(encoder, np.int64(2)).fit(data, niter=1).predict(data).shape == (12,)
    labels = DEC.DEC(encoder, 2).fit(x, niter=1).predict(x)
    assert (DEC.DEC(encoder, 2).fit(X, niter=1).predict(X) == labels).all()
    for reference in (
        y,
        y.tolist(),
        y.astype(float),
        torch.from_numpy(y),
        one_hot,
        torch.from_numpy(one_hot).long(),
    ):
        assert DEC.DEC.clusterAccuracy(y, reference) == (1.0, {0: 0, 1: 1})
    assert optimumSpeaker.eigengap().find(
        x.clone().requires_grad_()
    ) == optimumSpeaker.eigengap().find(X)
    assert DEC.ResidualAutoEncoder(6, np.array([5, 3])).hidden_dims == [5, 3]


def test_what_was_given_is_shown_in_a_few_words():
    assert arguments.shown(x) == "a torch.Tensor of shape (12, 6), torch.float32"
    assert arguments.shown(X) == "a numpy.ndarray of shape (12, 6), float64"
    assert arguments.shown(np.float64(0.5)) == "0.5" and arguments.shown("3") == "'3'"
    assert len(arguments.shown("a" * 10**6)) < 100 and arguments.shown([0] * 10**6) == "a list"
    assert arguments.shown(encoder) == "a diar.ResidualAutoEncoder"


def test_accuracies_of_the_steps_and_soft_labels():
    for reference in (y, one_hot, torch.from_numpy(one_hot)):
        dec = DEC.DEC(encoder, 2).fit(x, reference, niter=4)
        assert len(dec.accuracies) == len(dec.losses) == 4
        assert dec.accuracies[-1] == dec.clusterAccuracy(dec.predict(x), y)[0]
    without = DEC.DEC(encoder, 2).fit(x, niter=4)
    assert (
        without.accuracies == [] and without.losses == dec.losses
    )  # the reference has no part in it
    soft = dec.predict_proba(x)
    assert soft.shape == (12, 2) and np.allclose(soft.sum(axis=1), 1)
    assert (soft.argmax(axis=1) == dec.predict(x)).all()
    with pytest.raises(RuntimeError, match="fit"):
        DEC.DEC(encoder, 2).predict_proba(x)


def test_only_windows_of_one_speaker_count():
    reference = one_hot.copy()
    reference[0], reference[1] = 0, 1  # nobody; both
    predicted = 1 - y
    predicted[:2] = 7
    assert DEC.DEC.clusterAccuracy(predicted, reference) == (1.0, {0: 1, 1: 0})


@pytest.mark.parametrize(
    "predicted, true, expected",
    [
        ([0, 0, 1, 1], [5, 5, 9, 9], (1.0, {0: 5, 1: 9})),
        ([0, 1, 2, 2], [0, 0, 0, 0], (0.5, {2: 0})),
        ([3, 3, 3, 3], [0, 1, 1, 2], (0.5, {3: 1})),
        ([10**9, 0], [0, 10**9], (1.0, {10**9: 0, 0: 10**9})),
    ],
)
def test_only_labels_that_occur_are_reassigned(predicted, true, expected):
    assert DEC.DEC.clusterAccuracy(predicted, true) == expected
