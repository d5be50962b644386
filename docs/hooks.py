"""What mkdocs.yml adds to MkDocs: pages where they are in the repository, and the library from its docstrings.

The links of the pages are those of the repository, so that they also work there: to a folder, of which the site has
the README.md; to a file outside docs/, which the site gets, too.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from griffe import Extension, Object
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "local"
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")
API = "api/diar.md"


class Attributes(Extension):
    """Docstrings say what attributes are in lines 'name: text' or 'name, other: text': each is an item of a list."""

    LINE = re.compile(r"(?m)^((?:[a-z]\w*, )*[a-z]\w*): (?=\S)")

    def on_object(self, *, obj: Object, **_: object) -> None:
        if obj.is_class and obj.docstring:
            lines = self.LINE.sub(r"* **\1**: ", obj.docstring.value).split("\n")
            items = [
                f"    {x}" if open_ and x and x[0] != "*" else x for x, open_ in self.inside(lines)
            ]
            obj.docstring.value = "\n".join(items)

    @staticmethod
    def inside(lines: list[str]) -> list[tuple[str, bool]]:
        """Tell of each line whether an item is open; put an empty line before the first."""
        found, open_ = [], False
        for line in lines:
            if line.startswith("* **") and not open_:
                found.append(("", False))
            open_ = line.startswith("* **") or (open_ and line.strip() != "")
            found.append((line, open_))
        return found


def packages() -> dict[str, list[str]]:
    """Name the packages of the library, and the modules of each that say something."""
    found = {}
    for init in sorted((LIBRARY / "diar").glob("*/__init__.py")):
        modules = [p for p in sorted(init.parent.glob("*.py")) if p != init]
        name = ".".join(init.parent.relative_to(LIBRARY).parts)
        found[name] = [f"{name}.{module.stem}" for module in modules]
    return found


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the library into the navigation."""
    pages = [{name.removeprefix("diar."): f"api/{name}.md"} for name in packages()]
    published = {"Published interface": "docs/interface.md"}
    config.nav.insert(-1, {"Library": [{"Overview": API}, published, *pages]})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Replace the files of docs/ by all that is linked, at the places of the repository."""
    kept = [
        file for file in files if not file.src_uri.endswith((".md", ".py", ".svg", ".png", ".json"))
    ]
    todo, seen = ["README.md"], set()
    todo += [uri for section in config.nav for uri in pages_of(section)]
    while todo:
        name = todo.pop()
        if name in seen or name.startswith("api/"):
            continue
        seen.add(name)
        kept.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
        if name.endswith(".md"):
            text = (ROOT / name).read_text(encoding="utf-8")
            targets = (resolved(name, target.partition("#")[0]) for target in LINK.findall(text))
            todo += [target for target in targets if target != API]
    kept.append(File.generated(config, API, content="::: diar\n    options: {heading_level: 1}\n"))
    for name, modules in packages().items():
        parts = [
            f"# {name}\n",
            f"::: {name}\n    options: {{show_root_heading: false, show_root_toc_entry: false}}\n",
        ]
        parts += [f"::: {module}\n" for module in modules]
        kept.append(File.generated(config, f"api/{name}.md", content="\n".join(parts)))
    return Files(kept)


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Let the links of a page lead to files of the site."""
    here = page.file.src_uri

    def replaced(match: re.Match[str]) -> str:
        path, mark, anchor = match[1].partition("#")
        return os.path.relpath(resolved(here, path), os.path.dirname(here) or ".") + mark + anchor

    return markdown if here.startswith("api/") else LINK.sub(replaced, markdown)


def pages_of(entry: object) -> list[str]:
    """List the files that a part of the navigation names."""
    if isinstance(entry, str):
        return [entry]
    parts = entry.values() if isinstance(entry, dict) else entry
    return [name for part in parts for name in pages_of(part)]


def resolved(name: str, target: str) -> str:
    """Name the file of the site that a link of a page means."""
    path = os.path.normpath(os.path.join(os.path.dirname(name), target))
    if path.startswith("local/diar"):
        return API
    if (ROOT / path).is_dir():
        pages = sorted(p.name for p in (ROOT / path).glob("*.md"))
        return f"{path}/{'README.md' if 'README.md' in pages else pages[0]}"
    return path
