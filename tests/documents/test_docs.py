"""Every command of README.md and docs/ is run, or looked at where it cannot be; every link leads somewhere.

tests/support/documents.py says what the fences mean. The documents run in copies of a recipe whose corpus
is small, after ./run.sh: what they name of it (data/test, test-01, exp/dec_default/test) is there, and so
are files that are the reader's own (meeting.wav).
"""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import documents
import dry_check
import pytest
import small_recipe
from paths import ROOT

# The longest first: with several workers, the short ones fill what is left.
FIRST = ("docs/extending.md", "docs/kaldi.md", "README.md")
DOCUMENTS = sorted(
    ["README.md", *(f"docs/{path.name}" for path in ROOT.glob("docs/*.md"))],
    key=lambda name: (name not in FIRST, name),
)
KEPT = ["CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "THIRD_PARTY.md"]
LINKED = [*DOCUMENTS, *KEPT, "RESULTS.md", "data/README.md", "exp/README.md"]
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
    small_recipe.link_environment(ROOT, copy)
    small_recipe.furnish(copy, sample_wav)
    script = tmp_path / Path(name).name
    script.write_text(documents.script(text_of(name)))
    done = subprocess.run(
        ["bash", "-eE", "-o", "pipefail", script], cwd=copy, env=small_recipe.fresh_shell(),
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, f"{name}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}"


@pytest.mark.parametrize("name", [*DOCUMENTS, *KEPT])
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
                if dry_check.OURS.match(line.removeprefix("$ ")) and not set("<[") & set(line)
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


def test_figures_of_the_first_page_are_those_of_the_results():
    def rows(text):
        cells = ([x.strip() for x in line.strip("|").split("|")] for line in text.splitlines())
        return {
            row[0].replace(", mean of 5 seeds", ", 5 seeds"): row[1:]
            for row in cells
            if len(row) > 3
        }

    test = rows(text_of("RESULTS.md").split("## test: ")[1].split("\nMiss /")[0])
    header = test.pop("system")
    assert [header[i] for i in (3, 1, 5)] == ["full", "forgiving", "count right"]
    shown = rows(text_of("README.md").split("| system | full | forgiving |")[1].split("\n\n")[0])
    del shown["---"]
    assert len(shown) == 6
    for system, figures in shown.items():
        found = test[system]
        firsts = [cell.split()[0] for cell in (found[3], found[1], found[5])]
        assert [cell.removesuffix(" %") for cell in figures] == firsts, system


def test_every_dependency_has_its_licence_and_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    needed = [*project["dependencies"], *(x for k, v in extras.items() if k != "test" for x in v)]
    names = {re.split(r"[<>=\[]", requirement)[0] for requirement in needed}
    for page in ("docs/dependencies.md", "THIRD_PARTY.md"):
        text = text_of(page)
        assert not {n for n in names if not re.search(rf"(?<![\w.-]){re.escape(n)}(?![\w-])", text)}


# What the tests above would notice


@pytest.mark.parametrize(
    "command, said",
    [
        ("./run.sh --colour red", "unknown option --colour"),
        ("./run.sh --nj 4 --corpus nowhere", "conf/nowhere.conf"),
        ("./run.sh --dec-config conf/none.yaml", "no such file: conf/none.yaml"),
        ('./run.sh --cmd "slurm --config conf/none.yaml"', "no such file: conf/none.yaml"),
        ("./run.sh --dec.refine.nitre 3", "did you mean 'niter'"),
        ("./run.sh --fish.weight 3", "unknown option --fish.weight"),
        ("steps/fit_dec.sh --depth 3 a b c", "unknown option --depth"),
        ("steps/none.sh a", "no such file"),
        ("local/diarize.py a.wav --speed 2", "unrecognized arguments: --speed"),
        ("FAST=1 python local/score.py --ref", "unrecognized arguments|required"),
        ("cat a.wav | local/diarise.py -", "no such file"),
        ("ls && frobnicate x > y", "no such program"),
        ("recordings -> speech", "no such program"),
    ],
)
def test_a_wrong_command_is_noticed(command, said):
    assert any(re.search(said, fault) for fault in dry_check.faults(ROOT, command)), command


@pytest.mark.parametrize(
    "code, said",
    [
        ("--num-spk", ""),
        ("--num-speakers", "no such option"),
        ("--dec.refine.niter 80", ""),
        ("--fish.weight 3", "no such option"),
        ("steps/prepare_<corpus>.sh --help", ""),
        ("steps/prepare_<corpus>.sh --colour", "unknown option|needs a value"),
        ("local/diar/speech/vad.py", ""),
        ("conf/dec_NAME.yaml", ""),
        ("conf/fish.yaml", "no such file"),
        ("exp/fish", ""),
        ("local/export.py --format fish", "invalid choice"),
    ],
)
def test_wrong_inline_code_is_noticed(code, said):
    found = dry_check.inline_faults(ROOT, code, dry_check.known_options(ROOT))
    assert re.search(said, " ".join(found)) if said else not found


def test_a_configuration_may_be_made_by_a_command_before():
    lines = "cp conf/slurm.yaml conf/fish.yaml\n./run.sh --cmd 'slurm --config conf/fish.yaml'\n"
    assert not dry_check.faults(ROOT, lines)
    assert dry_check.faults(ROOT, lines.replace("cp", "ls"))


DOCUMENT = """# Title

```sh
mkdir -p a/b
name=x
```
Words, `code`.

```conf
# a/b/c.conf
one=1
two=$name
```

```diff
 # a/b/c.conf
 one=1
-two=$name
+two=2
```

```python
from pathlib import Path

assert Path("a/b/c.conf").read_text().endswith("one=1\\ntwo=2\\n")
```

```
never
```

```sh
echo $name
false
```
"""


def run(text, folder):
    (folder / "script").write_text(documents.script(text))
    return subprocess.run(
        ["bash", "-eE", "-o", "pipefail", "script"], cwd=folder, capture_output=True, text=True
    )


def test_a_document_is_one_script_with_the_lines_of_the_document(tmp_path):
    done = run(DOCUMENT, tmp_path)
    assert done.returncode == 1 and done.stdout == "x\n"
    line = DOCUMENT.splitlines().index("false") + 1
    assert done.stderr == f"line {line}: false\n"
    assert run(DOCUMENT.replace("false", "true"), tmp_path).returncode == 0
    wrong = DOCUMENT.replace("-two=$name", "-two=3")
    assert "a/b/c.conf holds this 0 times" in run(wrong, tmp_path).stderr


@pytest.mark.parametrize(
    "text, said",
    [
        ("# T\n```sh\nls\n", "does not end"),
        ("# T\n* x\n  ```sh\n  ls\n  ```\n", "at the margin"),
        ("# T\n```bash\nls\n```\n", "unknown kind of fence 'bash'"),
        ("# T\n```yaml\na: 1\n```\n", "which file"),
    ],
)
def test_fences_are_of_a_known_kind(text, said):
    with pytest.raises(ValueError, match=said):
        documents.fences(text)


def test_anchors_are_those_of_github():
    text = "# A title, with `code`\n## Twice\n## Twice\n## [Link](x) & more\n```sh\n# no heading\n```\n"
    assert documents.anchors(text) == {"a-title-with-code", "twice", "twice-1", "link--more"}
    assert documents.links("[a](b.md#c) `[x](y)` ![p](q.png)") == [(1, "b.md#c"), (1, "q.png")]
