"""diarize.py: which files it takes, and what it writes where."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from types import SimpleNamespace

import jsonschema
import numpy as np
import pytest
import soundfile
from command_line import run
from downloads import fetch_or_skip
from hypothesis import given, settings
from hypothesis import strategies as st
from paths import ROOT
from without_rights import own_folder

import diarize
from diar.audio import waveform
from diar.base.errors import DataError
from diar.base.types import Bounds, Turn
from diar.kaldi import inputs
from diar.kaldi.rttm import read_rttm
from diar.pipeline.recording import Diarization, Heard


def fault_of(given):
    """What reading says of it."""
    try:
        with inputs.open_input(given) as path:
            waveform.read(path)
    except DataError as error:
        return str(error)
    return ""


class TestInputs:
    @pytest.fixture
    def folder(self, tmp_path):
        for name in (
            "b.wav",
            "a.FLAC",
            "deep/er/c.mp3",
            ".hidden.wav",
            ".git/d.wav",
            "notes.txt",
            "x y.ogg",
        ):
            (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "in" / name).write_text("")
        return tmp_path / "in"

    def names(self, *paths, listing=None):
        return [found.recording for found in inputs.gather(paths, listing)]

    def test_a_folder_is_searched_to_the_bottom(self, folder):
        assert self.names(folder) == ["a", "b", "x_y", "c"]
        assert self.names(folder / ".git/d.wav", folder / "b.wav") == ["d", "b"], "named, it counts"

    def test_a_file_that_comes_twice_counts_once(self, folder):
        assert self.names(folder / "b.wav", folder, folder / "../in/b.wav") == [
            "b",
            "a",
            "x_y",
            "c",
        ]

    def test_files_of_one_stem_are_named_apart(self, folder):
        for name in ("b.m4a", "deep/b.wav", "deep/er/b.wav", "er_b.ogg"):
            (folder / name).write_text("")
        (folder / "deep/link").symlink_to(folder / "deep/er")
        assert {i.recording: str(i.path.relative_to(folder)) for i in inputs.gather([folder])} == {
            "a": "a.FLAC", "x_y": "x y.ogg", "c": "deep/er/c.mp3", "b.m4a": "b.m4a", "in_b": "b.wav",
            "deep_b": "deep/b.wav", "er_b.wav": "deep/er/b.wav", "er_b.ogg": "er_b.ogg",
        }  # fmt: skip
        (folder.parent / "list").write_text(f"in_b {folder}/deep/b.wav\n")
        named = {i.recording: i.path for i in inputs.gather([folder], folder.parent / "list")}
        assert named["in_b"] == folder / "deep/b.wav", "an id of a list stays"
        assert named["in_b.wav"] == folder / "b.wav"

    def test_files_that_no_name_tells_apart_get_a_number(self, folder):
        for name in ("x_y.ogg", "x  y.ogg"):
            (folder / name).write_text("")
        found = {i.recording: i.path.name for i in inputs.gather([folder])}
        assert len(found) == 6 and found["x_y_2"] == "x_y.ogg" and found["x_y_3"] == "x y.ogg"

    def test_linked_folders_count_once_and_loops_end(self, folder, tmp_path):
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere/far.wav").write_text("")
        (folder / "link").symlink_to(tmp_path / "elsewhere")
        (folder / "link again").symlink_to(tmp_path / "elsewhere")
        (folder / "deep/loop").symlink_to(folder)
        (folder / "deep/self").symlink_to("self")
        found = {i.recording: i.fault for i in inputs.gather([folder])}
        assert sorted(found) == ["a", "b", "c", "far", "self", "x_y"]
        assert [name for name in found if found[name]] == ["self"]

    def test_what_is_closed_costs_only_itself(self):
        with own_folder() as folder:
            for name in ("open.wav", "closed/in.wav", "file.wav"):
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_text("")
            (folder / "file.wav").chmod(0)
            (folder / "closed").chmod(0)
            (folder / "list").write_text("id closed/in.wav\nclosed/in.wav\n")
            found = inputs.gather([folder, folder / "closed/in.wav"], folder / "list")
            faults = {i.recording: fault_of(i) for i in found}
            (folder / "closed").chmod(0o700)
        closed = "closed/in.wav: cannot be read: Permission denied"
        assert faults.pop("open").endswith("not an audio file that can be decoded")
        assert faults.pop("file").endswith("file.wav: cannot be read: Permission denied")
        assert faults.pop("closed").endswith("closed: Permission denied")
        assert len(faults) == 2 and all(fault.endswith(closed) for fault in faults.values())

    def test_a_folder_or_list_without_audio_is_refused(self, folder):
        shutil.rmtree(folder / "deep/er")
        (folder / "empty").write_text("\n")
        with pytest.raises(DataError, match="deep: no audio file in this folder"):
            self.names(folder / "deep")
        with pytest.raises(DataError, match="empty: empty"):
            self.names(listing=folder / "empty")

    def test_lists(self, folder):
        lines = [
            "b.wav",
            "x y.ogg",
            "mine deep/er/c.mp3",
            "gone.wav",
            "piped sph2pipe a |",
            "lost gone.wav",
        ]
        (folder / "list").write_text("\n".join(lines))
        found = inputs.gather([], folder / "list")
        assert [i.recording for i in found] == ["b", "x_y", "mine", "gone", "piped", "lost"]
        assert [i.path.resolve() for i in found[:3]] == [
            folder / name for name in ("b.wav", "x y.ogg", "deep/er/c.mp3")
        ]
        assert [bool(i.fault) for i in found] == [False] * 4 + [True] * 2
        assert "list:5: a command" in found[4].fault and "list:6: no such audio" in found[5].fault

    def test_a_bad_line_of_a_list_costs_only_itself(self, folder):
        lines = ["../up b.wav", "mine b.wav", "mine a.FLAC", "mine b.wav", "zero\0", "b.wav"]
        (folder / "list").write_text("\n".join(lines))
        found = inputs.gather([], folder / "list")
        faults = [fault_of(i) for i in found if i.recording not in ("mine", "b")]
        assert len(found) == 5 and "list:1: " in faults[0] and "'../up'" in faults[0]
        assert "list:3: 'mine' is already in line 2" in faults[1]
        assert "no such audio file" in faults[2]

    @settings(max_examples=40, deadline=None)
    @given(st.lists(
        st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="/"), min_size=1, max_size=8),
        min_size=1, max_size=5, unique=True,
    ))  # fmt: skip
    def test_whatever_a_file_is_called_a_list_finds_it(self, tmp_path_factory, stems):
        folder = tmp_path_factory.mktemp("names")
        files = [folder / f"{stem} {i}.wav" for i, stem in enumerate(stems)]
        for file in files:
            file.write_text("")
        (folder / "list").write_text("".join(f"{file}\n" for file in files), encoding="utf-8")
        assert [found.path for found in inputs.gather([], folder / "list")] == files
        assert all(found.recording.split() == [found.recording] for found in inputs.gather(files))

    def test_every_ending_is_known_to_a_decoder(self):
        import av

        formats = [av.ContainerFormat(name, mode) for name in av.formats_available for mode in "rw"
                   if mode in _modes(name)]  # fmt: skip
        decoded = {f".{ending}" for form in formats for ending in form.extensions}
        decoded |= {f".{name.lower()}" for name in soundfile.available_formats()}
        assert decoded >= inputs.SUFFIXES
        assert {".wav", ".flac", ".mp3", ".m4a", ".ogg", ".opus", ".sph"} <= inputs.SUFFIXES


def _modes(name):
    import av

    form = av.ContainerFormat
    modes = ""
    for mode in "rw":
        try:
            form(name, mode)
            modes += mode
        except ValueError:
            pass
    return modes


@dataclass
class Ran:
    error: str
    out: str
    err: str


class TestDiarize:
    """In this process, with models that are loaded once."""

    @pytest.fixture(scope="class")
    def models(self, sample_wav):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["diarize.py", str(sample_wav)])
            return fetch_or_skip(lambda: diarize.loaded(diarize.parse()))

    @pytest.fixture
    def go(self, models, monkeypatch, capsys):
        def gone(*arguments, stdin=b""):
            stream = io.TextIOWrapper(io.BytesIO(stdin))
            monkeypatch.setattr(sys, "stdin", stream)
            monkeypatch.setattr(sys, "argv", ["diarize.py", *map(str, arguments)])
            error = ""
            try:
                diarize.diarize(diarize.parse(), *models)
            except DataError as found:
                error = str(found)
            return Ran(error, *capsys.readouterr())

        return gone

    @pytest.fixture(scope="class")
    def folder(self, sample, tmp_path_factory):
        """talk: 24 s of two speakers; quiet: stereo at 8 kHz, nothing; bad: no audio."""
        folder = tmp_path_factory.mktemp("audio")
        soundfile.write(folder / "talk.wav", sample[6 * 16000 :], 16000)
        (folder / "more").mkdir()
        soundfile.write(folder / "more/quiet.wav", np.zeros((16000, 2)), 8000)
        (folder / "more/bad.mp3").write_text("no audio")
        return folder

    def test_the_same_turns_wherever_they_go(self, go, folder, tmp_path):
        plain = go(folder)
        assert plain.error == "1 of 3 recording(s) could not be diarized"
        assert "more/bad.mp3: not an audio file that can be decoded" in plain.err
        assert "talk: 2 speaker(s)" in plain.err
        assert "quiet: no speech in 2.0 s (resampled from 8000 Hz, 2 channels mixed)" in plain.err
        files = go(folder, "--out", tmp_path)
        assert (files.error, plain.out) == (plain.error, (tmp_path / "talk.rttm").read_text())
        assert sorted(p.name for p in tmp_path.iterdir()) == ["quiet.rttm", "talk.rttm"]
        assert f"{tmp_path}/talk.rttm: 2 speaker(s)" in files.out and "bad.mp3" in files.err
        both = go(folder, "--json", "--out", tmp_path / "again")
        assert (tmp_path / "again/talk.rttm").read_text() == plain.out
        assert f"{tmp_path}/again/talk.rttm: 2 speaker(s)" in both.err, (
            "standard output is of JSON only"
        )
        found = {line["recording"]: line for line in map(json.loads, both.out.splitlines())}
        assert set(found) == {"talk", "quiet", "bad"}
        self.check_json(found, folder, read_rttm(tmp_path / "talk.rttm")["talk"])

    def test_imports_nothing_that_it_does_not_use(self, models, folder):
        """Each would cost a start a second or so."""
        needless = {
            "torch._dynamo",
            "sympy",
            "sklearn",
            "pandas",
            "matplotlib",
            "plotly",
            "pyannote",
        }
        code = (
            "import sys, runpy; sys.argv = ['diarize.py', sys.argv[1]]\n"
            "sys.path.insert(0, 'local'); runpy.run_path('local/diarize.py', run_name='__main__')\n"
            f"print(*sorted({needless} & set(sys.modules)))"
        )
        ran = run(sys.executable, "-c", code, folder / "talk.wav")
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.splitlines()[-1] == ""

    def check_json(self, found, folder, turns):
        assert found["bad"] == {
            "recording": "bad",
            "media": str(folder / "more/bad.mp3"),
            "error": f"{folder}/more/bad.mp3: not an audio file that can be decoded",
        }
        assert (found["quiet"]["turns"], found["quiet"]["speakers"]) == ([], [])
        assert found["quiet"]["remarks"] == ["resampled from 8000 Hz", "2 channels mixed"]
        talk = found["talk"]
        jsonschema.validate(
            talk,
            json.loads((ROOT / "docs/diarization.schema.json").read_text()),
        )
        assert (talk["duration"], talk["media"]) == (24.0, str(folder / "talk.wav"))
        assert talk["processing_seconds"] > 0 and "error" not in talk
        assert [(t["start"], t["end"], t["speaker"]) for t in talk["turns"]] == [
            (turn.start, round(turn.end, 3), turn.speaker) for turn in turns
        ]
        for speaker in talk["speakers"]:
            own = [turn.duration for turn in turns if turn.speaker == speaker["name"]]
            assert speaker["speaking_time"] == pytest.approx(sum(own), abs=1e-6)
            assert speaker["turns"] == len(own)
        assert len(talk["speakers"]) == 2

    def test_channels_count_from_1(self, go, sample, tmp_path):
        talk, name = sample[6 * 16000 : 12 * 16000], tmp_path / "call.wav"
        soundfile.write(name, np.stack([0 * talk, talk], axis=1), 16000)
        assert "call: no speech in 6.0 s (channel 1 of 2)" in go(name, "--channel", 1).err
        assert re.search(r"call: \d speaker.*\(channel 2 of 2", go(name, "--channel", 2).err)
        gone = go(name, "--channel", 3)
        assert f"{name}: no channel 3: it has 2" in gone.err and gone.out == ""

    def test_a_number_that_is_not_reached_is_a_remark(self, monkeypatch, sample_wav):
        monkeypatch.setattr(sys, "argv", ["diarize.py", str(sample_wav), "--num-spk", "3"])
        made = Diarization([Turn("sample", 0.0, 1.0, "a")], [], [], None, None)
        pipeline = SimpleNamespace(
            extractor=SimpleNamespace(rate=16000),
            hear=lambda *_: Heard(30.0, [], None, None, ()),
            fit=lambda *_: made,
            encoder=None,
        )
        nobody = diarize.Identities(pipeline, None, None, False, False)
        (result,) = diarize.results(diarize.parse(), pipeline, Bounds(3), nobody)
        assert "1 of the 3 requested speakers" in result.remarks
        assert result.remarks[-1].startswith("less than 2 s of a: perhaps part of another")

    def test_speakers_have_names(self, go, folder, tmp_path):
        found = go(folder / "talk.wav", "--json", "--out", tmp_path, "--names", "1=Änne Bo,3=Eva")
        (line,) = map(json.loads, found.out.splitlines())
        assert {turn["speaker"] for turn in line["turns"]} == {"Änne Bo", "talk_2"}
        turns = read_rttm(tmp_path / "talk.rttm")["talk"]
        assert {turn.speaker for turn in turns} == {"Änne_Bo", "talk_2"}
        assert "no speaker '3' to name" in found.err
        both = go(folder / "talk.wav", folder / "more/quiet.wav", "--names", "1=A,2=A")
        assert "talk: talk_1 and talk_2 would both be A: give them different names" in both.err
        assert both.error.startswith("1 of 2") and "quiet: no speech" in both.err

    def test_standard_input_is_as_good_as_a_file(self, go, folder):
        wav = bytearray((folder / "talk.wav").read_bytes())
        wav[4:8] = wav[40:44] = b"\xff" * 4  # a pipe does not know its length, and FFmpeg says so
        piped = go("-", "--name", "talk", stdin=bytes(wav))
        assert (piped.error, piped.out) == ("", go(folder / "talk.wav").out)
        piped = go("-", stdin=b"no audio")
        assert piped.err == "diarize.py: standard input: not an audio file that can be decoded\n"
        fifo = folder.parent / "fifo"
        os.mkfifo(fifo)
        with subprocess.Popen(["cp", folder / "talk.wav", fifo]):
            assert go(fifo, "--name", "talk").out == go(folder / "talk.wav").out

    def test_lengths_for_the_bar_are_of_all_or_none_and_read_no_pipe(self, folder, tmp_path):
        files = inputs.gather([folder / "talk.wav", folder / "more/quiet.wav"])
        assert diarize.lengths_of(files) == {"talk": 24.0, "quiet": 2.0}
        assert diarize.lengths_of(inputs.gather([folder])) == {}, "of bad.mp3 nothing is known"
        os.mkfifo(tmp_path / "fifo")
        assert diarize.lengths_of(inputs.gather([folder / "talk.wav", tmp_path / "fifo"])) == {}
        assert diarize.lengths_of(inputs.gather([folder / "talk.wav", inputs.STDIN])) == {}

    def test_what_is_done_is_left_out(self, go, folder, tmp_path, monkeypatch, capsys):
        (tmp_path / "talk.rttm").write_text("mine\n")
        found = go(folder / "talk.wav", folder / "more/quiet.wav", "--out", tmp_path, "--skip-done")
        assert (tmp_path / "talk.rttm").read_text() == "mine\n" and "talk" not in found.out
        assert (tmp_path / "quiet.rttm").read_text() == ""
        monkeypatch.setattr(diarize, "loaded", lambda args: pytest.fail("nothing is to be done"))
        diarize.main()
        assert "2 recording(s) already done" in capsys.readouterr().err

    @pytest.mark.parametrize(
        "arguments, words",
        [
            ([], "give audio files or folders"),
            (
                ["a.wav", "--channel", "0"],
                "--channel: '0' is not a channel: channels are numbered from 1",
            ),
            (["a.wav", "--channel", "-1"], "'-1' is not a channel: channels are numbered from 1"),
            (["a.wav", "--skip-done"], "--skip-done requires --out"),
            (["a.wav", "b.wav", "--name", "c"], "--name is for one recording, but there are 2"),
            (
                ["-", "--list", "-"],
                "'-' is standard input: pipe something into it, and give it once",
            ),
        ],
    )
    def test_wrong_usage(self, arguments, words, monkeypatch, capsys):
        monkeypatch.setattr(sys, "argv", ["diarize.py", *arguments])
        with pytest.raises(SystemExit) as end:
            diarize.parse()
        assert end.value.code == 2 and words in capsys.readouterr().err

    @pytest.mark.parametrize("name", ["", "a b", "../a"])
    def test_ids_that_no_file_can_have(self, name, monkeypatch):
        monkeypatch.setattr(sys, "argv", ["diarize.py", "x.wav", "--name", name])
        with pytest.raises(DataError, match="is not a valid recording id"):
            diarize.parse()

    def test_as_a_program_in_a_pipe(self, folder, models):
        with open(folder / "talk.wav", "rb") as stream:
            result = run("local/diarize.py", "-", "--json", stdin=stream)
        assert result.returncode == 0, result.stderr
        assert json.loads(result.stdout)["recording"] == "stdin"
        assert re.fullmatch(
            r"stdin: 2 speaker\(s\), \d+ turns \(\d doubtful\) in 24.0 s\n", result.stderr
        )
