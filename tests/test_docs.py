"""Every command of README.md and docs/ is run, or looked at where it cannot be; every link leads somewhere.

tests/documents.py says what the fences mean. The documents run in copies of a recipe whose corpus is small, after
./run.sh: what they name of it (data/test, test-01, exp/dec_default/test) is there, and so are files
that are the reader's own (meeting.wav).
"""

import shutil
import subprocess
from pathlib import Path

import documents
import dry_check
import pytest
import small_recipe

ROOT = Path(__file__).resolve().parent.parent
# The longest first: with several workers, the short ones fill what is left.
FIRST = ("docs/extending.md", "docs/kaldi.md", "README.md")
DOCUMENTS = sorted(
    ["README.md", *(f"docs/{path.name}" for path in ROOT.glob("docs/*.md"))],
    key=lambda name: (name not in FIRST, name),
)
LINKED = [*DOCUMENTS, "RESULTS.md", "data/README.md", "exp/README.md"]
LINKED += sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("benchmarks/**/README.md"))


def text_of(name):
    return (ROOT / name).read_text()


@pytest.fixture(scope="session")
def recipe(root, tmp_path_factory, worker_id, campplus):
    """The small recipe after ./run.sh, one for all workers; campplus: its weights can be had."""
    base = tmp_path_factory.getbasetemp()
    try:
        return small_recipe.made_once(root, base if worker_id == "master" else base.parent)
    except RuntimeError as error:
        if "cannot download" in str(error):
            pytest.skip(f"its voices are neither in the cache nor to be had: {error}")
        raise


@pytest.mark.parametrize("name", [n for n in DOCUMENTS if documents.script(text_of(n))])
def test_commands_run(name, recipe, sample_wav, tmp_path):
    copy = tmp_path / "recipe"
    shutil.copytree(recipe, copy, symlinks=True)
    small_recipe.furnish(copy, sample_wav)
    script = tmp_path / Path(name).name
    script.write_text(documents.script(text_of(name)))
    done = subprocess.run(
        ["bash", "-eE", "-o", "pipefail", script], cwd=copy, env=small_recipe.fresh_shell(),
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, f"{name}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_cannot_be_run_is_at_least_right(name):
    faults = []
    for fence in documents.fences(text_of(name)):
        text = "\n".join(fence.lines)
        if fence.kind == "":
            faults += [f"{name}:{fence.line}: {x}" for x in dry_check.faults(ROOT, text)]
        elif fence.kind == "text":
            faults += [
                f"{name}:{fence.line}: a command in a fence for text: {line}"
                for line in fence.lines
                if dry_check.OURS.match(line.removeprefix("$ "))
            ]
    options = dry_check.known_options(ROOT)
    for line, code in documents.inline(text_of(name)):
        found = dry_check.inline_faults(ROOT, code, options)
        faults += [f"{name}:{line}: `{code}`: {x}" for x in found]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("name", LINKED)
def test_links_lead_somewhere(name):
    faults = []
    for line, target in documents.links(text_of(name)):
        path, _, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        file = ((ROOT / name).parent / path).resolve() if path else ROOT / name
        if not file.exists():
            faults.append(f"{name}:{line}: no such file: {path}")
        elif anchor and anchor not in documents.anchors(file.read_text()):
            faults.append(f"{name}:{line}: no heading #{anchor} in {path or name}")
    assert not faults, "\n".join(faults)
