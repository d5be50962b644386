"""Chromium, where it is installed, and the options it is started with."""

from __future__ import annotations

import shutil

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


def chromium() -> str | None:
    """Return the path of Chromium, or None where it is not installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)
