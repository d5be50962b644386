"""Pretraining of the autoencoder on the x-vectors of the training set."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from diar.autoencoder.config import AutoencoderConfig
from diar.autoencoder.network import (
    ResidualAutoEncoder,
    cosine_loss,
    network_of,
    reconstruction_loss,
)
from diar.autoencoder.speaker_space import estimate
from diar.base.errors import DataError


@dataclass(frozen=True)
class Epoch:
    """One line of loss.tsv."""

    epoch: int
    lr: float
    train: float
    valid: float


def pretrain(
    train: np.ndarray,
    valid: np.ndarray,
    config: AutoencoderConfig,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    device: torch.device | str = "cpu",
) -> ResidualAutoEncoder:
    """Train with layer-wise reconstruction; keep the weights of the best validation epoch.

    With ``patience`` 0, every phase runs to its end and the last weights are kept, as published.
    If training starts from the shipped weights, they count as epoch 0; with ``init`` 'shipped' it
    ends there.

    Args:
        train: (n, d) float32 x-vectors.
        valid: (m, d) float32 x-vectors of other speakers; m may be 0 if patience is 0.
        config: architecture and schedule.
        on_epoch: called after each epoch.
        device: where to train; the model stays there.

    Raises:
        DataError: too few x-vectors, or none for validation although patience needs them.
    """
    if len(train) < 2:
        raise DataError(f"{len(train)} training x-vectors: too few to train an autoencoder")
    if config.patience and not len(valid):
        raise DataError("early stopping (patience > 0) needs validation x-vectors")
    threads = torch.get_num_threads()
    torch.set_num_threads(config.threads)
    try:
        cuda = torch.device(device).type == "cuda"
        with torch.random.fork_rng(devices=[device] if cuda else []):
            torch.manual_seed(config.seed)
            return _train(train, valid, config, on_epoch, device)
    finally:
        torch.set_num_threads(threads)


def learn_speakers(
    model: ResidualAutoEncoder, recordings: Iterable[tuple[np.ndarray, np.ndarray]], window: float
) -> None:
    """Estimate the speaker space of the model's latents, and store it in the model.

    Args:
        recordings: x-vectors (n, d) of each training recording in time order, and the starts (n,) of
            their windows in seconds.
        window: length of the windows, seconds.

    Raises:
        DataError: no recording has neighbouring windows that differ.
    """
    latents = ((_unit_latents(model, x), starts) for x, starts in recordings)
    mean, transform, between = estimate(latents, window)
    model.speaker_mean.copy_(torch.from_numpy(mean))
    model.speaker_transform.copy_(torch.from_numpy(transform.copy()))  # its strides are negative
    model.speaker_between.copy_(torch.from_numpy(between))


@torch.no_grad()
def _unit_latents(model: ResidualAutoEncoder, x: np.ndarray) -> np.ndarray:
    z = model.encode(torch.from_numpy(x).to(next(model.parameters()).device))
    return F.normalize(z, dim=1).double().cpu().numpy()


def _train(
    train: np.ndarray,
    valid: np.ndarray,
    config: AutoencoderConfig,
    on_epoch: Callable[[Epoch], None],
    device: torch.device | str,
) -> ResidualAutoEncoder:
    order = np.random.default_rng(config.seed)
    x, v = torch.from_numpy(train).to(device), torch.from_numpy(valid).to(device)
    model, shipped = network_of(config, x.shape[1])
    model.to(device)
    if config.center and not shipped:
        model.mean.copy_(x.mean(0))
    held_out = _batches(np.arange(len(v)), config.batch)
    least, best, number = float("inf"), None, 0  # lowest validation loss, and its weights
    if shipped:
        least, best = _mean_loss(model, v, held_out, config), copy.deepcopy(model.state_dict())
        on_epoch(Epoch(0, 0.0, float("nan"), least))
        if config.init == "shipped":
            return model.eval()
    for phase in config.phases:
        optimiser = torch.optim.Adam(model.parameters(), lr=phase.lr)
        waited = 0
        for _ in range(phase.epochs):
            number += 1
            batches = _batches(order.permutation(len(x)), config.batch)
            trained = _mean_loss(model, x, batches, config, optimiser)
            validation = _mean_loss(model, v, held_out, config)
            on_epoch(Epoch(number, phase.lr, trained, validation))
            if validation < least:
                least, best, waited = validation, copy.deepcopy(model.state_dict()), 0
            else:
                waited += 1
            if config.patience and waited >= config.patience:
                break
        if config.patience and best:  # each phase starts from the best so far
            model.load_state_dict(best)
    return model.eval()


def _mean_loss(
    model: ResidualAutoEncoder,
    x: Tensor,
    batches: list[np.ndarray],
    config: AutoencoderConfig,
    optimiser: torch.optim.Optimizer | None = None,
) -> float:
    """Compute the mean loss of the rows (NaN if none); train on each batch if there is an optimiser."""
    if not len(x):
        return float("nan")
    total = 0.0
    for rows in batches:
        with torch.set_grad_enabled(optimiser is not None):
            z, xo, xr = model(x[rows])
            loss = reconstruction_loss(xo, xr)
            if config.cosine_weight:
                loss = loss + config.cosine_weight * cosine_loss(xo[0], z)
        if optimiser:
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
        total += loss.item() * len(rows)
    return total / len(x)


def _batches(rows: np.ndarray, size: int) -> list[np.ndarray]:
    """Split rows into batches of ``size``; a single last row joins the previous batch."""
    cuts = list(range(size, len(rows), size))
    if cuts and len(rows) - cuts[-1] == 1:
        cuts.pop()
    return np.split(rows, cuts)
