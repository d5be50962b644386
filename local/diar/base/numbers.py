"""Parsing and formatting of numbers, channels and times."""

from __future__ import annotations

import math
import re


def parse_number(text: str) -> float:
    """Read a finite number; NaN if it is not one (1_000, which Python accepts, is not)."""
    try:
        value = float(text) if "_" not in text else math.nan
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def parse_count(text: str) -> int | None:
    """Read a whole number from 1 to a million, as '3' or '3.0'; None if it is not one."""
    value = parse_number(text)
    return int(value) if 1 <= value <= 1e6 and value % 1 == 0 else None


def parse_channel(text: str) -> int | None:
    """Read a channel A, B or 1, 2, ...; return it numbered from 0, None if it is not a channel."""
    if text in ("A", "B"):
        return "AB".index(text)
    return int(text) - 1 if re.fullmatch("[1-9][0-9]{0,5}", text) else None


_CLOCK = re.compile(r"(?:(\d{1,6}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})", re.ASCII)


def parse_clock(text: str) -> float:
    """Read [h:]mm:ss.mmm or [h:]mm:ss,mmm, as in captions; return seconds, NaN if it is not a time."""
    match = _CLOCK.fullmatch(text)
    if not match:
        return math.nan
    hours, minutes, seconds, fraction = match.groups()
    whole = 3600 * int(hours or 0) + 60 * int(minutes) + int(seconds)
    return (1000 * whole + int(fraction.ljust(3, "0"))) / 1000


def clock(seconds: float, decimals: int = 0, short: bool = False) -> str:
    """Format seconds as h:mm:ss, with ``decimals``; ``short``: below an hour as m:ss."""
    minutes, rest = divmod(round(seconds, decimals), 60)
    hours, minutes = divmod(round(minutes), 60)
    end = f"{rest:0{3 + decimals if decimals else 2}.{decimals}f}"
    return f"{minutes}:{end}" if short and not hours else f"{hours}:{minutes:02d}:{end}"
