"""The published module ``baselineMethods``: clustering of x-vectors without a network."""

from __future__ import annotations

from pathlib import Path

from diar.base.errors import DataError
from diar.published import runs
from diar.published.dataset import DiarizationDataset

__all__ = ["diarizationEigenGapNumSpkrs", "diarizationOracleNumSpkrs"]


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
    methods = {"KMeans": "kmeans", "Spectral": "spectral"}
    if method not in methods:
        raise DataError(f"unknown method {method!r}: KMeans or Spectral")
    return runs.run_baseline(audio_dataset, methods[method], True, hypothesis_dir)


def diarizationEigenGapNumSpkrs(
    audio_dataset: DiarizationDataset, hypothesis_dir: str | Path = "./rttm_output/"
) -> str:
    """Cluster spectrally with the eigengap's number of speakers; return the RTTMs' directory."""
    return runs.run_baseline(audio_dataset, "spectral", False, hypothesis_dir)
