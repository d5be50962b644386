"""Pictures: what is drawn is what is known, files are the same each time, and errors say what to do."""

from __future__ import annotations

import json
import logging
import shutil
import sys

import matplotlib
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from matplotlib.colors import same_color
from small_scores import FOUND, REFERENCE, make_experiment
from test_error_segments import turns as some_turns

import plot
from diar.base import colours
from diar.base.errors import DataError
from diar.base.files import write_text
from diar.base.numbers import clock
from diar.base.types import Region, Subsegments, Turn
from diar.kaldi.history import read_history
from diar.kaldi.rttm import write_rttm
from diar.pictures import canvas, convergence, latents, scores, timeline
from diar.scoring.comparison import der_interval
from diar.scoring.error_segments import find_errors
from diar.scoring.frame import make_frame, read_frame, totals
from diar.scoring.rates import ScoringConfig, evaluate

KINDS = list(colours.ERRORS)


def series(axis):
    """What is drawn, by its label."""
    return {item.get_label(): item for item in (*axis.collections, *axis.patches)}


def edges(collection):
    """(n, 2) starts and ends of bars, in order."""
    boxes = [path.get_extents() for path in collection.get_paths()]
    return np.sort(np.array([(box.x0, box.x1) for box in boxes]).reshape(-1, 2), axis=0)


def colour(collection):
    return collection.get_facecolor()[0]


def drawn(reference, *hypotheses, regions=None, span=None, width=canvas.PAGE):
    figure = canvas.new(width)
    titled = [(f"h{i}", turns) for i, turns in enumerate(hypotheses)]
    timeline.draw(figure, timeline.panels(reference, titled, regions), regions, span)
    return figure


def row_names(axis):
    return [label.get_text() for label in axis.get_yticklabels()]


