"""Words: read in all formats, given to speakers, written again; none is lost, moved or changed."""

import json
from itertools import pairwise, product

import numpy as np
import pytest
import webvtt
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from diar.base.errors import DataError
from diar.base.regions import intersection, union
from diar.base.types import Region, Turn
from diar.words import overlap, reading, time_marks, writing
from diar.words.assignment import assign
from diar.words.word import Word, spread, text_of

TIMES = st.integers(0, 20_000).map(lambda ms: ms / 1000)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1, max_size=9)
SPEAKERS = st.sampled_from(["A", "B", "C"])
TURNS = st.lists(
    st.builds(
        lambda start, ms, who: Turn("r", start, ms / 1000, who),
        TIMES, st.integers(1, 4000), SPEAKERS,
    ),
    max_size=10,
)  # fmt: skip
WORDS = st.lists(
    st.builds(
        lambda start, ms, text, sure: Word("r", start, start + ms / 1000, text, confidence=sure),
        TIMES, st.integers(0, 900), TEXTS, st.none() | st.integers(0, 100).map(lambda n: n / 100),
    ),
    max_size=15,
).map(lambda words: sorted(words, key=lambda w: w.start))  # fmt: skip
NAMED = st.tuples(WORDS, TURNS).map(lambda both: assign(*both).words)


