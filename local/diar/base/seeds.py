"""Random seeds that depend on what is computed, not on when."""

from __future__ import annotations

import hashlib


def seed_for(seed: int, *names: str) -> int:
    """Derive a seed in 0..2^31-1 for a recording (or anything with names) from a global seed.

    It does not depend on other recordings, their order, or the number of jobs.
    """
    text = "\0".join([str(seed), *names])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
