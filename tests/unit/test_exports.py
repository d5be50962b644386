"""Exports to other tools, read by the tools' own readers, and the way back from them."""

import csv
import gzip
import io
import json
import shutil
import sys

import jsonschema
import lhotse
import pytest
import webvtt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from praatio import textgrid as praat
from pyannote.database.util import load_lab
from pympi import Eaf

import export
from diar import __version__, exports
from diar.base.errors import DataError
from diar.base.regions import merge_turns
from diar.base.types import Turn
from diar.exports import document, elan
from diar.exports.lines import annotation
from diar.exports.marks import turns_of
from diar.exports.recording import recording_of
from diar.kaldi.rttm import format_rttm, write_rttm

ODD = [
    "item[1]", "intervals[2]", "IntervalTier", 'a"b', '""', '"', "!", "x!y", "<exists>", "A&B", "<v>",
    "a-->b", "]]>", "&amp;", "é|1", "話者", "'", "\\", "NOTE", "0.5", "NA", "default", "speaker",
]  # fmt: skip
PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1, max_size=6)
NAMES = st.sampled_from(ODD) | PLAIN
ANY = st.lists(
    st.builds(
        lambda start, length, who: Turn("r", start / 1000, length / 1000, who),
        st.integers(0, 9000), st.integers(1, 3000), NAMES,
    ),
    max_size=12,
)  # fmt: skip
ALL = sorted(exports.FORMATS)


@st.composite
def apart(draw):
    """Turns of which those of one speaker may touch, but do not overlap."""
    turns = []
    for speaker in draw(st.lists(NAMES, max_size=4, unique=True)):
        end = 0
        for gap, length in draw(st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 9**6)))):
            turns.append(Turn("r", (end + gap) / 1000, length / 1000, speaker))
            end += gap + length
    return turns


def text_of(name, turns, seconds=None, media=None):
    return exports.FORMATS[name].text(recording_of("r", turns, seconds, media))


def back(folder, name, turns, seconds=None):
    """Turns after a way to a file of that format, and back."""
    path = folder / f"r{exports.FORMATS[name].suffix}"
    exports.write(path, text_of(name, turns, seconds))
    return turns_of(exports.read(path), "r")


@given(ANY)
def test_audacity_and_back(tmp_path_factory, turns):
    found, notes = back(tmp_path_factory.mktemp("a"), "audacity", turns)
    assert format_rttm(found) == format_rttm(turns)
    assert all("overlap" in note for note in notes)


@pytest.mark.parametrize("name", ["textgrid", "elan"])
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=50)
@given(turns=apart())
def test_tiers_and_back(tmp_path_factory, name, turns):
    found, notes = back(tmp_path_factory.mktemp("t"), name, turns, seconds=1.5)
    assert format_rttm(found) == format_rttm(turns)
    assert notes == []


@pytest.mark.parametrize("name", ["textgrid", "elan"])
@settings(deadline=None, max_examples=50)
@given(turns=ANY)
def test_what_overlaps_itself_is_joined_in_tiers(tmp_path_factory, name, turns):
    found, _ = back(tmp_path_factory.mktemp("t"), name, turns)
    whole, overlaps = merge_turns(turns)
    joined, left = merge_turns(found)
    assert sorted(format_rttm(joined).split("\n")) == sorted(format_rttm(whole).split("\n"))
    assert left == 0
    told = list(exports.notes([recording_of("r", turns)], [name]))
    assert bool(overlaps) == any("overlap another of the same speaker: joined" in n for n in told)
    assert len(found) + len(joined) >= len(whole)


def test_a_real_conversation_comes_back(tmp_path, sample_turns):
    turns = [Turn("r", start, end - start, who) for start, end, who in sample_turns]
    assert len(turns) > 5
    for name in ("audacity", "textgrid", "elan"):
        assert format_rttm(back(tmp_path, name, turns, 30)[0]) == format_rttm(turns)


TWO = [Turn("r", 0.5, 1.25, "A"), Turn("r", 1.0, 2.0, 'B<&">'), Turn("r", 3.0, 3600.0, "A")]


def test_audacity_text():
    assert text_of("audacity", TWO[:2]) == '0.500\t1.750\tA\n1.000\t3.000\tB<&">\n'