def read(folder, name, content, recording="r"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return reading.read(path, recording)


def said(transcript, recording="r"):
    """(start, end, text) of the words, to the millisecond."""
    return [(round(w.start, 3), round(w.end, 3), w.text) for w in transcript.words[recording]]


def estimated(transcript, recording="r"):
    """How many words have times that were not in the file."""
    return sum(word.estimated for word in transcript.words[recording])


class TestReaders:
    def test_ctm(self, tmp_path):
        lines = ";; by hand\nr 1 1.5 0.25 there 0.5\nr A 1 0.5 Hello\nq 1 0 1 so NA lex Anna\n"
        found = read(tmp_path, "a.ctm", lines + "q 1 1 1 what 0.9 lex unknown\n")
        assert said(found) == [(1.0, 1.5, "Hello"), (1.5, 1.75, "there")], "by their starts"
        assert [w.confidence for w in found.words["r"]] == [None, 0.5]
        assert [w.channel for w in found.words["r"]] == ["A", "1"]
        assert [w.speaker for w in found.words["q"]] == ["Anna", ""]
        assert (tmp_path / "a.ctm").rename(tmp_path / "ctm")
        assert reading.read(tmp_path / "ctm", "").words == found.words

    def test_a_bad_line_of_a_ctm_costs_its_recording(self, tmp_path):
        found = read(tmp_path, "a.ctm", "q 1 0 1 so\nr 1 0 1 x\nr 1 - 1 y\n")
        assert list(found.words) == ["q"]
        assert found.faults == {"r": f"{tmp_path}/a.ctm:3: '-' is not a number"}

    def test_stm(self, tmp_path):
        lines = "r 1 Anna 2 4 <o,f0> to be\nr 1 unknown 0 1 who\nr 1 inter 5 6 IGNORE_TIME_SEGMENT_IN_SCORING\n"
        found = read(tmp_path, "a.stm", lines)
        assert said(found) == [(0, 1, "who"), (2, 3, "to"), (3, 4, "be")]
        assert [w.speaker for w in found.words["r"]] == ["", "Anna", "Anna"]
        assert estimated(found) == 2, "the one that is alone has the times of its line"

    def test_whisper(self, tmp_path):
        words = [
            {"word": " It", "start": 0.0, "end": 0.2, "probability": 0.9},
            {"word": "'s", "start": 0.2, "end": 0.4, "probability": 0.8},
            {"word": " 10 000", "start": 0.4, "end": 1.0},
        ]
        segments = [{"start": 0.0, "end": 1.0, "text": " It's 10 000", "words": words}]
        segments.append({"start": 2.0, "end": 3.0, "text": " so long"})
        found = read(tmp_path, "a.json", json.dumps({"text": "...", "segments": segments}))
        assert said(found)[:3] == [(0, 0.2, "It"), (0.2, 0.4, "'s"), (0.4, 0.64, "10")]
        assert text_of(found.words["r"]) == "It's 10 000 so long"
        assert estimated(found) == 4, "the number with a blank in it, and the segment without words"
        assert [w.confidence for w in found.words["r"]][:2] == [0.9, 0.8]

    def test_whisper_without_the_object_around_its_segments(self, tmp_path):
        words = [
            {"word": " so", "start": 0.5, "end": 1.0},
            {"word": " long", "start": 1.0, "end": 3.0},
        ]
        segments = [{"id": 1, "start": 0.5, "end": 3.0, "text": " so long", "words": words}]
        found = read(tmp_path, "a.json", json.dumps(segments))
        assert said(found) == [(0.5, 1.0, "so"), (1.0, 3.0, "long")]

    def test_a_segment_whose_words_are_blank_has_its_text(self, tmp_path):
        blank = {"word": " ", "start": 0.0, "end": 1.0}
        segments = [{"start": 0.0, "end": 1.0, "text": " hello", "words": [blank]}]
        found = read(tmp_path, "a.json", json.dumps({"segments": segments}))
        assert said(found) == [(0.0, 1.0, "hello")] and not found.notes

    def test_text_that_is_not_in_the_words_is_said(self, tmp_path):
        words = [{"word": " hello", "start": 0.0, "end": 1.0}]
        segments = [
            {"start": 0.0, "end": 2.0, "text": f" hello{more}", "words": words}
            for more in ("", " you")
        ]
        found = read(tmp_path, "a.json", json.dumps({"segments": segments}))
        assert found.notes == ["the text of 1 segment(s) differs from their words, which are used"]

    def test_segments_that_are_out_of_order_are_sorted(self, tmp_path):
        whisper = [{"start": start, "end": start + 1.0, "text": f" at {start}"} for start in (6, 0)]
        cpp = [
            {"offsets": {"from": s, "to": s + 1000}, "text": f" at {s // 1000}"} for s in (6000, 0)
        ]
        srt = "00:00:06,000 --> 00:00:07,000\nat 6\n\n00:00:00,000 --> 00:00:01,000\nat 0\n"
        for name, content in (
            ("a.json", json.dumps({"segments": whisper})),
            ("b.json", json.dumps({"transcription": cpp})),
            ("c.srt", srt),
            ("d.vtt", f"WEBVTT\n\n{srt.replace(',', '.')}"),
        ):
            assert text_of(read(tmp_path, name, content).words["r"]) == "at 0 at 6", name

    def test_whisperx_words_without_times_share_what_is_between(self, tmp_path):
        words = [
            {"word": "In"},
            {"word": "the", "start": 1.2, "end": 1.4, "score": 0.7},
            {"word": "2014"},
            {"word": "£13"},
            {"word": "sum", "start": 2.1, "end": 2.5, "score": 0.6},
            {"word": "up"},
        ]
        segment = {"start": 1.0, "end": 3.0, "text": "In the 2014 £13 sum up", "words": words}
        found = read(tmp_path, "a.json", json.dumps({"segments": [segment], "word_segments": []}))
        assert said(found) == [
            (1.0, 1.2, "In"), (1.2, 1.4, "the"), (1.4, 1.8, "2014"), (1.8, 2.1, "£13"),
            (2.1, 2.5, "sum"), (2.5, 3.0, "up"),
        ]  # fmt: skip
        assert [w.estimated for w in found.words["r"]] == [True, False, True, True, False, True]

    @pytest.mark.parametrize(
        "times", [{"start": -2.0, "end": 1.9}, {"start": 1.9, "end": 1.5}, {"start": float("nan"), "end": 2},
                  {"start": "soon", "end": 2}, {"start": [], "end": True}],
    )  # fmt: skip
    @pytest.mark.parametrize("place", [0, 1, 2])
    def test_a_word_with_times_that_cannot_be_costs_no_file(self, tmp_path, times, place):
        words = [
            {"word": f" {w}", "start": s, "end": s + 0.5}
            for w, s in (("a", 1.0), ("b", 2.0), ("c", 3.0))
        ]
        words[place] |= {**times, "score": float("nan")}
        segment = {"start": 0.8, "end": 4.0, "text": " a b c", "words": words}
        found = read(tmp_path, "a.json", json.dumps({"segments": [segment]}))
        expected = [(1.0, 1.5, "a"), (2.0, 2.5, "b"), (3.0, 3.5, "c")]
        expected[place] = ((0.8, 2.0, "a"), (1.5, 3.0, "b"), (2.5, 4.0, "c"))[place]
        assert said(found) == expected and estimated(found) == 1
        assert found.words["r"][place].confidence is None
        (note,) = found.notes
        assert (
            note.startswith("1 word(s) have impossible times")
            and f"segments[0].words[{place}]" in note
        )

    @given(
        st.lists(
            st.tuples(
                st.text("abc", min_size=1, max_size=4),
                st.sampled_from(["good", "none", "half", "negative", "backward", "nan"]),
                st.integers(1, 900),
            ),
            min_size=1, max_size=12,
        )
    )  # fmt: skip
    @settings(max_examples=60)
    def test_no_word_is_lost_whatever_its_times(self, tmp_path_factory, given):
        """Good times are kept, the others lie between them, in order."""
        words, now, good = [], 0.0, []
        for text, kind, ms in given:
            start, now = now, now + ms / 1000
            wrong = {"none": {}, "half": {"start": start}, "negative": {"start": -1, "end": now},
                     "backward": {"start": now + 1, "end": now}, "nan": {"start": start, "end": float("nan")}}  # fmt: skip
            words.append({"word": f" {text}", **wrong.get(kind, {"start": start, "end": now})})
            good.append((start, now) if kind == "good" else None)
        text = " ".join(word for word, _, _ in given)
        segment = {"start": 0.0, "end": now, "text": text, "words": words}
        folder = tmp_path_factory.mktemp("words")
        found = read(folder, "a.json", json.dumps({"segments": [segment]}))
        got = found.words["r"]
        assert text_of(got) == text
        assert all(a.start <= a.end <= b.start + 1e-9 for a, b in pairwise(got))
        assert [(w.start, w.end) for w, times in zip(got, good, strict=True) if times] == [
            x for x in good if x
        ]
        assert [w.estimated for w in got] == [times is None for times in good]
        odd = sum(kind in ("negative", "backward", "nan") for _, kind, _ in given)
        assert [note.split()[0] for note in found.notes] == ([str(odd)] if odd else [])

    def test_whisperx_of_a_script_without_blanks(self, tmp_path):
        words = [{"word": c, "start": i, "end": i + 1} for i, c in enumerate("你好ok吗")]
        segment = {"start": 0, "end": 5, "text": "你好ok吗", "words": words}
        found = read(tmp_path, "a.json", json.dumps({"segments": [segment]}))
        assert text_of(found.words["r"])[:2] == "你好"

    def token(self, text, start, end, p=0.5):
        return {"text": text, "offsets": {"from": start, "to": end}, "id": 1, "p": p}

    def test_whisper_cpp_joins_tokens_to_words(self, tmp_path):
        tokens = [
            self.token("[_BEG_]", 0, 0),
            self.token(" And", 300, 500, 0.25),
            self.token(" un", 500, 600),
            self.token("believ", 600, 700),
            self.token("able", 700, 900),
            self.token(".", 900, 950),
            self.token("[_TT_50]", 950, 950),
        ]
        entry = {"offsets": {"from": 0, "to": 1000}, "text": " And unbelievable."}
        both = [{**entry, "tokens": tokens}, entry]
        found = read(tmp_path, "a.json", json.dumps({"transcription": both}))
        assert said(found) == [
            (0.3, 0.5, "And"), (0.5, 0.95, "unbelievable."), (0, 0.188, "And"), (0.188, 1.0, "unbelievable."),
        ]  # fmt: skip
        assert found.words["r"][0].confidence == 0.25
        assert estimated(found) == 2

    def test_whisper_cpp_tokens_that_are_parts_of_a_character(self, tmp_path):
        tokens = [self.token(" \udce4", 0, 400), self.token("\udcbd\udca0", 400, 600)]
        entry = {"offsets": {"from": 0, "to": 1000}, "text": " 你好", "tokens": tokens}
        content = json.dumps({"transcription": [entry]}, ensure_ascii=False)
        found = read(tmp_path, "a.json", content.encode("utf-8", "surrogateescape"))
        assert said(found) == [(0, 0.5, "你"), (0.5, 1, "好")], "of the text of the segment"

    def test_whisper_cpp_with_clocks_alone(self, tmp_path):
        times = {"from": "00:00:01,500", "to": "01:00:02,000"}
        content = {"transcription": [{"timestamps": times, "text": " Hi"}]}
        assert said(read(tmp_path, "a.json", json.dumps(content))) == [(1.5, 3602, "Hi")]
        times["to"] = "2"
        with pytest.raises(DataError, match=r"\[0\].timestamps: expected 'hh:mm:ss,mmm'"):
            read(tmp_path, "a.json", json.dumps(content))

    @pytest.mark.parametrize("offsets", [None, {"from": 900, "to": 100}])
    def test_whisper_cpp_tokens_without_times(self, tmp_path, offsets):
        tokens = [self.token(" And", 0, 500), self.token(" so", 500, 900) | {"offsets": offsets}]
        entry = {"offsets": {"from": 0, "to": 1000}, "text": " And so", "tokens": tokens}
        found = read(tmp_path, "a.json", json.dumps({"transcription": [entry]}))
        assert said(found) == [(0, 0.6, "And"), (0.6, 1, "so")] and estimated(found) == 2

    def test_seglst(self, tmp_path):
        segments = [
            {"session_id": "r", "speaker": 1, "start_time": 1, "end_time": 2, "words": "a b"}
        ]
        found = read(tmp_path, "a.json", json.dumps(segments))
        assert said(found) == [(1, 1.5, "a"), (1.5, 2, "b")]
        assert {w.speaker for w in found.words["r"]} == {"1"}

    def test_times_of_seglst_may_be_strings(self, tmp_path):
        segment = {
            "session_id": "r",
            "speaker": "P01",
            "start_time": "1.50",
            "end_time": "2",
            "words": "a",
        }
        assert said(read(tmp_path, "a.json", json.dumps([segment]))) == [(1.5, 2, "a")]
        with pytest.raises(DataError, match=r"segment\[0\]: no number 'end_time'"):
            read(tmp_path, "a.json", json.dumps([segment | {"end_time": "inf"}]))

    def test_webvtt_with_times_inside(self, tmp_path):
        text = (
            "WEBVTT - by hand\nKind: captions\n\nNOTE\nnone of it\n\nSTYLE\n::cue {}\n\n"
            "first\n00:01.000 --> 00:03.000 align:start\n<v Bob>Hi <00:01.500><c>you &amp;</c><00:02.000> all of\n"
        )
        found = read(tmp_path, "a.vtt", text)
        assert said(found) == [
            (1, 1.5, "Hi"), (1.5, 1.875, "you"), (1.875, 2, "&"), (2, 2.6, "all"), (2.6, 3, "of"),
        ]  # fmt: skip
        assert [w.estimated for w in found.words["r"]] == [False, True, True, True, True]

    def test_lines_that_roll_on_are_taken_once(self, tmp_path):
        text = (
            "WEBVTT\n\n00:00.000 --> 00:02.000\n \nno<00:01.000><c> no</c>\n\n"
            "00:02.000 --> 00:02.010\nno no\n \n\n"
            "00:02.010 --> 00:04.000\nno no\nno<00:03.000><c> yes</c>\n"
        )
        found = read(tmp_path, "a.vtt", text)
        assert [w.text for w in found.words["r"]] == ["no", "no", "no", "yes"]
        assert found.notes == ["2 line(s) repeated in the next cue used once"]

    def test_what_is_said_twice_is_kept(self, tmp_path):
        text = "WEBVTT\n\n00:00.000 --> 00:01.000\nNo.\n\n00:01.000 --> 00:02.000\nNo.\n"
        assert len(read(tmp_path, "a.vtt", text).words["r"]) == 2

    def test_srt(self, tmp_path):
        text = (
            "\ufeff1\r\n00:00:01,000 --> 00:00:02,000\r\n{\\an8}<i>Two</i> a<b\r\n\r\nafter a blank line\r\n\r\n"
            "2\r\n0:0:3.5 --> 00:00:04,000 X1:1\r\n2024\r\n3\r\n00:00:05,000 --> 00:00:06,000\r\n"
        )
        found = read(tmp_path, "a.srt", text)
        assert text_of(found.words["r"]) == "Two a<b after a blank line 2024"
        assert said(found)[-1] == (3.5, 4.0, "2024"), "alone it has the times of its cue"

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("a.txt", "x", "a.txt: expected a file of words, which ends in .ctm, .stm, .json, .vtt"),
            ("a.json", "{\n,", "a.json:2: not JSON: "),
            ("a.json", "[" * 9999, "a.json: not readable JSON"),
            ("a.json", "9" * 9999, "a.json: not readable JSON"),
            ("a.json", "{}", "a.json: no words in this JSON: expected 'segments'"),
            ("a.json", '{"segments": [1]}', r"a.json: segments\[0\]: expected an object"),
            ("a.json", '{"segments": [{"text": "a b", "start": 1}]}', r"segments\[0\]: no number 'end'"),
            ("a.json", '{"segments": [{"text": "a", "start": 1, "end": 1e999}]}', "no number 'end'"),
            ("a.json", '{"segments": [{"text": "a", "start": 2, "end": 1}]}', r"\[0\]: end 1 is before start 2"),
            ("a.json", '{"segments": [{"text": "a", "start": -1, "end": 1}]}', "starts before 0, at -1 s"),
            ("a.json", '{"segments": [{"words": [{"start": 1}]}]}', r"segments\[0\].words\[0\]: no text 'word'"),
            ("a.json", '{"segments": [{"words": 1}]}', "'words' is not a list"),
            ("a.json", '{"segments": [{"text": "\\ud800", "start": 0, "end": 1}]}', "not UTF-8, or broken"),
            ("a.json", '{"transcription": [{"text": "a"}]}', r"transcription\[0\].offsets: expected an object"),
            ("a.json", '[{"session_id": "r"}]', r"segment\[0\]: no number 'start_time'"),
            ("a.json", '{"format": "words", "recording": "r", "words": [{}]}', r"words.words\[0\]: no number"),
            ("a.vtt", "1\n", "a.vtt:1: not WebVTT"),
            ("a.vtt", "WEBVTT\n\n00:01.000 -> 00:02.000\nx\n", "a.vtt:3: '00:01.000 -> .* belongs to no cue"),
            ("a.vtt", "WEBVTT\n\n00:01 --> 00:02\nx\n", "a.vtt:3: expected '<h:mm:ss.mmm> --> "),
            ("a.vtt", "WEBVTT\n\n00:02.000 --> 00:01.000\nx\n", "a.vtt:3: end 1 is before start 2"),
            ("a.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\n<00:03.000>x\n", "a.vtt:4: <00:03.000> is out of"),
            ("a.srt", "hello\n", "a.srt:1: 'hello' belongs to no cue"),
            ("a.srt", "1\n00:00:01,000 --> 00:00\nx\n", "a.srt:2: expected '<h:mm:ss.mmm>"),
            ("a.srt", b"\xff\xfe1\x00", "a.srt: not a UTF-8 text file"),
        ],
    )  # fmt: skip
    def test_what_is_malformed_is_refused_with_its_place(self, tmp_path, name, content, message):
        with pytest.raises(DataError, match=message):
            read(tmp_path, name, content)

    @pytest.mark.parametrize("name", ["a.ctm", "a.stm", "a.json", "a.vtt", "a.srt"])
    def test_no_such_file(self, tmp_path, name):
        with pytest.raises(DataError, match=f"{name}: no such file"):
            reading.read(tmp_path / name, "r")

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("r 1 0 1", "expected '<recording> <channel> <start> <duration> <word>"),
            ("r 1 * * <ALT_BEGIN>", "is not a number"),
            ("r 1 0 -1 x", "end -1 is before start 0"),
            ("r 1 -2 1 x", "starts before 0"),
            ("r 1 0 1 x high", "'high', after the word, is not a confidence"),
        ],
    )  # fmt: skip
    def test_lines_of_a_ctm_that_are_none(self, tmp_path, line, message):
        assert message in read(tmp_path, "a.ctm", line).faults["r"]


