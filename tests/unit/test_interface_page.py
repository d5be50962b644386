"""docs/interface.md lists the published interface as the code has it."""

import ast
import importlib
import inspect
import re

import documents
import pytest

MODULES = ("DEC", "utils", "baselineMethods", "optimumSpeaker")
OTHER_SPELLINGS = {"DiarizationDataSet", "eigenGap"}


@pytest.fixture(scope="module")
def page(root):
    return (root / "docs/interface.md").read_text()


def listed(page, module):
    """Qualified name -> arguments, of the first column of the first table of the module's section."""
    section = re.search(rf"^## {module}\n(.*?)(?=^## |\Z)", page, re.S | re.M)[1]
    first = section.split("| what differs")[0]
    return dict(re.findall(r"^\| `([\w.]+)\((.*)\)` \|", first, re.M))


def shape(signature):
    """(kind, name, default or '' where it is none or no literal) of each parameter but self."""
    kinds = []
    for p in signature.parameters.values():
        if p.name != "self":
            plain = isinstance(p.default, (bool, int, float, str, tuple, type(None)))
            kinds.append((p.kind.name, p.name, p.default if plain else ""))
    return kinds


def written(arguments):
    """The same of arguments as the page writes them."""
    given = ast.parse(f"def f({arguments}): pass").body[0].args
    required = len(given.args) - len(given.defaults)
    kinds = [
        ("POSITIONAL_OR_KEYWORD", a.arg, "" if i < required else ast.literal_eval(given.defaults[i - required]))
        for i, a in enumerate(given.args)
    ]  # fmt: skip
    if given.vararg:
        kinds.append(("VAR_POSITIONAL", given.vararg.arg, ""))
    defaults = zip(given.kwonlyargs, given.kw_defaults, strict=True)
    return kinds + [("KEYWORD_ONLY", a.arg, ast.literal_eval(d)) for a, d in defaults]


def public(module):
    """Qualified name -> function or class, of what the module publishes, with methods of its own."""
    found = {}
    for name in set(module.__all__) - OTHER_SPELLINGS:
        found[name] = thing = getattr(module, name)
        if inspect.isclass(thing):
            found |= {
                f"{name}.{method}": getattr(thing, method)
                for method, value in vars(thing).items()
                if not method.startswith("_") and inspect.isroutine(inspect.unwrap(getattr(thing, method)))
                and isinstance(value, (staticmethod, type(lambda: 0)))
            }  # fmt: skip
    return found


# The library's own use of the classes, beside the interface.
INTERNAL = {
    "ResidualAutoEncoder.encode", "ResidualAutoEncoder.encode_all", "ResidualAutoEncoder.forward",
    "ResidualAutoEncoder.in_speaker_space", "ClusteringModule.assign", "ClusteringModule.forward",
    "ClusteringModule.place", "DiarizationDataset.duration", "DiarizationDataset.windows",
    "eigengap.spectral_embedding",
}  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_signatures_are_those_of_the_code(page, name):
    code, text = public(importlib.import_module(name)), listed(page, name)
    refinements = {n for n in code if n.endswith(".refine") and not n.startswith("Affinity")}
    assert set(text) == set(code) - INTERNAL - refinements
    for entry, arguments in text.items():
        expected = shape(inspect.signature(code[entry]))
        paths = {"dec_config"}  # a default that is a path of this place
        here = [(k, n, "" if n in paths else d) for k, n, d in written(arguments)]
        assert here == expected, entry


def test_other_spellings_are_named(page):
    assert all(f"`{name}`" in page for name in OTHER_SPELLINGS)


def test_what_it_prints_is_what_is_said(page, capsys):
    fences = documents.fences(page)
    said = next(f for f in fences if f.kind == "text")
    program = next(f for f in reversed(fences) if f.kind == "python" and f.line < said.line)
    exec("\n".join(program.lines), {})
    assert capsys.readouterr().out.splitlines() == said.lines
