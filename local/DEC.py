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
        path: a ``model.safetensors``, or its directory; None uses the shipped one, or else the one
            trained by stage 3.
        device: 'cpu', 'cuda', 'cuda:1', or 'auto'.

    Raises:
        DataError: no model (the message names the stage that makes it), or no such device.
        TypeError: an argument of the wrong type.
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
    """Run DEC on every recording; write one RTTM for each and return their directory.

    Args:
        num_spkr: the number of speakers; 'oracle' uses the reference's, None estimates it. Recordings
            with too few windows for it are logged.
        hypothesis_dir: output directory, ``./rttm_output/`` if None.
        encoder: pretrained; None uses a shipped one: that of ``load_encoder()``, or if the configuration
            needs a speaker space, that of the recipe.
        dec_config: the algorithm, by default as published; its decoding is not used, because here a
            window is a cell of the grid.

    Raises:
        TypeError, ValueError: an invalid argument.
        DataError: no such configuration; or some recordings failed and the others are done.
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
