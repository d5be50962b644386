#!/usr/bin/env python3
"""Print the key of a step: a hash of its program, options and inputs. Standard library only.

Usage: step_key.py <program.py> <options> [input ...]

The program counts with every module of local/ that it imports, directly or not, or names as
"module:object", so that changed code makes its products again. An input is a file; or a directory of this recipe, which counts by its
.done key; or any other directory, which counts by the files in it. The audio and the arks that an scp
names count by size and time of change.

Example: local/step_key.py local/make_vad.py silero conf/vad.yaml data/test/wav.scp

Exit status: 0 all well; 1 no such input; 2 wrong usage.
"""

from __future__ import annotations

import ast
import hashlib
import re
import sys
from pathlib import Path

LOCAL = Path(__file__).resolve().parent


def main() -> None:
    if {"--help", "-h"} & set(sys.argv[1:2]):
        print(__doc__.strip())
        return
    if len(sys.argv) < 3:
        print(__doc__.strip(), file=sys.stderr)
        sys.exit(2)
    digest = hashlib.sha256(sys.argv[2].encode())
    for source in sorted(closure(Path(sys.argv[1]).resolve())):
        digest.update(source.read_bytes())
    for item in sys.argv[3:]:
        path = Path(item)
        if not path.exists():
            sys.exit(f"step_key.py: no such input: {path}")
        for line in describe(path):
            digest.update(line.encode())
    print(digest.hexdigest())


def closure(program: Path) -> set[Path]:
    """The program and the modules below local/ that it imports, transitively."""
    seen: set[Path] = set()
    todo = [program]
    while todo:
        source = todo.pop()
        if source in seen:
            continue
        seen.add(source)
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and re.fullmatch(r"[\w.]+:\w+", str(node.value)):
                names = [node.value.split(":")[0]]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            else:
                continue
            for name in names:
                base = LOCAL / name.replace(".", "/")
                todo += [p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()]
    return seen


def describe(path: Path) -> list[str]:
    """Lines that change when the input does."""
    if path.is_dir():
        marks = [path / ".begun", path / ".done"]  # a directory of this recipe has both, the same
        if all(mark.is_file() for mark in marks) and len({m.read_bytes() for m in marks}) == 1:
            return [marks[1].read_text()]
        return [x for file in sorted(path.iterdir()) if file.is_file() for x in describe(file)]
    lines = [hashlib.sha256(path.read_bytes()).hexdigest()]
    if path.suffix == ".scp":
        text = path.read_text(encoding="utf-8", errors="replace")
        values = (
            line.split(None, 1)[1].strip() for line in text.splitlines() if len(line.split()) > 1
        )
        for name in dict.fromkeys(re.sub(r":\d+$", "", value) for value in values):
            for place in (Path(), *path.absolute().parents):  # as diar.kaldi.tables.find_file looks
                if name and (place / name).is_file():
                    stat = (place / name).stat()
                    lines.append(f"{name} {stat.st_size} {stat.st_mtime_ns}")
                    break
    return lines


if __name__ == "__main__":
    main()
