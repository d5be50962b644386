"""The published module ``baselineMethods``: clustering of x-vectors without a network."""

from __future__ import annotations

from pathlib import Path

from diar.base.errors import DataError
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
    """Cluster with the reference's number of speakers by 'KMeans' or 'Spectral'.

    One RTTM per recording is written; their directory is returned.

    Raises:
        DataError: an unknown method.
    """
    methods = {"KMeans": kmeans, "Spectral": spectral}
    if method not in methods:
        raise DataError(f"unknown method {method!r}: KMeans or Spectral")
    return diarize_dataset(
        audio_dataset,
        hypothesis_dir,
        lambda x, _, known, seed: methods[method](x, known, PUBLISHED, seed),
    )


def diarizationEigenGapNumSpkrs(
    audio_dataset: DiarizationDataset, hypothesis_dir: str | Path = "./rttm_output/"
) -> str:
    """Cluster spectrally with the eigengap's number of speakers; return the RTTMs' directory."""
    return diarize_dataset(
        audio_dataset,
        hypothesis_dir,
        lambda x, _, known, seed: spectral(x, known, PUBLISHED, seed),
        Bounds(most=100),
    )
