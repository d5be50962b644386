"""From x-vectors to turns: configurations of stages 4 and 6."""

from __future__ import annotations

from dataclasses import dataclass

from diar.clustering.methods import ClusteringConfig
from diar.dec.config import DecConfig
from diar.turns.confidence import ConfidenceConfig
from diar.turns.decoding import DecodingConfig


@dataclass(frozen=True)
class DecStageConfig(DecConfig):
    """conf/dec.yaml: what happens to one recording, and at last how its posteriors become turns.

    confidence: how they become the probability that the speaker of a turn is right.
    """

    decoding: DecodingConfig = DecodingConfig(kind="cells")
    confidence: ConfidenceConfig = ConfidenceConfig()


@dataclass(frozen=True)
class BaselineConfig:
    """conf/baselines.yaml: the clusterings, and how their labels become turns.

    max_speakers: most that are counted, where nothing else is said.
    """

    max_speakers: int = 20
    clustering: ClusteringConfig = ClusteringConfig()
    decoding: DecodingConfig = DecodingConfig()

    def __post_init__(self) -> None:
        if self.max_speakers < 1:
            raise ValueError("max_speakers must be at least 1")
