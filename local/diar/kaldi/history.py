"""The history file of the refinements.

Its lines have the form ``FORM``, with '-' for undefined values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from diar.base.errors import DataError
from diar.base.numbers import parse_number
from diar.base.types import Step
from diar.kaldi.tables import expect_fields, records

FORM = "<recording> <step> <loss> <changed>"


def format_history(recording: str, steps: Iterable[Step]) -> Iterator[str]:
    """Yield the lines of a recording."""
    for number, step in enumerate(steps, 1):
        loss, changed = ("-" if np.isnan(x) else f"{x:.6g}" for x in step)
        yield f"{recording} {number} {loss} {changed}\n"


def read_history(path: str | Path) -> dict[str, list[Step]]:
    """Read the steps of each recording, in the order of their numbers.

    Raises:
        DataError: no such file, or a malformed line.
    """
    histories: dict[str, list[tuple[float, Step]]] = {}
    for number, fields in records(path):
        expect_fields(fields, FORM, path, number)
        place, loss, changed = (float("nan") if f == "-" else parse_number(f) for f in fields[1:])
        for text, value in zip(fields[1:], (place, loss, changed), strict=True):
            if np.isnan(value) and (text != "-" or text is fields[1]):
                raise DataError(f"{text!r} is not a number", path, number)
        histories.setdefault(fields[0], []).append((place, Step(loss, changed)))
    return {recording: [step for _, step in sorted(rows)] for recording, rows in histories.items()}
