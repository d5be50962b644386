"""Which package may import which: the contracts of pyproject.toml, and that they would notice."""

import ast
import os
import subprocess
import sys
from collections import defaultdict

from paths import ROOT

BROKEN = """
[tool.importlinter]
root_package = "diar"

[[tool.importlinter.contracts]]
name = "turned round"
type = "layers"
containers = ["diar"]
layers = ["base", "dec"]
"""


def lint(config):
    """Check the library against the contracts of a file, in a process of its own: it sets up logging."""
    code = "from importlinter.cli import lint_imports_command as main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "--config", config, "--no-cache"],
        env=os.environ | {"PYTHONPATH": str(ROOT / "local")}, capture_output=True, text=True,
    )  # fmt: skip


def test_no_package_imports_one_above_it():
    result = lint(ROOT / "pyproject.toml")
    assert result.returncode == 0, result.stdout + result.stderr


def test_an_import_upwards_would_be_noticed(tmp_path):
    (tmp_path / "pyproject.toml").write_text(BROKEN)
    result = lint(tmp_path / "pyproject.toml")
    assert result.returncode == 1 and "diar.dec" in result.stdout


def test_nothing_lies_beside_the_packages():
    assert [path.name for path in (ROOT / "local/diar").glob("*.py")] == ["__init__.py"]


def test_a_class_has_its_name_alone():
    places = defaultdict(set)
    for path in (ROOT / "local").rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].add(str(path.relative_to(ROOT)))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
