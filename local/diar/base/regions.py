"""Stretches of time as sorted lists of disjoint regions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from diar.base.types import Region, Subsegments

TOUCH = 1e-6  # seconds: nearer than that is no gap


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
    """Unite the segments of a recording to sorted regions that neither overlap nor touch."""
    return union(zip(segments.starts.tolist(), segments.ends.tolist(), strict=True))
