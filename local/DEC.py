"""The published module ``DEC``: autoencoder, clustering module, DEC, and DEC of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import torch

from diar.autoencoder import network
from diar.autoencoder.network import ResidualAutoEncoder
from diar.base import config
from diar.base.errors import DataError
from diar.base.types import Bounds, Subsegments
from diar.dec.diarization import fit
from diar.dec.module import ClusteringModule
from diar.pipeline.config import DecStageConfig
from diar.published.dataset import ROOT, DiarizationDataset
from diar.published.dec import DEC
from diar.published.runs import diarize_dataset

__all__ = ["DEC", "ClusteringModule", "ResidualAutoEncoder", "diarizationDEC", "load_encoder"]


def load_encoder(
    path: str | Path | None = None, *, device: str | torch.device = "cpu"
) -> ResidualAutoEncoder:
    """Load a fresh pretrained ``ResidualAutoEncoder(192, [500, 500, 2000, 30])``; works offline.

    Args:
        path: a ``model.safetensors``; None takes the one that ships with the recipe, else the one
            that stage 3 has trained.

    Raises:
        DataError: there is none; the message says which stage makes it.
    """
    if path is None:
        places = [network.SHIPPED_PAPER, ROOT / "exp/ae_paper/model.safetensors"]
        path = next((p for p in places if p.exists()), None)
        if path is None:
            raise DataError("no pretrained autoencoder: train it with ./run.sh --stage 3")
    return network.load_model(path, device)


def diarizationDEC(
    audio_dataset: DiarizationDataset,
    num_spkr: int | Literal["oracle"] | None = None,
    hypothesis_dir: str | Path | None = None,
    *,
    encoder: ResidualAutoEncoder | None = None,
    dec_config: str | Path = ROOT / "conf" / "dec_paper.yaml",
) -> str:
    """Run DEC on every recording; write one RTTM each and return their directory.

    Args:
        num_spkr: 'oracle' takes the reference's count, None estimates it; else the number. A recording
            with too few windows for it is named in the log.
        hypothesis_dir: where to, ``./rttm_output/`` when None.
        encoder: pretrained; None for ``load_encoder()``.
        dec_config: the algorithm, as published by default.

    Raises:
        DataError: a number of speakers that cannot be; some recordings failed, the others are done.
    """
    if isinstance(num_spkr, str) and num_spkr != "oracle":
        raise DataError(f"num_spkr is {num_spkr!r}: 'oracle', a number, or None")
    options = config.load(DecStageConfig, dec_config)
    bounds = None
    if num_spkr != "oracle":
        bounds = Bounds(most=options.max_speakers) if num_spkr is None else Bounds(num_spkr)
    start = encoder or load_encoder()

    def label(x: np.ndarray, windows: Subsegments, known: Bounds, seed: int) -> np.ndarray:
        return fit(x, windows, start, options, known, seed).labels

    return diarize_dataset(audio_dataset, hypothesis_dir, label, bounds)
