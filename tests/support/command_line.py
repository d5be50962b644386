"""The programs and scripts of the recipe, and how the tests run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from paths import ROOT

NOT_ASKED = {"local/job.sh"}  # runs its arguments


def with_shebang(pattern):
    names = (str(p.relative_to(ROOT)) for p in sorted(ROOT.glob(pattern)))
    return [n for n in names if (ROOT / n).read_text().startswith("#!") and n not in NOT_ASKED]


PROGRAMS = [*with_shebang("local/*.py"), *with_shebang("benchmarks/*/*.py")]
SCRIPTS = ["run.sh", *with_shebang("steps/*.sh"), *with_shebang("benchmarks/*/*.sh")]
PARSERS = [
    name for name in PROGRAMS if name not in ("local/step_key.py", "local/step_state.py")
]  # too often run for argparse
WITH_OPTIONS = [n for n in SCRIPTS if "parse_options.sh" in (ROOT / n).read_text()]


def run(*command, **options):
    """CompletedProcess of a command in the recipe's directory."""
    words = [str(word) for word in command]
    if words[0].endswith(".py"):
        words.insert(0, sys.executable)
    options = {"cwd": ROOT, "text": True, "timeout": 120, **options}
    return subprocess.run(words, capture_output=True, **options)


def known(name):
    """What parse_options.sh takes for the options of a script."""
    head = re.split(r"(?m)^(?=\. steps/lib/parse_options\.sh)", (ROOT / name).read_text())[0]
    script = f'{head}\n. steps/lib/parse_options.sh\necho "$_opt_known"'
    clean = {variable: os.environ[variable] for variable in ("PATH", "HOME")}
    result = run("bash", "-c", script, f"./{name}", env=clean)
    assert result.returncode == 0, result.stderr
    return {f"--{variable.replace('_', '-')}" for variable in result.stdout.split()}
