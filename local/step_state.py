#!/usr/bin/env python3
"""Report which outputs are out of date, and why.

Usage: step_state.py [dir ...]
       step_state.py --record <dir> <command> <program.py> <options> [input ...]
       step_state.py --against <dir> <program.py> <options> [input ...]

Every finished directory of a step holds .made: the command, and digests of everything that the outputs
depend on: the program with all modules that it imports, its options, and its inputs (see step_key.py).
--record writes it.

For each directory that is out of date, prints one line: the directory, the reasons, and the command that
makes it again, separated by tabs. Inputs count, too: scores are out of date if the x-vectors behind them
are. --against prints how a step that is about to write <dir> differs from the one that wrote it.

Example: local/step_state.py exp/dec_default/test/score

Exit status: 0 success, even if a directory does not exist; 2 wrong usage.
"""

# Every run starts this, so it uses only fast parts of the standard library; python -I -S runs it.

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from typing import TypedDict

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))  # python -I leaves it out
from step_key import LOCAL, MEMORY, Memory, describe_code, describe_input, read, sha256

FILE = ".made"
NAMED = 3  # how many changed modules, or reasons, are listed


class Made(TypedDict):
    """How a directory was made. code: module -> digest; inputs: path -> digest."""

    command: str
    program: str
    options: str
    code: dict[str, str]
    inputs: dict[str, str]


def main() -> None:
    arguments = sys.argv[1:]
    memory = Memory(MEMORY)
    if {"--help", "-h"} & set(arguments[:1]):
        print((__doc__ or "").strip())
    elif arguments[:1] == ["--record"] and len(arguments) >= 5:
        out, command, program, options, *inputs = arguments[1:]
        made = describe(program, options, inputs, memory)
        made["command"] = command
        with open(os.path.join(out, FILE), "w", encoding="utf-8") as stream:
            stream.write(json.dumps(made, indent=1) + "\n")
    elif arguments[:1] == ["--against"] and len(arguments) >= 4:
        out, program, options, *inputs = arguments[1:]
        if before := read_made(out):
            reasons = differences(before, describe(program, options, inputs, memory))
            more = [f"{len(reasons) - NAMED} more"] if len(reasons) > NAMED else []
            print("; ".join(reasons[:NAMED] + more))
    elif arguments and arguments[0].startswith("-"):
        print((__doc__ or "").strip(), file=sys.stderr)
        sys.exit(2)
    else:
        states = States(memory)
        for directory in arguments:
            if reasons := states.reasons(directory):
                print(directory, "; ".join(reasons), states.command(directory), sep="\t")
    memory.save()


def place_of(name: str) -> str:
    """Resolve a path of a record: steps run in the root of the recipe, the caller may be elsewhere."""
    root = os.path.dirname(LOCAL)
    return name if os.path.realpath(os.curdir) == root else os.path.join(root, name)


def describe(program: str, options: str, inputs: list[str], memory: Memory) -> Made:
    """Return how a step would be made now; the digest of a missing input is empty."""
    code = dict(line.rsplit(" ", 1) for line in describe_code(place_of(program), memory))
    files = dict.fromkeys(inputs, "")
    for name in inputs:
        if os.path.exists(path := place_of(name)):
            kind = describe_code if name.endswith(".py") else describe_input
            files[name] = sha256("\n".join(kind(path, memory)).encode(errors="surrogateescape"))
    return {"command": "", "program": program, "options": options, "code": code, "inputs": files}


def read_made(directory: str) -> Made | None:
    """Read the record of a directory; None if there is no readable record."""
    try:
        made = json.loads(read(os.path.join(directory, FILE)) or "")
        texts = (made["command"], made["program"], made["options"])
        tables = (made["code"], made["inputs"])
    except (ValueError, LookupError, TypeError):
        return None
    if not all(isinstance(x, str) for x in texts) or not all(isinstance(x, dict) for x in tables):
        return None
    return Made(**{key: made[key] for key in Made.__annotations__})  # type: ignore[typeddict-item]


def differences(before: Made, now: Made) -> list[str]:
    """Describe the differences between two records of the same directory, each as a phrase."""
    reasons = []
    if before["program"] != now["program"]:
        reasons.append(f"{before['program']} made it, not {now['program']}")
    elif changed := _changed(before["code"], now["code"]):
        more = f" and {len(changed) - NAMED} more" if len(changed) > NAMED else ""
        reasons.append(f"made by other code ({', '.join(changed[:NAMED])}{more})")
    if before["options"] != now["options"]:
        gone, come = before["options"].split(), now["options"].split()
        old = " ".join(word for word in gone if word not in come)
        new = " ".join(word for word in come if word not in gone)
        reasons.append(f"made with other options ({old or 'without'}; now {new or 'without'})")
    for name in _changed(before["inputs"], now["inputs"]):
        if name not in now["inputs"]:
            reasons.append(f"made from {name}")
        elif name not in before["inputs"]:
            reasons.append(f"made without {name}")
        else:
            what = "has changed" if now["inputs"][name] else "is gone"
            reasons.append(f"{name} {what} since")
    return reasons


def _changed(before: dict[str, str], now: dict[str, str]) -> list[str]:
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


class States:
    """The states of directories, each determined once."""

    def __init__(self, memory: Memory):
        self._memory = memory
        self._known: dict[str, dict[str, None]] = {}

    def reasons(self, directory: str) -> list[str]:
        """Return why a directory, or any of its inputs, is out of date; empty if it is up to date."""
        directory = os.path.normpath(directory)
        if directory not in self._known:
            self._known[directory] = {}  # stops recursion
            self._known[directory] = dict.fromkeys(self._reasons(directory))
        return list(self._known[directory])

    def command(self, directory: str) -> str:
        """Return the command that makes it again; '' if not known."""
        made = read_made(directory)
        return made["command"] if made else ""

    def _reasons(self, directory: str) -> Iterator[str]:
        if not os.path.exists(os.path.join(directory, ".done")):
            if os.path.exists(os.path.join(directory, ".begun")):  # otherwise no step made it
                yield f"{directory} is not finished"
            return
        made = read_made(directory)
        if made is None:
            yield f"{directory} has no record of how it was made"
            return
        if not os.path.isfile(place_of(made["program"])):
            yield f"{directory} was made by {made['program']}, which is gone"
            return
        now = describe(made["program"], made["options"], list(made["inputs"]), self._memory)
        for reason in differences(made, now):
            yield f"{directory} was {reason}" if reason.startswith("made ") else reason
        for name in made["inputs"]:
            path = place_of(name)
            source = path if os.path.isdir(path) else os.path.dirname(path)
            if os.path.exists(os.path.join(source, FILE)):
                yield from self.reasons(source)


if __name__ == "__main__":
    main()