def test_ctm_text():
    assert text_of("ctm", TWO) == 'r 1 0.500 1.250 A\nr 1 1.000 2.000 B<&">\nr 1 3.000 3600.000 A\n'


def test_praatio_reads_textgrids(tmp_path):
    exports.write(tmp_path / "r.TextGrid", text_of("textgrid", TWO, 4000))
    grid = praat.openTextgrid(str(tmp_path / "r.TextGrid"), False, "error")
    assert grid.tierNames == ("A", 'B<&">')
    assert (grid.minTimestamp, grid.maxTimestamp) == (0, 4000)
    assert [tuple(e) for e in grid.getTier("A").entries] == [(0.5, 1.75, "A"), (3, 3603, "A")]
    full = praat.openTextgrid(str(tmp_path / "r.TextGrid"), True).getTier("A").entries
    assert [e.end for e in full[:-1]] == [e.start for e in full[1:]]  # Praat wants no gaps
    assert (full[0].start, full[-1].end) == (0, 4000)


@settings(deadline=None, max_examples=50)
@given(ANY)
def test_webvtt_has_a_cue_for_each_turn(turns):
    cues = webvtt.from_string(text_of("webvtt", turns), strict=True)
    times = [(c.start_time.in_milliseconds(), c.end_time.in_milliseconds()) for c in cues]
    spans = recording_of("r", turns).spans
    assert times == [(span.start, span.end) for span in spans]
    decoded = [
        cue.voice.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") for cue in cues
    ]
    assert decoded == [span.speaker for span in spans]


def test_srt_text():
    assert text_of("srt", TWO[1:]) == (
        '1\n00:00:01,000 --> 00:00:03,000\nB<&">\n\n2\n00:00:03,000 --> 01:00:03,000\nA\n'
    )


@given(ANY)
def test_csv_is_read_by_the_csv_module(turns):
    rows = list(csv.DictReader(io.StringIO(text_of("csv", turns), newline="")))
    read = [Turn("r", float(r["start"]), float(r["duration"]), r["speaker"]) for r in rows]
    assert format_rttm(read) == format_rttm(turns)
    assert all(float(r["end"]) > float(r["start"]) and r["recording"] == "r" for r in rows)


@settings(deadline=None, max_examples=50)
@given(turns=ANY, seconds=st.none() | st.floats(0, 20))
def test_json_and_back(tmp_path_factory, turns, seconds):
    path = tmp_path_factory.mktemp("j") / "r.json"
    exports.write(path, text_of("json", turns, seconds))
    assert format_rttm(document.read(path)["r"]) == format_rttm(turns)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{\n,", "j.json:2: not JSON"),
        ("[" * 9999, "not readable JSON"),
        ("[]\n[]\n", "j.json:1: not a diarization of a recording"),
        ('{"recording": "\\ud800"}', "not a diarization of a recording"),
        ('{"recording": "r"}', "not a diarization: see docs/diarization.schema.json"),
        (
            '\n{"recording": "r", "format": "diarization", "turns": [{"start": 1, "end": 0, "speaker": "a"}]}',
            "j.json:2: r: .* is not a turn",
        ),
    ],
)
def test_json_that_is_no_diarization(tmp_path, text, message):
    (tmp_path / "j.json").write_text(text)
    with pytest.raises(DataError, match=message):
        document.read(tmp_path / "j.json")
    (tmp_path / "j.json").unlink()
    with pytest.raises(DataError, match="no such file"):
        document.read(tmp_path / "j.json")


def test_webvtt_text():
    cues = text_of("webvtt", TWO[1:]).split("\n\n")
    assert cues[0] == "WEBVTT"
    assert cues[1] == '00:00:01.000 --> 00:00:03.000\n<v B&lt;&amp;"&gt;>B&lt;&amp;"&gt;'
    assert cues[2] == "00:00:03.000 --> 01:00:03.000\n<v A>A\n"


