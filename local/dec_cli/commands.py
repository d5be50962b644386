"""Commands of the installed package: each runs a program, as a shell runs its file in the checkout."""

from __future__ import annotations

import runpy
from pathlib import Path

PROGRAMS = ("diarize", "enroll", "assign_words", "export", "import_labels", "fetch")
_PACKED = Path(__file__).with_name("programs")  # only in a wheel


def command(program: str) -> str:
    """Return the name of the command that runs a program."""
    return f"dec-{program.replace('_', '-')}"


def diarize() -> None:
    """Run dec-diarize."""
    _run("diarize")


def enroll() -> None:
    """Run dec-enroll."""
    _run("enroll")


def assign_words() -> None:
    """Run dec-assign-words."""
    _run("assign_words")


def export() -> None:
    """Run dec-export."""
    _run("export")


def import_labels() -> None:
    """Run dec-import-labels."""
    _run("import_labels")


def fetch() -> None:
    """Run dec-fetch."""
    _run("fetch")


def is_installed() -> bool:
    """Return whether this was installed from a wheel, without a checkout."""
    return _PACKED.is_dir()


def _run(name: str) -> None:
    folder = _PACKED if is_installed() else Path(__file__).parents[1]
    runpy.run_path(str(folder / f"{name}.py"), run_name="__main__")