class TestTimeline:
    @settings(max_examples=25, deadline=None)
    @given(some_turns, some_turns)
    def test_bars_are_the_turns_and_what_is_wrong(self, reference, found):
        regions = [Region(2.0, 25.0)]
        figure = drawn(reference, found, regions=regions)
        for axis, turns in zip(figure.axes, (reference, found), strict=True):
            for speaker in {turn.speaker for turn in turns}:
                mine = [(t.start, t.end) for t in turns if t.speaker == speaker]
                assert edges(series(axis)[speaker]) == pytest.approx(np.sort(mine, axis=0))
        wrong = find_errors(reference, found, regions).segments
        for kind in KINDS:
            expected = np.array([(a, b) for a, b, _ in wrong[kind]]).reshape(-1, 2)
            assert edges(series(figure.axes[1])[kind]) == pytest.approx(expected)

    def test_paired_speakers_share_colour_and_place(self):
        figure = drawn(REFERENCE, FOUND)
        above, below = map(series, figure.axes)
        assert same_color(colour(below["r_1"]), colour(above["ann"]))
        assert same_color(colour(below["r_2"]), colour(above["bob"]))
        assert not same_color(colour(below["r_3"]), colour(above["ann"]))
        assert row_names(figure.axes[0]) == ["ann", "bob"]
        assert row_names(figure.axes[1]) == ["1", "2", "3", *KINDS]
        for kind in KINDS:
            assert same_color(colour(below[kind]), colours.ERRORS[kind])

    def test_without_reference_the_first_gives_the_colours(self):
        figure = drawn(None, REFERENCE, FOUND)
        above, below = map(series, figure.axes)
        assert same_color(colour(below["r_1"]), colour(above["ann"]))
        assert row_names(figure.axes[1]) == ["1", "2", "3"]

    def test_a_part_keeps_colours_and_leaves_out_who_is_silent(self):
        whole, part = drawn(REFERENCE, FOUND), drawn(REFERENCE, FOUND, span=(9.5, 15))
        assert row_names(part.axes[1])[:-4] == ["2"]
        assert part.axes[0].get_xlim() == (9.5, 15)
        for axis, other in zip(part.axes, whole.axes, strict=True):
            for name, item in series(axis).items():
                assert same_color(colour(item), colour(series(other)[name]))

    def test_many_speakers_are_told_apart_and_fit_on_a_page(self):
        crowd = [Turn("r", i, 1, f"speaker{i:02d}") for i in range(30)]
        figure = drawn(crowd, crowd)
        looks = {(tuple(colour(item)), item.get_hatch()) for item in figure.axes[0].collections}
        assert len(looks) == 30
        assert figure.get_figheight() < 11
        lanes = figure.axes[0].get_yticklabels()
        assert min(label.get_fontsize() for label in lanes) >= 6

    def test_errors_of_a_long_recording_are_shares_of_time(self):
        hours = [Turn("r", start, 5.0, "a") for start in np.arange(0, 14400, 10.0)]
        late = [turn._replace(start=turn.start + 1) for turn in hours]
        figure = drawn(hours, late)
        wrong = find_errors(hours, late, [Region(0, 14396)])
        for kind in ("miss", "false alarm"):
            shares, at, foot = series(figure.axes[1])[kind].get_data()
            heights = foot - np.array(shares)
            whole = heights @ np.diff(at) / heights[0]  # a tenth of each full stretch is wrong
            assert whole == pytest.approx(
                sum(end - start for start, end, _ in wrong.segments[kind]) / 0.1
            )
        assert "every 120 s, full height 10 %" in figure.axes[1].get_xlabel()

    def test_what_is_not_evaluated_is_grey(self):
        figure = drawn(REFERENCE, FOUND, regions=[Region(5, 25), Region(8, 12)])
        grey = [p for p in figure.axes[0].patches if same_color(p.get_facecolor(), "0.9")]
        ends = sorted((p.get_x(), p.get_x() + p.get_width()) for p in grey)
        assert ends == [(0, 5), (25, 31)]
        assert figure.legends[0].get_texts()[0].get_text() == "not evaluated"
        assert not drawn(REFERENCE, FOUND).legends

    @pytest.mark.parametrize("reference", [[], REFERENCE])
    def test_a_side_may_be_silent(self, reference):
        figure = drawn(reference, [], regions=[Region(0, 30)])
        assert "no turns" in [text.get_text() for text in figure.axes[1].texts]
        missed = series(figure.axes[1])["miss"].get_paths()
        assert bool(missed) == bool(reference)
        with pytest.raises(DataError, match="nobody speaks"):
            drawn([], [])

    @pytest.mark.parametrize(
        "seconds, decimals, text",
        [(0, 0, "0:00:00"), (3599.6, 0, "1:00:00"), (36610.25, 1, "10:10:10.2"), (59.96, 1, "0:01:00.0")],
    )  # fmt: skip
    def test_clock(self, seconds, decimals, text):
        assert clock(seconds, decimals) == text
        assert clock(seconds, decimals, short=True) == text.removeprefix("0:").removeprefix("0")

    def test_names_are_text_not_mathematics(self, tmp_path):
        figure = drawn([Turn("r", 0, 1, "a$b_c$d"), Turn("r", 0, 1, "x" * 50)])
        canvas.save(figure, tmp_path / "p.svg")
        assert row_names(figure.axes[0]) == ["a$b_c$d", "xxxxxxx…xxxxxxxx"]
        assert not any(label.get_parse_math() for label in figure.axes[0].get_yticklabels())


