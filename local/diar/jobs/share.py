"""Distribution of recordings among parallel jobs."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def share(items: Sequence[T], sizes: Sequence[float], job: int, jobs: int) -> list[T]:
    """Return the items of job ``job`` (1..jobs), in their order.

    The largest items are assigned first, each to the job with the least so far. The result is the same
    for every caller, so jobs need not communicate.

    Raises:
        ValueError: ``job`` is not within 1..jobs.
    """
    if not 1 <= job <= jobs:
        raise ValueError(f"job {job} of {jobs}")
    load = [(0.0, j) for j in range(1, jobs + 1)]
    mine = []
    for i in sorted(range(len(items)), key=lambda i: (-sizes[i], i)):
        size, j = heapq.heappop(load)
        heapq.heappush(load, (size + sizes[i], j))
        if j == job:
            mine.append(i)
    return [items[i] for i in sorted(mine)]
