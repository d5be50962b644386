"""A step of few lines in a recipe of few files, for what happens while it runs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from paths import ROOT

STEP = """\
#!/usr/bin/env bash
. "$(dirname "$0")/lib/common.sh"
. steps/lib/parse_options.sh
nj=1
reads conf/work.yaml "the configuration"
reads data/wav.scp "data"
reads given "a directory of the user's"
begin exp/out local/work.py "" || exit 0
cat conf/work.yaml >exp/out/product
touch exp/out/jobs/made
bash -c "$DURING"
finish exp/out
"""


def make(folder: Path) -> Path:
    """Make the recipe."""
    shutil.copytree(ROOT / "steps/lib", folder / "steps/lib")
    for name, text in {
        "steps/work.sh": STEP, "local/work.py": "import part\n", "local/part.py": "A = 1\n",
        "conf/work.yaml": "a: 1\n", "data/wav.scp": "a data/a.wav\n", "data/a.wav": "sound",
        "given/one": "1\n", "given/two words": "2\n", "log/work.1.log": "",
    }.items():  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "steps/work.sh").chmod(0o755)
    for name in ("step_key.py", "step_code.py", "step_state.py"):
        shutil.copy(ROOT / "local" / name, folder / "local")
    return folder


def run(recipe: Path, during: str = ":") -> subprocess.CompletedProcess:
    """Run the step, with a command in its midst."""
    env = os.environ | {"DURING": during, "DIAR_RUN": str(recipe)}  # as run.sh: no installation
    return subprocess.run(
        ["steps/work.sh"], cwd=recipe, env=env, capture_output=True, text=True, timeout=60
    )
