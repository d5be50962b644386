"""Channels: they change how a voice sounds, but not when it sounds, nor how loud."""

import numpy as np
import pytest

from diar.audio.waveform import SAMPLE_RATE
from diar.simulation.channels import CODECS, change_by_turn, pass_random_channel


def speechlike(seconds, seed=0):
    """Noise in syllables of random length and level, below 3 kHz."""
    rng = np.random.default_rng(seed)
    samples = rng.standard_normal(round(seconds * SAMPLE_RATE))
    samples = np.convolve(samples, np.hanning(8), "same")
    level = np.repeat(rng.uniform(0, 1, len(samples) // 1600 + 1) ** 2, 1600)
    return 0.05 * samples * level[: len(samples)]


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: f"{codec.subtype}-{codec.rate}")
def test_codecs_lose_something_but_delay_nothing(codec):
    samples = speechlike(3)
    changed = codec(samples)
    assert len(changed) == len(samples)
    assert not np.allclose(changed, samples, atol=1e-4)
    lags = range(-400, 401)
    alike = [np.dot(changed[500:-500], np.roll(samples, lag)[500:-500]) for lag in lags]
    assert abs(lags[int(np.argmax(alike))]) <= 8  # half a millisecond


@pytest.mark.parametrize("length", [0, 1, 50, 700])
def test_scraps_pass_every_channel(length):
    for seed in range(20):
        scrap = pass_random_channel(speechlike(1)[:length], np.random.default_rng(seed))
        assert len(scrap) == length
        assert np.isfinite(scrap).all()


def test_turns_differ_in_band_keep_their_level_and_stay_in_their_slots():
    samples = speechlike(6)
    slots = [(0.0, 1.5), (2.0, 3.5), (4.0, 5.5)]
    for start, end in ((1.8, 2.0), (3.8, 4.0), (5.8, 6.0)):
        samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] = 0
    changed = change_by_turn(samples, slots, np.random.default_rng(0))
    again = change_by_turn(samples, slots, np.random.default_rng(0))
    assert np.array_equal(changed, again)
    assert not changed[round(1.8 * SAMPLE_RATE) : 2 * SAMPLE_RATE].any()
    ratios = []
    for start, end in slots:
        part = slice(round(start * SAMPLE_RATE), round((end + 0.3) * SAMPLE_RATE))
        assert np.mean(changed[part] ** 2) == pytest.approx(np.mean(samples[part] ** 2))
        power = np.abs(np.fft.rfft(changed[part])) ** 2 / np.sum(changed[part] ** 2)
        ratios.append(power[: len(power) // 16].sum())  # what lies below 500 Hz
    assert np.ptp(ratios) > 0.01
