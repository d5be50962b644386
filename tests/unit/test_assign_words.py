"""assign_words.py, score_words.py and names: what they take, write, say and refuse."""

import importlib.util
import json
import sys

import pytest

import assign_words
import score_words
from diar.base.errors import DataError
from diar.base.types import Turn
from diar.kaldi.names import ANY, Names, parse_names, read_names
from diar.kaldi.rttm import write_rttm
from diar.scoring import words as scoring
from diar.words import writing
from diar.words.word import Word

TWO = [Turn("m", 0.0, 2.0, "m_1"), Turn("m", 1.5, 2.5, "m_2")]
CTM = "m 1 0 1 Hello\nm 1 1.5 0.5 you\nm 1 3 1 there\nm 1 9 1 late\n"

needs_meeteval = pytest.mark.skipif(
    not importlib.util.find_spec("meeteval"), reason="meeteval is not installed"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_rttm("rttm", TWO)
    write_rttm("rttm_exclusive", [Turn("m", 0, 1.5, "m_1"), Turn("m", 1.5, 2.5, "m_2")])
    write_rttm("m.rttm", TWO)
    (tmp_path / "m.ctm").write_text(CTM)
    return tmp_path


def call(monkeypatch, *words, of=assign_words):
    monkeypatch.setattr(sys, "argv", ["program", *map(str, words)])
    of.main()


def test_words_go_to_speakers(folder, monkeypatch, capsys):
    call(monkeypatch, "m.rttm", "m.ctm")
    out, err = capsys.readouterr()
    assert out == "[0:00:00] m_1: Hello you\n\n[0:00:03] m_2: there\n\n[0:00:09] unknown: late\n"
    assert err.splitlines() == [
        "assign_words.py: 1 word(s) tied between speakers, and went with their neighbours",
        "assign_words.py: 1 word(s) have no speaker: no turn within 1 s",
    ]
    call(monkeypatch, "m.rttm", "m.ctm", "--distance", "10", "--format", "ctm")
    out, err = capsys.readouterr()
    assert out.endswith("m 1 9.000 1.000 late NA lex m_2\n")
    assert "1 word(s) in silence went to a speaker within 10 s" in err


def test_exclusive_turns_beside_an_rttm_decide(folder, monkeypatch, capsys):
    for options, who in (([], "m_2"), (["--exclusive", "none"], "m_1")):
        call(monkeypatch, "rttm", "m.ctm", "--format", "ctm", *options)
        assert capsys.readouterr().out.splitlines()[1].endswith(f"you NA lex {who}")
    call(monkeypatch, "m.rttm", "m.ctm", "--exclusive", "rttm_exclusive", "--format", "ctm")
    assert capsys.readouterr().out.splitlines()[1].endswith("you NA lex m_2")


def test_the_ending_says_the_format_and_several_have_a_folder(folder, monkeypatch, capsys):
    call(monkeypatch, "m.rttm", "m.ctm", "-o", "a.seglst.json")
    assert json.loads((folder / "a.seglst.json").read_text())[0]["session_id"] == "m"
    call(monkeypatch, "m.rttm", "m.ctm", "-o", "a.json")
    assert json.loads((folder / "a.json").read_text())["words"][3]["speaker"] is None
    call(monkeypatch, "m.rttm", "m.ctm", "-o", "all", "--format", "srt", "--format", "vtt")
    assert sorted(path.name for path in (folder / "all").iterdir()) == ["words.srt", "words.vtt"]
    assert capsys.readouterr().out.splitlines() == [
        f"{name}: 4 word(s) of 1 recording(s)" for name in ("a.seglst.json", "a.json", "all")
    ]


def test_names_with_blanks_and_umlauts(folder, monkeypatch, capsys):
    (folder / "names").write_text("m 2 Jörg  von Ä\n")
    words = ["m.rttm", "m.ctm", "--names", "1=Anna, 3=Eva", "--names-file", "names", "--format"]
    call(monkeypatch, *words, "vtt")
    out, err = capsys.readouterr()
    assert "<v Anna>Hello" in out and "<v Jörg  von Ä>there" in out
    assert "no speaker '3' to name" in err
    call(monkeypatch, *words, "stm")
    assert "m 1 Jörg_von_Ä 3.000 4.000 there\n" in capsys.readouterr().out


def test_turns_from_our_json(folder, monkeypatch, capsys):
    turns = [{"start": t.start, "end": t.end, "speaker": t.speaker} for t in TWO]
    line = {"format": "diarization", "recording": "m", "turns": turns}
    failed = {"recording": "x", "media": "x", "error": "no such file"}
    (folder / "a.jsonl").write_text(f"{json.dumps(line)}\n{json.dumps(failed)}\n")
    call(monkeypatch, "a.jsonl", "m.ctm", "--format", "stm")
    assert capsys.readouterr().out.startswith("m 1 m_1 0.000 2.000 Hello you\n")


def test_words_are_of_the_one_recording_that_there_is(folder, monkeypatch, capsys):
    (folder / "talk.en.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nHello you\n")
    call(monkeypatch, "m.rttm", "talk.en.srt")
    out, err = capsys.readouterr()
    assert out == "[0:00:00] m_1: Hello you\n"
    assert err == (
        "assign_words.py: 2 of 2 words have no times of their own: estimated by length in"
        " characters\n"
    )
    write_rttm("both.rttm", [*TWO, Turn("n", 0, 1, "n_1")])
    with pytest.raises(DataError, match="1 of 1 recording"):
        call(monkeypatch, "both.rttm", "talk.en.srt", "--format", "ctm")
    assert "words of talk.en, but both.rttm has no turns of it" in capsys.readouterr().err
    call(monkeypatch, "both.rttm", "talk.en.srt", "--recording", "n")
    assert capsys.readouterr().out == "[0:00:00] n_1: Hello you\n"


def test_one_bad_recording_costs_only_itself(folder, monkeypatch, capsys):
    (folder / "m.ctm").write_text(f"{CTM}q 1 0 - x\nz 1 0 1 y\n")
    with pytest.raises(DataError, match="2 of 3 recording"):
        call(monkeypatch, "m.rttm", "m.ctm", "-o", "out.stm")
    assert (folder / "out.stm").read_text().count("\n") == 3
    assert "m.ctm:5: '-' is not a number" in capsys.readouterr().err


def test_recordings_of_a_data_directory(folder, monkeypatch, capsys):
    (folder / "data").mkdir()
    (folder / "a.wav").write_bytes(b"")
    names = ("m", "n", "quiet")
    (folder / "data/wav.scp").write_text("".join(f"{name} {folder}/a.wav\n" for name in names))
    (folder / "data/reco2file_and_channel").write_text("m call A\nn call B\nquiet q A\n")
    write_rttm("rttm", [Turn("m", 0, 9, "m_1"), Turn("n", 0, 9, "n_1")])
    (folder / "c.ctm").write_text(
        "call A 0 1 x\ncall 2 1 1 y\nquiet 1 0 1 z\nother 1 0 1 u\ncall C 0 1 v\n"
    )
    call(
        monkeypatch, "rttm", "c.ctm", "--data-dir", "data", "--failed", "failed", "-o", "all.stm"
    )  # fmt: skip
    assert (folder / "all.stm").read_text().splitlines() == [
        "m A m_1 0.000 1.000 x", "n 2 n_1 1.000 2.000 y", "quiet 1 unknown 0.000 1.000 z",
    ]  # fmt: skip
    assert [line.split()[0] for line in (folder / "failed").read_text().splitlines()] == [
        "call",
        "other",
    ]
    assert "which is not in data/wav.scp" in (folder / "failed").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["m.rttm", "none.ctm"], "none.ctm: no such file"),
        (["none.rttm", "m.ctm"], "none.rttm: no such file"),
        (["m.rttm", "m.ctm", "--recording", "x"], "m.ctm: no words of recording x"),
        (["m.rttm", "m.ctm", "-o", "./m.ctm"], "m.ctm: is both input and output: name another"),
        (["m.rttm", "m.ctm", "-o", "a.doc"], "a.doc: expected an ending of .txt, .ctm"),
        (["m.rttm", "m.ctm", "--format", "stm", "--format", "ctm"], "standard output takes one"),
        (["m.rttm", "m.ctm", "--names", "Anna"], "'Anna': expected '<speaker>=<name>"),
        (["m.rttm", "m.ctm", "--names", "1=A,1=B"], "speaker '1' has two names"),
        (["m.rttm", "m.ctm", "--names-file", "m.rttm"], "speaker 'm' of SPEAKER has two"),
    ],
)
def test_what_it_refuses(folder, monkeypatch, words, message):
    with pytest.raises(DataError, match=message):
        call(monkeypatch, *words)
    assert sorted(p.name for p in folder.iterdir()) == ["m.ctm", "m.rttm", "rttm", "rttm_exclusive"]


