"""DEC of one recording, from x-vectors to posteriors: the recipe's algorithm and the published one.

Both are this code; conf/dec.yaml and conf/dec_paper.yaml hold the difference.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch

from diar.autoencoder import ResidualAutoEncoder
from diar.clustering import METHODS, Bounds, ClusteringConfig, neighbour_cosine, renumber
from diar.dec import (
    ClusteringModule,
    RefineConfig,
    as_tensor,
    count_on_latents,
    refine,
    spectral_labels,
)
from diar.decoding import DecodingConfig
from diar.types import Subsegments


@dataclass(frozen=True)
class DecConfig:
    """What happens to one recording, in this order.

    max_speakers: most that are counted, where nothing else is said.
    fit_step: seconds between the windows that are fitted; closer ones only take part in decoding
        (0: fit all).
    finetune_iters, finetune_lr: reconstruction-only steps before anything is clustered.
    count: 'eigengap' counts on the latents as published; 'start' leaves it to the start.
    start: 'spectral' (published), or a clustering of ``diar.clustering``: 'ahc', 'nme_sc'.
    start_on: cluster 'latents' or 'xvectors'.
    clustering: options of those clusterings.
    ahc_ratio: the threshold of 'ahc' is this times the cosine of neighbouring windows of the
        recording (``neighbour_cosine``), because how alike a voice is to itself depends on the
        recording; 0: ``clustering.ahc_threshold`` as it is.
    refine: the refinement proper.
    min_cluster: seconds of windows below which a cluster is dissolved, unless the number of
        speakers was given (0: never).
    decoding: posteriors to turns.
    """

    max_speakers: int = 100
    fit_step: float = 0.0
    finetune_iters: int = 100
    finetune_lr: float = 1e-3
    count: Literal["eigengap", "start"] = "eigengap"
    start: Literal["spectral", "ahc", "nme_sc"] = "spectral"
    start_on: Literal["latents", "xvectors"] = "latents"
    clustering: ClusteringConfig = ClusteringConfig()
    ahc_ratio: float = 0.0
    refine: RefineConfig = RefineConfig()
    min_cluster: float = 0.0
    decoding: DecodingConfig = DecodingConfig(kind="cells")

    def __post_init__(self):
        if min(self.fit_step, self.min_cluster, self.finetune_iters, self.ahc_ratio) < 0:
            raise ValueError(
                "fit_step, min_cluster, finetune_iters and ahc_ratio must not be negative"
            )
        if self.start == "spectral" and (self.count != "eigengap" or self.start_on != "latents"):
            raise ValueError("start 'spectral' needs count 'eigengap' and start_on 'latents'")


@dataclass(frozen=True)
class Fit:
    """posteriors (n, k) and latents (n, l) of all windows, the start labels and what followed.

    fitted: row numbers of the m windows that were fitted; start: (m,) their labels at first.
    """

    posteriors: np.ndarray
    latents: np.ndarray
    fitted: np.ndarray
    start: np.ndarray
    losses: list[float]

    @property
    def labels(self) -> np.ndarray:
        """(n,) the most likely cluster of each window."""
        return self.posteriors.argmax(axis=1)


def fit(
    x: np.ndarray,
    windows: Subsegments,
    encoder: ResidualAutoEncoder,
    config: DecConfig,
    bounds: Bounds,
    seed: int = 0,
) -> Fit:
    """Diarize the windows of one recording.

    Args:
        x: (n, d) x-vectors in time order, n >= 0.
        windows: the n windows.
        encoder: pretrained; not modified.
        bounds: what is known of the number of speakers.
        seed: of everything random.

    Returns:
        Posteriors of k >= 1 clusters for every window (n = 0: no windows, one cluster).
    """
    if not len(x):
        empty = np.zeros(0, dtype=int)
        return Fit(np.ones((0, 1)), np.zeros((0, encoder.latent_dim)), empty, empty, [])
    starts = np.asarray(windows.starts)
    rows = thin(starts, config.fit_step)
    data = as_tensor(x, encoder)
    some = data[torch.from_numpy(rows)]
    model = copy.deepcopy(encoder)

    # One cluster: the KL is zero, so this is fine-tuning by reconstruction.
    tuning = replace(
        config.refine, niter=config.finetune_iters, lr_encoder=config.finetune_lr, tolerance=0.0
    )
    refine(ClusteringModule(1, model, some, config=tuning, seed=seed), some)

    if config.ahc_ratio:
        threshold = config.ahc_ratio * neighbour_cosine(
            x, starts, float(np.median(windows.ends - windows.starts))
        )
        config = replace(config, clustering=replace(config.clustering, ahc_threshold=threshold))
    labels = start_labels(x[rows], model, config, bounds, seed)
    module = ClusteringModule(1, model, some, config=config.refine, seed=seed)
    module.set_labels(some, labels)
    losses = refine(module, some)
    with torch.no_grad():
        q = module(some)[0]
        q_all = module(data)[0] if len(rows) < len(x) else q
        latents = module.latents(data).cpu().numpy()
    keep = np.arange(q.shape[1])
    if config.min_cluster and not bounds.exact:
        size = config.min_cluster / (np.median(np.diff(starts[rows])) if len(rows) > 1 else 1.0)
        keep = survivors(q.argmax(1).cpu().numpy(), q.shape[1], size, bounds.least)
    posteriors = q_all.cpu().numpy()[:, keep]
    posteriors /= posteriors.sum(axis=1, keepdims=True)
    return Fit(posteriors, latents, rows, labels, losses)


def start_labels(
    x: np.ndarray, model: ResidualAutoEncoder, config: DecConfig, bounds: Bounds, seed: int
) -> np.ndarray:
    """(n,) labels 0..k-1 from which the refinement starts."""
    with torch.no_grad():
        z = model.encode(as_tensor(x, model)).double().cpu().numpy()
    if config.count == "eigengap":
        least, most = bounds.range
        count = bounds.exact or bounds.clip(count_on_latents(z, least=least, most=most))
        bounds = Bounds(exact=count)
    if config.start == "spectral":
        return spectral_labels(z, bounds.range[0], seed)
    points = z if config.start_on == "latents" else x
    return renumber(METHODS[config.start](points, bounds, config.clustering, seed))


def thin(starts: np.ndarray, step: float) -> np.ndarray:
    """Row numbers of windows at least ``step`` seconds apart, the first one included."""
    rows, last = [], -np.inf
    for i, start in enumerate(starts):
        if start - last >= step - 1e-6:
            rows.append(i)
            last = start
    return np.array(rows, dtype=int)


def survivors(labels: np.ndarray, count: int, size: float, least: int) -> np.ndarray:
    """Clusters to keep: those of at least ``size`` windows, but never fewer than ``least``."""
    sizes = np.bincount(labels, minlength=count)
    order = np.argsort(-sizes, kind="stable")
    kept = max(int((sizes >= size).sum()), min(least, count), 1)
    return np.sort(order[:kept])
