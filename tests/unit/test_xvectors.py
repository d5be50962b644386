"""Close windows where the speaker may change, and only there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from test_subsegments import RATE, regions

from diar.audio.spool import collect
from diar.base.errors import DataError
from diar.base.types import Region
from diar.xvectors import extraction
from diar.xvectors.extraction import extract
from diar.xvectors.windows import XVectorConfig, clip, cut, cut_regions

CONFIG = XVectorConfig(dim=None)
CLOCK = np.arange(60 * RATE, dtype=np.float32)


class Voices:
    """An extractor that hears who speaks in a window: voice i from time ``changes[i]`` on.

    Its samples are ``CLOCK``, which says what time it is.
    """

    name, dim, rate = "voices", 16, RATE

    def __init__(self, changes=()):
        self.edges = np.array([0.0, *changes, np.inf])
        self.voices = np.linalg.qr(np.random.default_rng(0).normal(size=(16, 16)))[0]
        self.heard = 0

    def embed(self, samples, starts, ends):
        self.heard += len(starts)
        now = float(samples[0]) / RATE if len(starts) else 0.0
        starts, ends = np.asarray(starts) + now, np.asarray(ends) + now
        low = np.maximum(starts[:, None], self.edges[:-1])
        high = np.minimum(ends[:, None], self.edges[1:])
        shares = np.maximum(high - low, 0) / (ends - starts)[:, None]
        return (shares @ self.voices[: shares.shape[1]]).astype(np.float32)


def extracted(speech, changes=(), config=CONFIG):
    return extract(config, Voices(changes), "a", speech, CLOCK)


@given(regions(), st.floats(0, 3))
def test_between_the_windows_that_are_far_apart_come_those_that_are_close(speech, change):
    found = extract(replace(CONFIG, change=change), Voices([1, 4.2, 9]), "a", speech, CLOCK)
    windows = found.subsegments
    starts = list(windows.starts)
    assert starts == sorted(starts) and len(set(windows.ids)) == len(windows)
    coarse = cut_regions("a", clip(speech, 60), 1.5, 0.75)
    close = cut_regions("a", clip(speech, 60), 1.5, 0.25)
    assert {*coarse.starts} <= {*starts}
    assert all(np.abs(close.starts - s).min() < 0.0011 for s in starts)
    again = Voices([1, 4.2, 9]).embed(CLOCK, windows.starts, windows.ends)
    assert np.abs(found.vectors - again).max(initial=0) < 1e-5  # each window still has its own


@example([Region(0.001, 0.002), Region(0.004, 5.005)])  # 14 steps and 2e-15
@given(regions())
def test_all_suspected_is_close_everywhere_and_nothing_is_far_apart(speech):
    every = extracted(speech, config=replace(CONFIG, change=3)).subsegments
    close = cut_regions("a", clip(speech, 60), 1.5, 0.25)
    assert len(every) == len(close) and np.abs(every.starts - close.starts).max(initial=0) < 0.0011
    none = extracted(speech, config=replace(CONFIG, change=0)).subsegments
    assert np.array_equal(none.starts, cut_regions("a", clip(speech, 60), 1.5, 0.75).starts)
    uniform = extracted(speech, config=replace(CONFIG, coarse_step=0)).subsegments
    assert np.array_equal(uniform.starts, close.starts) and uniform.ids == close.ids


@pytest.mark.parametrize("at", [10.0, 10.3, 10.6])
def test_a_change_is_surrounded_and_one_voice_is_not(at):
    speech = [Region(0.0, 20.0), Region(30.0, 40.0)]
    starts = extracted(speech, [at]).subsegments.starts
    near = starts[(starts > at - 1.3) & (starts < at - 0.2)]
    assert np.diff(near).max() < 0.26
    far = starts[(starts < at - 3) | (starts > at + 2)]
    assert np.array_equal(
        far, [s for s in cut_regions("a", clip(speech, 60), 1.5, 0.75).starts if s in far]
    )
    assert len(starts) < 50


def test_a_pause_is_no_change():
    speech = [Region(2.0 * i, 2.0 * i + 1.7) for i in range(10)]
    found = extracted(speech, [2.0 * i + 1.85 for i in range(10)]).subsegments
    assert len(found) == 20


def test_a_grid_stays_a_grid():
    config = replace(CONFIG, layout="grid", step=0.75, coarse_step=0.75)
    found = extracted([Region(0.0, 20.0)], [10.0], config).subsegments
    expected = cut(config, "a", [Region(0.0, 20.0)], 60 * RATE, RATE)
    assert np.array_equal(found.starts, expected.starts) and found.ids == expected.ids


def test_nothing_is_computed_twice():
    extractor = Voices([3.3])
    windows = extract(CONFIG, extractor, "a", [Region(0.0, 8.0)], CLOCK[: 8 * RATE])
    assert extractor.heard == len(windows)


def test_an_extractor_that_gives_nonsense_is_refused():
    extractor = Voices()
    extractor.dim = 17
    with pytest.raises(DataError, match="voices: x-vectors of shape"):
        extract(CONFIG, extractor, "a", [Region(0.0, 8.0)], CLOCK[: 8 * RATE])


def test_stretches_of_a_long_recording_are_as_the_whole(campplus, sample, monkeypatch):
    """Also where its samples lie in a file."""
    speech = [Region(1.0, 12.345), Region(13.0, 13.4), Region(14.001, 29.0)]
    whole = extract(CONFIG, campplus, "a", speech, sample)
    spooled = collect([sample[:7000], sample[7000:]], long=1000)
    monkeypatch.setattr(extraction, "STRETCH", 4.0)
    parts = extract(CONFIG, campplus, "a", speech, spooled)
    assert parts.subsegments.ids == whole.subsegments.ids
    assert np.abs(parts.vectors - whole.vectors).max() < 1e-4
