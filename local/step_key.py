#!/usr/bin/env python3
"""Print the key of a step: a hash of its program, its options and its inputs.

Usage: step_key.py <program.py> <options> [input ...]

The program is hashed as syntax trees, its own and those of all modules of local/ that it imports, directly
or indirectly: changing a comment or docstring makes nothing again, changing a constant does. A module named
as "module:object" in a table called CORPORA, EXTRACTORS or METHODS counts as imported.

An input is a file; or a directory of this recipe, represented by its .done key; or any other directory,
represented by the files in it that are not hidden; or another program, hashed like the first. Audio files
and arks named by an scp are represented by size and modification time.

Digests of files are cached in .digests in the recipe's directory, which may be removed at any time.

Example: local/step_key.py local/make_vad.py silero conf/vad.yaml data/test/wav.scp

Exit status: 0 success; 1 no such input; 2 wrong usage.
"""

# Every step starts this, even if there is nothing to do, so it uses only fast parts of the standard
# library; python -I -S runs it.

from __future__ import annotations

import hashlib
import os
import sys
import time

LOCAL = os.path.dirname(os.path.realpath(__file__))
MEMORY = os.path.join(os.path.dirname(LOCAL), ".digests")
SETTLED = (
    2_000_000_000  # ns: a file modified more recently may change again without a new time stamp
)


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
    """A cache of what earlier calls found out about files, valid while a file is unchanged.

    A line is '<state of the file> <tab> <result> <tab> <kind> <path>'; the first line has the state of
    the programs that wrote the cache, because other versions may have other results. The file is always
    replaced as a whole, so calls may read and write it concurrently: a lost entry is computed again.
    """

    def __init__(self, path: str):
        self._path = path
        self._makers = " ".join(
            state_of(os.stat(os.path.join(LOCAL, name))) for name in ("step_key.py", "step_code.py")
        )
        self._known: dict[str, tuple[str, str]] = {}
        self._changed = False
        lines = (read(path) or "").split("\n")[:-1]  # without an incomplete last line
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
        """Write it for later calls, without files that are gone; do nothing if it cannot be written."""
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
            pass  # a full disk, or a read-only recipe: nothing depends on the cache


def state_of(stat: os.stat_result) -> str:
    """Return a state that any change alters: setting mtime back changes ctime."""
    return f"{stat.st_dev}:{stat.st_ino}:{stat.st_size}:{stat.st_mtime_ns}:{stat.st_ctime_ns}"


def _summarize(source: bytes, path: str) -> str:
    sys.path.insert(0, LOCAL)  # python -I leaves it out
    from step_code import summarize  # rarely needed, and slow to import

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
    """Return the files of local/ that an import of 'a.b.c' runs, including those of parent packages.

    For 'a.*' these are all modules of the package, because its __init__.py may import them.
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
        if done is not None and begun == done:  # in a directory of this recipe, the two are equal
            return [done]
        names = sorted(name for name in os.listdir(path) if not name.startswith("."))
        files = [os.path.join(path, name) for name in names]  # a hidden file may be our lock
        return [x for file in files if os.path.isfile(file) for x in describe_input(file, memory)]
    lines = [memory.digest(path)]
    if path.endswith(".scp"):
        lines += describe_named(path)
    return lines


def describe_named(scp: str) -> list[str]:
    """Return size and modification time of each file in an scp: '<id> <file>' or '<id> <file>:<offset>'."""
    places = [os.path.dirname(os.path.abspath(scp))]
    while places[-1] != os.path.dirname(places[-1]):
        places.append(os.path.dirname(places[-1]))
    names = {}  # in order, without duplicates
    for line in (read(scp) or "").split("\n"):
        words = line.split(None, 1)
        if len(words) == 2:
            value = words[1].strip()
            name, _, offset = value.rpartition(":")
            names[name if name and offset.isdecimal() else value] = True
    lines = []
    for name in names:
        for place in ("", *places):  # as in diar.kaldi.tables.find_file
            file = os.path.join(place, name)
            if os.path.isfile(file):
                stat = os.stat(file)
                lines.append(f"{name} {stat.st_size} {stat.st_mtime_ns}")
                break
    return lines


def read(path: str) -> str | None:
    """Return the text of a file, or None if it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as stream:
            return stream.read()
    except OSError:
        return None


if __name__ == "__main__":
    main()
