"""Manners of the command line: help, version, exit status, and what docs/commands.md says of them."""

import argparse
import os
import re
import runpy
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
from command_line import PARSERS, PROGRAMS, SCRIPTS, WITH_OPTIONS, known, run
from paths import ROOT

from dec_cli import program, survival


class Parsed(Exception):
    """A program has read its arguments."""


@pytest.fixture
def call(monkeypatch, capsys):
    """Run a program in this process: (exit status, standard output)."""

    def called(name, *arguments):
        path = ROOT / name
        monkeypatch.setattr(sys, "argv", [str(path), *arguments])
        monkeypatch.syspath_prepend(str(path.parent))
        monkeypatch.setattr(survival, "run", program.run)  # no child: it would go on with the tests
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

    def test_examples_can_be_typed(self):
        not_executable = [n for n in PROGRAMS + SCRIPTS if not os.access(ROOT / n, os.X_OK)]
        assert not not_executable

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
        from dec_cli import version

        assert version.commit_of(tmp_path) == ""
        if shutil.which("git"):
            make = (
                "git init -q . && git -c user.name=a -c user.email=b commit -q --allow-empty -m c"
            )
            subprocess.run(make, shell=True, check=True, cwd=tmp_path)
            assert re.fullmatch(r"[0-9a-f]{7,}", version.commit_of(tmp_path))
            (tmp_path / "copy").mkdir()
            assert version.commit_of(tmp_path / "copy") == "", "in somebody else's clone"


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
            stderr = None
            for _ in range(12):  # Python misses a signal that comes just before it blocks
                process.send_signal(number)
                with suppress(subprocess.TimeoutExpired):
                    _, stderr = process.communicate(timeout=5)
                    break
        assert (process.returncode, stderr) == (-number, "")
        assert 128 + number == status and status in self.listed()

    def test_an_interrupt_ends_a_loop_of_the_shell(self, tmp_path):
        program_file = tmp_path / "x.py"
        program_file.write_text(
            f"import os, signal, sys\nsys.path.insert(0, '{ROOT}/local')\nfrom dec_cli import program\n"
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
        result = subprocess.run(
            ["bash", "-c", command],
            cwd=ROOT,
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
