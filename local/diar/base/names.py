"""Names of speakers in formats that hold no blanks."""

from __future__ import annotations


def no_blanks(name: str) -> str:
    """Return a name as RTTM, CTM and STM can hold it: each stretch of blanks becomes '_'."""
    return "_".join(name.split())
