r"""Show the plan of ./run.sh --plan: each step, its inputs, its output, and its state.

Reads the output of a run in which steps only show what they would do (planning in steps/lib/common.sh)
from standard input: records with fields separated by \\x1f, and other lines, which are printed as they are.
Standard library only: a plan must work before installation.
"""

from __future__ import annotations

import os
import sys
from fnmatch import fnmatchcase

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))  # python -I leaves it out
from step_key import MEMORY, Memory, key_of, read

DONE, OLD, MISSING = "up to date", "out of date", "missing"


def main() -> None:
    memory = Memory(MEMORY)  # read only: a plan writes nothing
    unmade: list[str] = []
    states = []
    for line in sys.stdin:
        if not line.startswith("\x1f"):
            print(line, end="", flush=True)
            continue
        fields = line.rstrip("\n").replace("\x1e", "\n").split("\x1f")
        step, out, program, options = fields[1:5]
        inputs = fields[5:]
        state = state_of(out, program, options, inputs, unmade, memory)
        if state != DONE:
            unmade.append(out)
        states.append(state)
        patterns = [name for name in inputs if "*" in name]
        rest = [name for name in inputs if not any(matches(name, p) for p in patterns)]
        reads = " ".join(patterns + rest) or "nothing"
        print(f"{state:<16} {out}\n{'':<16}   {step} reads {reads}", flush=True)
    counts = ", ".join(f"{states.count(state)} {state}" for state in (DONE, OLD, MISSING))
    print(f"\nrun.sh: directories: {counts}; nothing was run")


def state_of(
    out: str, program: str, options: str, inputs: list[str], unmade: list[str], memory: Memory
) -> str:
    """Return the state of a directory in a run that first makes those in ``unmade``.

    Args:
        inputs: files and directories; patterns, 'exp/*/test', for those that the run will make.
    """
    done = read(os.path.join(out, ".done"))
    if done is None:
        return MISSING
    files = [name for name in inputs if "*" not in name]
    if not all(map(os.path.exists, files)) or any(waits(name, unmade) for name in inputs):
        return OLD
    return DONE if done.strip() == key_of(program, options, files, memory) else OLD


def waits(name: str, unmade: list[str]) -> bool:
    """Return whether an input is, or is inside, a directory that the run has yet to make."""
    if "*" in name:
        return any(matches(out, name) for out in unmade)
    return any(name == out or name.startswith(f"{out}/") for out in unmade)


def matches(path: str, pattern: str) -> bool:
    """Return whether a path, or a parent of it, matches a pattern in which only '*' is special."""
    pattern = pattern.replace("[", "[[]").replace("?", "[?]")
    return fnmatchcase(path, pattern) or fnmatchcase(path, f"{pattern}/*")


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:  # the reader has stopped, as 'head' does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
