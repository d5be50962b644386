"""From samples to turns in one call: VAD, x-vectors, DEC, decoding."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from diar.audio.spool import Spooled
from diar.autoencoder.network import ResidualAutoEncoder
from diar.base.errors import DataError
from diar.base.types import Bounds, LocalSpeakers, Region, Subsegments, Turn, XVectors
from diar.dec import diarization
from diar.dec.diarization import Fit
from diar.extractors import Extractor
from diar.pipeline.config import DecStageConfig
from diar.speech import vad
from diar.speech.segmentation import Segmentation
from diar.speech.vad import VadConfig
from diar.turns import confidence, decoding
from diar.xvectors import extraction
from diar.xvectors.windows import XVectorConfig


@dataclass(frozen=True)
class Diarization:
    """The results for a recording, stage by stage; without speech, there are no windows and no fit.

    exclusive: turns with one speaker at a time. doubts: reasons to doubt that ``speech`` is complete.
    confidences: for each of ``turns``, the probability that the speaker is right, if fitted.
    doubtful: turns with a lower confidence are called doubtful.
    """

    turns: list[Turn]
    exclusive: list[Turn]
    speech: list[Region]
    xvectors: XVectors
    fit: Fit | None
    doubts: Sequence[str] = ()
    confidences: dict[Turn, float] = field(default_factory=dict)
    doubtful: float = 0.0

    @property
    def windows(self) -> Subsegments:
        """The windows of the x-vectors."""
        return self.xvectors.subsegments


class Heard(NamedTuple):
    """The results for a recording before clustering.

    duration: seconds of audio. local: local speakers, if there is a segmentation. doubts: reasons to doubt that
    ``speech`` is complete.
    """

    duration: float
    speech: list[Region]
    xvectors: XVectors
    local: LocalSpeakers | None
    doubts: Sequence[str]


@dataclass(frozen=True)
class Pipeline:
    """The stages of the experiment for one recording at a time, with everything loaded.

    vad_kind: one of ``diar.speech.vad.KINDS``. segmentation: finds local speakers; None if not needed.
    overlap: whether to use them for overlap and for DEC.
    """

    extractor: Extractor
    encoder: ResidualAutoEncoder
    vad_kind: str = "silero"
    vad: VadConfig = field(default_factory=VadConfig)
    xvector: XVectorConfig = field(default_factory=XVectorConfig)
    dec: DecStageConfig = field(default_factory=DecStageConfig)
    segmentation: Segmentation | None = None
    overlap: bool = True

    def __post_init__(self) -> None:
        if self.extractor.dim != self.encoder.ip_features:
            raise DataError(
                f"extractor {self.extractor.name!r} makes x-vectors of dimension {self.extractor.dim}, but the"
                f" autoencoder is for {self.encoder.ip_features}"
            )
        if self.dec.decoding.kind == "cells" and self.xvector.layout != "grid":
            raise DataError(decoding.NO_GRID)

    def hear(self, recording: str, samples: np.ndarray | Spooled) -> Heard:
        """Find speech, local speakers and x-vectors of a recording.

        Args:
            recording: its id.
            samples: (n,) float32 mono at ``extractor.rate``.
        """
        with ThreadPoolExecutor(
            1
        ) as meanwhile:  # Silero listens on one thread: others need not wait
            find = self.segmentation and meanwhile.submit(self.segmentation.local_speakers, samples)
            local = find.result if find else None
            speech, doubts = vad.speech_and_doubts(samples, self.vad_kind, self.vad, local)
        vectors = extraction.extract(self.xvector, self.extractor, recording, speech, samples)
        duration = len(samples) / self.extractor.rate
        return Heard(duration, speech, vectors, local() if local else None, doubts)

    def fit(self, heard: Heard, bounds: Bounds | None = None, seed: int = 0) -> Diarization:
        """Diarize a recording that was heard.

        Args:
            heard: what was found in it.
            bounds: bounds on the number of speakers.
            seed: for everything random.
        """
        duration, speech, xvectors, found, doubts = heard
        local = found if self.overlap else None
        windows = xvectors.subsegments
        if not len(windows):
            return Diarization([], [], speech, xvectors, None, doubts)
        bounds = bounds or Bounds(most=self.dec.max_speakers)
        fit = diarization.fit(
            xvectors.vectors, windows, self.encoder, self.dec, bounds, seed, local
        )
        on_grid = self.xvector.layout == "grid"
        grid = (self.xvector.window, self.xvector.step) if on_grid else None
        decoded = decoding.decode(
            windows, fit.posteriors, duration, self.dec.decoding, grid, bounds.range[0], local
        )
        sure = confidence.confidences(windows, fit.posteriors, decoded.turns, self.dec.confidence)
        doubtful = self.dec.confidence.doubtful
        return Diarization(
            decoded.turns, decoded.exclusive, speech, xvectors, fit, doubts, sure, doubtful
        )
