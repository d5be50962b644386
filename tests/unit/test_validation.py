"""Validation of Kaldi data directories: each fault is named by file and line, and mended as asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diar.base.errors import DataError
from diar.kaldi.recordings import Recordings
from diar.kaldi.tables import read_segments
from diar.kaldi.validation import examine

GOOD = {
    "wav.scp": "r1 a.wav\nr2 cat b.wav |\n",
    "segments": "u1 r1 0.00 1.50\nu2 r1 1.00 2.00\nu3 r2 0.00 5.00\n",
    "utt2spk": "u1 s1\nu2 s2\nu3 s1\n",
    "spk2utt": "s1 u1 u3\ns2 u2\n",
    "reco2dur": "r1 2.0\nr2 5.0\n",
    "reco2num_spk": "r1 2\nr2 1\n",
    "reco2file_and_channel": "r1 a A\nr2 b 2\n",
    "vad.scp": "u1 v.ark:3\nu2 v.ark:9\nu3 v.ark:20\n",
    "text": "u1 one two\nu2 three\nu3\n",
}


@pytest.fixture
def put(tmp_path):
    """Write the good directory with some files changed."""

    def write(**changed):
        (tmp_path / "a.wav").touch()
        for name, text in {
            **GOOD,
            **{k.replace("_scp", ".scp"): v for k, v in changed.items()},
        }.items():
            (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path

    return write


def faults(directory):
    return [str(fault).replace(f"{directory}/", "") for fault in examine(directory).faults]


def test_a_good_directory_has_no_faults_and_stays_as_it_is(put):
    directory = put()
    data = examine(directory)
    assert data.faults == []
    assert data.mended_files() == GOOD


@pytest.mark.parametrize(
    ("changed", "fault", "left"),
    [
        ({"wav_scp": "r1 a.wav\nr2 b |\nr2 c |\n"}, "wav.scp:3: 'r2' is already in line 2", "r1 a.wav\nr2 b |\n"),
        ({"wav_scp": "r1 a.wav\nr2\nr2 b |\n"}, "wav.scp:2: no audio path", "r1 a.wav\nr2 b |\n"),
        ({"wav_scp": "r2 b |\nr1 a.wav\n"}, "wav.scp: not sorted", "r1 a.wav\nr2 b |\n"),
        ({"wav_scp": "r1 a.wav\r\nr2 b |\r\n"}, "wav.scp: lines end in CR LF", "r1 a.wav\nr2 b |\n"),
        ({"wav_scp": "../x a.wav\nr1 a.wav\nr2 b |\n"}, "wav.scp:1: id '../x'", "r1 a.wav\nr2 b |\n"),
        ({"wav_scp": b"r1 a.wav\nr\xff b\nr2 b |\n"}, "wav.scp:2: not UTF-8", "r1 a.wav\nr2 b |\n"),
        ({"segments": "u1 r1 0 1\nu2 r1 2 1\nu3 r2 0 5\n"}, "segments:2: end 1 is not after", "u1 r1 0 1\nu3 r2 0 5\n"),
        ({"segments": "u1 r1 0 1\nu2 r1 x 1\nu3 r2 0 5\n"}, "segments:2: 'x', '1' are not times", "u1 r1 0 1\nu3 r2 0 5\n"),
        ({"segments": "u1 r1 0 1\nu2 r1 1\nu3 r2 0 5\n"}, "segments:2: expected '<utterance>", "u1 r1 0 1\nu3 r2 0 5\n"),
        ({"segments": "u1 r1 0 1\nu2 r1 1 9\nu3 r2 0 5\n"}, "segments:2: ends at 9 s, but r1 lasts 2 s", "u1 r1 0 1\nu2 r1 1 2.000\nu3 r2 0 5\n"),
        ({"segments": "u1 r1 0 1\nu2 r1 3 9\nu3 r2 0 5\n"}, "segments:2: starts at 3 s", "u1 r1 0 1\nu3 r2 0 5\n"),
        ({"segments": "u1 r1 0 1\nu2 r9 1 2\nu3 r2 0 5\n"}, "segments:2: recording 'r9' is not in wav.scp", "u1 r1 0 1\nu3 r2 0 5\n"),
        ({"utt2spk": "u1 s1\nu3 s1\n"}, "segments:2: utterance 'u2' is not in utt2spk", "u1 s1\nu3 s1\n"),
        ({"utt2spk": "u1 s1\nu2 s2\nu3 s1\nu4 s1\n"}, "utt2spk:4: 'u4' is not in segments", GOOD["utt2spk"]),
        ({"spk2utt": "s1 u1\ns2 u2\n"}, "spk2utt: not the inverse of utt2spk", GOOD["spk2utt"]),
        ({"reco2num_spk": "r1 0\nr2 1\n"}, "reco2num_spk:1: '0' is not a number of speakers", "r2 1\n"),
        ({"reco2dur": "r1 nan\nr2 5\n"}, "reco2dur:1: 'nan' is not a number", "r2 5\n"),
        ({"reco2file_and_channel": "r1 a C\nr2 b 2\n"}, "reco2file_and_channel:1: channel 'C'", "r2 b 2\n"),
        ({"vad_scp": "u1 v:1\nu9 v:2\n"}, "vad.scp:2: 'u9' is neither an utterance nor a recording", "u1 v:1\n"),
    ],
)  # fmt: skip
def test_each_fault_is_named_and_mended(put, changed, fault, left):
    directory = put(**changed)
    found = faults(directory)
    assert any(line.startswith(fault) for line in found), found
    assert examine(directory).mended_files()[next(iter(changed)).replace("_scp", ".scp")] == left


def test_a_fifth_column_of_segments_is_a_channel(put):
    text = "u1 r1 0 1 A\nu2 r1 1 9 A\nu3 r2 0 5\n"
    directory = put(segments=text)
    assert [fault.split(":")[1] for fault in faults(directory)] == ["2"]
    assert examine(directory).mended_files()["segments"] == text.replace("1 9 A", "1 2.000 A")
    assert len(read_segments(directory / "segments")) == 3


def test_blanks_in_paths_commands_and_words_stay(put):
    wavs, words = "r1 my  audio.wav\nr2 cat 'b  c.wav' |\n", "u1 one  two\nu2 x\nu3\n"
    directory = put(wav_scp=wavs, text=words)
    (directory / "my  audio.wav").touch()
    assert faults(directory) == []
    assert examine(directory).mended_files()["wav.scp"] == wavs
    assert examine(directory).mended_files()["text"] == words
    assert Recordings(directory).paths["r1"].name == "my  audio.wav"


def test_speakers_from_their_inverse(put):
    directory = put()
    (directory / "utt2spk").unlink()
    assert faults(directory) == ["utt2spk: missing, but there is spk2utt: it is made from that"]
    assert examine(directory).mended_files()["utt2spk"] == GOOD["utt2spk"]


def test_an_id_that_cannot_name_a_file(put):
    directory = put(wav_scp=f"{'x' * 300} a.wav\n{GOOD['wav.scp']}")
    assert faults(directory)[0].startswith(
        "wav.scp:1: id 'xxxxxxxxxxxxxxxxxxxx'... has over 200 bytes"
    )


def test_kaldis_open_end_of_a_segment(put):
    directory = put(segments="u1 r1 0 1\nu2 r1 1.00 -1\nu3 r2 0 5\n")
    assert faults(directory) == []
    assert "u2 r1 1.00 2.000\n" in examine(directory).mended_files()["segments"]


def test_a_missing_audio_file_is_named_but_its_line_stays(put):
    directory = put(wav_scp="r1 none.wav\nr2 b |\n")
    assert faults(directory) == ["wav.scp:1: no such audio file: none.wav: fix the path"]
    assert examine(directory).mended_files()["wav.scp"] == "r1 none.wav\nr2 b |\n"


def test_what_cannot_be_used_at_all(tmp_path):
    with pytest.raises(DataError, match="not a Kaldi data directory: wav.scp is missing"):
        examine(tmp_path)
    (tmp_path / "wav.scp").write_text("a/b x.wav\n")
    with pytest.raises(DataError, match="none of its lines can be used: id 'a/b'"):
        examine(tmp_path)


@given(st.binary(max_size=200), st.binary(max_size=200), st.binary(max_size=200))
def test_what_was_mended_has_no_faults_left(tmp_path_factory, wavs, segments, speakers):
    directory = tmp_path_factory.mktemp("any")
    (directory / "wav.scp").write_bytes(b"r0 a |\n" + wavs)
    (directory / "segments").write_bytes(b"u0 r0 0 1\n" + segments)
    (directory / "utt2spk").write_bytes(b"u0 s0\n" + speakers)
    for name, text in examine(directory).mended_files().items():
        (directory / name).write_text(text)
    assert not [fault for fault in examine(directory).faults if fault.mended]
