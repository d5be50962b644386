"""The site of the documents: MkDocs finds nothing to warn of, and what it makes needs nothing from elsewhere."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
from paths import ROOT


class Page(HTMLParser):
    """links: what it leads to. loaded: what a browser fetches to show it. ids: the anchors."""

    def __init__(self, text):
        super().__init__()
        self.links, self.loaded, self.ids = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        said = dict(attrs)
        if said.get("id"):
            self.ids.add(said["id"])
        if tag == "a" and said.get("href"):
            self.links.append(said["href"])
        elif tag in ("script", "img", "link") and (said.get("src") or said.get("href")):
            self.loaded.append(said.get("src") or said["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", folder]
    env = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    result = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site):
    """path -> page."""
    return {path: Page(path.read_text()) for path in site.rglob("*.html") if path.stem != "404"}


def test_all_documents_are_there(site):
    for path in [*(ROOT / "docs").glob("*.md"), ROOT / "RESULTS.md"]:
        made = site / path.relative_to(ROOT).with_suffix(".html")
        assert made.exists(), f"{path.name} is not in the nav of mkdocs.yml"
        heading = path.read_text().splitlines()[0].removeprefix("# ")
        assert heading.replace("'", "&#39;") in made.read_text().replace("'", "&#39;")


def test_the_library_is_there_with_its_docstrings(site):
    for init in (ROOT / "local/diar").glob("*/__init__.py"):
        assert (site / f"api/diar.{init.parent.name}.html").exists()
    text = (site / "api/diar.dec.html").read_text()
    assert 'id="diar.dec.config.RefineConfig"' in text
    assert "<strong>mse_weight</strong>" in text  # a line of a docstring, as an item


def test_every_link_leads_somewhere(pages):
    wrong = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or not (parts.path or parts.fragment):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                wrong.append(f"{path.name}: {link}")
            elif parts.fragment and target.suffix == ".html":
                anchor = unquote(parts.fragment)
                if anchor not in pages[target].ids and anchor != "__skip":
                    wrong.append(f"{path.name}: {link}: no such anchor")
    assert wrong == []


def test_nothing_is_loaded_from_elsewhere(pages):
    for path, page in pages.items():
        assert not [x for x in page.loaded if re.match(r"(\w+:)?//", x)], path