def test_a_format_of_one_recording(folder, monkeypatch):
    write_rttm("both.rttm", [*TWO, Turn("n", 0, 1, "n_1")])
    (folder / "m.ctm").write_text(f"{CTM}n 1 0 1 x\n")
    with pytest.raises(
        DataError, match="srt holds one recording, but there are 2: select one with --recording"
    ):
        call(monkeypatch, "both.rttm", "m.ctm", "-o", "a.srt")
    call(monkeypatch, "both.rttm", "m.ctm", "-o", "a.srt", "--recording", "n")
    assert (folder / "a.srt").read_text() == "1\n00:00:00,000 --> 00:00:01,000\nn_1: x\n"


def test_no_words_are_an_empty_result(folder, monkeypatch, capsys):
    (folder / "m.ctm").write_text("")
    call(monkeypatch, "m.rttm", "m.ctm", "-o", "a.vtt")
    assert (folder / "a.vtt").read_text() == "WEBVTT\n"
    assert "m.ctm: no words" in capsys.readouterr().err


class TestNames:
    def test_the_nearest_name_counts(self):
        names = Names(
            [(ANY, "1", "Anna"), ("q", "q_1", "Ben"), (ANY, "r_2", "Eva"), (ANY, "9", "X")]
        )
        assert names.of("r", ["r_1", "r_2", "r_3"]) == {"r_1": "Anna", "r_2": "Eva", "r_3": "r_3"}
        assert names.of("q", ["q_1"]) == {"q_1": "Ben"}
        assert list(names.unused) == [(ANY, "9")]
        assert names.rename([Turn("r", 0, 1, "r_1")]) == [Turn("r", 0, 1, "Anna")]
        assert names.rename([]) == []

    @pytest.mark.parametrize("first", ["Anna", "An na", "An_na"])
    def test_two_speakers_of_one_name(self, first):
        names = Names([(ANY, "1", first), (ANY, "2", first.replace(" ", "_"))])
        with pytest.raises(DataError, match="r: r_1 and r_2 would both be"):
            names.of("r", ["r_1", "r_2"])

    def test_a_name_that_somebody_has(self):
        with pytest.raises(DataError, match="r_1 and Anna would both be Anna"):
            Names([(ANY, "1", "Anna")]).of("r", ["r_1", "Anna"])

    @pytest.mark.parametrize("text", ["1=", "=Anna", "1=a\x1bb", "1=a\udcff"])
    def test_no_name(self, text):
        with pytest.raises(DataError, match="invalid name"):
            Names(parse_names(text))

    def test_a_file_of_names(self, tmp_path):
        (tmp_path / "names").write_text("r\t1\tAnna Ä.\n\nr r_2   Ben\n")
        assert read_names(tmp_path / "names") == [("r", "1", "Anna Ä."), ("r", "r_2", "Ben")]
        (tmp_path / "names").write_text("r 1\n")
        with pytest.raises(DataError, match="names:1: expected '<recording> <speaker> <name>'"):
            read_names(tmp_path / "names")


