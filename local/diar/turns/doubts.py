"""Reasons to doubt the speakers found."""

from __future__ import annotations

from collections.abc import Sequence

from diar.base.regions import merge_turns
from diar.base.types import Bounds, Turn

SHORT = 2.0  # seconds: a speaker with less may be part of another; affects only the remarks


def doubts_of_turns(turns: Sequence[Turn], bounds: Bounds) -> list[str]:
    """List reasons to doubt the speakers of a recording; usually there are none.

    There are fewer than requested, or as many as allowed; or one of them hardly speaks.

    Args:
        bounds: the bounds on their number.
    """
    if not turns:
        return []
    times: dict[str, float] = {}
    for turn in merge_turns(turns)[0]:
        times[turn.speaker] = times.get(turn.speaker, 0.0) + turn.duration
    said = [bounds.shortfall(len(times))] if bounds.shortfall(len(times)) else []
    least, most = bounds.range
    if least < most <= len(times):
        said.append(f"{most} speakers, the maximum allowed: there may be more")
    short = sorted(speaker for speaker, seconds in times.items() if seconds < SHORT)
    if short:
        said.append(
            f"less than {SHORT:g} s of {', '.join(short)}: perhaps part of another speaker, or noise"
        )
    return said
