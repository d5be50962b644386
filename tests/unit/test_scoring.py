"""Scoring: hand-computed figures, pyannote.metrics itself as the judge, properties, golden table."""

import itertools
import os
from pathlib import Path

import pytest
from benchmark import load_benchmark
from hypothesis import given, settings
from hypothesis import strategies as st
from paths import ROOT
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate

from diar.base import config
from diar.base.errors import DataError
from diar.base.regions import merge_turns
from diar.base.types import Region, Turn
from diar.scoring import frame, systems
from diar.scoring.frame import count_speakers, make_frame, total_score, totals
from diar.scoring.rates import Protocol, ScoringConfig, evaluate
from diar.scoring.systems import read_json
from diar.xvectors.grid import activity

PROTOCOLS = ScoringConfig().protocols
FULL = PROTOCOLS["full"]


def turns(*spans, recording="r"):
    """Turns from (start, end, speaker)."""
    return [Turn(recording, start, end - start, speaker) for start, end, speaker in spans]


def one(reference, hypothesis, protocol=FULL, regions=None):
    """The only row of the recording 'r'."""
    uem = None if regions is None else {"r": [Region(*r) for r in regions]}
    return frame_of({"r": reference}, {"r": hypothesis}, uem, protocol).iloc[0]


def frame_of(reference, hypothesis, uem=None, protocol=FULL):
    return make_frame(evaluate(reference, hypothesis, uem, {"": protocol}))


def seconds(row):
    return pytest.approx(tuple(row[["scored_s", "miss_s", "fa_s", "conf_s"]]), abs=1e-9)


# Random conversations on a 10 ms grid: turns of one side may overlap, also of one speaker.
spans = st.builds(
    lambda start, length, speaker: (start / 100, (start + length) / 100, speaker),
    st.integers(0, 2000),
    st.integers(1, 600),
    st.sampled_from("abcd"),
)
sides = st.lists(spans, max_size=12).map(lambda x: turns(*x))
spoken = st.lists(spans, min_size=1, max_size=12).map(lambda x: turns(*x))
protocols = st.sampled_from(list(PROTOCOLS.values()))


