"""The page itself: one HTML file that opens from disk, without a server or a network.

It contains Plotly and the recordings, compressed, and unpacks them when they are viewed. Beyond
``ReportConfig.inline`` megabytes each recording has its own file beside the page, which loads it with a
script element, as a page from disk may do.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from jinja2.utils import htmlsafe_json_dumps
from plotly.offline import get_plotlyjs

from diar.base import colours
from diar.base.files import open_whole, write_text
from diar.report.overview import SetPage, summary
from diar.report.usage import Usage

ASSETS = Path(__file__).resolve().parent / "assets"
SCRIPTS = (
    "core.js",
    "tables.js",
    "choice.js",
    "timeline.js",
    "latents.js",
    "turns.js",
    "recording.js",
    "main.js",
)


@dataclass(frozen=True)
class About:
    """Information on the whole page. made: time and command."""

    title: str
    made: str
    usage: Sequence[Usage] = ()
    configurations: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


def pack(value: Any) -> str:
    """Write a value as JSON, gzip, base64; equal values give equal texts."""
    return _compress(json.dumps(value, separators=(",", ":"), ensure_ascii=False))


def write_page(
    out: Path,
    about: About,
    sets: Sequence[SetPage],
    packed: Mapping[str, Path],
    inline: float,
) -> list[Path]:
    """Write the page; if it would be too large, write the recordings beside it, in <page>_files.

    Args:
        out: the page.
        packed: '<set>/<recording>' -> a file with its output of ``pack``.
        inline: maximum megabytes of the page with the recordings in it.

    Returns:
        The files written, the page last.
    """
    plotly = get_plotlyjs()
    library = _compress(plotly)
    scripts = [(ASSETS / name).read_text(encoding="utf-8") for name in SCRIPTS]
    sizes = sum(path.stat().st_size for path in packed.values())
    together = sizes + len(library) <= inline * 1e6
    files = {} if together else {key: f"{out.stem}_files/{key}.js" for key in packed}
    for key, name in files.items():
        data = packed[key].read_text(encoding="ascii")
        write_text(out.parent / name, f"receive({json.dumps(key)},{json.dumps(data)});\n")
    protocols = {name: words for page in sets for name, words in page.protocols.items()}
    protocol = next(reversed(protocols), "")  # the strictest comes last
    known = {
        "palette": colours.SPEAKERS,
        "hatches": colours.HATCHES,
        "sets": {page.name: _for_script(page, packed) for page in sets},
        "protocol": protocol,
        "files": {key: quote(name) for key, name in files.items()},
    }
    template = _environment().get_template("page.html")
    stream = template.stream(
        about=about,
        errors=colours.ERRORS,
        sets=sets,
        summary=summary(sets),
        systems={system: name for page in sets for system, name in page.systems.items()},
        protocols=protocols,
        protocol=protocol,
        links={*packed, *(page.name for page in sets)},
        known=htmlsafe_json_dumps(known, ensure_ascii=False),  # nothing in it ends the element
        library=library,
        inlined=packed if together else {},
        style=(ASSETS / "page.css").read_text(encoding="utf-8"),
        scripts=scripts,
        policy=_policy([*scripts, plotly], bool(files)),
    )
    with open_whole(out) as file:
        file.writelines(stream)
    return [*(out.parent / name for name in files.values()), out]


def _policy(scripts: Sequence[str], files: bool) -> str:
    """Write a Content-Security-Policy: data can never run as a script or reach a network.

    Args:
        scripts: the only ones that run.
        files: whether files beside the page run, too.
    """
    digests = [base64.b64encode(sha256(text.encode()).digest()).decode() for text in scripts]
    sources = [f"'sha256-{digest}'" for digest in digests] + ["'self' file:"] * files
    return (
        f"default-src 'none'; script-src {' '.join(sources)}; style-src 'unsafe-inline';"
        " img-src data: blob:; media-src 'self' file: blob:; base-uri 'none'; form-action 'none'"
    )


def _for_script(page: SetPage, packed: Mapping[str, Path]) -> dict[str, Any]:
    """List systems, protocols, and the recordings that can be shown."""
    shown = [recording for recording in page.recordings if f"{page.name}/{recording}" in packed]
    return {"systems": dict(page.systems), "protocols": list(page.protocols), "recordings": shown}


def _compress(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode("ascii")


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