class TestSpread:
    def test_times_go_by_characters(self):
        words = spread(Word("r", 1.0, 2.0, "a bcd e"))
        assert [x for w in words for x in (w.start, w.end)] == pytest.approx(
            [1, 1.2, 1.2, 1.8, 1.8, 2]
        )

    def test_chinese_and_japanese_are_parted_between_characters(self):
        words = spread(Word("r", 0.0, 1.0, "ok 你好。カメラ3台"))
        assert [w.text for w in words] == ["ok", "你", "好。", "カ", "メ", "ラ", "3", "台"]
        assert text_of(words) == "ok 你好。カメラ3台"

    @given(TEXTS | st.text("ab 你好。カー", min_size=1), TIMES, TIMES)
    def test_the_text_and_its_ends_stay(self, text, start, length):
        text = " ".join(text.split())
        assume(text)
        words = spread(Word("r", start, start + length, text))
        assert text_of(words) == text
        assert (words[0].start, words[-1].end) == (start, start + length)
        assert all(a.end == b.start and a.start <= a.end for a, b in pairwise(words))


def speaking(turns, word):
    """Seconds that each speaker speaks in a word: the plain way."""
    spans = {}
    for turn in turns:
        spans.setdefault(turn.speaker, []).append((turn.start, turn.end))
    inside = [Region(word.start, word.end)]
    return {
        who: sum(r.end - r.start for r in intersection(union(each), inside))
        for who, each in spans.items()
    }


