"""Speech that a data directory states: by its reference, its segments, or Kaldi's frame decisions."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from diar.base.errors import DataError
from diar.base.regions import intersection, regions_of, union
from diar.base.types import Region
from diar.kaldi.arks import Scp
from diar.kaldi.rttm import read_rttm
from diar.kaldi.tables import read_segments
from diar.speech.vad import speech_of

FILES = {"oracle": "ref.rttm", "segments": "segments", "vad_scp": "vad.scp"}


class GivenSpeech:
    """Where there is speech according to a data directory.

    kind: 'oracle' (where anybody speaks in ref.rttm), 'segments' (their union), or 'vad_scp'
    (decisions of frames, as Kaldi's compute_vad_decision.sh writes them, of recordings or of the
    utterances of ``segments``).

    Args:
        data_dir: a Kaldi data directory.
        kind: a key of ``FILES``.
        frame_shift: of the decisions, seconds.

    Raises:
        DataError: files that cannot be read; decisions whose ids are neither recordings nor
            utterances.
    """

    def __init__(self, data_dir: str | Path, kind: str, frame_shift: float = 0.01):
        directory = Path(data_dir)
        self.kind, self.frame_shift = kind, frame_shift
        self._turns = read_rttm(directory / FILES[kind]) if kind == "oracle" else {}
        segments = directory / "segments"
        self._segments = None
        if kind == "segments" or (kind == "vad_scp" and segments.exists()):
            self._segments = read_segments(segments, open_ends=True)
            self._rows = self._segments.by_recording()
        self._decisions = Scp(directory / FILES[kind]) if kind == "vad_scp" else None

    def regions(self, recording: str, duration: float) -> list[Region]:
        """Sorted, disjoint regions of speech within [0, duration].

        Raises:
            DataError: no decisions for the recording, or decisions that are no vector.
        """
        if self.kind == "oracle":
            return speech_of(self._turns.get(recording, ()), duration)
        spans = self._utterances(recording) if self._decisions is None else self._decided(recording)
        return intersection(union(spans), [Region(0.0, duration)])

    def _utterances(self, recording: str) -> list[Region]:
        return regions_of(self._segments, self._rows.get(recording, ()))

    def _decided(self, recording: str) -> list[tuple[float, float]]:
        if recording in self._decisions:
            return self._frames(recording, 0.0)
        rows = self._rows.get(recording, ()) if self._segments else ()
        rows = [row for row in rows if self._segments.ids[row] in self._decisions]
        if not rows:
            raise DataError(f"no decisions for recording {recording!r}", self._decisions.path)
        spans = []
        for row in rows:
            start, end = float(self._segments.starts[row]), float(self._segments.ends[row])
            frames = union(self._frames(self._segments.ids[row], start))
            spans += intersection(frames, [Region(start, end)])
        return spans

    def _frames(self, key: str, offset: float) -> list[tuple[float, float]]:
        """Runs of frames that are speech; frame i covers [i, i + 1) * frame_shift from ``offset``."""
        decisions = self._decisions[key]
        if decisions.ndim != 1:
            raise DataError(
                f"{key}: expected a vector of decisions, found shape {decisions.shape}",
                self._decisions.path,
            )
        speech = np.concatenate([[0], decisions > 0.5, [0]]).astype(int)
        change = np.flatnonzero(np.diff(speech))
        return [
            (offset + a * self.frame_shift, offset + b * self.frame_shift)
            for a, b in zip(change[::2].tolist(), change[1::2].tolist(), strict=True)
        ]