class TestByHand:
    # A speaks 0-10, B 8-20; found: x 0-9, y 9-21, so that y is B.
    REFERENCE = turns((0, 10, "A"), (8, 20, "B"))
    HYPOTHESIS = turns((0, 9, "x"), (9, 21, "y"))

    @pytest.mark.parametrize(
        ("protocol", "expected"),
        [
            # scored 22 s; of the overlap 8-10, B is missed in 8-9 and A in 9-10; y too long by 1
            ("full", (22, 2, 1, 0)),
            # zones around 0 8 10 20: kept are .25-7.75, 8.25-9.75 (twice), 10.25-19.75 and 20.25-21
            ("fair", (7.5 + 3 + 9.5, 1.5, 0.75, 0)),
            # the same without 8.25-9.75
            ("forgiving", (7.5 + 9.5, 0, 0.75, 0)),
            # zones of 0.125 on each side
            ("paper", (7.75 + 9.75, 0, 0.875, 0)),
        ],
    )
    def test_collar_and_overlap_of_each_protocol(self, protocol, expected):
        assert seconds(one(self.REFERENCE, self.HYPOTHESIS, PROTOCOLS[protocol])) == expected

    def test_confusion(self):
        row = one(turns((0, 6, "A"), (6, 10, "B")), turns((0, 10, "x")))
        assert seconds(row) == (10, 0, 0, 4)
        assert row["der_%"] == pytest.approx(40)

    def test_jer_counts_every_speaker_alike_and_ignores_the_protocol(self):
        # A: union 10, wrong 4 -> 0.4; B: no partner -> 1
        for protocol in PROTOCOLS.values():
            row = one(turns((0, 6, "A"), (6, 10, "B")), turns((0, 10, "x")), protocol)
            assert row["jer_%"] == pytest.approx(70)
            assert (row.speakers, row.speakers_found) == (2, 1)

    def test_uem_clips_both_sides(self):
        row = one(turns((0, 10, "A")), turns((5, 20, "x")), regions=[(2, 6), (12, 14)])
        assert seconds(row) == (4, 3, 2, 0)

    def test_speakers_outside_the_uem_are_not_counted(self):
        row = one(
            turns((0, 5, "A"), (5, 9, "B")), turns((0, 5, "x"), (5, 9, "y")), regions=[(0, 5)]
        )
        assert (row.speakers, row.speakers_found) == (1, 1)

    def test_total_is_weighted_by_time(self):
        reference = {"a": turns((0, 90, "A")), "b": turns((0, 10, "A"))}
        hypothesis = {"a": turns((0, 90, "x")), "b": turns((0, 5, "x"))}
        frame = frame_of(reference, hypothesis)
        assert list(frame["der_%"]) == pytest.approx([0, 50])
        assert totals(frame).loc["", "der_%"] == pytest.approx(5)

    def test_speaker_counts(self):
        two = turns((0, 1, "A"), (1, 2, "B"))
        reference = {"a": two, "b": two, "c": two, "d": turns((0, 1, "A"))}
        hypothesis = {"a": two, "b": two + turns((2, 3, "C")), "c": two + turns((2, 3, "C"))}
        frame = frame_of(reference, hypothesis)
        total = totals(frame).loc[""]
        assert total["exact_%"] == 25
        assert total["mean_absolute_error"] == pytest.approx(3 / 4)
        assert total["bias"] == pytest.approx((0 + 1 + 1 - 1) / 4)
        counts = count_speakers(frame)
        assert counts.to_dict("index") == {1: {0: 1, 2: 0, 3: 0}, 2: {0: 0, 2: 1, 3: 2}}

    def test_collar_convention(self):
        whole = Protocol(0.25, "out", collar_is="whole zone")
        assert whole.side == 0.125 == PROTOCOLS["paper"].side
        assert whole.words == "±125 ms collar, overlap not scored"
        assert one(self.REFERENCE, self.HYPOTHESIS, whole).equals(
            one(self.REFERENCE, self.HYPOTHESIS, PROTOCOLS["paper"])
        )

    @pytest.mark.parametrize(
        ("region", "expected"),
        [
            # A 2-5, B 7-9; found: one speaker 0-8 and another 8-10
            ("uem", (5, 0, 4 + 1, 1)),
            ("extent", (5, 0, 2, 1)),
            ("speech", (5, 0, 0, 1)),
        ],
    )
    def test_region_of_evaluation(self, region, expected):
        reference = turns((2, 5, "A"), (7, 9, "B"))
        row = one(reference, turns((0, 8, "x"), (8, 10, "y")), Protocol(0, "in", region=region))
        assert seconds(row) == expected

    def test_md_eval_pairs_speakers_before_it_leaves_anything_out(self):
        # x talks 3 s with A, all of it overlapped by B, and 2 s with C: md-eval pairs x with A
        reference = turns((0, 3, "A"), (0, 3, "B"), (5, 7, "C"), (10, 11, "A"))
        row = one(reference, turns((0, 3, "x"), (5, 7, "x")), Protocol(0, "out"))
        assert seconds(row) == (3, 1, 0, 0)
        assert row["der_md_eval_%"] == pytest.approx(100)


