"""What several files say of the project is the same in all of them."""

import re
import tomllib

import yaml
from paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    changes = re.findall(r"(?m)^## (.*)", (ROOT / "CHANGELOG.md").read_text())
    assert citation["version"] == PROJECT["version"]
    assert PROJECT["version"] in (changes[0], changes[1])  # above it, what is not released yet


def test_the_pythons():
    workflow = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())
    tested = workflow["jobs"]["tests"]["strategy"]["matrix"]["python"]
    said = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d", c)]
    assert tested == said and PROJECT["requires-python"] == f">={tested[0]}"
    install = (ROOT / "docs/install.md").read_text()
    assert f"Python {', '.join(tested[:-1])} or\n{tested[-1]}" in install


def test_the_checks_before_a_commit_are_those_of_the_tests():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    commands = [re.search(r"exec ([\w -]+?)(?: \"\$@\")?'", hook["entry"])[1] for hook in hooks]
    lines = (ROOT / "tests/run.sh").read_text().splitlines()
    assert len(commands) == 4
    for command in commands:
        assert any(re.match(rf"{command}( |$)", line) for line in lines), command
