"""Manners of the command line: help, version, exit status, completion, and what diarize.py reads and writes."""

import argparse
import io
import json
import os
import re
import runpy
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import fetched
from hypothesis import given, settings
from hypothesis import strategies as st

import diarize
import program
from diar import inputs
from diar.errors import DataError
from diar.rttm import read_rttm

ROOT = Path(__file__).resolve().parent.parent
NOT_ASKED = {"local/job.sh"}  # runs its arguments


def with_shebang(pattern):
    names = (str(p.relative_to(ROOT)) for p in sorted(ROOT.glob(pattern)))
    return [n for n in names if (ROOT / n).read_text().startswith("#!") and n not in NOT_ASKED]


PROGRAMS = [*with_shebang("local/*.py"), *with_shebang("benchmarks/*/*.py")]
SCRIPTS = ["run.sh", *with_shebang("steps/*.sh"), *with_shebang("benchmarks/*/*.sh")]
PARSERS = [name for name in PROGRAMS if name != "local/step_key.py"]  # too often run for argparse
WITH_OPTIONS = [n for n in SCRIPTS if "parse_options.sh" in (ROOT / n).read_text()]


def run(*command, **options):
    """CompletedProcess of a command in the recipe's directory; programs find the library."""
    env = {**os.environ, "PYTHONPATH": str(ROOT / "local")}
    words = [str(word) for word in command]
    if words[0].endswith(".py"):
        words.insert(0, sys.executable)
    options = {"cwd": ROOT, "env": env, "text": True, "timeout": 120, **options}
    return subprocess.run(words, capture_output=True, **options)


class Parsed(Exception):
    """A program has read its arguments."""


@pytest.fixture
def call(monkeypatch, capsys):
    """Run a program in this process: (exit status, standard output)."""

    def called(name, *arguments):
        path = ROOT / name
        monkeypatch.setattr(sys, "argv", [str(path), *arguments])
        monkeypatch.syspath_prepend(str(path.parent))
        with pytest.raises((SystemExit, Parsed)) as end:
            runpy.run_path(str(path), run_name="__main__")
        return getattr(end.value, "code", None) or 0, capsys.readouterr().out

    return called


def complete(text):
    """Whether a help has what every help is to have."""
    return all(
        re.search(x, text) for x in (r"(?m)^[Uu]sage: \S", "(?m)^Examples?:", "(?m)^Exit status: 0")
    )


def examples(text):
    """The commands of a help's examples, split as a shell would, without what is piped or redirected."""
    part = re.search(r"(?ms)^Examples?:(.*?)(\n\n|\Z)", text)[1].replace("\\\n", " ")
    for line in filter(str.strip, part.splitlines()):
        for command in line.split(" | "):
            yield shlex.split(command.split(" > ")[0], comments=True)