def said(*triples):
    return [Word("m", i, i + 1, text, who) for i, (text, who) in enumerate(triples)]


@needs_meeteval
class TestScores:
    REFERENCE = said(("a", "X"), ("b", "X"), ("c", "Y"), ("d", "Y"), ("e", "Y"))

    def rates(self, hypothesis):
        return scoring.score({"m": self.REFERENCE}, {"m": hypothesis})["m"].rates

    def test_names_do_not_matter(self):
        hypothesis = said(("a", "1"), ("b", "1"), ("c", "2"), ("d", "2"), ("e", "2"))
        assert self.rates(hypothesis) == {"WDER": 0, "WER": 0, "cpWER": 0, "tcpWER": 0}

    def test_a_wrong_speaker_is_one_word_in_wder_and_two_in_cpwer(self):
        hypothesis = said(("a", "1"), ("b", "2"), ("c", "2"), ("d", "2"), ("e", "2"))
        rates = self.rates(hypothesis)
        assert rates["WDER"] == pytest.approx(20) and rates["WER"] == 0
        assert rates["cpWER"] == pytest.approx(40)

    def test_nobody_is_wrong(self):
        hypothesis = said(("a", "1"), ("b", ""), ("c", "2"), ("d", "2"), ("e", "2"))
        assert self.rates(hypothesis)["WDER"] == pytest.approx(20)

    def test_a_wrong_word_of_the_right_speaker_is_no_error_of_speakers(self):
        hypothesis = said(("a", "1"), ("x", "1"), ("c", "2"), ("d", "2"))
        rates = self.rates(hypothesis)
        assert rates["WDER"] == 0
        assert rates["WER"] == rates["cpWER"] == pytest.approx(40)

    def test_words_far_from_where_they_are_said(self):
        late = [w._replace(start=w.start + 60, end=w.end + 60) for w in self.REFERENCE]
        rates = self.rates(late)
        assert rates["cpWER"] == 0 and rates["tcpWER"] == pytest.approx(200)

    def test_meeteval_reads_what_is_written(self, tmp_path):
        import meeteval

        words = [w._replace(speaker=f"{w.speaker} {i % 2}") for i, w in enumerate(self.REFERENCE)]
        (tmp_path / "m.stm").write_text(writing.stm([words]), encoding="utf-8")
        stm = meeteval.io.asseglst(meeteval.io.load(tmp_path / "m.stm"))
        seglst = meeteval.io.SegLST(json.loads(writing.seglst([words])))
        assert [s["words"] for s in stm] == [s["words"] for s in seglst]
        assert {s["speaker"] for s in stm} == {s["speaker"].replace(" ", "_") for s in seglst}
        rate = meeteval.wer.tcpwer(stm, seglst, collar=0.1)["m"]
        assert (rate.errors, rate.length) == (0, len(words))

    def test_no_hypothesis(self):
        (found,) = scoring.score({"m": self.REFERENCE}, {}).values()
        assert found.rates == {"WDER": None, "WER": 100, "cpWER": 100, "tcpWER": 100}

    def test_words_without_speakers_are_no_reference(self):
        with pytest.raises(DataError, match=r"1 word\(s\) of the reference of m have no speaker"):
            scoring.score({"m": said(("a", ""))}, {})
        with pytest.raises(DataError, match="the reference has no words"):
            scoring.score({}, {})

    def test_the_program(self, tmp_path, monkeypatch, capsys):
        (tmp_path / "ref.stm").write_text("m 1 X 0 2 Well, so\nm 1 Y 2 3 No!\n")
        (tmp_path / "hyp.ctm").write_text(
            "m 1 0 1 well NA lex 1\nm 1 1 1 so NA lex 1\nm 1 2 1 no NA lex 1\nn 1 0 1 x NA lex 1\n"
        )
        words = [tmp_path / "ref.stm", tmp_path / "hyp.ctm"]
        with pytest.raises(DataError, match="no reference of n: --allow-extra excludes them"):
            call(monkeypatch, *words, of=score_words)
        out = tmp_path / "score.json"
        call(monkeypatch, "--allow-extra", "-o", out, *words, of=score_words)
        assert "| TOTAL     |     3 | 33.33 | 0.00 | 66.67 |" in capsys.readouterr().out
        assert json.loads(out.read_text())["scores"]["m"]["wrong"] == 1
        call(monkeypatch, "--allow-extra", "--as-written", *words, of=score_words)
        assert "| TOTAL     |     3 | 33.33 | 66.67 |" in capsys.readouterr().out


def test_scores_say_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "meeteval", None)
    with pytest.raises(DataError, match="meeteval is needed to score words: pip install meeteval"):
        scoring.score({"m": said(("a", "X"))}, {})
