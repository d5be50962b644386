"""The package: what a wheel holds, what it leaves among the sources, its commands where there is no checkout."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from paths import CONF, ROOT
from small_recipe import copied

from dec_cli import commands
from diar.base import config

PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-cache-dir"]
OFFLINE = ["--no-deps", "--no-index", "--no-build-isolation"]


def pip(*arguments, **options):
    result = subprocess.run([*PIP, *map(str, arguments)], capture_output=True, text=True, **options)
    assert result.returncode == 0, result.stdout + result.stderr


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def environment(folder):
    """A virtual environment with the packages of the tests, but neither the recipe nor its modules."""
    venv.create(folder, symlinks=True)
    target = next(folder.glob("lib/python*/site-packages"))
    source = next(Path(sys.prefix).glob("lib/python*/site-packages"))
    for entry in source.iterdir():
        if not entry.name.startswith(("__editable__", "dec_diarization", "__pycache__")):
            (target / entry.name).symlink_to(entry)
    return folder


def run(program, *arguments, cwd):
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "DIAR_ROOT", "PATH")}
    command = [program, *map(str, arguments)]
    env |= {"PATH": "/usr/bin:/bin"}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """The recipe, to be installed from."""
    return copied(ROOT, tmp_path_factory.mktemp("source") / "recipe")


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    """The wheel of it."""
    before, out = files_below(source), tmp_path_factory.mktemp("wheel")
    pip("wheel", *OFFLINE, "--wheel-dir", out, source)
    assert files_below(source) == before
    return next(out.glob("dec_diarization-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The commands of an environment that has it."""
    folder = environment(tmp_path_factory.mktemp("installed") / "env")
    pip("--python", folder / "bin/python", "install", "--no-deps", "--no-index", wheel)
    return folder / "bin"


def test_it_brings_the_configurations_and_the_autoencoders_once(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        for path in CONF.rglob("*.yaml"):
            packed = f"diar/conf/{path.relative_to(CONF)}"
            assert archive.read(packed) == path.read_bytes(), packed
    weights = [name for name in names if name.endswith(".safetensors")]
    assert sorted(Path(name).stem for name in weights) == ["default", "paper"]
    assert any(name.endswith("licenses/THIRD_PARTY.md") for name in names)


def test_no_name_of_it_is_common(wheel):
    """DEC and utils are shown by the checkout alone."""
    names = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"dec_cli", "diar"}


def test_the_checkout_reads_its_own_configurations():
    assert config.CONF == CONF


@pytest.mark.parametrize("name", commands.PROGRAMS)
def test_commands_call_themselves_so(installed, tmp_path, name):
    command = commands.command(name)
    result = run(installed / command, "--help", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"usage: {command} ")
    assert ".py" not in result.stdout


def test_every_command_is_installed(installed):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert sorted(project["scripts"]) == sorted(map(commands.command, commands.PROGRAMS))
    assert {path.name for path in installed.glob("dec-*")} == set(project["scripts"])


def test_a_recording_gets_the_turns_of_the_checkout(installed, campplus, sample_wav, tmp_path):
    ours = run(sys.executable, ROOT / "local/diarize.py", sample_wav, cwd=tmp_path)
    theirs = run(installed / "dec-diarize", sample_wav, cwd=tmp_path)
    assert theirs.returncode == 0, theirs.stderr
    assert theirs.stdout.count("SPEAKER sample") > 4
    assert theirs.stdout == ours.stdout


def test_what_is_wrong_is_said_by_the_command(installed, tmp_path):
    result = run(installed / "dec-diarize", "gone.wav", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.splitlines()[0].startswith("dec-diarize: gone.wav: no such")


def test_its_version_is_that_of_the_package(installed, tmp_path):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    said = run(installed / "dec-diarize", "--version", cwd=tmp_path).stdout
    assert said.startswith(f"dec-diarize (dec-diarization) {project['version']}, Python ")


def test_an_editable_install_has_commands_too_and_leaves_nothing(source, tmp_path):
    folder = environment(tmp_path / "env")
    before = files_below(source)
    pip("--python", folder / "bin/python", "install", *OFFLINE, "-e", source)
    assert files_below(source) == before
    said = run(folder / "bin/dec-diarize", "--version", cwd=tmp_path)
    assert said.stdout.startswith("diarize.py (dec-diarization) "), said.stderr
    code = "import DEC; from diar.base import config; print(config.CONF)"
    assert run(folder / "bin/python", "-c", code, cwd=tmp_path).stdout == f"{source}/conf\n"


class TestImage:
    """What the Dockerfile does, as far as that goes without Docker."""

    DOCKERFILE = (ROOT / "Dockerfile").read_text()

    def test_it_has_all_that_a_wheel_is_made_of(self, source, wheel, tmp_path):
        kept = [x[1:] for x in (ROOT / ".dockerignore").read_text().split() if x.startswith("!")]
        (tmp_path / "context").mkdir()
        for name in kept:
            copy = shutil.copytree if (source / name).is_dir() else shutil.copy
            copy(source / name, tmp_path / "context" / name)
        pip("wheel", *OFFLINE, "--wheel-dir", tmp_path, tmp_path / "context")
        with (
            zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as made,
            zipfile.ZipFile(wheel) as all_of_it,
        ):
            assert sorted(made.namelist()) == sorted(all_of_it.namelist())
        assert "path.sh" in kept and (ROOT / "local/fetch.py").exists()

    def test_it_runs_a_command_that_there_is_as_somebody_without_rights(self):
        (user,) = re.findall(r"(?m)^USER (\d+)$", self.DOCKERFILE)
        assert int(user) > 0
        (entry,) = re.findall(r'(?m)^ENTRYPOINT \["(.*)"\]$', self.DOCKERFILE)
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        assert entry == f"/opt/dec-diarization/.venv/bin/{Path(entry).name}"
        assert Path(entry).name in project["scripts"]
        assert "WORKDIR /opt/dec-diarization\n" in self.DOCKERFILE

    def test_its_python_is_one_that_is_tested(self):
        (version,) = re.findall(r"(?m)^ARG PYTHON=(.*)$", self.DOCKERFILE)
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        assert f"Programming Language :: Python :: {version}" in project["classifiers"]
