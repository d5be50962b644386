"""path.sh: what it shows to a shell, how that is undone, and a recipe that has moved."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import PARSERS
from paths import ROOT
from small_recipe import MARKED

from dec_cli import program
from diar.networks import half

SHOWN = {"DEC", "utils", "baselineMethods", "optimumSpeaker"}
VARIABLES = [
    "PATH",
    "DIAR_ROOT",
    "LC_ALL",
    "OMP_NUM_THREADS",
    "OMP_WAIT_POLICY",
    "MALLOC_ARENA_MAX",
    "CUBLAS_WORKSPACE_CONFIG",
]


def shell(script, cwd, **env):
    """What a new bash prints that runs a script; it must end well."""
    clean = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(cwd), **env}
    result = subprocess.run(
        ["bash", "--norc", "-c", script], cwd=cwd, env=clean, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


class TestModules:
    def test_only_the_published_ones_are_seen(self, tmp_path):
        names = {path.stem for path in (ROOT / "local").glob("*.py")}
        names |= {path.name for path in (ROOT / "local").iterdir() if path.is_dir()}
        assert {"score", "plot", "step_key"} <= names
        names -= SHOWN | {"diar", "dec_cli", "__pycache__"}
        script = f". {ROOT}/path.sh; for name in {' '.join(sorted(names))}; do\n"
        script += 'if python -c "import $name" 2>/dev/null; then echo $name; fi; done'
        assert shell(script, tmp_path) == ""
        shell(f". {ROOT}/path.sh; python -c 'import {', '.join(sorted(SHOWN))}'", tmp_path)

    def test_each_package_of_the_library_is(self, tmp_path):
        files = (ROOT / "local/diar").rglob("__init__.py")
        names = sorted(".".join(path.parent.relative_to(ROOT / "local").parts) for path in files)
        assert "diar.extractors" in names
        code = "import importlib.util, sys; print(*[importlib.util.find_spec(n).origin for n in sys.argv[1:]])"
        found = shell(f". {ROOT}/path.sh; python -c '{code}' {' '.join(names)}", tmp_path).split()
        assert found == [
            str(ROOT / "local" / name.replace(".", "/") / "__init__.py") for name in names
        ]

    def test_programs_find_what_lies_beside_them(self, tmp_path):
        said = shell(f". {ROOT}/path.sh; {ROOT}/local/list_extractors.py", tmp_path)
        assert "campplus" in said


class TestShell:
    STATE = "declare -p PATH " + " ".join(VARIABLES[1:]) + " PYTHONPATH 2>/dev/null; declare -F"

    def states(self, script, cwd, **env):
        """The state before a script and after it."""
        said = shell(f"{self.STATE}\necho ----\n{script}\n{self.STATE}", cwd, **env)
        return said.split("----\n")

    @pytest.mark.parametrize(
        "before",
        [
            {},
            {"LC_ALL": "C", "OMP_NUM_THREADS": "", "PYTHONPATH": "/somewhere", "DIAR_ROOT": "x"},
            {"OMP_WAIT_POLICY": "a 'b' \"c\" $d\n`e` \\", "CUBLAS_WORKSPACE_CONFIG": "*"},
        ],
    )
    @pytest.mark.parametrize("times", [1, 3])
    def test_all_is_put_back(self, tmp_path, before, times):
        script = "LC_ALL=${LC_ALL-}; " if "LC_ALL" in before else ""
        script += f". {ROOT}/path.sh; " * times + "diar_deactivate"
        first, last = self.states(script, tmp_path, **before)
        assert first == last

    def test_a_variable_that_was_not_exported_is_not(self, tmp_path):
        script = f"LC_ALL=C; . {ROOT}/path.sh; diar_deactivate; declare -p LC_ALL"
        assert shell(script, tmp_path) == 'declare -- LC_ALL="C"\n'

    def test_again_is_harmless_and_keeps_what_was_added(self, tmp_path):
        script = f". {ROOT}/path.sh; PATH=/mine:$PATH; . {ROOT}/path.sh; echo $PATH; declare -F"
        path, function = shell(script, tmp_path).splitlines()
        assert path == f"{ROOT}/.venv/bin:/mine:/usr/local/bin:/usr/bin:/bin"
        assert function == "declare -f diar_deactivate"

    def test_strict_shells_may_source_it(self, tmp_path):
        script = f"set -euo pipefail; . {ROOT}/path.sh; diar_deactivate; echo $PATH"
        assert shell(script, tmp_path) == "/usr/local/bin:/usr/bin:/bin\n"


class TestPlace:
    """A recipe of path.sh alone, whose Python writes down how it is called."""

    PYTHON = """#!/bin/sh
case "$*" in
  "-I -c "*) exit 0 ;; # whether it is there, and sees packages
esac
echo "$0 $*" >>{calls}
case "$*" in
  "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
