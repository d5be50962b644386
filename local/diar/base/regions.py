"""Regions of time as sorted lists of disjoint intervals, and speaker turns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from diar.base.types import Region, Subsegments, Turn

TOUCH = 1e-6  # seconds: smaller gaps are ignored


def union(spans: Iterable[tuple[float, float]], gap: float = 0.0) -> list[Region]:
    """Unite (start, end) spans, in any order; gaps of up to ``gap`` seconds are closed."""
    joined: list[Region] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1].end + gap + TOUCH:
            joined[-1] = Region(joined[-1].start, max(joined[-1].end, end))
        else:
            joined.append(Region(start, end))
    return joined


def intersection(a: Sequence[Region], b: Sequence[Region]) -> list[Region]:
    """Intersect two sorted lists of disjoint regions."""
    common: list[Region] = []
    i = j = 0
    while i < len(a) and j < len(b):
        start, end = max(a[i].start, b[j].start), min(a[i].end, b[j].end)
        if end > start:
            common.append(Region(start, end))
        if a[i].end < b[j].end:
            i += 1
        else:
            j += 1
    return common


def regions_of(segments: Subsegments) -> list[Region]:
    """Merge the segments of a recording into sorted regions that neither overlap nor touch."""
    return union(zip(segments.starts.tolist(), segments.ends.tolist(), strict=True))


def merge_turns(turns: Sequence[Turn]) -> tuple[list[Turn], int]:
    """Join turns of one speaker that overlap or touch.

    Returns:
        The turns of one recording, sorted, and how many overlapped an earlier one (touching turns do
        not count: they are a common way to write a long turn).
    """
    merged: list[Turn] = []
    overlaps = 0
    for turn in sorted(turns, key=lambda t: (t.speaker, t.start, t.end)):
        before = merged[-1] if merged and merged[-1].speaker == turn.speaker else None
        if before is None or turn.start > before.end + TOUCH:
            merged.append(turn)
            continue
        overlaps += turn.start < before.end - TOUCH
        merged[-1] = before._replace(duration=max(before.end, turn.end) - before.start)
    return sorted(merged), overlaps


def speakers_in_order(turns: Iterable[Turn]) -> list[str]:
    """List the speakers by their first turn."""
    return list(dict.fromkeys(turn.speaker for turn in sorted(turns)))