class TestHelp:
    @pytest.mark.parametrize("name", PARSERS)
    def test_of_a_program(self, name, call, monkeypatch):
        status, text = call(name, "--help")
        assert status == 0 and complete(text) and "--version" in text
        parse = argparse.ArgumentParser.parse_args

        def stop(self, arguments=None):
            unexplained = [a.option_strings or a.dest for a in self._actions if not a.help]
            assert not unexplained
            parse(self, arguments)
            raise Parsed

        monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)
        ours = [words for words in examples(text) if words[0] == name]
        assert ours, "no example of the program"
        for words in ours:
            assert call(name, *words[1:])[0] == 0, words

    def test_of_a_program_without_a_parser(self):
        result = run("local/step_key.py", "--help")
        assert result.returncode == 0 and complete(result.stdout)
        result = run("local/step_key.py", "local/score.py")
        assert result.returncode == 2 and complete(result.stderr)

    @pytest.mark.parametrize("name", [*SCRIPTS, "tests/run.sh"])
    def test_of_a_script(self, name, tmp_path):
        result = run(ROOT / name, "--help", cwd=tmp_path)
        assert result.returncode == 0 and complete(result.stdout), result.stderr
        commands = [
            words for words in examples(result.stdout) if words[0].removeprefix("./") == name
        ]
        assert commands, "no example of the script"
        if name in WITH_OPTIONS:
            used = {w.partition("=")[0] for words in commands for w in words if w.startswith("--")}
            assert {u for u in used if "." not in u} <= known(name) | {"--config"}

    @pytest.mark.parametrize("name", WITH_OPTIONS)
    def test_of_a_script_has_each_of_its_options(self, name):
        assert {o for o in explained(name) if "." not in o} == known(name)

    def test_corpora_and_stages_of_run_sh_are_all_named(self):
        text = run("./run.sh", "--help").stdout
        corpora = {
            path.stem for path in ROOT.glob("conf/*.conf") if not path.stem.startswith("paper_")
        }
        named = re.search(r"(?s)--corpus NAME +(.*?): options", text)[1].split(", ")
        assert set(named) == corpora
        stages = re.findall(r"(?m)^if starts (\d+) ", (ROOT / "run.sh").read_text())
        line = re.search(r"(?m)^  0 data .*$", text)[0]
        assert re.findall(r"  (\d+) ", line) == stages

    @pytest.mark.parametrize("option, name", [("--vad", "make_vad"), ("--method", "cluster")])
    def test_choices_of_a_script_are_those_of_its_program(self, option, name, call):
        shown = re.search(rf"{option} ([\w|]+)", run(f"steps/{name}.sh", "--help").stdout)[1]
        taken = re.search(rf"{option} {{([\w,]+)}}", call(f"local/{name}.py", "--help")[1])[1]
        assert sorted(shown.split("|")) == sorted(taken.split(","))

    def test_comes_without_the_packages(self):
        result = run(sys.executable, "-S", "-E", "local/diarize.py", "x.wav")
        assert result.returncode == 1
        assert result.stderr.count("\n") == 1 and f". {ROOT}/path.sh" in result.stderr


def known(name):
    """What parse_options.sh takes for the options of a script."""
    head = re.split(r"(?m)^(?=\. steps/parse_options\.sh)", (ROOT / name).read_text())[0]
    script = f'{head}\n. steps/parse_options.sh\necho "$_opt_known"'
    clean = {variable: os.environ[variable] for variable in ("PATH", "HOME")}
    result = run("bash", "-c", script, f"./{name}", env=clean)
    assert result.returncode == 0, result.stderr
    return {f"--{variable.replace('_', '-')}" for variable in result.stdout.split()}


def explained(name):
    """The options that the head of a script explains, but for those that all have."""
    text = run(ROOT / name, "--help").stdout
    lines = re.findall(r"(?m)^  (--.*?)(?:  |$)", text)
    found = {word for line in lines for word in re.findall(r"--[a-z][a-z0-9.-]*", line)}
    return found - {"--config", "--help", "--version"}


class TestVersion:
    def test_is_the_same_everywhere(self):
        version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
        for name in (
            "run.sh",
            "steps/score.sh",
            "tests/run.sh",
            "benchmarks/jobs/run.sh",
            "local/find_device.py",
        ):
            said = run(ROOT / name, "--version")
            assert said.returncode == 0, said.stderr
            expected = rf"{Path(name).name} \(dec-diarization\) {version}(, commit \S+)?, Python 3\.\S+, PyTorch \d\S*\n"
            assert re.fullmatch(expected, said.stdout), said.stdout

    def test_does_not_load_pytorch(self):
        code = "import sys, runpy; sys.argv = ['x', '{}']; sys.path.insert(0, 'local')\n" \
            "try: runpy.run_path('local/diarize.py', run_name='__main__')\n" \
            "finally: assert 'torch' not in sys.modules"  # fmt: skip
        for option in ("--version", "--help"):
            assert run(sys.executable, "-c", code.format(option)).returncode == 0

    def test_commit_only_in_a_clone(self, tmp_path):
        import version

        assert version.commit_of(tmp_path) == ""
        if shutil.which("git"):
            make = (
                "git init -q . && git -c user.name=a -c user.email=b commit -q --allow-empty -m c"
            )
            subprocess.run(make, shell=True, check=True, cwd=tmp_path)
            assert re.fullmatch(r"[0-9a-f]{7,}", version.commit_of(tmp_path))


