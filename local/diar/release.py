"""Which version of what: for files that say what made them."""

from __future__ import annotations

from importlib import metadata

NAME = "dec-diarization"


def version(package: str = NAME) -> str:
    """The version that is installed; '-' where none is."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "-"
