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
    """What was made of a recording, arrow by arrow; without speech, no windows and no fit.

    exclusive: the turns of one speaker at a time. doubts: what makes one doubt that ``speech`` is all.
    confidences: of ``turns``, the probability that the speaker is right, where a map to it is known.
    doubtful: turns of a smaller one are called so.
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
        """Of the x-vectors."""
        return self.xvectors.subsegments


class Heard(NamedTuple):
    """What is heard in a recording before anybody is told apart.

    local: local speakers, where there is a segmentation. doubts: what makes one doubt that ``speech`` is all.
    """

    speech: list[Region]
    xvectors: XVectors
    local: LocalSpeakers | None
    doubts: Sequence[str]


@dataclass(frozen=True)
class Pipeline:
    """The stages of the experiment for one recording at a time, with everything loaded.

    vad_kind: one of ``diar.speech.vad.KINDS``. segmentation: what finds local speakers; None where it
    is not needed. overlap: whether they say who speaks at the same time, and who is whom.
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
                f"extractor {self.extractor.name!r} gives {self.extractor.dim} dimensions, the"
                f" autoencoder takes {self.encoder.ip_features}"
            )
        if self.dec.decoding.kind == "cells" and self.xvector.layout != "grid":
            raise DataError(decoding.NO_GRID)

    def hear(self, recording: str, samples: np.ndarray | Spooled) -> Heard:
        """Find the speech of a recording, and what says who speaks.

        Args:
            as for ``run``.
        """
        with ThreadPoolExecutor(
            1
        ) as meanwhile:  # Silero listens on one thread: others need not wait
            find = self.segmentation and meanwhile.submit(self.segmentation.local_speakers, samples)
            local = find.result if find else None
            speech, doubts = vad.speech_and_doubts(samples, self.vad_kind, self.vad, local)
        vectors = extraction.extract(self.xvector, self.extractor, recording, speech, samples)
        return Heard(speech, vectors, local() if local else None, doubts)

    def run(
        self,
        recording: str,
        samples: np.ndarray | Spooled,
        bounds: Bounds | None = None,
        seed: int = 0,
    ) -> Diarization:
        """Diarize a recording; return its turns, and what they were made from.

        Args:
            recording: its id.
            samples: (n,) float32 mono at ``extractor.rate``.
            bounds: what is known of the number of speakers.
            seed: of everything random.
        """
        duration = len(samples) / self.extractor.rate
        speech, xvectors, heard, doubts = self.hear(recording, samples)
        local = heard if self.overlap else None
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