class TestAssignment:
    @given(WORDS, TURNS, TURNS, st.floats(0, 3))
    def test_no_word_is_lost_moved_or_changed(self, words, turns, exclusive, distance):
        found = assign(words, turns, exclusive, distance).words
        assert [w._replace(speaker="") for w in found] == words

    @given(WORDS, TURNS)
    def test_a_word_goes_to_who_speaks_most_in_it(self, words, turns):
        found = assign(words, turns)
        for word in found.words:
            if any(
                w is not word and w.start < word.end and word.start < w.end for w in found.words
            ):
                continue  # nobody says two at once
            times = speaking(turns, word)
            most = max(times.values(), default=0)
            if most > 1e-4:
                assert times[word.speaker] == pytest.approx(most, abs=1e-5)

    @given(WORDS, TURNS, st.integers(0, 3000).map(lambda ms: ms / 1000))
    def test_in_silence_it_goes_to_the_nearest_turn_or_to_nobody(self, words, turns, distance):
        found = assign(words, turns, distance=distance)
        near = 0
        for word in found.words:
            if max(speaking(turns, word).values(), default=0) > 1e-4:
                continue
            away = {t: max(t.start - word.end, word.start - t.end, 0) for t in turns}
            nearest = min(away.values(), default=99)
            assume(abs(nearest - distance) > 1e-5)
            assert bool(word.speaker) == (nearest <= distance)
            if word.speaker:
                near += 1
                theirs = min(d for t, d in away.items() if t.speaker == word.speaker)
                assert theirs == pytest.approx(nearest, abs=1e-5)
        assert (found.near, found.nobody) == (near, sum(not w.speaker for w in found.words))

    def words(self, *spans):
        return [Word("r", start, end, "x") for start, end in spans]

    def speakers(self, *args, **options):
        return [word.speaker for word in assign(*args, **options).words]

    def test_ties_go_to_the_nearer_neighbour(self):
        turns = [Turn("r", 0, 4, "A"), Turn("r", 2, 4, "B")]
        words = self.words((0, 1), (2, 2.5), (3.4, 3.9), (4.0, 5.0))
        assert self.speakers(words, turns) == ["A", "A", "B", "B"]
        assert assign(words, turns).tied == 2
        assert self.speakers(words[1:3], turns) == ["A", "A"], "no neighbour: the first turn"

    @given(
        st.lists(st.tuples(TIMES, st.integers(1, 900)), min_size=2, max_size=5),
        st.lists(st.tuples(TIMES, st.integers(1, 4000)), min_size=1, max_size=3),
        st.lists(st.tuples(TIMES, st.integers(1, 4000)), min_size=1, max_size=3),
    )
    @settings(deadline=None)
    def test_no_way_to_part_words_fits_better(self, words, first, second):
        """Of all ways, by trying them."""
        spans = sorted((start / 10, start / 10 + ms / 1000) for start, ms in words)
        starts, ends = (np.array(column) for column in zip(*spans, strict=True))
        regions = [
            union([(a / 10, a / 10 + ms / 1000) for a, ms in side]) for side in (first, second)
        ]
        able = np.ones((len(spans), 2), bool)

        def fit(who):
            gain = 0.0
            for speaker, theirs in enumerate(regions):
                mine = [Region(*span) for span, k in zip(spans, who, strict=True) if k == speaker]
                length = lambda some: sum(r.end - r.start for r in some)  # noqa: E731
                covered = union(mine)
                gain += length(intersection(covered, theirs))
                gain += sum(length(intersection([span], theirs)) for span in mine)
                gain -= length(mine) - length(covered)
            changes = sum(a != b for a, b in pairwise(who))
            return gain - overlap.CHANGE * changes

        chain = overlap._best(spans, [[0, 1]] * len(spans), overlap.SpeechTimes(regions))
        best = max(map(fit, product((0, 1), repeat=len(spans))))
        assert fit(chain) == pytest.approx(best, abs=1e-6)
        parted = overlap.separate(starts, ends, able, overlap.SpeechTimes(regions))
        assert all(k in (-1, who) for k, who in zip(parted.tolist(), chain, strict=True))

    def test_words_at_once_are_of_different_people(self):
        """Somebody says yes while another speaks; two talk at once for long, word by word."""
        turns = [Turn("r", 0, 6, "A"), Turn("r", 2, 0.5, "B"), Turn("r", 4, 4, "B")]
        mine = [(0, 1.2), (1.2, 2.1), (2.1, 3.0), (3.0, 4.1), (4.1, 5.0), (5.0, 6.0)]
        theirs = [(2.0, 2.5), (4.0, 4.4), (4.4, 5.2), (5.2, 6.1), (6.1, 8.0)]
        spans = sorted([(*span, "A") for span in mine] + [(*span, "B") for span in theirs])
        found = assign(self.words(*(span[:2] for span in spans)), turns)
        assert [w.speaker for w in found.words] == [who for *_, who in spans]
        assert (found.at_once, found.tied) == (9, 0)

    def test_words_whose_times_are_estimated_part_nobody(self):
        turns = [Turn("r", 0, 4, "A"), Turn("r", 2, 2, "B")]
        words = [w._replace(estimated=True) for w in self.words((0, 1), (2, 3), (2.5, 3.5))]
        assert self.speakers(words, turns) == ["A", "A", "A"]
        assert assign(words, turns).at_once == 0

    def test_a_tie_of_others_is_not_decided_by_a_third(self):
        turns = [Turn("r", 0, 1, "C"), Turn("r", 2, 2, "B"), Turn("r", 2, 2, "A")]
        assert self.speakers(self.words((0, 1), (2, 3)), turns) == ["C", "A"]

    def test_exclusive_turns_decide_where_several_speak(self):
        turns = [Turn("r", 0, 4, "A"), Turn("r", 2, 4, "B")]
        exclusive = [Turn("r", 0, 3, "A"), Turn("r", 3, 3, "B")]
        words = self.words((1, 2), (2.1, 3.2), (3.1, 3.9), (7.5, 8))
        assert self.speakers(words, turns, exclusive, distance=2) == ["A", "A", "B", "B"]

    def test_nobody_speaks(self):
        found = assign(self.words((0, 1)), [])
        assert (found.nobody, found.near, found.tied) == (1, 0, 0)
        assert assign([], [Turn("r", 0, 1, "A")]).words == []

    def test_a_caption_is_parted_where_the_speaker_changes(self):
        turns = [Turn("r", 0, 7, "A"), Turn("r", 7, 3, "B")]
        words = assign(spread(Word("r", 0, 10, "so it goes again")), turns).words
        assert [w.speaker for w in words] == ["A", "A", "A", "B"]

    def test_a_distance_below_zero(self):
        with pytest.raises(DataError, match="a distance of -1 s"):
            assign([], [], distance=-1)