class TestLatents:
    @given(some_turns, st.lists(st.tuples(st.integers(0, 300), st.integers(1, 40)), min_size=1))
    @example([Turn("r", 22.1, 4.1, "a")], [(262, 1)])  # 22.1 + 4.1 is a little more than 26.2
    def test_who_is_heard_in_a_window(self, turns, cuts):
        starts, ends = (np.array(x) / 10 for x in zip(*[(a, a + n) for a, n in cuts], strict=True))
        ids = [str(i) for i in range(len(cuts))]
        names = latents.window_speakers(Subsegments(ids, ["r"] * len(cuts), starts, ends), turns)
        ticks = np.arange(0, 400) / 10 + 0.05  # all times are multiples of 0.1
        for start, end, name in zip(starts, ends, names, strict=True):
            inside = ticks[(ticks > start) & (ticks < end)]
            talked = {
                who: sum(
                    any(t.start < x < t.end for t in turns if t.speaker == who) for x in inside
                )
                for who in {turn.speaker for turn in turns}
            }
            most = max(talked.values(), default=0)
            assert (talked[name] == most > 0) if name else most == 0

    def spaces(self, count=40):
        rng = np.random.default_rng(0)
        truth = np.arange(count) % 2
        start = rng.normal(size=(count, 5)) + 6 * truth[:, None]
        return {"before": start, "after": start + 1}, truth

    def test_panels_and_colours(self):
        spaces, truth = self.spaces()
        speakers = ["ann" if t else "bob" for t in truth]
        speakers[:4] = [None] * 4
        figure = canvas.new(canvas.PAGE)
        latents.draw(figure, spaces, 2 - truth, speakers, ["bob", "ann", "absent"])
        titles = [axis.get_title(loc="left") for axis in figure.axes]
        assert titles == [f"{s}, by {b}" for b in ("cluster", "reference") for s in spaces]
        by_cluster, by_reference = (series(figure.axes[i]) for i in (1, 3))
        assert same_color(colour(by_cluster["1"]), colour(by_reference["ann"]))
        assert same_color(colour(by_cluster["2"]), colour(by_reference["bob"]))
        assert len(by_reference["nobody"].get_offsets()) == 4
        assert len(by_reference["ann"].get_offsets()) == sum(s == "ann" for s in speakers)
        entries = [text.get_text() for text in figure.legends[0].get_texts()]
        assert entries == ["2 = bob", "1 = ann", "nobody"]

    def test_before_and_after_are_in_one_plane(self):
        spaces, truth = self.spaces()
        figure = canvas.new(canvas.COLUMN)
        latents.draw(figure, spaces, truth)
        before, after = (series(axis)["0"].get_offsets() for axis in figure.axes)
        moved = np.asarray(after - before)
        assert moved == pytest.approx(np.broadcast_to(moved[0], moved.shape))
        assert np.linalg.norm(moved[0]) > 1

    def test_what_cannot_be_drawn(self):
        for z, message in [
            (np.ones((2, 5)), "too few"),
            (np.ones((5, 1)), "too few"),
            (np.ones((5, 5)), "all latents are equal"),
            (np.full((5, 5), np.nan), "NaN"),
        ]:
            with pytest.raises(DataError, match=message):
                latents.draw(canvas.new(3.4), {"after": z}, np.zeros(len(z), int))


class TestHistory:
    TEXT = "a 1 0.5 -\na 2 0.25 0.125\nb 1 - -\nb 2 - 0.5\na 3 - 0\nc 1 - -\n"

    def test_curves(self, tmp_path):
        write_text(tmp_path / "history", self.TEXT)
        found = read_history(tmp_path / "history")["a"]
        figure = canvas.new(canvas.COLUMN)
        convergence.draw(figure, found)
        loss, changed = (axis.lines[0].get_xydata() for axis in figure.axes)
        assert loss[:2].tolist() == [[1, 0.5], [2, 0.25]] and np.isnan(loss[2, 1])
        assert changed[1:].tolist() == [[2, 12.5], [3, 0]] and np.isnan(changed[0, 1])
        assert figure.axes[0].lines[1].get_xdata() == [3, 3]  # no loss: not a step of training

    def test_only_what_is_known(self, tmp_path):
        write_text(tmp_path / "history", self.TEXT)
        figure = canvas.new(canvas.COLUMN)
        convergence.draw(figure, read_history(tmp_path / "history")["b"])
        assert [axis.get_ylabel() for axis in figure.axes] == ["cluster changed\n(% of windows)"]
        with pytest.raises(DataError, match="nothing to draw"):
            convergence.draw(canvas.new(3.4), read_history(tmp_path / "history")["c"])

    @pytest.mark.parametrize(
        "text, message",
        [
            ("a 1 0.5\n", "history:1: expected '<recording> <step> <loss> <changed>'"),
            ("b 1 2 3\na 1 x -\n", "history:2: 'x' is not a number"),
            ("a - 1 -\n", "history:1: '-' is not a number"),
        ],
    )
    def test_refused(self, tmp_path, text, message):
        write_text(tmp_path / "history", text)
        with pytest.raises(DataError, match=message):
            read_history(tmp_path / "history")


@pytest.fixture(scope="module")
def exp(tmp_path_factory):
    return make_experiment(tmp_path_factory.mktemp("made"))


