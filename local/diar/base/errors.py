"""The one exception for input that a user has to mend."""

from __future__ import annotations

import re
from pathlib import Path

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")  # line breaks, and what moves a cursor
LONGEST = 1000  # characters of a message: what is quoted may be a whole file


class DataError(ValueError):
    """Input that cannot be used: says where it is, what is wrong, and what to do.

    Programs print it as a single line and exit with status 1; it never needs a traceback. What it quotes
    of the data has no part in how it is printed.
    """

    def __init__(self, message: str, path: str | Path | None = None, line: int | None = None):
        place = "" if path is None else f"{path}:{line}: " if line is not None else f"{path}: "
        if len(message) > LONGEST:
            message = f"{message[: LONGEST - 200]} [...] {message[-200:]}"
        super().__init__(CONTROL.sub(" ", place + message))
