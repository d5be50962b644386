"""The published module ``baselineMethods``: clustering of x-vectors without a network."""

from __future__ import annotations

from pathlib import Path

from diar.base import arguments
from diar.base.types import Bounds
from diar.clustering.methods import ClusteringConfig, kmeans, spectral
from diar.published.dataset import DiarizationDataset
from diar.published.runs import diarize_dataset

__all__ = ["diarizationEigenGapNumSpkrs", "diarizationOracleNumSpkrs"]

PUBLISHED = ClusteringConfig(p_percentile=0.9, gaussian_blur_sigma=2.0)


def diarizationOracleNumSpkrs(
    audio_dataset: DiarizationDataset,
    method: str = "KMeans",
    hypothesis_dir: str | Path = "./rttm_output/",
) -> str:
    """Cluster with 'KMeans' or 'Spectral' and the reference's number of speakers.

    Write one RTTM per recording, and return their directory.

    Raises:
        TypeError, ValueError: an invalid argument, such as an unknown method.
        DataError: some recordings failed (any without a reference does); the others are done.
    """
    methods = {"KMeans": kmeans, "Spectral": spectral}
    cluster = methods[arguments.choice("method", method, methods)]
    return diarize_dataset(
        audio_dataset, hypothesis_dir, lambda x, _, known, seed: cluster(x, known, PUBLISHED, seed)
    )


def diarizationEigenGapNumSpkrs(
    audio_dataset: DiarizationDataset, hypothesis_dir: str | Path = "./rttm_output/"
) -> str:
    """Cluster spectrally with the eigengap's number of speakers; return the RTTMs' directory.

    Raises:
        TypeError: an invalid argument. DataError: some recordings failed; the others are done.
    """
    return diarize_dataset(
        audio_dataset,
        hypothesis_dir,
        lambda x, _, known, seed: spectral(x, known, PUBLISHED, seed),
        Bounds(most=100),
    )
