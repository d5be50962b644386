"""Summarize a module: a digest of its syntax tree, and its imports. For step_key.py: standard library only."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator

# Tables of "module:object", imported on demand.
REGISTRIES = ("CORPORA", "EXTRACTORS", "METHODS")


def summarize(source: bytes, path: str, package: list[str]) -> tuple[str, list[str]]:
    """Return a digest of the meaning of a module, and the names that it may import.

    Args:
        source: the text of the module.
        path: its path, for syntax errors.
        package: the names of the packages that contain it, for relative imports.
    """
    tree = ast.parse(source, path)
    names = {name for node in executed(tree) for name in imports_of(node, package)}
    text = describe(tree).encode(errors="surrogatepass")
    return hashlib.sha256(text).hexdigest(), sorted(names)


def describe(node: object) -> str:
    """Write a syntax tree as text, without parts that have no meaning.

    These are positions, comments, docstrings and other stand-alone strings. Empty fields are left out,
    too, because later Pythons add fields.
    """
    if isinstance(node, list):
        return f"[{','.join(describe(item) for item in node if not stands_alone(item))}]"
    if isinstance(node, ast.Constant):
        return repr(node.value)
    if isinstance(node, ast.AST):
        fields = ((n, v) for n, v in ast.iter_fields(node) if v is not None and v != [])
        return f"{type(node).__name__}({','.join(f'{n}={describe(v)}' for n, v in fields)})"
    return repr(node)


def stands_alone(node: object) -> bool:
    """Tell whether this is a statement that consists of a string."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def executed(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk through a tree, except for code that only type checkers see."""
    todo = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            todo += node.orelse
            continue
        yield node
        todo += ast.iter_child_nodes(node)


def imports_of(node: ast.AST, package: list[str]) -> Iterator[str]:
    """Name the modules that a node may import: for 'from a import b', 'a' and 'a.b'.

    A table with one of the names in ``REGISTRIES`` imports the modules that it lists.
    """
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package[: len(package) + 1 - node.level] if node.level else []
        base = ".".join([*above, *filter(None, [node.module])])
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Module):
        for statement in node.body:
            if is_registry(statement):
                texts = (x.value for x in ast.walk(statement) if isinstance(x, ast.Constant))
                yield from (x.split(":")[0] for x in texts if isinstance(x, str) and ":" in x)


def is_registry(statement: ast.stmt) -> bool:
    """Tell whether this assigns to one of ``REGISTRIES``."""
    targets = [getattr(statement, "target", None), *getattr(statement, "targets", ())]
    return any(isinstance(target, ast.Name) and target.id in REGISTRIES for target in targets)
