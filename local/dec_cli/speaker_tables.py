"""Turns and x-vectors of the same recordings, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from diar.base.errors import DataError
from diar.base.files import write_text
from diar.base.types import Turn, XVectors
from diar.kaldi.xvector_dir import XVectorDir


def load_each(
    xvectors: XVectorDir, turns: Mapping[str, list[Turn]], out_dir: Path
) -> Iterator[tuple[str, list[Turn], XVectors]]:
    """Yield (recording, turns, x-vectors); list those with unusable x-vectors in <out_dir>/failed.

    Raises:
        DataError: recordings with turns have no x-vectors, so these are of another set.
    """
    missing = [recording for recording in turns if recording not in xvectors.windows]
    if missing:
        raise DataError(
            f"no x-vectors of {len(missing)} of {len(turns)} recordings, the first is {missing[0]!r}:"
            " are they of another set?",
            xvectors.path,
        )
    failed = []
    for recording, mine in turns.items():
        try:
            loaded = xvectors.load(recording)
        except DataError as error:
            failed.append(f"{recording} {error}\n")
            continue
        yield recording, mine, loaded
    if failed:
        write_text(out_dir / "failed", "".join(failed))
