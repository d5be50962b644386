"""Files of labels, by the endings of their names."""

from __future__ import annotations

from pathlib import Path

from diar.base.errors import DataError
from diar.exports import audacity, elan, textgrid
from diar.exports.marks import Marks

READERS = {".txt": audacity.read, ".textgrid": textgrid.read, ".eaf": elan.read}


def is_labels(path: Path) -> bool:
    """Tell whether a file holds labels, by its ending."""
    return path.suffix.lower() in READERS


def read(path: str | Path) -> Marks:
    """Read what is marked in a file of Audacity (.txt), Praat (.TextGrid) or ELAN (.eaf).

    Raises:
        DataError: another ending, or what the reader of that format refuses.
    """
    path = Path(path)
    if not is_labels(path):
        raise DataError(
            "expected labels of Audacity (.txt), Praat (.TextGrid) or ELAN (.eaf)", path
        )
    return READERS[path.suffix.lower()](path)
