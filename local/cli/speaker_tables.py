"""Turns and x-vectors of the same recordings, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cli.program import log
from diar.base.errors import DataError
from diar.base.types import Turn, XVectors
from diar.kaldi.xvector_dir import XVectorDir


def load_each(
    xvectors: XVectorDir, turns: Mapping[str, list[Turn]]
) -> Iterator[tuple[str, list[Turn], XVectors]]:
    """Yield (recording, turns, x-vectors); one whose x-vectors cannot be used is named and left out.

    Raises:
        DataError: turns of recordings without any x-vectors: those are of another set.
    """
    missing = [recording for recording in turns if recording not in xvectors.windows]
    if missing:
        raise DataError(
            f"no x-vectors of {len(missing)} of {len(turns)} recordings, the first is {missing[0]!r}:"
            " are those of another set?",
            xvectors.path,
        )
    for recording, mine in turns.items():
        try:
            loaded = xvectors.load(recording)
        except DataError as error:
            log.warning("%s: left as it is: %s", recording, error)
            continue
        yield recording, mine, loaded