class TestWriting:
    def test_each_of_two_who_speak_at_once_has_an_utterance(self):
        spans = [
            (0, 1, "A"),
            (0.9, 1.5, "B"),
            (1, 2, "A"),
            (1.5, 2.2, "B"),
            (2, 3, "A"),
            (3.2, 3.5, "B"),
            (4, 5, "A"),
        ]
        words = [Word("r", start, end, f"{who}{start:g}", who) for start, end, who in spans]
        runs = [text_of(run) for run in writing.utterances(words)]
        assert runs == ["A0 A1 A2", "B0.9 B1.5 B3.2", "A4"]  # B has said a whole word before A4
        starts = [line for line in writing.srt([words]).splitlines() if "-->" in line]
        assert starts == sorted(starts) and len(starts) == 3

    @given(NAMED)
    def test_ctm_and_back(self, tmp_path_factory, words):
        found = read(tmp_path_factory.mktemp("w"), "a.ctm", time_marks.ctm(words))
        back = [w._replace(start=round(w.start, 3), end=round(w.end, 3)) for w in words]
        got = found.words.get("r", [])
        assert [(w.text, w.speaker, w.confidence) for w in got] == [
            (w.text, w.speaker, w.confidence) for w in back
        ]
        assert [x for w in got for x in (w.start, w.end)] == pytest.approx(
            [x for w in back for x in (w.start, w.end)]
        )

    @given(NAMED)
    def test_json_and_back(self, tmp_path_factory, words):
        found = read(tmp_path_factory.mktemp("w"), "a.json", writing.document([words]))
        rounded = [w._replace(start=round(w.start, 3), end=round(w.end, 3)) for w in words]
        assert found.words.get("r", []) == rounded

    @pytest.mark.parametrize("name", ["stm", "seglst"])
    @given(words=NAMED)
    def test_utterances_and_back(self, tmp_path_factory, name, words):
        form = writing.FORMATS[name]
        found = read(tmp_path_factory.mktemp("w"), f"a{form.suffix}", form.text([words]))
        by = lambda some: sorted((w.speaker, w.text) for w in some)  # noqa: E731
        assert by(found.words.get("r", [])) == by(words)
        for run in writing.utterances(words):
            assert len({word.speaker for word in run}) == 1

    @pytest.mark.parametrize("name", ["srt", "vtt"])
    @settings(deadline=None)
    @given(words=st.lists(TEXTS | st.just("-->"), max_size=40))
    def test_captions_and_back(self, tmp_path_factory, name, words):
        assume(name == "vtt" or not any("<" in w or "{" in w for w in words))
        told = [Word("r", i / 4, (i + 1) / 4, w, "A" if i % 9 else "") for i, w in enumerate(words)]
        form = writing.FORMATS[name]
        text = form.text([told])
        found = read(tmp_path_factory.mktemp("w"), f"a{form.suffix}", text)
        expected = text_of(told).replace(" ", "")
        assert text_of(found.words["r"]).replace(" ", "").replace("A:", "") == expected.replace(
            "A:", ""
        )

    @given(st.lists(TEXTS | st.sampled_from(["so.", "a" * 60, "你"]), min_size=1, max_size=60))
    def test_captions_are_short_and_whole(self, texts):
        words = [Word("r", i / 3, (i + 1) / 3, text, "A") for i, text in enumerate(texts)]
        broken = writing.captions(words, room=4)
        assert [w for lines in broken for line in lines for w in line] == words
        for lines in broken:
            assert len(lines) <= 2
            shown = [text_of(line) for line in lines]
            shown[0] = "abcd" + shown[0]
            assert all(len(x) <= 42 for x, line in zip(shown, lines, strict=True) if len(line) > 1)
            if sum(map(len, lines)) > 1:
                assert lines[-1][-1].end - lines[0][0].start <= 7.0 + 1e-9

    def test_a_caption_ends_with_a_sentence_once_half_a_line_is_full(self):
        text = 'Yes. No. But one two three four five ("six seven.") Twelve and thirteen'
        words = spread(Word("r", 0, 5, text))
        assert [text_of([w for line in c for w in line]) for c in writing.captions(words)] == [
            'Yes. No. But one two three four five ("six seven.")',
            "Twelve and thirteen",
        ]

    @given(NAMED)
    def test_every_caption_has_a_length(self, words):
        cues = webvtt.from_string(writing.vtt([words]), strict=True)
        assert all(
            cue.end_time.in_milliseconds() > cue.start_time.in_milliseconds() for cue in cues
        )
        assert len(list(cues)) == writing.vtt([words]).count("-->")

    def test_texts(self):
        words = [
            Word("r", 0.0, 0.5, "Hello", "A & B"), Word("r", 0.5, 1.0, "you.", "A & B"),
            Word("r", 1.0, 1.5, "<hm>", ""), Word("r", 3661.0, 3662.0, "Yes", "C"),
            Word("r", 3664.0, 3665.0, "no", "C"),
        ]  # fmt: skip
        assert writing.text([words]) == (
            "[0:00:00] A & B: Hello you.\n\n[0:00:01] unknown: <hm>\n\n[1:01:01] C: Yes no\n"
        )
        assert writing.vtt([words]).split("\n\n")[1:3] == [
            "00:00:00.000 --> 00:00:01.000\n<v A &amp; B>Hello you.",
            "00:00:01.000 --> 00:00:01.500\n&lt;hm&gt;",
        ]
        assert writing.srt([words]).split("\n\n")[2:] == [
            "3\n01:01:01,000 --> 01:01:02,000\nC: Yes",
            "4\n01:01:04,000 --> 01:01:05,000\nC: no\n",
        ]
        assert writing.stm([words]).splitlines()[:2] == [
            "r 1 A_&_B 0.000 1.000 Hello you.",
            "r 1 unknown 1.000 1.500 <NA> <hm>",
        ]
        assert writing.ctm([words]).splitlines()[0] == "r 1 0.000 0.500 Hello NA lex A_&_B"
