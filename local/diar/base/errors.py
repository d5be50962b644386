"""The exception for input that the user has to fix."""

from __future__ import annotations

import re
from pathlib import Path

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")  # line breaks, and cursor control
LONGEST = 1000  # characters of a message, which may quote a whole file


class DataError(ValueError):
    """Input that cannot be used: the message says where it is, what is wrong, and what to do.

    Programs print it as a single line and exit with status 1; it never needs a traceback. Control characters
    in quoted data are removed.
    """

    def __init__(self, message: str, path: str | Path | None = None, line: int | None = None):
        place = "" if path is None else f"{path}:{line}: " if line is not None else f"{path}: "
        if len(message) > LONGEST:
            message = f"{message[: LONGEST - 200]} [...] {message[-200:]}"
        super().__init__(CONTROL.sub(" ", place + message))
