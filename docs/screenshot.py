#!/usr/bin/env python3
"""Take a picture of a recording in the report, as it is in docs/report.md.

Usage: docs/screenshot.py [--address "#<set>/<recording>"] <index.html> <out.png>

Needs Chromium: apt-get install chromium.

Example: docs/screenshot.py exp/report/index.html exp/pictures/report.png
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "local"), str(ROOT / "tests/support")]
from chromium import FLAGS, chromium, wait_until  # noqa: E402

from dec_cli import program  # noqa: E402

DRAWN = "document.querySelector('#history .scatterlayer')"


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--address", default="#test%2Ftest-12", help="what of the page is shown")
    parser.add_argument("page", type=Path, metavar="index.html", help="the report")
    parser.add_argument("out", type=Path, metavar="out.png", help="the picture")
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        context = driver.chromium.launch_persistent_context(
            tempfile.mkdtemp(),
            executable_path=chromium(),
            args=FLAGS,
            viewport={"width": 1100, "height": 700},
        )
        page = context.new_page()
        page.goto(args.page.resolve().as_uri() + args.address)
        wait_until(page, DRAWN)
        page.evaluate("document.activeElement.blur(); page.seek(75, false)")
        page.wait_for_timeout(500)
        page.screenshot(path=args.out)
        context.close()


if __name__ == "__main__":
    program.run(main)
