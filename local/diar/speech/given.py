"""Speech given by a data directory: its reference, its segments, or Kaldi's frame decisions."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np

from diar.base.errors import DataError
from diar.base.regions import intersection, union
from diar.base.types import Region
from diar.kaldi.arks import Scp
from diar.kaldi.rttm import read_rttm
from diar.kaldi.tables import read_regions, read_segments
from diar.speech.vad import oracle_speech

FILES = {"oracle": "ref.rttm", "segments": "segments", "vad_scp": "vad.scp"}


class GivenSpeech(Protocol):
    """Speech regions given by a data directory."""

    def regions(self, recording: str, duration: float) -> list[Region]:
        """Return the sorted, disjoint regions of speech within [0, duration], in seconds.

        Raises:
            DataError: the frame decisions of the recording are missing, or not a vector.
        """
        ...


def given_speech(data_dir: str | Path, kind: str, frame_shift: float = 0.01) -> GivenSpeech:
    """Read speech regions from a Kaldi data directory.

    Args:
        kind: 'oracle' (the speech in ref.rttm), 'segments' (their union), or 'vad_scp' (frame decisions
            of Kaldi's compute_vad_decision.sh, for recordings or for the utterances of ``segments``).
        frame_shift: of the decisions, seconds.

    Raises:
        DataError: a file cannot be read.
    """
    path = Path(data_dir) / FILES[kind]
    if kind == "oracle":
        return _Reference(path)
    if kind == "segments":
        return _Segments(path)
    return _FrameDecisions(path, frame_shift)


class _Reference:
    def __init__(self, path: Path):
        self._turns = read_rttm(path)

    def regions(self, recording: str, duration: float) -> list[Region]:
        return oracle_speech(self._turns.get(recording, ()), duration)


class _Segments:
    def __init__(self, path: Path):
        self._regions = read_regions(path, open_ends=True)

    def regions(self, recording: str, duration: float) -> list[Region]:
        return intersection(self._regions.get(recording, []), [Region(0.0, duration)])


class _FrameDecisions:
    def __init__(self, path: Path, shift: float):
        self._decisions = Scp(path)
        self._shift = shift
        self._utterances: dict[str, list[tuple[str, Region]]] = {}  # of each recording, sorted
        if (path.parent / "segments").exists():
            segments = read_segments(path.parent / "segments", open_ends=True)
            for recording, windows in segments.by_recording().items():
                spans = map(Region, windows.starts.tolist(), windows.ends.tolist())
                self._utterances[recording] = [
                    (name, span)
                    for name, span in zip(windows.ids, spans, strict=True)
                    if name in self._decisions
                ]

    def regions(self, recording: str, duration: float) -> list[Region]:
        if recording in self._decisions:
            spans = self._frames(recording, 0.0)
        elif utterances := self._utterances.get(recording):
            spans = []
            for utterance, span in utterances:
                spans += intersection(self._frames(utterance, span.start), [span])
        else:
            raise DataError(f"no decisions for recording {recording!r}", self._decisions.path)
        return intersection(union(spans), [Region(0.0, duration)])

    def _frames(self, key: str, offset: float) -> list[Region]:
        """Return runs of speech frames; frame i covers [i, i + 1) * shift from ``offset``."""
        decisions = self._decisions[key]
        if decisions.ndim != 1:
            raise DataError(
                f"{key}: expected a vector of decisions, found shape {decisions.shape}",
                self._decisions.path,
            )
        speech = np.concatenate([[0], decisions > 0.5, [0]]).astype(int)
        change = np.flatnonzero(np.diff(speech))
        return union(
            (offset + a * self._shift, offset + b * self._shift)
            for a, b in zip(change[::2].tolist(), change[1::2].tolist(), strict=True)
        )
