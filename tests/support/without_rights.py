"""What a user meets whom files are closed to; root, whom none is closed to, may run the tests."""

from __future__ import annotations

import codecs
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def own_folder() -> Iterator[Path]:
    """A folder of this user, or of one without rights, who this process is meanwhile."""
    with tempfile.TemporaryDirectory() as name:
        if os.geteuid() != 0:
            yield Path(name)
            return
        codecs.lookup(
            "utf-8-sig"
        )  # Python loads it on first use, perhaps from where nobody may read
        os.chown(name, NOBODY, NOBODY)
        os.seteuid(NOBODY)
        try:
            yield Path(name)
        finally:
            os.seteuid(0)
