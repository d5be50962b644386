"""DEC of one recording, both configurations, tiny and degenerate input; real audio end to end."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from made_up import spaced, trained_encoder, voices
from sklearn.metrics import adjusted_rand_score

from diar.autoencoder import network
from diar.base import config
from diar.base.types import Bounds, Turn
from diar.dec.config import RefineConfig
from diar.dec.diarization import fit, survivors, thin
from diar.pipeline.config import DecStageConfig
from diar.pipeline.recording import Pipeline
from diar.scoring.frame import total_score
from diar.scoring.rates import Protocol
from diar.speech.segmentation import Segmentation, SegmentationConfig
from diar.speech.vad import VadConfig
from diar.turns import decoding
from diar.xvectors.windows import XVectorConfig

STEP, SPREAD = 0.75, 0.08


@pytest.fixture(params=["dec", "dec_paper"])
def options(request, root):
    return config.load(DecStageConfig, root / "conf" / f"{request.param}.yaml")


@pytest.fixture(scope="module")
def encoder():
    return trained_encoder(STEP, SPREAD)


def talk(sizes):
    x, labels = voices(sizes, spread=SPREAD)
    return x, spaced(len(x), STEP), labels


@pytest.mark.parametrize("n", range(5))
@pytest.mark.parametrize("bounds", [Bounds(), Bounds(1), Bounds(3), Bounds(least=2)], ids=str)
def test_few_windows(options, encoder, n, bounds):
    x = np.random.default_rng(n).normal(size=(n, 16)).astype(np.float32)
    found = fit(x, spaced(n, STEP), encoder, options, bounds)
    assert found.posteriors.shape[0] == len(found.latents) == n
    assert found.posteriors.shape[1] >= 1
    assert np.allclose(found.posteriors.sum(axis=1), 1)


def test_identical_windows_are_one_speaker(options, encoder):
    found = fit(np.ones((40, 16), np.float32), spaced(40, STEP), encoder, options, Bounds())
    assert set(found.labels) == {0}


def test_known_count_finds_the_voices(options, encoder):
    x, windows, labels = talk([30, 25, 20])
    before = copy.deepcopy(encoder.state_dict())
    found = fit(x, windows, encoder, options, Bounds(3))
    assert adjusted_rand_score(labels, found.labels) > 0.95
    assert all(torch.equal(v, before[k]) for k, v in encoder.state_dict().items())


@pytest.mark.parametrize("wanted", [1, 2, 3, 5])
def test_bounds_are_kept(options, encoder, wanted):
    x, windows, _ = talk([30, 25, 20])
    for bounds in (Bounds(wanted), Bounds(least=wanted), Bounds(most=wanted)):
        found = fit(x, windows, encoder, options, bounds)
        assert bounds.clip(found.count) == found.count


@pytest.mark.parametrize("wanted", [1, 2, 3, 4])
def test_a_known_count_in_a_recording_of_few_windows(root, encoder, wanted):
    """With 0.75 s between those that are fitted, four windows are one or two."""
    x, _, _ = talk([2, 2])
    options = config.load(DecStageConfig, root / "conf/dec.yaml")
    windows = spaced(4, STEP)
    windows = replace(windows, starts=0.25 * np.arange(4), ends=0.25 * np.arange(4) + 1.5)
    found = fit(x, windows, encoder, options, Bounds(wanted))
    turns = decoding.decode(windows, found.posteriors, 2.25, options.decoding, None, wanted).turns
    assert len({turn.speaker for turn in turns}) == wanted


def test_too_many_are_merged_whole(root, encoder):
    x, windows, labels = talk([30, 25, 20])
    options = config.load(DecStageConfig, root / "conf/dec.yaml")
    found = fit(x, windows, encoder, options, Bounds(most=2)).labels
    for voice in range(3):
        assert np.bincount(found[labels == voice]).max() > 0.9 * (labels == voice).sum()


def test_without_steps_the_start_is_the_result(encoder):
    x, windows, labels = talk([30, 25, 20])
    start = DecStageConfig(
        finetune_iters=0, count="start", start="ahc", start_on="xvectors", ahc_ratio=0.75,
        refine=RefineConfig(niter=0),
    )  # fmt: skip
    found = fit(x, windows, encoder, start, Bounds())
    assert np.array_equal(found.labels, found.start)
    assert adjusted_rand_score(labels, found.labels) > 0.9


def test_same_input_same_output(options, encoder):
    x, windows, _ = talk([20, 20])
    a, b = (fit(x, windows, encoder, options, Bounds(), seed=7) for _ in range(2))
    assert np.array_equal(a.posteriors, b.posteriors) and a.losses == b.losses


def test_jitter_is_drawn_by_the_seed_and_as_small_as_it_says(options, encoder):
    x, windows, _ = talk([20, 20])
    still = replace(options, finetune_iters=0, refine=replace(options.refine, niter=0))

    def start(jitter, seed):
        given = replace(still, jitter=jitter)
        return fit(x, windows, encoder, given, Bounds(2), seed).start_latents

    plain, one, other = start(0.0, 0), start(1e-7, 1), start(1e-7, 2)
    assert np.array_equal(plain, start(0.0, 1)), "without it the seed changes no latent"
    assert np.array_equal(one, start(1e-7, 1))
    assert not np.array_equal(one, plain) and not np.array_equal(one, other)
    assert np.abs(one - plain).max() < 1e-4 * np.abs(plain).max()


def test_rounds_end_when_the_speakers_are_settled(root, encoder):
    x, windows, _ = talk([30, 25, 20])
    steps = {}
    for settled in (0.0, 1.0):
        options = config.load(DecStageConfig, root / "conf/dec.yaml", [f"settled={settled}"])
        steps[settled] = len(fit(x, windows, encoder, options, Bounds()).losses)
    assert steps == {0.0: 2 * options.refine.niter, 1.0: options.refine.niter}


def test_thin():
    starts = np.array([0, 0.25, 0.5, 0.75, 1.0, 5.0, 5.25])
    assert thin(starts, 0.75).tolist() == [0, 3, 5]
    assert thin(starts, 0).tolist() == list(range(7))


def test_survivors_keep_the_largest():
    labels = np.array([0] * 10 + [1] * 3 + [2] * 6)
    assert survivors(labels, 3, 5, least=1).tolist() == [0, 2]
    assert survivors(labels, 3, 100, least=1).tolist() == [0]
    assert survivors(labels, 3, 100, least=2).tolist() == [0, 2]


def test_real_conversation_end_to_end(root, sample, sample_turns, campplus):
    pipeline = Pipeline(
        campplus,
        network.load_model(network.SHIPPED),
        vad=config.load(VadConfig, root / "conf/vad.yaml"),
        xvector=config.load(XVectorConfig, root / "conf/xvector.yaml"),
        dec=config.load(DecStageConfig, root / "conf/dec.yaml"),
        segmentation=Segmentation(SegmentationConfig()),
    )

    def run(pipeline: Pipeline, samples: np.ndarray = sample):
        return pipeline.fit(pipeline.hear("sample", samples))

    turns = run(pipeline).turns
    assert len({turn.speaker for turn in turns}) == 2
    reference = {"sample": [Turn("sample", a, b - a, who) for a, b, who in sample_turns]}
    total = total_score(reference, {"sample": turns}, None, Protocol(0.25, "out"))
    assert total["der_%"] < 5
    apart = run(replace(pipeline, overlap=False))
    assert apart.turns == apart.exclusive
    assert sum(t.duration for t in turns) > sum(t.duration for t in apart.turns) + 0.3
    assert run(pipeline).turns == turns
    assert run(pipeline, np.zeros(32000, np.float32)).turns == []


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"start": "tea"}, "must be one of: ahc, kmeans"),
        ({"start": "kmeans", "count": "start"}, "needs count 'eigengap'"),
        ({"start": "spectral", "count": "start"}, "needs count 'eigengap'"),
    ],
)
def test_a_start_that_cannot_be(wrong, said):
    with pytest.raises(ValueError, match=said):
        DecStageConfig(**wrong)
