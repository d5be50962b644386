#!/usr/bin/env python3
"""A launcher in the convention of Kaldi's scripts, for tests: kaldi_script.py [--opt value ...] JOB=a:b log cmd.

As those do, it pastes the words of the command into one line for bash, quoting only those with blanks. As
on a cluster, the jobs inherit no environment and start in another directory. Its calls are written beside
the log, in calls.
"""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

words = sys.argv[1:]
while words[0].startswith("--"):
    words = words[2:]
first, last = map(int, re.fullmatch(r"JOB=(\d+):(\d+)", words[0]).groups())
log, command = words[1], words[2:]
Path(log).parent.mkdir(parents=True, exist_ok=True)
with open(Path(log).parent / "calls", "a") as calls:
    calls.write(" ".join(sys.argv[1 : -len(command) - 1]) + "\n")
line = " ".join(
    word if re.fullmatch(r"\S+", word) else f"'{word}'" if '"' in word else f'"{word}"'
    for word in command
)


def run(job: int) -> int:
    mine = line.replace("JOB", str(job))
    with open(log.replace("JOB", str(job)), "w") as stream:
        stream.write(f"# {mine}\n")
        stream.flush()
        code = subprocess.run(
            ["bash", "-c", mine],
            stdout=stream,
            stderr=stream,
            cwd="/",
            env={"PATH": "/usr/bin:/bin"},
        ).returncode
        stream.write(f"# Ended (code {code})\n")
    return code


with ThreadPoolExecutor() as pool:
    codes = list(pool.map(run, range(first, last + 1)))
if any(codes):
    sys.exit(f"kaldi_script.py: {sum(map(bool, codes))} / {len(codes)} failed")
