"""Which package may import which: the contracts of pyproject.toml, and that they would notice."""

import ast
from collections import defaultdict

import pytest
from importlinter.cli import lint_imports
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


@pytest.fixture(autouse=True)
def library_in_sight(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "local"))


def test_no_package_imports_one_above_it(capsys):
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert status == 0, capsys.readouterr().out


def test_an_import_upwards_would_be_noticed(tmp_path, capsys):
    (tmp_path / "pyproject.toml").write_text(BROKEN)
    assert lint_imports(config_filename=str(tmp_path / "pyproject.toml"), no_cache=True) == 1
    assert "diar.dec" in capsys.readouterr().out


def test_nothing_lies_beside_the_packages():
    assert [path.name for path in (ROOT / "local/diar").glob("*.py")] == ["__init__.py"]


def test_a_class_has_its_name_alone():
    places = defaultdict(set)
    for path in (ROOT / "local").rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].add(str(path.relative_to(ROOT)))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
