"""A small real step for the tests of launchers: energy VAD of a few seconds of noise."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import command_line
import numpy as np
import soundfile


def make_data(data: Path) -> Path:
    """A Kaldi data directory of four recordings."""
    data.mkdir(parents=True)
    rng = np.random.default_rng(0)
    lines = []
    for name, seconds in dict(a=2, b=4, c=8, d=3).items():
        loud = np.repeat(rng.random(seconds * 2) > 0.4, 8000)
        soundfile.write(data / f"{name}.wav", 0.1 * loud * rng.normal(size=len(loud)), 16000)
        lines.append(f"{name} {data}/{name}.wav\n")
    (data / "wav.scp").write_text("".join(lines))
    return data


def command(data: Path, out: Path, *options: object) -> list[str]:
    """The step; three jobs unless ``options`` say otherwise."""
    return [
        str(x) for x in ("steps/make_vad.sh", "--vad", "energy", "--nj", 3, *options, data, out)
    ]


def run(
    root: Path, data: Path, out: Path, *options: object, **kwargs
) -> subprocess.CompletedProcess:
    return command_line.run(*command(data, out, *options), cwd=root, **kwargs)


def products(out: Path) -> dict[str, bytes]:
    """All files that a step leaves, but the logs, and the command in the record."""
    return {
        str(path.relative_to(out)): re.sub(rb'\n "command": .*', b"", path.read_bytes())
        for path in sorted(out.rglob("*"))
        if path.is_file() and "log" not in path.relative_to(out).parts
    }


def wait_for(condition, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def processes(*words: str) -> list[int]:
    """Ids of the processes in whose command line all these words are."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            if all(word in line for word in words):
                found.append(int(entry.name))
    return found


def kill_when_all_but_one_are_done(root: Path, data: Path, out: Path, *options: object) -> None:
    """Run the step; hold its job 2, and when the others are done, kill -9 all of it."""
    step = subprocess.Popen(
        command(data, out, *options), cwd=root, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    job = ("local/make_vad.py", "--job", "2/3", str(out))
    try:
        wait_for(lambda: processes(*job))
        os.kill(processes(*job)[0], signal.SIGSTOP)
        wait_for(lambda: all((out / f"jobs/{j}/finished").exists() for j in (1, 3)))
        assert not (out / "jobs/2/finished").exists()
    finally:
        os.killpg(step.pid, signal.SIGKILL)
        step.wait()
