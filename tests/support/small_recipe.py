"""A copy of the recipe in which ./run.sh takes less than a minute, with what documents take for granted."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import yaml

from diar.fetching.download import lock_folder

# Two minutes of conversations, of voices from small packages; documents name test-01 and test-10.
PLAN = {
    "train": [{"speakers": 2, "seconds": 20}],
    "test": [
        {"speakers": 2, "seconds": 20},
        *[{"speakers": 1, "seconds": 5}] * 8,
        {"speakers": 3, "seconds": 40},
    ],
}
PACKAGES = {
    "train": ("asterisk-prompt-fr-armelle", "asterisk-prompt-es-co"),
    "test": (
        "asterisk-core-sounds-en-g722",
        "asterisk-core-sounds-it-g722",
        "asterisk-core-sounds-ru-g722",
    ),
}
MARKED = ("pyproject.toml", "setup.py", "conf/constraints.txt")  # what path.sh installs by
# Options of a bare ./run.sh: each stage, on few sets.
OPTIONS = """\
train_set=train
dev_set=
test_sets=test
dec_config=conf/dec.yaml
baselines="ahc spectral"
nj=1
"""


def copied(root: Path, target: Path) -> Path:
    """The recipe without what was made with it."""
    left_out = shutil.ignore_patterns(".*", "__pycache__", "benchmarks", "data", "exp")
    shutil.copytree(root, target, ignore=left_out, symlinks=True)
    for name in ("data", "exp"):
        (target / name).mkdir()
        shutil.copy(root / name / "README.md", target / name)
    return target


def link_environment(root: Path, recipe: Path) -> None:
    """Give a copy of the recipe an environment of links, but with the modules of the copy.

    Its mark is that of an installation in this place: path.sh installs nothing.
    """
    source, target = root / ".venv", recipe / ".venv"
    shutil.rmtree(target, ignore_errors=True)
    packages = next(source.glob("lib/python*/site-packages"))
    linked = target / packages.relative_to(source)
    linked.mkdir(parents=True)
    home = (source / ".installed").read_text().split("  ")[-1].strip()
    for entry in packages.iterdir():
        if entry.name.startswith("__editable__"):
            text = entry.read_text().replace(f"{home}/local", f"{recipe}/local")
            (linked / entry.name).write_text(text)
        elif entry.name != "__pycache__":
            (linked / entry.name).symlink_to(entry.resolve())
    for entry in source.iterdir():
        if not entry.name.startswith((".", "lib")):
            (target / entry.name).symlink_to(entry.resolve())
    wanted = [(recipe / name).read_bytes() for name in MARKED]
    digest = hashlib.sha256(b"".join(wanted)).hexdigest()
    for name in (".installed", ".installed_test"):
        (target / name).write_text(f"{digest}  -  {recipe}\n")


def shrink(recipe: Path, plan: dict[str, list[dict[str, int]]] = PLAN) -> None:
    """A small corpus 'mini', and few systems."""
    voices = yaml.safe_load((recipe / "conf/voices.yaml").read_text())
    wanted = {name: split for split, names in PACKAGES.items() for name in names}
    voices["packages"] = [p for p in voices["packages"] if p["name"] in wanted]
    voices["people"] = [
        p for p in voices["people"] if wanted.get(p["files"][0].split("/")[0]) == p["split"]
    ]
    (recipe / "conf/voices.yaml").write_text(yaml.safe_dump(voices))
    made = json.dumps({"sets": plan})  # YAML, too, and without the aliases that the recipe refuses
    (recipe / "conf/mini_corpus.yaml").write_text(made)
    (recipe / "conf/mini.conf").write_text(OPTIONS)
    report = yaml.safe_load((recipe / "conf/report.yaml").read_text())
    report["projections"] = ["pca"]  # tsne takes most of the time of a report
    (recipe / "conf/report.yaml").write_text(yaml.safe_dump(report))


def fresh_shell() -> dict[str, str]:
    """The environment without what path.sh has put there."""
    left_out = ("VIRTUAL_ENV", "DIAR_ROOT")
    env = {key: value for key, value in os.environ.items() if key not in left_out}
    path = env["PATH"].split(os.pathsep)
    env["PATH"] = os.pathsep.join(p for p in path if not p.endswith("/.venv/bin"))
    return env


def made_once(root: Path, shared: Path) -> Path:
    """The small recipe after ``./run.sh``, made by the first of the processes that test.

    Raises:
        RuntimeError: ./run.sh failed; here, or in the process that came first.
    """
    recipe, failed = shared / "recipe", shared / "recipe.failed"
    with lock_folder(shared):
        if not recipe.exists() and not failed.exists():
            part = copied(root, shared / "recipe.part")
            shrink(part)
            part.rename(recipe)  # first: wav.scp holds absolute paths
            link_environment(root, recipe)
            done = subprocess.run(
                ["./run.sh"], cwd=recipe, env=fresh_shell(), capture_output=True, text=True
            )
            if done.returncode:
                failed.write_text(done.stdout + done.stderr)
    if failed.exists():
        raise RuntimeError(failed.read_text())
    return recipe


def furnish(recipe: Path, meeting: Path) -> None:
    """The files of the reader's own that documents name; those called 'my' and 'mine' are of test-01."""
    test = recipe / "data/test"
    shutil.copy(meeting, recipe / "meeting.wav")
    shutil.copy(test / "all.uem", recipe / "my.uem")
    shutil.copy(test / "ref.rttm", recipe / "ref.rttm")
    shutil.copy(recipe / "exp/dec_default/test/rttm", recipe / "hyp.rttm")
    for source, target in (
        (test / "ref.rttm", "my_ref.rttm"),
        (test / "wav.scp", "data/mine/meetings/wav.scp"),
        (recipe / "exp/vad_combined/test/segments", "my_segments_dir/segments"),
    ):
        lines = source.read_text().splitlines(keepends=True)
        (recipe / target).parent.mkdir(parents=True, exist_ok=True)
        (recipe / target).write_text("".join(x for x in lines if " test-01 " in f" {x}"))
