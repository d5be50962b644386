"""The published module ``DEC``: autoencoder, clustering module, DEC, and DEC of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import torch

from diar.autoencoder import network
from diar.autoencoder.network import ResidualAutoEncoder
from diar.base import arguments, config
from diar.base.devices import device_of
from diar.base.errors import DataError
from diar.base.types import Bounds, Subsegments
from diar.dec.diarization import fit
from diar.dec.module import ClusteringModule
from diar.pipeline.config import DecStageConfig
from diar.published.dataset import ROOT, DiarizationDataset
from diar.published.dec import DEC
from diar.published.runs import check_dataset, diarize_dataset

__all__ = ["DEC", "ClusteringModule", "ResidualAutoEncoder", "diarizationDEC", "load_encoder"]


def load_encoder(
    path: str | Path | None = None, *, device: str | torch.device = "cpu"
) -> ResidualAutoEncoder:
    """Load a fresh pretrained ``ResidualAutoEncoder(192, [500, 500, 2000, 30])``; works offline.

    Args:
        path: a ``model.safetensors``, or the directory it is in; None takes the one that ships with the
            recipe, else the one that stage 3 has trained.
        device: 'cpu', 'cuda', 'cuda:1', or 'auto'.

    Raises:
        DataError: there is none (the message says which stage makes it), or no such device.
        TypeError: an argument of another kind.
    """
    if not isinstance(device, (str, torch.device)):
        raise arguments.wrong_kind("device", "'cpu', 'cuda' or the like", device)
    device = device_of(str(device))
    if path is not None:
        path = arguments.path("path", path, " or None")
    else:
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
        encoder: pretrained; None for the one that ships and fits: that of ``load_encoder()``, or where
            the configuration needs a speaker space, that of the recipe.
        dec_config: the algorithm, as published by default; its decoding is not used, for a window is a
            cell of the grid here.

    Raises:
        TypeError, ValueError: an argument that cannot be.
        DataError: no such configuration; some recordings failed, the others are done.
    """
    check_dataset(audio_dataset)
    options = config.load(DecStageConfig, arguments.path("dec_config", dec_config))
    bounds = None
    if num_spkr is None:
        bounds = Bounds(most=options.max_speakers)
    elif num_spkr != "oracle":
        bounds = Bounds(arguments.speakers("num_spkr", num_spkr, ", 'oracle' or None"))
    if encoder is None:
        start = load_encoder(network.SHIPPED if options.needs_speaker_space else None)
    else:
        start = arguments.instance(
            "encoder", encoder, ResidualAutoEncoder, " or None: load_encoder(path) makes one"
        )

    def label(x: np.ndarray, windows: Subsegments, known: Bounds, seed: int) -> np.ndarray:
        return fit(x, windows, start, options, known, seed).labels

    return diarize_dataset(audio_dataset, hypothesis_dir, label, bounds)
