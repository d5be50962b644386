"""Launchers that wait for seconds where they would for minutes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from paths import ROOT

PATIENCE = 0.5


def start(
    folder: Path,
    script: str,
    *,
    program: str = "run_jobs",
    quiet: float = 600.0,
    jobs: int = 1,
    options: tuple[str, ...] = (),
) -> subprocess.Popen:
    """Start a launcher of jobs that run a script of bash; ``quiet``: seconds until it says a word."""
    code = (
        "import runpy, sys; sys.path.insert(0, 'local'); from dec_cli import launcher\n"
        f"launcher.PATIENCE, launcher.QUIET = {PATIENCE}, {quiet}\n"
        f"sys.argv[0] = 'local/{program}.py'; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    call = [*options, f"JOB=1:{jobs}", str(folder / "log/x.JOB.log"), "bash", "-c", script]
    return subprocess.Popen(
        [sys.executable, "-c", code, *call], cwd=ROOT, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's '&' ignores it
    )  # fmt: skip