class TestMismatches:
    def test_missing_hypothesis_counts_as_missed_and_is_listed(self):
        result = evaluate({"a": turns((0, 4, "A")), "b": turns((0, 4, "A"))},
                          {"a": turns((0, 4, "x"))}, None, {"full": FULL})  # fmt: skip
        assert result.missing == ("b",)
        assert totals(make_frame(result)).loc["full", "der_%"] == pytest.approx(50)

    def test_extra_hypothesis_is_refused_unless_allowed(self):
        sides = {"a": turns((0, 4, "A"))}, {"a": turns((0, 4, "x")), "b": turns((0, 9, "x"))}
        with pytest.raises(DataError, match=r"only in the hypothesis.*: b$"):
            evaluate(*sides, None, PROTOCOLS)
        result = evaluate(*sides, None, PROTOCOLS, allow_extra=True)
        assert result.extra == ("b",)
        assert totals(make_frame(result)).loc["full", "der_%"] == 0

    def test_recording_of_silence(self):
        uem = {"a": [Region(0, 10)], "quiet": [Region(0, 10)]}
        result = evaluate({"a": turns((0, 4, "A"))}, {"quiet": turns((0, 3, "x"))}, uem, PROTOCOLS)
        assert result.silent == ("quiet",)
        frame = make_frame(result).set_index(["protocol", "recording"])
        quiet = frame.loc[("full", "quiet")]
        assert seconds(quiet) == (0, 0, 3, 0)
        assert quiet["der_%"] == 100 and quiet[["jer_%", "fa_%"]].isna().all()
        assert totals(make_frame(result)).loc["full", "der_%"] == pytest.approx(100 * (4 + 3) / 4)

    def test_nothing_on_either_side(self):
        row = one([], [])
        assert seconds(row) == (0, 0, 0, 0)
        assert (row["der_%"], row.speakers, row.speakers_found) == (0, 0, 0)

    def test_reference_outside_the_uem(self):
        with pytest.raises(DataError, match="not in the UEM: 1 recording.*: b"):
            evaluate({"a": [], "b": []}, {}, {"a": [Region(0, 1)]}, PROTOCOLS)

    def test_hypothesis_after_the_end_of_the_uem_is_listed(self):
        sides = {"r": turns((0, 4, "A"))}, {"r": turns((0, 5, "x"))}
        assert evaluate(*sides, {"r": [Region(0, 4)]}, PROTOCOLS).beyond == ("r",)
        assert evaluate(*sides, {"r": [Region(0, 5)]}, PROTOCOLS).beyond == ()

    def test_empty_reference_is_refused(self):
        with pytest.raises(DataError, match="nothing to score"):
            evaluate({}, {}, None, PROTOCOLS)

    def test_turns_of_one_speaker_that_overlap_are_one(self):
        twice = turns((0, 6, "A"), (4, 10, "A"), (10, 12, "A"), (20, 21, "A"), (5, 7, "B"))
        merged, overlaps = merge_turns(twice)
        assert merged == turns((0, 12, "A"), (5, 7, "B"), (20, 21, "A"))
        assert overlaps == 1
        assert one(twice, merged)["scored_s"] == pytest.approx(15)
        assert evaluate({"r": twice}, {"r": merged}, None, PROTOCOLS).merged == (1, 0)


