"""Windows cover the speech that they are cut from, exactly and without duplicates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diar.base import config
from diar.base.errors import DataError
from diar.base.regions import regions_of
from diar.base.types import Region
from diar.kaldi.tables import read_segments, write_segments
from diar.xvectors.windows import XVectorConfig, clip, cut, cut_grid, cut_regions, grid_indices

RATE = 16000


@st.composite
def regions(draw, longest: int = 9000):
    """Disjoint regions with times in milliseconds, at least 1 ms apart."""
    pieces = draw(st.lists(st.tuples(st.integers(1, 4000), st.integers(1, longest)), max_size=6))
    found, at = [], 0
    for gap, length in pieces:
        found.append(Region((at + gap) / 1000, (at + gap + length) / 1000))
        at += gap + length
    return found


layouts = st.tuples(st.integers(10, 2000), st.integers(0, 2000)).map(
    lambda x: ((x[0] + x[1]) / 1000, x[0] / 1000)
)  # (window, step), window >= step


@given(regions(), layouts)
def test_regions_are_covered_exactly_and_once(speech, layout):
    window, step = layout
    found = cut_regions("a", speech, window, step)
    assert len(set(found.ids)) == len(found)
    spans = list(zip(found.starts, found.ends, strict=True))
    assert spans == sorted(set(spans))
    for region in speech:
        inside = [s for s in spans if region.start - 1e-9 <= s[0] and s[1] <= region.end + 1e-9]
        assert inside[0][0] == region.start and inside[-1][1] == region.end
        starts = np.array([s for s, _ in inside])
        lengths = np.array([e - s for s, e in inside])
        if region.end - region.start <= window:
            assert inside == [tuple(region)]
        else:
            assert np.abs(lengths - window).max() < 0.0021
            gaps = np.diff(starts)
            assert (gaps <= step + 0.0021).all() and (gaps > 0).all()
        assert (starts[1:] <= starts[:-1] + lengths[:-1] + 0.0021).all()
    assert len(spans) >= len(speech)


@given(regions(), layouts)
def test_windows_survive_their_files(tmp_path_factory, speech, layout):
    folder = tmp_path_factory.mktemp("data")
    found = cut_regions("rec-1", speech, *layout)
    write_segments(folder, found)
    again = read_segments(folder / "segments")
    order = [again.ids.index(i) for i in found.ids]
    assert np.abs(again.starts[order] - found.starts).max(initial=0) < 0.00051
    assert np.abs(again.ends[order] - found.ends).max(initial=0) < 0.00051
    if layout[0] > layout[1] + 0.003:  # otherwise rounding may leave a gap of a millisecond
        union = regions_of(again)
        assert np.allclose([tuple(r) for r in union], [tuple(r) for r in speech], atol=1e-6)


@given(regions(), st.integers(1, 40 * RATE), st.sampled_from([0.25, 0.5, 0.75]))
def test_grid_marks_cells_as_published(speech, samples, step):
    found, index = cut_grid("a", speech, samples, RATE, 1.5, step)
    hop = step * RATE
    marked = {
        i
        for r in speech
        for i in range(
            int((r.start * RATE + hop / 2) // hop + 1e-9), int((r.end * RATE + hop / 2) // hop)
        )
    }
    assert list(index) == sorted(marked & set(range(len(range(0, samples, int(hop))))))
    assert (found.starts >= 0).all() and (found.ends <= samples / RATE).all()
    centres = index * step
    assert np.allclose(found.starts, np.maximum(0, centres - 0.75))
    assert np.allclose(found.ends, np.minimum(samples / RATE, centres + 0.75))
    assert len(set(found.ids)) == len(found)
    if samples > 1.5 * RATE or step == 0.75:
        assert list(grid_indices(found, 1.5, step)) == list(index)


def test_grid_of_a_recording_shorter_than_a_window_keeps_its_cells_apart():
    found, index = cut_grid("a", [Region(0, 0.7)], round(0.7 * RATE), RATE, 1.5, 0.25)
    assert list(index) == [0, 1, 2] and len(set(found.ids)) == 3
    assert list(grid_indices(found, 1.5, 0.25)) == [0, 1, 2]


def test_ids_differ_where_times_agree_to_ten_milliseconds():
    found = cut_regions("a", [Region(0, 1.504)], 1.5, 0.25)
    assert len(found) == 2 and len(set(found.ids)) == 2


def test_speech_beyond_the_audio_is_left_out():
    assert clip([Region(0, 2), Region(3, 9), Region(9, 10)], 5.0) == [Region(0, 2), Region(3, 5)]
    assert cut(XVectorConfig(), "a", [Region(3, 9)], 5 * RATE, RATE).ends.max() == 5.0


def test_no_speech_gives_no_windows():
    for layout in ("regions", "grid"):
        found = cut(XVectorConfig(layout=layout), "a", [], RATE, RATE)
        assert len(found) == 0 and found.starts.dtype == float


def test_the_configuration_repeats_the_defaults(root):
    assert config.load(XVectorConfig, root / "conf/xvector.yaml") == XVectorConfig()
    paper = config.load(XVectorConfig, root / "conf/xvector_paper.yaml")
    assert (paper.layout, paper.window, paper.step) == ("grid", 1.5, 0.75)


@pytest.mark.parametrize(
    "override",
    [
        "step=0", "step=2", "window=0.1", "layout=rows", "dim=0", "windw=1",
        "coarse_step=0.2", "coarse_step=1.6", "change=-1",
    ],
)  # fmt: skip
def test_bad_values_are_refused(override):
    with pytest.raises(DataError):
        config.load(XVectorConfig, None, [override])
