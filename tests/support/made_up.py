"""Made-up speakers: vectors of them, windows, and an autoencoder that has learnt what tells them apart."""

from __future__ import annotations

import numpy as np
import torch

from diar.autoencoder.network import ResidualAutoEncoder
from diar.autoencoder.pretraining import learn_speakers
from diar.base.types import Subsegments

DIM = 16


def voices(sizes, seed: int = 0, spread: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (n, DIM) of speakers who come one after the other, so many windows each, and labels."""
    rng = np.random.default_rng(seed)
    centres = np.linalg.qr(rng.normal(size=(DIM, DIM)))[0][: len(sizes)]
    labels = np.repeat(np.arange(len(sizes)), sizes)
    x = centres[labels] + spread * rng.normal(size=(len(labels), DIM))
    return x.astype(np.float32), labels


def spaced(n: int, step: float, name: str = "r") -> Subsegments:
    """Windows of 1.5 s, one every ``step`` seconds."""
    starts = step * np.arange(n)
    return Subsegments([f"{name}-{i:03d}" for i in range(n)], [name] * n, starts, starts + 1.5)


def trained_encoder(step: float, spread: float = 0.1) -> ResidualAutoEncoder:
    """It has seen forty speakers alone, in windows every ``step`` seconds."""
    torch.manual_seed(0)
    model = ResidualAutoEncoder(DIM, [32, 8], shortcut=True, length_norm=True, speaker_space=True)
    training = [(voices([40], seed, spread)[0], step * np.arange(40)) for seed in range(40)]
    learn_speakers(model.eval(), training, 1.5)
    return model
