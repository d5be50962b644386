"""A pool of processes that does not outlive the program that started it."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor


def pool(nj: int, items: int) -> ProcessPoolExecutor:
    """Make a pool of at most ``nj`` processes, at least one, for this many items.

    Each worker watches its parent; otherwise workers of a killed program would wait forever.
    """
    return ProcessPoolExecutor(
        max(1, min(nj, items)), initializer=_watch_parent, initargs=(os.getpid(),)
    )


def _watch_parent(parent: int) -> None:
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
