"""The published module ``baselineMethods``: clustering of x-vectors without a network."""

from __future__ import annotations

from pathlib import Path

from diar.base.errors import DataError
from diar.published import runs
from diar.published.dataset import DiarizationDataset

__all__ = ["diarizationEigenGapNumSpkrs", "diarizationOracleNumSpkrs"]


def diarizationOracleNumSpkrs(  # noqa: N802 (the published name)
    audio_dataset: DiarizationDataset,
    method: str = "KMeans",
    hypothesis_dir: str | Path = "./rttm_output/",
) -> str:
    """Cluster with the reference's number of speakers by 'KMeans' or 'Spectral'.

    Writes one RTTM per recording and returns their directory.

    Raises:
        DataError: an unknown method.
    """
    methods = {"KMeans": "kmeans", "Spectral": "spectral"}
    if method not in methods:
        raise DataError(f"unknown method {method!r}: KMeans or Spectral")
    return runs.run_baseline(audio_dataset, methods[method], True, hypothesis_dir)


def diarizationEigenGapNumSpkrs(  # noqa: N802 (the published name)
    audio_dataset: DiarizationDataset, hypothesis_dir: str | Path = "./rttm_output/"
) -> str:
    """Spectral clustering with the eigengap's number of speakers; returns the RTTMs' directory."""
    return runs.run_baseline(audio_dataset, "spectral", False, hypothesis_dir)