class TestProperties:
    @settings(max_examples=60, deadline=None)
    @given(spoken, sides, st.floats(0, 0.6).map(lambda c: round(c, 3)), st.booleans())
    def test_agrees_with_pyannote_metrics(self, reference, hypothesis, collar, skip_overlap):
        ref, hyp = (merge_turns(side)[0] for side in (reference, hypothesis))
        regions = [Region(0.5, 7.0), Region(8.0, 30.0)]
        uem = Timeline([Segment(*region) for region in regions])
        overlap = "out" if skip_overlap else "in"
        row = one(ref, hyp, Protocol(collar, overlap, collar_is="whole zone"), regions)
        der = DiarizationErrorRate(collar=collar, skip_overlap=skip_overlap)
        theirs = der.compute_components(annotation(ref), annotation(hyp), uem=uem)
        names = ("total", "missed detection", "false alarm", "confusion")
        ours = tuple(row[["scored_s", "miss_s", "fa_s", "conf_s"]])
        assert ours == pytest.approx([theirs[name] for name in names], abs=1e-5)

    @settings(max_examples=40, deadline=None)
    @given(spoken, spoken)
    def test_jer_is_that_of_a_best_assignment(self, reference, hypothesis):
        """Against the definition, tried on every assignment (several may overlap as much)."""
        row = one(reference, hypothesis)
        ref, hyp = (
            activity(side, 0.01, 30.0)[0].T.astype(bool) for side in (reference, hypothesis)
        )
        common = (ref[:, None] & hyp[None]).sum(axis=2)
        union = (ref[:, None] | hyp[None]).sum(axis=2)
        partners = [*range(len(hyp)), *[None] * len(ref)]
        outcomes = {}
        for chosen in set(itertools.permutations(partners, len(ref))):
            pairs = [(i, j) for i, j in enumerate(chosen) if j is not None and common[i, j]]
            shared = sum(common[pair] for pair in pairs)
            error = len(ref) - sum(common[pair] / union[pair] for pair in pairs)
            outcomes.setdefault(shared, []).append(error)
        best = outcomes[max(outcomes)]
        jer_sum = row["jer_%"] * row.speakers / 100
        assert any(jer_sum == pytest.approx(error, abs=1e-6) for error in best)

    @settings(max_examples=60, deadline=None)
    @given(spoken, protocols)
    def test_reference_against_itself(self, reference, protocol):
        row = one(reference, reference, protocol)
        assert (row["der_%"], row["jer_%"]) == (0, pytest.approx(0, abs=1e-9))
        assert row.speakers == row.speakers_found

    @settings(max_examples=60, deadline=None)
    @given(spoken, sides, protocols, st.permutations("abcd"))
    def test_names_of_speakers_do_not_matter(self, reference, hypothesis, protocol, names):
        renamed = [t._replace(speaker=names["abcd".index(t.speaker)]) for t in hypothesis]
        assert same(one(reference, hypothesis, protocol), one(reference, renamed, protocol))

    @settings(max_examples=60, deadline=None)
    @given(spoken, spoken, protocols, st.randoms(use_true_random=False))
    def test_order_and_cuts_inside_turns_do_not_matter(self, reference, hypothesis, protocol, rng):
        def disturbed(side):
            cut = []
            for turn in side:
                first = turn.duration * rng.uniform(0.2, 0.8)
                cut.append(turn._replace(duration=first))
                cut.append(turn._replace(start=turn.start + first, duration=turn.duration - first))
            rng.shuffle(cut)
            return cut

        other = one(disturbed(reference), disturbed(hypothesis), protocol)
        assert same(one(reference, hypothesis, protocol), other)

    @settings(max_examples=60, deadline=None)
    @given(spoken, sides, protocols)
    def test_errors_are_within_their_bounds(self, reference, hypothesis, protocol):
        row = one(reference, hypothesis, protocol)
        assert min(row[["miss_s", "fa_s", "conf_s"]]) >= 0
        assert row["miss_s"] + row["conf_s"] <= row["scored_s"] + 1e-9
        if row["scored_s"] > 1e-6:
            assert row["der_%"] == pytest.approx(sum(row[["miss_%", "fa_%", "conf_%"]]))

    @settings(max_examples=60, deadline=None)
    @given(spoken, sides, protocols)
    def test_no_pairing_of_speakers_confuses_less_than_ours(self, reference, hypothesis, protocol):
        row = one(reference, hypothesis, protocol)
        assert row["der_md_eval_%"] >= row["der_%"] - 1e-9
        if protocol == FULL:  # nothing is left out: both pair alike
            assert row["der_md_eval_%"] == pytest.approx(row["der_%"])

    @settings(max_examples=60, deadline=None)
    @given(spoken, spoken)
    def test_sides_exchanged_exchange_miss_and_false_alarm(self, reference, hypothesis):
        there, back = one(reference, hypothesis), one(hypothesis, reference)
        errors = there[["miss_s", "fa_s", "conf_s"]]
        assert list(errors) == pytest.approx(list(back[["fa_s", "miss_s", "conf_s"]]), abs=1e-9)

    @settings(max_examples=40, deadline=None)
    @given(spoken, sides, protocols, st.integers(1, 2500))
    def test_parts_of_the_uem_add_up(self, reference, hypothesis, protocol, cut):
        """Time is scored once; only the pairing of speakers may be better in each part alone."""
        spans = [(0, 30)], [(0, cut / 100)], [(cut / 100, 30)]
        whole, *parts = (one(reference, hypothesis, protocol, span) for span in spans)
        for name in ("scored_s", "miss_s", "fa_s"):
            assert whole[name] == pytest.approx(sum(part[name] for part in parts), abs=1e-9)
        assert sum(part["conf_s"] for part in parts) <= whole["conf_s"] + 1e-9

    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.tuples(spoken, sides), min_size=1, max_size=4), protocols)
    def test_totals_are_sums_whatever_the_order(self, pairs, protocol):
        names = [f"r{i}" for i in range(len(pairs))]
        both = [dict(zip(names, side, strict=True)) for side in zip(*pairs, strict=True)]
        turned = [dict(reversed(side.items())) for side in both]
        total = total_score(*both, None, protocol)
        assert total.equals(total_score(*turned, None, protocol))
        alone = [one(*pair, protocol) for pair in pairs]
        assert total["conf_s"] == pytest.approx(sum(row["conf_s"] for row in alone))
        assert total["jer_%"] == pytest.approx(
            sum(row["jer_%"] * row.speakers for row in alone) / total.speakers
        )
        assert total.speakers == sum(row.speakers for row in alone)

    @settings(max_examples=60, deadline=None)
    @given(spoken, protocols)
    def test_empty_hypothesis_misses_all(self, reference, protocol):
        row = one(reference, [], protocol)
        assert seconds(row) == (row["scored_s"], row["scored_s"], 0, 0)
        assert row["der_%"] == pytest.approx(100 if row["scored_s"] > 1e-6 else 0)
        assert row["jer_%"] == 100

    @settings(max_examples=60, deadline=None)
    @given(spoken, sides)
    def test_a_longer_collar_never_scores_more(self, reference, hypothesis):
        kept = [
            one(reference, hypothesis, Protocol(collar, "in"))["scored_s"]
            for collar in (0, 0.1, 0.3)
        ]
        assert kept == sorted(kept, reverse=True)

    @settings(max_examples=40, deadline=None)
    @given(spoken, sides, protocols, st.integers(1, 50))
    def test_time_may_be_moved(self, reference, hypothesis, protocol, shift):
        def moved(side):
            return [t._replace(start=t.start + shift) for t in side]

        assert same(
            one(reference, hypothesis, protocol, [(0, 40)]),
            one(moved(reference), moved(hypothesis), protocol, [(shift, 40 + shift)]),
        )


