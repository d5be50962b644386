"""From x-vectors to turns: configurations of stages 4 and 6."""

from __future__ import annotations

from dataclasses import dataclass

from diar.clustering.methods import ClusteringConfig
from diar.dec.config import DecConfig
from diar.turns.confidence import ConfidenceConfig
from diar.turns.decoding import DecodingConfig


@dataclass(frozen=True)
class DecStageConfig(DecConfig):
    """conf/dec.yaml: the algorithm for one recording, and the decoding of its posteriors to turns.

    confidence: maps posteriors to the probability that the speaker of a turn is right.
    """

    decoding: DecodingConfig = DecodingConfig(kind="cells")
    confidence: ConfidenceConfig = ConfidenceConfig()


@dataclass(frozen=True)
class BaselineConfig:
    """conf/baselines.yaml: the clustering methods, and the decoding of their labels to turns.

    max_speakers: maximum number of speakers, unless another bound is given.
    """

    max_speakers: int = 20
    clustering: ClusteringConfig = ClusteringConfig()
    decoding: DecodingConfig = DecodingConfig()

    def __post_init__(self) -> None:
        if self.max_speakers < 1:
            raise ValueError("max_speakers must be at least 1")
