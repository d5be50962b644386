"""RTTM and UEM files as the field writes them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diar.base.errors import DataError
from diar.base.types import Region, Turn
from diar.kaldi.rttm import format_rttm, load_rttm, read_rttm, read_uem, write_rttm, write_uem

names = st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1, max_size=6)
milli_turns = st.builds(
    lambda recording, start, length, speaker: Turn(recording, start / 1000, length / 1000, speaker),
    names, st.integers(0, 10**7), st.integers(1, 10**6), names,
)  # fmt: skip


def read(tmp_path, text):
    path = tmp_path / "x.rttm"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_rttm(path)


@given(st.lists(milli_turns, max_size=20))
def test_round_trip(tmp_path_factory, turns):
    path = tmp_path_factory.mktemp("rttm") / "all"
    write_rttm(path, turns)
    back = read_rttm(path)
    assert list(back) == sorted({turn.recording for turn in turns})
    found = sorted(turn for found in back.values() for turn in found)
    assert [(t.recording, t.speaker) for t in found] == [
        (t.recording, t.speaker) for t in sorted(turns)
    ]
    for ours, theirs in zip(found, sorted(turns), strict=True):
        assert ours.start == theirs.start
        assert ours.duration == pytest.approx(theirs.duration, abs=1e-9)
    assert format_rttm(found) == format_rttm(turns) == path.read_text(encoding="utf-8")


@given(st.lists(st.floats(0, 100), min_size=3, max_size=20).map(sorted))
def test_turns_that_touch_still_touch_after_rounding(cuts):
    pairs = pairwise(cuts)
    turns = [Turn("r", start, end - start, "a") for start, end in pairs]
    lines = [line.split() for line in format_rttm(turns).splitlines()]
    spans = [(round(float(x[3]) * 1000), round(float(x[4]) * 1000)) for x in lines]
    assert all(length > 0 for _, length in spans)
    for (start, length), (following, _) in pairwise(spans):
        assert start + length == following


def test_turns_that_round_to_nothing_are_left_out():
    turns = [Turn("r", 1.0001, 0.0002, "a"), Turn("r", 2.0, 0.0006, "b")]
    assert format_rttm(turns) == "SPEAKER r 1 2.000 0.001 <NA> <NA> b <NA> <NA>\n"


def test_an_empty_file_is_valid(tmp_path):
    write_rttm(tmp_path / "x.rttm", [])
    assert read_rttm(tmp_path / "x.rttm") == {}


def test_quirks_of_the_field(tmp_path):
    text = (
        "\ufeff;; a comment\r\n"
        "SPKR-INFO a 1 <NA> <NA> <NA> unknown x <NA> <NA>\r\n"
        "SPEAKER\tb 1  3 .5 <NA> <NA> x:é|1 <NA> <NA>\r\n"
        "\r\n"
        "SPEAKER a 1 2.0 1e0 <NA> <NA> x <NA>\n"
        "SPEAKER a 1 1.0 1.5 <NA> <NA> y"
    )
    assert read(tmp_path, text) == {
        "a": [Turn("a", 1.0, 1.5, "y"), Turn("a", 2.0, 1.0, "x")],
        "b": [Turn("b", 3.0, 0.5, "x:é|1")],
    }


def test_what_was_passed_over_is_counted(tmp_path):
    (tmp_path / "a.rttm").write_text(
        "SPKR-INFO a 1 <NA> <NA> <NA> unknown x <NA> <NA>\n"
        "SPKR-INFO a 1 <NA> <NA> <NA> unknown y <NA> <NA>\n"
        "LEXEME a 1 0.1 0.2 word lex x 0.9 <NA>\n"
        "SPEAKER a 1 0 1 <NA> <NA> x <NA> <NA>\n"
        "SPEAKER a 2 0 1 <NA> <NA> y <NA> <NA>\n"
    )
    (tmp_path / "quiet.rttm").write_text(";; nobody speaks\n")
    (tmp_path / "noise.rttm").write_text("NON-SPEECH noise 1 0 1 <NA> noise <NA> <NA>\n")
    found = load_rttm(tmp_path)
    assert found.skipped == {"LEXEME": 1, "NON-SPEECH": 1, "SPKR-INFO": 2}
    assert found.silent == ("noise", "quiet")
    assert found.channels == ("a",)
    assert list(found.turns) == ["a"]


def test_turns_of_no_length_are_left_out_and_counted(tmp_path):
    line = "SPEAKER {} 1 {} {} <NA> <NA> x 0.9\n"
    (tmp_path / "x.rttm").write_text(
        line.format("a", 0, 0) + line.format("a", 1, 1) + line.format("b", 1.0001, "1e-4")
    )
    found = load_rttm(tmp_path / "x.rttm")
    assert found.turns == {"a": [Turn("a", 1.0, 1.0, "x")]}
    assert found.empty == {"a": 1, "b": 1} and found.silent == ()


def test_a_recording_in_two_files_is_refused(tmp_path):
    line = "SPEAKER r 1 0 1 <NA> <NA> x <NA> <NA>\n"
    (tmp_path / "all.rttm").write_text(f"SPEAKER q 1 0 1 <NA> <NA> x <NA> <NA>\n{line}")
    (tmp_path / "r.rttm").write_text(line)
    with pytest.raises(DataError, match=r"r\.rttm:1: r also has turns in all\.rttm"):
        read_rttm(tmp_path)


def test_another_format_is_refused(tmp_path):
    with pytest.raises(DataError, match="not an RTTM: none of its 2 lines is a SPEAKER line"):
        read(tmp_path, "a 1 0.00 0.35 hello\na 1 0.35 0.2 you\n")


@pytest.mark.parametrize("name", ["", "a b", "a\tb", "\u00a0"])
def test_names_that_cannot_be_written(name):
    for turn in (Turn(name, 0.0, 1.0, "x"), Turn("r", 0.0, 1.0, name)):
        with pytest.raises(DataError, match="is not allowed in an RTTM"):
            format_rttm([turn])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("a 1 0 1 <NA> <NA>", "8 to 10 fields, found 7"),
        ("a 1 0 1 <NA> <NA> x <NA> <NA> more", "8 to 10 fields, found 11"),
        ("a 1 -0.5 1 <NA> <NA> x", "negative start -0.5"),
        ("a 1 0 -2 <NA> <NA> x", "negative duration -2"),
        ("a 1 0 1 <NA> <NA> Dr Smith", "'Smith', after the speaker, is not a confidence"),
        ("a 1 0 1 <NA> <NA> Dr Smith <NA>", "'Smith', after the speaker, is not a confidence"),
        ("my rec 1 0 1 <NA> <NA> x", "'x', after the speaker, is not a confidence"),
        ("a 1 0 nan <NA> <NA> x", "'nan' is not a number"),
        ("a 1 inf 1 <NA> <NA> x", "'inf' is not a number"),
        ("a 1 0,5 1 <NA> <NA> x", "'0,5' is not a number"),
        ("a 1 1_0 1 <NA> <NA> x", "'1_0' is not a number"),
    ],
)
def test_bad_lines_are_named(tmp_path, fields, message):
    with pytest.raises(DataError) as error:
        read(tmp_path, f";; first\n\nSPEAKER {fields}\n")
    assert str(error.value).startswith(f"{tmp_path / 'x.rttm'}:3: ")
    assert message in str(error.value)


def test_no_text(tmp_path):
    with pytest.raises(DataError, match="not a UTF-8 text file"):
        read(tmp_path, b"RIFF\xff\xff")
    with pytest.raises(DataError, match="no such file"):
        read_rttm(tmp_path / "none")


def test_a_directory_is_read_whole(tmp_path):
    (tmp_path / "all.uem").write_text("a 1 0 9\n")
    with pytest.raises(DataError, match=r"no \*.rttm file"):
        read_rttm(tmp_path)
    write_rttm(tmp_path / "b.rttm", [Turn("b", 0.0, 1.0, "x")])
    write_rttm(tmp_path / "a.rttm", [Turn("a", 0.0, 1.0, "x")])
    assert list(read_rttm(tmp_path)) == ["a", "b"]
    assert read_uem(tmp_path) == {"a": [Region(0.0, 9.0)]}


def test_uem_round_trip(tmp_path):
    write_uem(tmp_path / "all.uem", {"b": 2.5, "a": 1.0004})
    assert (tmp_path / "all.uem").read_text() == "a 1 0.000 1.000\nb 1 0.000 2.500\n"
    assert read_uem(tmp_path / "all.uem") == {"a": [Region(0, 1)], "b": [Region(0, 2.5)]}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a 1 0", "expected '<recording> <channel> <start> <end>', found 3"),
        ("a 1 3 2", "empty or reversed"),
        ("a 1 2 2", "empty or reversed"),
        ("a 1 -1 2", "empty or reversed"),
        ("a 1 x 2", "'x' is not a number"),
    ],
)
def test_bad_uem_lines_are_named(tmp_path, line, message):
    path = tmp_path / "all.uem"
    path.write_text(f";; comment\n{line}\n")
    with pytest.raises(DataError, match=message) as error:
        read_uem(path)
    assert str(error.value).startswith(f"{path}:2: ")