class TestScores:
    def test_bars_and_whiskers(self, exp):
        panels = scores.bars(exp / "exp", "test", ["full", "forgiving"])
        figure = canvas.new(canvas.COLUMN)
        scores.draw_bars(figure, panels)
        assert row_names(figure.axes[0]) == ["DEC, default", "AHC, count known"]
        for axis, protocol in zip(figure.axes, ("full", "forgiving"), strict=True):
            for y, system in enumerate(("dec_default", "ahc_oracle")):
                folder = exp / "exp" / system / "test/score"
                total = json.loads((folder / "summary.json").read_text())["protocols"][protocol]
                bars = [p for p in axis.patches if p.get_y() < y < p.get_y() + p.get_height()]
                widths = [bar.get_width() for bar in bars]
                rates = [total[key] for key in ("miss_%", "fa_%", "conf_%")]
                assert widths == pytest.approx(rates, abs=1e-3)
                assert bars[-1].get_x() + widths[-1] == pytest.approx(total["der_%"], abs=1e-3)
                for bar, kind in zip(bars, KINDS, strict=False):
                    assert same_color(bar.get_facecolor(), colours.ERRORS[kind])
                frame = read_frame(folder)
                whisker = axis.lines[y].get_xydata()
                assert tuple(whisker[:, 0]) == der_interval(frame[frame["protocol"] == protocol])
                assert set(whisker[:, 1]) == {y}

    def test_the_first_protocol_unless_asked(self, exp):
        assert [title.split(":")[0] for title in scores.bars(exp / "exp", "test")] == ["paper"]
        with pytest.raises(DataError, match="no protocol 'none'; choose from: paper, "):
            scores.bars(exp / "exp", "test", ["none"])
        with pytest.raises(DataError, match="no scores of set 'none'; choose from: test"):
            scores.bars(exp / "exp", "none")

    def test_counts(self, exp):
        frame = read_frame(exp / "exp/dec_default/test/score")
        figure = canvas.new(canvas.COLUMN)
        scores.draw_counts(figure, "DEC", frame[frame["protocol"] == "full"])
        cells = {
            (t.get_position()[1], t.get_position()[0]): t.get_text() for t in figure.axes[0].texts
        }
        assert cells == {(2, 3): "1", (1, 2): "1"}
        assert figure.axes[0].get_title(loc="left") == "DEC: right in 0 of 2 recordings"


