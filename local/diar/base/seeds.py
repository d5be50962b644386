"""Random seeds that depend on what is computed, not on when."""

from __future__ import annotations

import hashlib


def seed_for(seed: int, *names: str) -> int:
    """Derive a seed in 0..2^31-1 for a recording (or anything with names) from a global seed.

    It is the same whatever other recordings there are, in which order, and by how many jobs.
    """
    text = "\0".join([str(seed), *names])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