class TestStatus:
    """Each status of docs/commands.md."""

    def listed(self):
        text = (ROOT / "docs/commands.md").read_text().split("## Exit status")[1].split("\n## ")[0]
        return {int(n) for n in re.findall(r"(?m)^\| (\d+) \|", text)}

    def test_ok_and_bad_input_and_wrong_usage(self, tmp_path):
        assert {0, 1, 2} <= self.listed()
        assert run("local/version.py").returncode == 0
        result = run("local/validate_data_dir.py", tmp_path / "a")
        assert result.returncode == 1
        assert result.stderr.startswith("validate_data_dir.py: ") and result.stderr.count("\n") == 1
        result = run("local/validate_data_dir.py")
        assert result.returncode == 2
        assert result.stderr.startswith("usage: validate_data_dir.py [--fix] <data-dir>\n")
        assert run("steps/score.sh", "--no-such-option", "x").returncode == 1

    @pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    def test_signals(self, tmp_path, number, status):
        os.mkfifo(tmp_path / "list")
        process = subprocess.Popen(
            [sys.executable, "local/diarize.py", "--list", tmp_path / "list"], cwd=ROOT, text=True,
            stderr=subprocess.PIPE, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        with open(tmp_path / "list", "w"):  # opens when it reads
            process.send_signal(number)
            _, stderr = process.communicate(timeout=60)
        assert (process.returncode, stderr) == (-number, "")
        assert 128 + number == status and status in self.listed()

    def test_an_interrupt_ends_a_loop_of_the_shell(self, tmp_path):
        program_file = tmp_path / "x.py"
        program_file.write_text(
            "import os, signal, program\n"
            "def main():\n    signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "    print('begun', flush=True)\n    os.killpg(0, signal.SIGINT)\n"
            "program.run(main)\n"
        )
        loop = f"trap - INT; for i in 1 2; do {sys.executable} {program_file}; done; echo went on"
        result = run(
            "bash", "-c", loop, start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        assert result.stdout == "begun\n" and result.stderr == ""

    def test_nobody_reads(self):
        assert 141 in self.listed()
        command = f"{sys.executable} local/version.py; echo $? >&2"
        reader, writer = os.pipe()
        os.close(reader)
        env = {**os.environ, "PYTHONPATH": str(ROOT / "local")}
        result = subprocess.run(
            ["bash", "-c", command],
            cwd=ROOT,
            env=env,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
        )
        os.close(writer)
        assert result.stderr == "141\n"


class TestDocument:
    text = (ROOT / "docs/commands.md").read_text()

    def test_has_every_program_and_script_and_no_other(self):
        listed = set(re.findall(r"(?m)^\| `([\w/]+\.(?:py|sh))` \|", self.text))
        here = {*PROGRAMS, *SCRIPTS, "tests/run.sh"}
        assert listed == {name for name in here if not name.startswith("benchmarks/")}

    def test_has_every_variable_that_is_read(self):
        sources = [*ROOT.glob("local/**/*.py"), *ROOT.glob("benchmarks/*/*.py"), ROOT / "path.sh"]
        code = "\n".join(path.read_text() for path in sources)
        read = set(re.findall(r'environ\.get\("(\w+)"', code)) | set(
            re.findall(r"\$\{(\w+):-", code)
        )
        assert "PYTHON" in read and "DIAR_CACHE" in read
        assert not {name for name in read if name.isupper() and name not in self.text}


class TestCompletion:
    """In a bash of its own, which sources local/completion.bash."""

    def offered(self, function, *words, cwd=ROOT, before=""):
        script = f"""
            . {ROOT}/local/completion.bash
            {before}
            COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
            {function} "$1" "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD-1]}}" || exit 9
            printf '%s\\n' "${{COMPREPLY[@]}}" """
        result = run("bash", "--norc", "-c", script, "bash", *words, cwd=cwd)
        assert result.returncode == 0, result.stderr
        return result.stdout.split()

    @pytest.mark.parametrize("name", WITH_OPTIONS)
    def test_each_option_of_a_script_is_offered(self, name):
        offered = {
            o for o in self.offered("_diar_script", f"./{name}", "--") if not o.endswith(".")
        }
        assert offered == known(name) | {"--config", "--help", "--version"}

    @pytest.mark.parametrize(
        "words, expected",
        [
            (["--vad", ""], {"silero", "energy", "oracle", "segments", "vad_scp"}),
            (["--vad", "s"], {"silero", "segments"}),
            (["--vad", "=", "en"], {"energy"}),
            (["--cmd", "="], {"local", "slurm"}),
            (["--num_spk", ""], {"oracle"}),
            (["--wav-pipes", ""], {"true", "false"}),
            (["--extractor", "e"], {"ecapa"}),
            (["--device", "c"], {"cpu", "cuda"}),
            (["--corpus", ""], {"ami", "callhome", "dihard3", "kaldi", "mini", "voxconverse"}),
            (["--config", "conf/paper_"], {"conf/paper_ami.conf", "conf/paper_voxconverse.conf"}),
            (["--data", "loc"], {"local"}),
            (["--exp", "run."], set()),
            (["--dec.ref"], set()),
            (["--dec."], {"--dec."}),
            (["--help", ""], set()),
        ],
    )
    def test_values_of_run_sh(self, words, expected):
        assert set(self.offered("_diar_script", "./run.sh", *words)) == expected

    def test_stages_are_those_that_there_are(self):
        stages = re.findall(r"(?m)^if starts (\d+) ", (ROOT / "run.sh").read_text())
        assert self.offered("_diar_script", "./run.sh", "--stop-stage", "") == stages

    def test_files_where_a_script_takes_them(self, tmp_path):
        (tmp_path / "a b.rttm").write_text("")
        assert self.offered("_diar_script", ROOT / "steps/score.sh", "a", cwd=tmp_path) == [
            "a",
            "b.rttm",
        ]
        assert not self.offered("_diar_script", ROOT / "run.sh", "a", cwd=tmp_path)

    def test_of_a_program_comes_from_its_parser(self):
        ask = "_diar_program local/diarize.py; [ $? = 124 ] || exit 8"
        shown = self.offered("_shtab_diarize_py", "local/diarize.py", "--", before=ask)
        options = [
            o
            for a in diarize.parser()._actions
            if a.help != argparse.SUPPRESS
            for o in a.option_strings
        ]
        assert sorted(shown) == sorted(o for o in options if o.startswith("--"))
        values = self.offered("_shtab_diarize_py", "local/diarize.py", "--vad", "", before=ask)
        assert sorted(values) == ["energy", "silero"]
        values = self.offered("_shtab_diarize_py", "local/diarize.py", "--device", "c", before=ask)
        assert sorted(values) == ["cpu", "cuda"]
        values = self.offered("_shtab_diarize_py", "local/diarize.py", "--json", "run.", before=ask)
        assert values == ["run.sh"]

    def test_no_foreign_program_is_run(self, tmp_path):
        for name in ("score.py", "run.sh"):
            (tmp_path / name).write_text(f"#!/usr/bin/env bash\ntouch {tmp_path}/ran\n")
            (tmp_path / name).chmod(0o755)
        ask = f"_diar_program {tmp_path}/score.py; [ $? = 124 ] && exit 8"
        self.offered("_diar_script", tmp_path / "run.sh", "", before=ask)
        assert not (tmp_path / "ran").exists()

    @pytest.mark.skipif(not shutil.which("zsh"), reason="no zsh")
    def test_zsh_takes_it_too(self):
        script = """
            autoload -Uz compinit bashcompinit && compinit -u -D && bashcompinit
            . local/completion.bash
            echo $_comps[run.sh] $_comps[diarize.py]
            eval "$(_diar_ask local/diarize.py zsh)"; echo $+functions[_shtab_diarize_py]"""
        result = run("zsh", "-f", "-c", script)
        assert result.stderr == "" and "_bash_complete" in result.stdout
        assert result.stdout.endswith("_diar_program\n1\n")


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

    def test_two_files_of_one_name_are_refused(self, folder):
        (folder / "deep/b.flac").write_text("")
        with pytest.raises(
            DataError, match=r"in/b.wav and .*deep/b.flac would both be recording 'b'.*--list"
        ):
            self.names(folder)
        (folder.parent / "list").write_text(f"one {folder}/b.wav\ntwo {folder}/deep/b.flac\n")
        assert self.names(listing=folder.parent / "list") == ["one", "two"], (
            "what the message advises"
        )

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
        (folder / "list").write_text("../up b.wav\n")
        with pytest.raises(DataError, match="list:1: .*'../up'"):
            inputs.gather([], folder / "list")

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
        assert inputs.SUFFIXES <= decoded
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
            return fetched(lambda: diarize.loaded(diarize.parse()))

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

    def check_json(self, found, folder, turns):
        assert found["bad"] == {
            "recording": "bad",
            "audio": str(folder / "more/bad.mp3"),
            "error": f"{folder}/more/bad.mp3: not an audio file that can be decoded",
        }
        assert (found["quiet"]["turns"], found["quiet"]["speakers"]) == ([], [])
        assert found["quiet"]["remarks"] == ["resampled from 8000 Hz", "2 channels mixed"]
        talk = found["talk"]
        assert (talk["duration"], talk["audio"]) == (24.0, str(folder / "talk.wav"))
        assert talk["processing_seconds"] > 0 and "error" not in talk
        assert [(t["start"], t["end"], t["speaker"]) for t in talk["turns"]] == [
            (turn.start, round(turn.end, 3), turn.speaker) for turn in turns
        ]
        for speaker in talk["speakers"]:
            own = [turn.duration for turn in turns if turn.speaker == speaker["name"]]
            assert speaker["speaking_time"] == pytest.approx(sum(own), abs=1e-6)
            assert speaker["turns"] == len(own)
        assert len(talk["speakers"]) == 2

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

    def test_what_is_done_is_left_out(self, go, folder, tmp_path, monkeypatch, capsys):
        (tmp_path / "talk.rttm").write_text("mine\n")
        found = go(folder / "talk.wav", folder / "more/quiet.wav", "--out", tmp_path, "--skip-done")
        assert (tmp_path / "talk.rttm").read_text() == "mine\n" and "talk" not in found.out
        assert (tmp_path / "quiet.rttm").read_text() == ""
        monkeypatch.setattr(diarize, "loaded", lambda args: pytest.fail("nothing is to be done"))
        diarize.main()
        assert "2 recording(s) had been done before" in capsys.readouterr().err

    @pytest.mark.parametrize(
        "arguments, words",
        [
            ([], "name files or folders"),
            (["a.wav", "--skip-done"], "--skip-done goes with --out"),
            (["a.wav", "b.wav", "--name", "c"], "--name is of one recording, but there are 2"),
            (["-", "--list", "-"], "'-' is standard input: pipe something into it, once"),
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
        with pytest.raises(DataError, match="cannot be the id of a recording"):
            diarize.parse()

    def test_as_a_program_in_a_pipe(self, folder, models):
        with open(folder / "talk.wav", "rb") as stream:
            result = run("local/diarize.py", "-", "--json", stdin=stream)
        assert result.returncode == 0, result.stderr
        assert json.loads(result.stdout)["recording"] == "stdin"
        assert re.fullmatch(r"stdin: 2 speaker\(s\), \d+ turns in 24.0 s\n", result.stderr)


def test_a_docstring_becomes_a_help(capsys):
    doc = "What it does.\n\nUsage: x.py <a>\n\nMore, 100 % of it.\n\nExample: x.py 1\n"
    made = program.parser(doc)
    made.add_argument("--size", default=3, help="how large")
    made.add_argument("--seed", default=0, help="of chance")
    made.add_argument("--fast", action="store_true", help="hurry")
    text = made.format_help()
    assert text.startswith("usage: x.py <a>\n\nWhat it does.\n\nMore, 100 % of it.\n\noptions:")
    assert text.endswith(f"Example: x.py 1\n\n{program.EXIT_STATUS}\n")
    assert "how large (default: 3)" in text and "of chance (default: 0)" in text
    assert re.search(r"--fast +hurry\n", text)
    own = program.parser(doc + "\nExit status: 7 always.\n").format_help()
    assert own.endswith("Exit status: 7 always.\n") and program.EXIT_STATUS not in own
