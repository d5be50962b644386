#!/usr/bin/env python3
"""Print the key of a step: a hash of what its program means, its options and its inputs.

Usage: step_key.py <program.py> <options> [input ...]

The program counts by its syntax tree, with those of all modules of local/ that it imports, directly or
not: a changed comment or docstring makes nothing again, a changed constant does. A module that is named
as "module:object" in a table called CORPORA, EXTRACTORS or METHODS counts as imported.

An input is a file; or a directory of this recipe, which counts by its .done key; or any other directory,
which counts by the files in it that are not hidden; or another program, which counts as the first. The
audio and the arks that an scp names count by size and time of change.

Digests of files are remembered in .digests in the recipe's directory, which may be removed at any time.

Example: local/step_key.py local/make_vad.py silero conf/vad.yaml data/test/wav.scp

Exit status: 0 all well; 1 no such input; 2 wrong usage.
"""

# Every step starts this, also where there is nothing to do. So it needs only what starts fast of the
# standard library: python -I -S runs it.

from __future__ import annotations

import hashlib
import os
import sys
import time

LOCAL = os.path.dirname(os.path.realpath(__file__))
MEMORY = os.path.join(os.path.dirname(LOCAL), ".digests")
SETTLED = 2_000_000_000  # ns: a file that was changed since may change again without a new time


def main() -> None:
    if {"--help", "-h"} & set(sys.argv[1:2]):
        print((__doc__ or "").strip())
        return
    if len(sys.argv) < 3:
        print((__doc__ or "").strip(), file=sys.stderr)
        sys.exit(2)
    program, options, *inputs = sys.argv[1:]
    for name in inputs:
        if not os.path.exists(name):
            sys.exit(f"step_key.py: no such input: {name}")
    memory = Memory(MEMORY)
    print(key_of(program, options, inputs, memory))
    memory.save()


def key_of(program: str, options: str, inputs: list[str], memory: Memory) -> str:
    """Return the key of a step whose inputs exist."""
    lines = [repr(options), *describe_code(program, memory)]
    for name in inputs:
        if name.endswith(".py"):
            lines += describe_code(name, memory)
        else:
            lines += describe_input(name, memory)
    return sha256("\n".join(lines).encode(errors="surrogateescape"))


