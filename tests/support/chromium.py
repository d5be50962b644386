"""Chromium, where it is installed, and the options it is started with."""

from __future__ import annotations

import shutil
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]


def wait_until(page, condition, arg=None, seconds=20):
    """Wait until an expression, or a function of ``arg``, is true in the page.

    Playwright's own wait_for_function compiles text in the page, which its security policy forbids.
    """
    end = time.monotonic() + seconds
    while not page.evaluate(condition, arg):
        assert time.monotonic() < end, f"waited in vain: {condition}"
        time.sleep(0.02)


def chromium() -> str | None:
    """Return the path of Chromium, or None where it is not installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)
