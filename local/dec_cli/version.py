"""The version of the recipe."""

from __future__ import annotations

import platform
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

from dec_cli import program


def line(name: str = "") -> str:
    """Return 'NAME (dec-diarization) 0.1.0, commit 1a2b3c4, Python 3.11.7, PyTorch 2.13.0' without importing PyTorch."""
    parts = [f"{name} ({program.PACKAGE}) {number()}" if name else f"{program.PACKAGE} {number()}"]
    if commit := commit_of(program.ROOT):
        parts.append(f"commit {commit}")
    parts.append(f"Python {platform.python_version()}")
    try:
        parts.append(f"PyTorch {metadata.version('torch')}")
    except metadata.PackageNotFoundError:
        parts.append("no PyTorch (. ./path.sh)")
    return ", ".join(parts)


def number() -> str:
    """Return the version: of the checkout, whatever was installed from it, or of the installed package."""
    if program.INSTALLED:
        return metadata.version(program.PACKAGE)
    text = (program.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["version"])


def commit_of(root: Path) -> str:
    """Ask git for the commit of a clone, with '-dirty' if files are changed; '' if it is not a clone."""
    if not (root / ".git").exists():  # a copy inside somebody else's clone is not a clone
        return ""
    try:
        command = ["git", "-C", str(root), "describe", "--always", "--dirty"]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except FileNotFoundError:  # no git
        return ""
