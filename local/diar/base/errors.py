"""The one exception for input that a user has to mend."""

from __future__ import annotations

from pathlib import Path


class DataError(ValueError):
    """Input that cannot be used: says where it is, what is wrong, and what to do.

    Programs print it as a single line and exit with status 1; it never needs a traceback.
    """

    def __init__(self, message: str, path: str | Path | None = None, line: int | None = None):
        place = "" if path is None else f"{path}:{line}: " if line is not None else f"{path}: "
        super().__init__(place + message)