esac
"""

    @pytest.fixture
    def recipe(self, tmp_path):
        """Where it is, and the function that sources it: the calls of Python."""
        for name in ("path.sh", *MARKED):
            (tmp_path / "here" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / "here" / name)
        python = tmp_path / "python"
        python.write_text(self.PYTHON.format(calls=tmp_path / "calls"))
        python.chmod(0o755)

        def source(recipe, **env):
            (tmp_path / "calls").write_text("")
            env = {"PYTHON": str(python), **env}
            said = shell(f". {recipe}/path.sh; echo $DIAR_ROOT $PATH", tmp_path, **env)
            assert said.startswith(f"{recipe} {recipe}/.venv/bin:")
            return (tmp_path / "calls").read_text()

        return tmp_path / "here", source

    def wanted(self, recipe, *extras):
        """What pip is to install: bfloat16 comes along where the processor has it."""
        extras = ("bfloat16", *extras) if half.CAPABLE & half._processor_flags() else extras
        return f"-e {recipe}[{','.join(extras)}]\n" if extras else f"-e {recipe}\n"

    def installed(self, calls, recipe):
        """Whether an environment was made anew, and installed into, without other extra packages."""
        assert (" -e " in calls) == (self.wanted(recipe) in calls)
        return f"-m venv {recipe}/.venv" in calls, " -e " in calls

    def test_installs_once(self, recipe):
        here, source = recipe
        assert self.installed(source(here), here) == (True, True)
        assert source(here) == ""
        with open(here / "conf/constraints.txt", "a") as stream:
            stream.write("# other\n")
        assert self.installed(source(here), here) == (False, True)
        assert source(here) == ""

    def test_extra_packages_are_added_to_those_that_are_there(self, recipe):
        here, source = recipe
        source(here)
        calls = source(here, DIAR_EXTRA="test")
        assert self.wanted(here, "test") in calls and "-m venv" not in calls
        assert source(here, DIAR_EXTRA="test") == source(here) == ""
        assert self.wanted(here, "vbx") in source(here, DIAR_EXTRA="vbx")
        assert source(here, DIAR_EXTRA="test") == ""

    def test_a_recipe_that_was_moved_gets_a_new_environment(self, recipe):
        here, source = recipe
        source(here)
        (here / ".venv/old").write_text("")
        there = Path(here.rename(here.parent / "there"))
        assert self.installed(source(there), there) == (True, True)
        assert not (there / ".venv/old").exists()
        assert source(there) == ""

    def test_a_copy_does_not_use_the_modules_of_the_first(self, recipe):
        here, source = recipe
        source(here)
        there = Path(shutil.copytree(here, here.parent / "there"))
        assert self.installed(source(there), there) == (True, True)
        assert source(here) == ""

    @pytest.mark.parametrize("how", ["gone", "closed", "empty"])
    def test_an_environment_whose_python_is_of_no_use_is_made_again(self, recipe, how):
        here, source = recipe
        source(here)
        python = here / ".venv/bin/python"
        if how == "gone":
            python.unlink()
            python.symlink_to("/nowhere/python3")
        elif how == "closed":
            python.chmod(0)
        else:  # as after an upgrade of the system: another version, which sees no packages
            python.write_text("#!/bin/sh\nexit 1\n")
        assert self.installed(source(here), here) == (True, True)
        assert source(here) == ""

    def test_of_no_use_and_not_to_be_changed(self, recipe, tmp_path):
        here, source = recipe
        source(here)
        (here / ".venv/bin/python").chmod(0)
        (here / ".venv.lock").unlink()
        (here / ".venv.lock").mkdir()  # cannot be written, by root either
        script = f". {here}/path.sh && echo works; echo $?"
        result = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
        assert result.stdout == "1\n"
        assert result.stderr.startswith("path.sh: this user can neither use nor create")
        assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("other", ["dash", "zsh"])
def test_a_shell_that_is_not_bash_says_so(tmp_path, other):
    if not shutil.which(other):
        pytest.skip(f"no {other} here")
    script = f". {ROOT}/path.sh; echo status $? $DIAR_ROOT"
    env = {"PATH": "/usr/bin:/bin"}
    result = subprocess.run(
        [other, "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert result.stdout == "status 1\n"
    assert (
        result.stderr == "path.sh: this shell is not bash: type 'bash', and source path.sh there\n"
    )


class TestAnotherPython:
    """Every program says in one line that path.sh comes first."""

    LACKS = (
        f"this Python lacks the packages of the recipe; in this shell, first: . {ROOT}/path.sh\n"
    )

    def said(self, name, folder, *packages):
        """What a program prints that finds no packages but these empty ones."""
        for package, text in packages:
            (folder / f"{package}.py").write_text(text)
        command = [sys.executable, "-S", ROOT / name, "--help"]  # without site-packages
        env = {"PYTHONPATH": str(folder), "PATH": "/usr/bin"}
        result = subprocess.run(command, env=env, capture_output=True, text=True)
        assert (result.returncode, result.stdout) == (1, "")
        return result.stderr

    @pytest.mark.parametrize("name", [n for n in PARSERS if n.startswith("local/")])
    def test_that_happens_to_have_numpy(self, tmp_path, name):
        assert self.said(name, tmp_path, ("numpy", "")) == f"{Path(name).name}: {self.LACKS}"

    def test_that_has_all_but_cannot_import_them(self, tmp_path):
        broken = [(name, "raise ImportError('libgone.so\\nmore')") for name in program.PACKAGES]
        assert self.said("local/compare.py", tmp_path, *broken) == (
            "compare.py: this Python has other packages than the recipe: libgone.so;"
            f" in this shell, first: . {ROOT}/path.sh\n"
        )

    def test_a_fault_of_ours_has_one(self, tmp_path):
        script = f"import sys; sys.path.insert(0, '{ROOT}/local'); from dec_cli import program; import diar.gone"
        result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert "Traceback" in result.stderr
