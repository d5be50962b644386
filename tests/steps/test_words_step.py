"""steps/assign_words.sh: the words of many recordings; one that is bad costs only itself."""

import json

import pytest
from command_line import run

from diar.base.types import Turn
from diar.kaldi.rttm import write_rttm


@pytest.fixture
def made(tmp_path):
    """A data directory of three recordings, turns of two, words of four."""
    data, dec = tmp_path / "data", tmp_path / "dec"
    data.mkdir()
    (tmp_path / "a.wav").write_bytes(b"")
    (data / "wav.scp").write_text("".join(f"{name} {tmp_path}/a.wav\n" for name in "abq"))
    (data / "reco2file_and_channel").write_text("a call A\nb call B\nq q A\n")
    both = [Turn("a", 0, 9, "a_1"), Turn("a", 4, 5, "a_2"), Turn("b", 0, 9, "b_1")]
    write_rttm(dec / "rttm", both)
    write_rttm(dec / "rttm_exclusive", [Turn("a", 0, 4, "a_1"), Turn("a", 4, 5, "a_2"), both[2]])
    ctm = tmp_path / "ctm"
    ctm.write_text("call 1 5 1 hey\ncall 2 1 1 you\nq 1 0 1 hm\nz 1 0 1 x\ny 1 0 one x\n")
    return data, dec, ctm, tmp_path / "out"


def test_words_of_a_data_directory(made, tmp_path):
    (tmp_path / "names").write_text("a 2 Anna B\n")
    done = run("steps/assign_words.sh", "--names-file", tmp_path / "names", *made)
    assert done.returncode == 1 and "2 recording(s) failed, the others are done" in done.stderr
    out = made[-1]
    assert (out / "words.ctm").read_text().splitlines() == [
        "a 1 5.000 1.000 hey NA lex Anna_B",
        "b 2 1.000 1.000 you NA lex b_1",
        "q 1 0.000 1.000 hm NA lex unknown",
    ]
    assert [x["speaker"] for x in json.loads((out / "words.seglst.json").read_text())] == [
        "Anna B", "b_1", "unknown",
    ]  # fmt: skip
    assert [line.split()[0] for line in (out / "failed").read_text().splitlines()] == ["y", "z"]
    assert "1 word(s) have no speaker" in (out / "log/assign_words.log").read_text()
    again = run("steps/assign_words.sh", "--names-file", tmp_path / "names", *made)
    assert "is up to date" in again.stdout
    plain = run("steps/assign_words.sh", "--exclusive", "false", *made)
    assert "went with their neighbours" in plain.stdout
    assert "a 1 5.000 1.000 hey NA lex a_1\n" in (out / "words.ctm").read_text()


def test_what_the_step_refuses(made, tmp_path):
    for options, message in (
        (["--distance", "far"], "--distance must be a number of seconds, not 'far'"),
        (["--names-file", tmp_path / "none"], "no such file"),
    ):
        done = run("steps/assign_words.sh", *options, *made)
        assert done.returncode == 1 and message in done.stderr
    assert not made[-1].exists()
