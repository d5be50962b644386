"""What makes one doubt the speakers that were found."""

from __future__ import annotations

from collections.abc import Sequence

from diar.base.regions import merge_turns
from diar.base.types import Bounds, Turn

SHORT = 2.0  # seconds: who speaks for less may be a part of another; no result hangs on it


def doubts_of_turns(turns: Sequence[Turn], bounds: Bounds) -> list[str]:
    """Say what makes one doubt the speakers of a recording: nothing, as a rule.

    They are fewer than were asked for, or as many as were allowed; or one of them hardly speaks.

    Args:
        bounds: what was known of their number.
    """
    if not turns:
        return []
    times: dict[str, float] = {}
    for turn in merge_turns(turns)[0]:
        times[turn.speaker] = times.get(turn.speaker, 0.0) + turn.duration
    said = [bounds.shortfall(len(times))] if bounds.shortfall(len(times)) else []
    least, most = bounds.range
    if least < most <= len(times):
        said.append(f"{most} speakers, as many as were allowed: there may be more")
    short = sorted(speaker for speaker, seconds in times.items() if seconds < SHORT)
    if short:
        said.append(
            f"less than {SHORT:g} s of {', '.join(short)}: perhaps a part of another speaker, or noise"
        )
    return said
