"""Names of speakers: which are some, and how formats have them that hold no blanks."""

from __future__ import annotations

from diar.base.errors import CONTROL


def is_name(text: str) -> bool:
    """Tell whether files can hold a name: not blank, no control characters, nothing that UTF-8 cannot write."""
    writable = not any("\ud800" <= character <= "\udfff" for character in text)
    return bool(text.strip()) and writable and not CONTROL.search(text)


def no_blanks(name: str) -> str:
    """Return a name as RTTM, CTM and STM can hold it: each stretch of blanks becomes '_'."""
    return "_".join(name.split())
