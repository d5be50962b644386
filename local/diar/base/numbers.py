"""Numbers and channels as text files have them."""

from __future__ import annotations

import math
import re


def parse_number(text: str) -> float:
    """Read a finite number; NaN where there is none (1_000, which Python would take, is none)."""
    try:
        value = float(text) if "_" not in text else math.nan
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def parse_channel(text: str) -> int | None:
    """Read a channel A, B or 1, 2, ...; counted from 0, None where the text names none."""
    if text in ("A", "B"):
        return "AB".index(text)
    return int(text) - 1 if re.fullmatch("[1-9][0-9]{0,5}", text) else None
