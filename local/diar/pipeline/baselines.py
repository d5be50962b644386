"""The baselines: a clustering of x-vectors, and how its labels become turns."""

from __future__ import annotations

from dataclasses import dataclass

from diar.clustering.methods import ClusteringConfig
from diar.turns.decoding import DecodingConfig


@dataclass(frozen=True)
class BaselineConfig:
    """conf/baselines.yaml: the clusterings, and how their labels become turns.

    max_speakers: most that are counted, where nothing else is said.
    """

    max_speakers: int = 20
    clustering: ClusteringConfig = ClusteringConfig()
    decoding: DecodingConfig = DecodingConfig()