def sha256(content: bytes) -> str:
    """Return the digest in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


class Memory:
    """What earlier calls have found out about files, for as long as a file is the same.

    A line is '<state of the file> <tab> <what was found> <tab> <kind> <path>'; the first has the state of
    the programs that wrote it, because others may find something else. The file is only ever replaced as
    a whole, so that calls may read and write it at once: what one of them loses is found again.
    """

    def __init__(self, path: str):
        self._path = path
        self._makers = " ".join(
            state_of(os.stat(os.path.join(LOCAL, name))) for name in ("step_key.py", "step_code.py")
        )
        self._known: dict[str, tuple[str, str]] = {}
        self._changed = False
        lines = (read(path) or "").split("\n")[:-1]  # what has no end is no line
        if lines[:1] == [self._makers]:
            parts = (line.split("\t") for line in lines[1:])
            self._known = {p[2]: (p[0], p[1]) for p in parts if len(p) == 3}

    def digest(self, path: str) -> str:
        """Return the digest of the content of a file."""
        return self._recall("content", path)

    def summary(self, path: str) -> tuple[str, list[str]]:
        """Return the digest of the meaning of a module, and the names of what it imports."""
        digest, *names = self._recall("code", path).split(" ")
        return digest, names

    def _recall(self, kind: str, path: str) -> str:
        now = time.time_ns()
        stat = os.stat(path)
        settled = now - max(stat.st_mtime_ns, stat.st_ctime_ns) > SETTLED
        name, state = f"{kind} {os.path.abspath(path)}", state_of(stat)
        if settled and name in self._known and self._known[name][0] == state:
            return self._known[name][1]
        with open(path, "rb") as stream:
            content = stream.read()
        value = _summarize(content, path) if kind == "code" else sha256(content)
        if settled and not {"\t", "\n"} & set(name):
            self._known[name] = state, value
            self._changed = True
        return value

    def save(self) -> None:
        """Write it for later calls, without files that are gone; where that cannot be, do nothing."""
        if not self._changed:
            return
        part = f"{self._path}.{os.getpid()}"
        lines = [
            f"{state}\t{value}\t{name}"
            for name, (state, value) in self._known.items()
            if os.path.exists(name.split(" ", 1)[1])
        ]
        try:
            with open(
                part, "w", encoding="utf-8", errors="surrogateescape", newline="\n"
            ) as stream:
                stream.writelines(f"{line}\n" for line in [self._makers, *lines])
            os.replace(part, self._path)
        except OSError:
            pass  # a full disk, or a recipe that may only be read: nothing depends on it


def state_of(stat: os.stat_result) -> str:
    """Return what no change leaves as it is: who sets a time back moves ctime by that."""
    return f"{stat.st_dev}:{stat.st_ino}:{stat.st_size}:{stat.st_mtime_ns}:{stat.st_ctime_ns}"


def _summarize(source: bytes, path: str) -> str:
    sys.path.insert(0, LOCAL)  # python -I leaves it out
    from step_code import summarize  # seldom needed, and slow to import

    sys.path.remove(LOCAL)
    digest, names = summarize(source, path, os.path.relpath(path, LOCAL).split(os.sep)[:-1])
    return " ".join([digest, *names])


def describe_code(program: str, memory: Memory) -> list[str]:
    """Return '<file> <digest>' of a program and of all modules of local/ that it imports."""
    seen: dict[str, str] = {}
    todo = [os.path.realpath(program)]
    asked = set()
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen[path], names = memory.summary(path)
        for name in names:
            if name not in asked:
                asked.add(name)
                todo += files_of(name)
    return sorted(f"{os.path.relpath(path, LOCAL)} {digest}" for path, digest in seen.items())


def files_of(name: str) -> list[str]:
    """Return the files of local/ that an import of 'a.b.c' runs: packages on the way run, too.

    Of 'a.*' those are all modules of the package, because its __init__.py may say so.
    """
    files = []
    base = LOCAL
    for part in name.split("."):
        if part == "*" and os.path.isdir(base):
            files += [os.path.join(base, x) for x in os.listdir(base) if x.endswith(".py")]
        base = os.path.join(base, part)
        for place in (os.path.join(base, "__init__.py"), f"{base}.py"):
            if os.path.isfile(place):
                files.append(place)
                break
    return files


def describe_input(path: str, memory: Memory) -> list[str]:
    """Return lines that change when the input does."""
    if os.path.isdir(path):
        begun, done = (read(os.path.join(path, name)) for name in (".begun", ".done"))
        if done is not None and begun == done:  # a directory of this recipe has both, the same
            return [done]
        names = sorted(name for name in os.listdir(path) if not name.startswith("."))
        files = [os.path.join(path, name) for name in names]  # a hidden one may be a lock of ours
        return [x for file in files if os.path.isfile(file) for x in describe_input(file, memory)]
    lines = [memory.digest(path)]
    if path.endswith(".scp"):
        lines += describe_named(path)
    return lines


def describe_named(scp: str) -> list[str]:
    """Return size and time of each file that an scp names: '<id> <file>' or '<id> <file>:<offset>'."""
    places = [os.path.dirname(os.path.abspath(scp))]
    while places[-1] != os.path.dirname(places[-1]):
        places.append(os.path.dirname(places[-1]))
    names = {}  # in order, each once
    for line in (read(scp) or "").split("\n"):
        words = line.split(None, 1)
        if len(words) == 2:
            value = words[1].strip()
            name, _, offset = value.rpartition(":")
            names[name if name and offset.isdecimal() else value] = True
    lines = []
    for name in names:
        for place in ("", *places):  # as diar.kaldi.tables.find_file looks
            file = os.path.join(place, name)
            if os.path.isfile(file):
                stat = os.stat(file)
                lines.append(f"{name} {stat.st_size} {stat.st_mtime_ns}")
                break
    return lines


def read(path: str) -> str | None:
    """Return the text of a file, if it is there."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as stream:
            return stream.read()
    except OSError:
        return None


if __name__ == "__main__":
    main()
