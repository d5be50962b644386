"""Names of speakers: which are valid, and how to write them in formats without blanks."""

from __future__ import annotations

from diar.base.errors import CONTROL


def is_name(text: str) -> bool:
    """Tell whether a name can be written to files: not blank, no control characters, valid in UTF-8."""
    writable = not any("\ud800" <= character <= "\udfff" for character in text)
    return bool(text.strip()) and writable and not CONTROL.search(text)


def no_blanks(name: str) -> str:
    """Return a name for RTTM, CTM and STM: each run of blanks becomes '_'."""
    return "_".join(name.split())