def test_pympi_reads_eaf(tmp_path):
    sound = tmp_path / "my talk.wav"
    (tmp_path / "r.eaf").write_text(text_of("elan", TWO, media=sound), encoding="utf-8")
    eaf = Eaf(str(tmp_path / "r.eaf"))
    assert list(eaf.get_tier_names()) == ["A", 'B<&">']
    assert eaf.get_annotation_data_for_tier("A") == [(500, 1750, "A"), (3000, 3603000, "A")]
    (media,) = eaf.get_linked_files()
    assert media["MEDIA_URL"] == f"file://{sound}"
    assert media["MIME_TYPE"] == "audio/x-wav"
    slots = list(eaf.timeslots.values())
    assert slots == sorted(slots)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.WAV", "audio/x-wav"), ("a.flac", "audio/*"), ("a", "audio/*"), ("a.mp4", "video/mp4")],
)
def test_elan_is_told_the_kind_of_media(tmp_path, name, kind):
    assert f'MIME_TYPE="{kind}"' in elan.text_of(recording_of("r", [], 1, tmp_path / name))


@settings(deadline=None, max_examples=50)
@given(turns=ANY, seconds=st.none() | st.floats(0, 20))
def test_json_follows_its_schema(root, turns, seconds):
    schema = json.loads((root / "docs/diarization.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    found = json.loads(text_of("json", turns, seconds))
    jsonschema.validate(found, schema, jsonschema.Draft202012Validator)
    read = [Turn("r", t["start"], t["end"] - t["start"], t["speaker"]) for t in found["turns"]]
    assert format_rttm(read) == format_rttm(turns)
    times: dict = {}
    for turn in merge_turns(turns)[0]:
        times[turn.speaker] = times.get(turn.speaker, 0) + turn.duration
    ours = {speaker["name"]: speaker["speaking_time"] for speaker in found["speakers"]}
    assert ours == pytest.approx(times)
    assert sum(speaker["turns"] for speaker in found["speakers"]) == len(turns)
    assert found["duration"] >= max([0, *(t["end"] for t in found["turns"])])
    assert found["duration_from"] == ("last turn" if seconds is None else "length")


def test_json_says_what_made_it_and_of_what(tmp_path):
    found = json.loads(text_of("json", TWO, 4000, tmp_path / "a.wav"))
    assert found["made_by"] == {"name": "dec-diarization", "version": __version__}
    assert (found["recording"], found["duration"]) == ("r", 4000)
    assert found["media"] == str(tmp_path / "a.wav")
    assert found["speakers"][0] == {"name": "A", "speaking_time": 3601.25, "turns": 2}
    assert json.loads(text_of("json", TWO))["media"] is None


@settings(deadline=None, max_examples=50)
@given(ANY)
def test_pyannote_reads_lab(turns):
    made = annotation(recording_of("r", turns))
    assert made.uri == "r"
    assert sorted(made.to_rttm().splitlines()) == sorted(format_rttm(turns).splitlines())
    plain = [turn._replace(speaker=f"s{len(turn.speaker)}") for turn in turns]  # pandas reads it
    if plain:
        read = load_lab(io.StringIO(text_of("pyannote", plain)), uri="r")
        assert sorted(read.to_rttm().splitlines()) == sorted(format_rttm(plain).splitlines())


def test_lhotse_reads_what_its_own_writer_would_write(tmp_path):
    recordings = [recording_of("none", []), recording_of("q", TWO[:1]), recording_of("r", TWO)]
    ((name, text),) = exports.files(recordings, ["lhotse"])
    exports.write(tmp_path / name, text)
    read = lhotse.load_manifest(tmp_path / name)
    assert isinstance(read, lhotse.SupervisionSet)
    lhotse.validate(read)
    assert [(s.recording_id, s.start, s.duration, s.speaker) for s in read] == [
        ("q", 0.5, 1.25, "A"),
        ("r", 0.5, 1.25, "A"),
        ("r", 1.0, 2.0, 'B<&">'),
        ("r", 3.0, 3600.0, "A"),
    ]
    assert {s.channel for s in read} == {0}
    read.to_file(tmp_path / "theirs.jsonl.gz")
    theirs = gzip.decompress((tmp_path / "theirs.jsonl.gz").read_bytes())
    assert theirs == gzip.decompress((tmp_path / name).read_bytes())


def test_no_turn_is_lost_however_short():
    turns = [Turn("r", 1.0001, 0.0002, "A"), Turn("r", 2.0, 0.0006, "B")]
    assert text_of("audacity", turns) == "1.000\t1.001\tA\n2.000\t2.001\tB\n"
    assert recording_of("r", turns).length == 2001


def test_a_recording_in_which_nobody_speaks(tmp_path):
    empty = {name: text_of(name, []) for name in ALL}
    assert [empty[name] for name in ("audacity", "ctm", "lhotse", "pyannote")] == [""] * 4
    assert empty["webvtt"] == "WEBVTT\n"
    assert json.loads(empty["json"])["turns"] == []
    for name in ("audacity", "textgrid", "elan"):
        assert back(tmp_path, name, [])[0] == []
    grid = praat.openTextgrid(str(tmp_path / "r.TextGrid"), True)
    assert grid.maxTimestamp == 1
    assert len(grid.tierNames) == 1
    assert list(exports.notes([recording_of("r", [])], ["textgrid"])) == [
        "r: no turns, and no length: its TextGrid lasts 1 s"
    ]


def test_turns_after_the_end_are_kept_and_said(tmp_path):
    recording = recording_of("r", TWO, 2.0)
    assert recording.length == 3603000
    (note,) = exports.notes([recording], ["ctm"])
    assert note.startswith("r: its last turn ends 3601000 ms after its length (2000 ms)")
    assert format_rttm(back(tmp_path, "textgrid", TWO, 2.0)[0]) == format_rttm(TWO)


@pytest.mark.parametrize("name", ["a\x00b", "\x1b[1m", "\x85"[:1] + "x", "a\uffff"])
def test_names_that_no_format_could_hold(name):
    for recording, speaker in ((name, "A"), ("r", name)):
        with pytest.raises(DataError, match="control character: rename it in the RTTM"):
            recording_of(recording, [Turn(recording, 0.0, 1.0, speaker)])


@pytest.fixture
def rttm(tmp_path):
    write_rttm(tmp_path / "set.rttm", [*TWO, Turn("q", 0.0, 2.0, "C")])
    return tmp_path / "set.rttm"


def call(main, monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["program", *map(str, words)])
    main()


def test_silent_recordings_have_files(tmp_path, monkeypatch, capsys):
    (tmp_path / "in").mkdir()
    write_rttm(tmp_path / "in/quiet.rttm", [])
    write_rttm(tmp_path / "in/r.rttm", TWO)
    (tmp_path / "lengths").write_text("quiet 7.5\nr 4000\nlost 3\n")
    words = ["--format", "textgrid", "--reco2dur", tmp_path / "lengths", tmp_path / "in"]
    call(export.main, monkeypatch, *words, tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["quiet.TextGrid", "r.TextGrid"]
    assert praat.openTextgrid(str(tmp_path / "out/quiet.TextGrid"), True).maxTimestamp == 7.5
    assert capsys.readouterr().err == f"export.py: {tmp_path}/in: no turns of lost\n"
    call(export.main, monkeypatch, *words, "--recording", "lost", tmp_path / "out")
    assert praat.openTextgrid(str(tmp_path / "out/lost.TextGrid"), True).maxTimestamp == 3


def test_media_and_what_is_not_known(tmp_path, rttm, sample_wav, monkeypatch, capsys):
    shutil.copy(sample_wav, tmp_path / "r.wav")
    (tmp_path / "wav.scp").write_text(f"r {tmp_path}/r.wav\nq sph2pipe q.sph |\n")
    (tmp_path / "lengths").write_text("r 4000\n")
    words = ["--format", "elan", "--format", "json", "--wav-scp", tmp_path / "wav.scp"]
    words += ["--reco2dur", tmp_path / "lengths", rttm, tmp_path / "out"]
    call(export.main, monkeypatch, *words)
    assert Eaf(str(tmp_path / "out/r.eaf")).get_linked_files()[0]["MEDIA_URL"].endswith("/r.wav")
    assert Eaf(str(tmp_path / "out/q.eaf")).get_linked_files() == []
    media = [json.loads((tmp_path / f"out/{x}.json").read_text())["media"] for x in "qr"]
    assert media == [None, str(tmp_path / "r.wav")]
    said = capsys.readouterr().err
    assert f"{tmp_path}/wav.scp:2: a command" in said
    assert f"{tmp_path}/lengths: no duration of q" in said
    one = ["--format", "json", "--audio", tmp_path / "r.wav", "--recording", "r", rttm, "-"]
    call(export.main, monkeypatch, *one)
    assert json.loads(capsys.readouterr().out)["media"] == str(tmp_path / "r.wav")


def test_what_was_passed_over_in_the_rttm_is_said(tmp_path, monkeypatch, capsys):
    lines = ["LEXEME r 1 0 1 word lex x <NA> <NA>", "SPEAKER r 1 0 1 <NA> <NA> x <NA> <NA>"]
    lines += ["SPEAKER r 2 0.5 1 <NA> <NA> x <NA> <NA>", "SPEAKER r 1 3 0 <NA> <NA> y <NA> <NA>"]
    (tmp_path / "a.rttm").write_text("\n".join(lines))
    call(export.main, monkeypatch, "--format", "elan", tmp_path / "a.rttm", tmp_path / "out")
    assert capsys.readouterr().err.splitlines() == [
        "export.py: ignored lines other than SPEAKER: LEXEME 1",
        "export.py: 1 turn(s) of zero length left out, in r",
        "export.py: merged turns of several channels: r",
        "export.py: r: 1 turn(s) overlap another of the same speaker: joined in elan",
    ]


def test_names_go_out_and_come_back(tmp_path, rttm, monkeypatch, capsys):
    (tmp_path / "names").write_text("r A Anna Möller\nq C Zoë\n")
    words = [x for name in ALL for x in ("--format", name)] + ["--names-file", tmp_path / "names"]
    call(export.main, monkeypatch, *words, rttm, tmp_path / "out")
    for suffix in ("txt", "TextGrid", "eaf", "vtt", "srt", "csv", "json"):
        assert "Anna Möller" in (tmp_path / f"out/r.{suffix}").read_text(encoding="utf-8"), suffix
    for name in ("r.lab", "turns.ctm"):
        assert " Anna_Möller" in (tmp_path / "out" / name).read_text(encoding="utf-8"), name
    assert [s.speaker for s in lhotse.load_manifest(tmp_path / "out/supervisions.jsonl.gz")][
        :2
    ] == [
        "Zoë",
        "Anna Möller",
    ]
    for name in ("audacity", "textgrid", "elan"):
        path = tmp_path / f"out/r{exports.FORMATS[name].suffix}"
        turns, notes = turns_of(exports.read(path), "r")
        assert {t.speaker for t in turns} == {"Anna_Möller", 'B<&">'}
        assert notes == ["blanks are not allowed in an RTTM: 'Anna Möller' becomes Anna_Möller"]
    assert capsys.readouterr().err == ""
    call(export.main, monkeypatch, "--format", "ctm", "--names", "7=X", rttm, tmp_path / "out")
    assert "no speaker '7' to name" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--format", "audacity", "-"], "takes one file, not 2: choose one --format"),
        (["--format", "ctm", "--format", "lhotse", "-"], "takes one file, not 2"),
        (["--format", "ctm", "--recording", "x", "out"], "no recording x in "),
        (["--format", "elan", "--audio", "r.wav", "out"], "--audio is one file, but there are 2"),
        (["--format", "elan", "--audio", "r.wav", "--recording", "r", "out"], "no such audio file"),
        (["--format", "elan", "--wav-scp", "none", "out"], "none: no such file"),
        (["--format", "elan", "--reco2dur", "none", "out"], "none: no such file"),
    ],
)
def test_what_export_refuses(tmp_path, rttm, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=message):
        call(export.main, monkeypatch, *words[:-1], rttm, words[-1])
    assert [path.name for path in tmp_path.iterdir()] == ["set.rttm"]


def test_ids_that_are_no_file_names(tmp_path, monkeypatch, capsys):
    write_rttm(tmp_path / "a.rttm", [Turn("../r", 0.0, 1.0, "A"), Turn("q", 0.0, 1.0, "A")])
    words = [tmp_path / "a.rttm", tmp_path / "out/deep"]
    with pytest.raises(DataError, match=r"'/' in recording id '\.\./r', which would name its file"):
        call(export.main, monkeypatch, "--format", "webvtt", *words)
    assert not (tmp_path / "out").exists()
    call(export.main, monkeypatch, "--format", "ctm", *words)
    assert (tmp_path / "out/deep/turns.ctm").read_text().startswith("../r 1 0.000")