class TestProgram:
    @pytest.mark.parametrize(
        "name, form, start",
        [("a.png", "png", b"\x89PNG"), ("a.SVG", "svg", b"<?xml"), ("a.pdf", "pdf", b"%PDF")],
    )
    def test_formats_and_width(self, tmp_path, name, form, start):
        contents = []
        for _ in range(2):
            canvas.save(drawn(REFERENCE, FOUND, width=3.4), tmp_path / name)
            contents.append((tmp_path / name).read_bytes())
        assert contents[0] == contents[1]
        assert contents[0].startswith(start)
        assert canvas.format_of(name) == form
        if form == "png":
            assert int.from_bytes(contents[0][16:20], "big") == 1020  # 3.4 inches of 300 dots

    def run(self, monkeypatch, exp, *arguments):
        monkeypatch.chdir(exp)
        monkeypatch.setattr(sys, "argv", ["plot.py", *map(str, arguments)])
        level = logging.getLogger().level
        try:
            plot.main()
        finally:
            logging.getLogger().setLevel(level)

    @pytest.mark.parametrize(
        "arguments, message",
        [
            ("timeline exp/dec_default/test/rttm out", "ends in .pdf, .png or .svg"),
            ("timeline exp/dec_default/test/rttm a.pdf", "--recording NAME is needed: .* r, s"),
            ("timeline --recording x exp/ahc_oracle/test/rttm a.pdf", "'x'; found 2 .*: r, s"),
            ("timeline --recording x --reference data/test/ref.rttm exp/ahc_oracle/test/rttm a.pdf",
             "ref.rttm: no turns of recording 'x'; found 2 .*: r, s"),
            ("timeline --recording r --reference data/test/ref.rttm other.rttm a.pdf",
             "other.rttm: no turns of recording 'r'; found 1 .*: q"),
            ("timeline --recording r --uem other.uem exp/ahc_oracle/test/rttm a.pdf",
             "other.uem: no regions of recording 'r'; found 1 .*: q"),
            ("timeline --recording r --from 40 exp/ahc_oracle/test/rttm a.pdf",
             "from 0:00:40 to 0:00:30: the recording lasts from 0:00:00 to 0:00:30"),
            ("timeline --recording r --from 1:0 --to 2 exp/ahc_oracle/test/rttm a.pdf", "nothing to show"),
            ("timeline --recording r --label a --label b exp/ahc_oracle/test/rttm a.pdf", "2 --label for 1"),
            ("timeline --recording r --width 0 exp/ahc_oracle/test/rttm a.pdf", "width of 0 inches"),
            ("timeline none.rttm a.pdf", "none.rttm: no such file"),
            ("latents exp/ahc_oracle/test r a.pdf", "latents.scp is missing: steps/fit_dec.sh"),
            ("latents exp/dec_default/test s a.pdf", "no matrix of recording 's'; found 1 .*: r"),
            ("latents --reference data/test/ref.rttm cut r a.pdf", "2 windows of 'r', but 20 latents"),
            ("history exp/dec_default/test s a.pdf", "no steps of 's'.* 1 recording.*: r"),
            ("history exp/ahc_oracle/test r a.pdf", "history is missing: steps/fit_dec.sh"),
            ("der none test a.pdf", "per_recording.tsv below it: ./run.sh"),
            ("counts exp/dec_default/test a.pdf", "no such file: steps/score.sh makes it"),
        ],
    )  # fmt: skip
    def test_messages(self, monkeypatch, exp, arguments, message):
        write_rttm(exp / "other.rttm", [Turn("q", 0, 1, "a")])
        write_text(exp / "other.uem", "q 1 0 10\n")
        (exp / "cut").mkdir(exist_ok=True)
        for name in ("latents", "posteriors"):
            shutil.copy(exp / f"exp/dec_default/test/{name}.scp", exp / "cut")
        write_text(exp / "cut/segments", "r-1 r 0 1\nr-2 r 1 2\n")
        with pytest.raises(DataError, match=message):
            self.run(monkeypatch, exp, *arguments.split())
        assert not (exp / "a.pdf").exists()

    def test_silence_is_no_error_where_the_reference_knows_the_recording(
        self, monkeypatch, exp, tmp_path
    ):
        write_text(tmp_path / "hyp/r.rttm", "")
        out = tmp_path / "a.svg"
        reference = ["--reference", "data/test/ref.rttm", "--recording", "r"]
        write_rttm(tmp_path / "s.rttm", [Turn("s", 0, 1, "a")])
        self.run(
            monkeypatch, exp, "timeline", *reference, tmp_path / "hyp", tmp_path / "s.rttm", out
        )
        assert out.exists()

    def test_titles_name_the_system_and_its_rates(self, monkeypatch, exp, tmp_path):
        figures = []
        monkeypatch.setattr(canvas, "save", lambda figure, path: figures.append(figure))
        given = [
            "--reference",
            "data/test/ref.rttm",
            "--recording",
            "r",
            "exp/dec_default/test/rttm",
        ]
        for options in ([], ["--label", "mine", "--width", "3.4"], ["--to", "0:20"]):
            self.run(monkeypatch, exp, "timeline", *given, *options, "a.pdf")
        summary = json.loads((exp / "exp/dec_default/test/score/summary.json").read_text())
        evaluation = evaluate({"r": REFERENCE}, {"r": FOUND}, None, ScoringConfig().protocols)
        total = totals(make_frame(evaluation)).loc["full"]
        assert summary["recordings"] == 2  # so that what follows is of one recording
        parts = total[["miss_%", "fa_%", "conf_%"]]
        rates = "(miss {:.2f}, false alarm {:.2f}, confusion {:.2f})".format(*parts)
        titles = [figure.axes[1].get_title() for figure in figures]
        assert titles[0] == f"DEC, default: DER {total['der_%']:.2f} % {rates}"
        assert titles[1] == f"mine: DER {total['der_%']:.2f} %"
        assert titles[2].startswith(
            f"DEC, default: DER {total['der_%']:.2f} % of the whole recording"
        )


def test_nothing_of_matplotlib_is_changed(tmp_path):
    import matplotlib.pyplot as plt

    before, figures = dict(matplotlib.rcParams), plt.get_fignums()
    canvas.save(drawn(REFERENCE, FOUND), tmp_path / "a.pdf")
    assert dict(matplotlib.rcParams) == before
    assert plt.get_fignums() == figures