def annotation(side):
    found = Annotation()
    for i, turn in enumerate(side):
        found[Segment(turn.start, turn.end), i] = turn.speaker
    return found


def same(row, other):
    """Equal seconds (JER may differ where two assignments of speakers overlap equally much)."""
    return seconds(row) == tuple(other[["scored_s", "miss_s", "fa_s", "conf_s"]])


class TestConfiguration:
    def test_yaml_and_dataclass_agree(self):
        assert config.load(ScoringConfig, ROOT / "conf/scoring.yaml") == ScoringConfig()

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("protocols: {x: {collar: -1, overlap: in}}", "collar is -1"),
            ("protocols: {x: {collar: 0.25, overlap: maybe}}", "overlap is 'maybe'"),
            ("protocols: {x: {colar: 0.25, overlap: in}}", "did you mean 'collar'"),
            ("protocols: {x: {overlap: in}}", "collar"),
            ("protocols: {}", "protocols is empty"),
        ],
    )
    def test_mistakes_are_named(self, tmp_path, text, message):
        path = tmp_path / "scoring.yaml"
        path.write_text(text)
        with pytest.raises(DataError, match=message) as error:
            config.load(ScoringConfig, path)
        assert str(error.value).startswith(str(path))


@pytest.mark.parametrize("text", ["[" * 5000, '{"a": ' + "9" * 6000 + "}", "[]", "3", "", "{"])
def test_a_summary_that_is_none_is_one_line(tmp_path, text):
    (tmp_path / "summary.json").write_text(text)
    with pytest.raises(DataError, match="not valid JSON .*: remove its directory") as error:
        read_json(tmp_path / "summary.json")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("number", ["9" * 6000, "9" * 30, "x", ""])
def test_figures_that_are_none_are_one_line(tmp_path, number):
    values = dict.fromkeys(frame.COLUMNS, "1") | {"speakers": number}
    lines = ["\t".join(values), *["\t".join(values.values())] * 2]
    (tmp_path / frame.FILE).write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match="not made by steps/score.sh") as error:
        frame.read_frame(tmp_path)
    assert "\n" not in str(error.value)


# The floor of the published protocol: perfect labels on its grid, as measured independently.
GOLDEN = """\
750 ms paper     12891  4.25 1.07  2.55 0.63
750 ms forgiving 12475  2.54 0.52  1.66 0.36
750 ms full      14575 13.45 1.86 10.68 0.91
250 ms paper     12891  0.59 0.15  0.41 0.04
250 ms forgiving 12475  0.00 0.00  0.00 0.00
250 ms full      14575 10.43 0.78  9.47 0.18
"""


def test_published_protocol_to_the_digit():
    rttms = Path(os.environ.get("VOXCONVERSE_RTTM", ROOT.parent / "shared/data/voxconverse/dev"))
    if not rttms.is_dir():
        pytest.skip("VOXCONVERSE_RTTM names no directory with the RTTMs of VoxConverse dev")
    benchmark = load_benchmark("paper_protocol")
    rows = [" ".join(row) for row in benchmark.golden(rttms)]
    assert rows == [" ".join(line.split()) for line in GOLDEN.splitlines()]


@pytest.mark.parametrize("text", ["[]", "{}", '{"protocols": {"fair": {}}}', "{", "1"])
def test_a_summary_that_scoring_did_not_make(tmp_path, text):
    (tmp_path / "dec/set/score").mkdir(parents=True)
    (tmp_path / "dec/set/score/summary.json").write_text(text)
    with pytest.raises(DataError, match="score/summary.json: not "):
        systems.read_summaries(tmp_path, "set", ["dec"])
