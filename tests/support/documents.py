"""Markdown documents as the tests see them: fences as one bash script, inline code, links, headings.

What a fence holds is said by its kind:

    ```sh        commands; they are run, in order, from the root of the recipe
    ```python    a program; it is run, in its place among the commands
    ```python, ```yaml, ```conf with a path as a comment in the first line: the content of that file
    ```diff      the same first line; lines that go (-), come (+) and stay ( ) in that file
    ```          commands that cannot be run here; tests/support/dry_check.py looks at them
    ```text      no commands
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

END = "END_OF_FENCE"
KINDS = ("", "sh", "python", "yaml", "conf", "diff", "text")


@dataclass(frozen=True)
class Fence:
    """kind: what follows the backticks. line: number of the first line of its text, from 1."""

    kind: str
    line: int
    lines: list[str]

    @property
    def file(self) -> str | None:
        """The file that it is the content of, or a change of."""
        named = re.fullmatch(r" ?# ([\w./-]+/[\w.-]+)", self.lines[0]) if self.lines else None
        return named and named[1]


def fences(text: str) -> list[Fence]:
    """The fences of a document, in order.

    Raises:
        ValueError: one that is indented or not closed, of an unknown kind, or without the file it needs.
    """
    found: list[Fence] = []
    open_at = None
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if not line.lstrip().startswith("```"):
            continue
        if line.startswith(" ") or (open_at is not None and line.strip() != "```"):
            raise ValueError(f"line {number}: a fence begins and ends at the margin: {line}")
        if open_at is None:
            open_at = number
            continue
        fence = Fence(lines[open_at - 1][3:].strip(), open_at + 1, lines[open_at : number - 1])
        if fence.kind not in KINDS:
            raise ValueError(f"line {open_at}: unknown kind of fence {fence.kind!r}")
        if fence.kind in ("yaml", "conf", "diff") and fence.file is None:
            raise ValueError(f"line {open_at}: which file? Its first line is to be '# path'")
        found.append(fence)
        open_at = None
    if open_at is not None:
        raise ValueError(f"line {open_at}: a fence that does not end")
    return found


def script(text: str) -> str:
    """What is run of a document, as one bash script in which every line keeps its number; '' for nothing."""
    parts = [f for f in fences(text) if f.kind not in ("", "text")]
    if not parts:
        return ""
    lines = [""] * len(text.splitlines())
    lines[0] = "trap 'echo \"line $LINENO: $BASH_COMMAND\" >&2' ERR"
    for fence in parts:
        last = fence.line + len(fence.lines)
        lines[fence.line - 1 : last - 1] = fence.lines
        if fence.kind == "sh":
            continue
        if fence.kind == "diff":
            into = f"'{sys.executable}' '{Path(__file__).resolve()}'"
        else:
            into = f"cat >'{fence.file}'" if fence.file else "python -"
        lines[fence.line - 2], lines[last - 1] = f"{into} <<'{END}'", END
    return "\n".join(lines) + "\n"


def change(diff: str) -> None:
    """Make the change of a diff fence; what goes and stays must occur once in the file.

    Raises:
        ValueError: it does not.
    """
    lines = diff.splitlines()
    path = Path(lines[0].split()[-1])
    before = "".join(f"{line[1:]}\n" for line in lines[1:] if line[:1] in (" ", "-", ""))
    after = "".join(f"{line[1:]}\n" for line in lines[1:] if line[:1] in (" ", "+", ""))
    text = path.read_text()
    if text.count(before) != 1:
        raise ValueError(f"{path} holds this {text.count(before)} times:\n{before}")
    path.write_text(text.replace(before, after))


def prose(text: str) -> list[tuple[int, str]]:
    """(number, line) of what is outside of fences."""
    inside = {n for f in fences(text) for n in range(f.line - 1, f.line + len(f.lines) + 1)}
    return [(n, line) for n, line in enumerate(text.splitlines(), 1) if n not in inside]


def inline(text: str) -> list[tuple[int, str]]:
    """(line, code) of `inline code`, which may go over the end of a line."""
    outside = dict(prose(text))
    whole = "\n".join(outside.get(n, "") for n in range(1, len(text.splitlines()) + 1))
    return [
        (whole[: match.start()].count("\n") + 1, " ".join(match[1].split()))
        for match in re.finditer(r"`([^`]+)`", whole)
    ]


def links(text: str) -> list[tuple[int, str]]:
    """(line, target) of links and pictures."""
    return [
        (number, target)
        for number, line in prose(text)
        for target in re.findall(r"\]\(([^()\s]+(?:\([^()\s]*\))?)\)", re.sub(r"`[^`]*`", "", line))
    ]


def anchors(text: str) -> set[str]:
    """What links may name behind '#': the headings, as GitHub calls them."""
    found: list[str] = []
    for _, line in prose(text):
        if heading := re.match(r"#+ (.*)", line):
            plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading[1]).strip().lower()
            name = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
            found.append(f"{name}-{found.count(name)}" if name in found else name)
    return set(found)


if __name__ == "__main__":
    change(sys.stdin.read())
