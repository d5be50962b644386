"""docs/method.md: behind each equation stand file and function, and they are there."""

import ast
import re

import documents
import pytest
from paths import ROOT

PLACE = re.compile(r"`(\w+/\w+\.py)`((?:,\s+`\w+`)+)")


def places(text):
    """(file, function) of what a text names, in order."""
    return [
        (file, name)
        for file, names in PLACE.findall(text)
        for name in re.findall(r"`(\w+)`", names)
    ]


def functions(file):
    """Names of the functions and methods of a file below local/diar."""
    tree = ast.parse((ROOT / "local/diar" / file).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def equations(text):
    """(first line of an equation, the paragraph that follows it)."""
    paragraphs = re.split(r"\n\s*\n", text)
    return [
        (paragraph.strip().splitlines()[0], after)
        for paragraph, after in zip(paragraphs, [*paragraphs[1:], ""], strict=True)
        if paragraph.startswith("    ")
    ]


@pytest.fixture(scope="module")
def page():
    return (ROOT / "docs/method.md").read_text(encoding="utf-8")


def test_behind_each_equation_stand_file_and_function(page):
    found = equations(page)
    assert len(found) >= 8
    assert [equation for equation, after in found if not places(after)] == []
    assert equations("Words.\n\n    a = b\n\nMore.\n") == [("a = b", "More.\n")]


def test_they_are_there(page):
    named = places(page)
    assert len(named) > 25
    missing = [f"{file}: {name}" for file, name in named if name not in functions(file)]
    assert not missing, f"{missing} are named by docs/method.md"


def test_what_computes_the_method_is_named(page):
    """The loss, the model of time, merging and turns are found from the page."""
    names = {name for _, name in places(page)}
    assert {"loss_of", "infer", "merge", "links_of", "forward_backward", "viterbi"} <= names
    assert "extending.md#a-term-of-the-loss" in dict(map(reversed, documents.links(page)))
