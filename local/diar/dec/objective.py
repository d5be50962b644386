"""What the refinement of DEC goes down: KL(target || assignment), and reconstruction.

Xie et al., ICML 2016 (equations 1 to 3); Guo et al., IJCAI 2017, whose loss keeps the reconstruction.
A term of your own goes into ``loss_of``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

EPS = 1e-10


@dataclass(frozen=True)
class RefineConfig:
    """The refinement of encoder and centroids. The defaults are the published constants.

    niter, lr_encoder, lr_centroids: Adam steps, and their rates.
    batch: windows that a step sees at most. A recording of no more is seen whole, as published; of a
        longer one each step sees a part, spread evenly over all its time, and the parts take turns.
    mse_weight: weight of the reconstruction beside the KL divergence.
    kl_mean: 'element' divides the KL by n k, as published, so that it shrinks with the number of
        speakers; 'batch' by n, as in the papers.
    target_power, frequency_power: p_ij is proportional to q_ij^a / f_j^b with f_j = sum_i q_ij.
        Published a = 2, b = 1; b = 0 does not inflate small clusters.
    alpha: degrees of freedom of the Student-t kernel (published: 1).
    sphere: 0 leaves the latents as they are; r > 0 puts latents and centroids on a sphere of
        radius r, so that the kernel compares directions.
    speaker_scale: s > 0 compares latents in the speaker space of the encoder instead, distances
        times s (0: as they are).
    target_interval: steps for which a target is held. tolerance: stop when a new target changes
        fewer than this share of the labels (0: never).
    """

    niter: int = 50
    lr_encoder: float = 1e-3
    lr_centroids: float = 1e-1
    batch: int = 10000
    mse_weight: float = 1 / 300
    kl_mean: Literal["element", "batch"] = "element"
    target_power: float = 2.0
    frequency_power: float = 1.0
    alpha: float = 1.0
    sphere: float = 0.0
    speaker_scale: float = 0.0
    target_interval: int = 1
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if min(self.niter, self.sphere, self.speaker_scale) < 0:
            raise ValueError("niter, sphere and speaker_scale must not be negative")
        if min(self.target_interval, self.batch) < 1 or self.alpha <= 0:
            raise ValueError("target_interval and batch must be at least 1, alpha positive")
        if self.sphere and self.speaker_scale:
            raise ValueError("sphere and speaker_scale exclude each other")


def student_t(z: Tensor, centroids: Tensor, alpha: float = 1.0) -> Tensor:
    """Assign latents (n, l) softly to centroids (k, l): q (n, k), rows sum to 1.

    q_ij is proportional to (1 + |z_i - mu_j|^2 / alpha)^(-(alpha + 1) / 2): Xie et al. eq. 1.
    """
    square = (z[:, None] - centroids[None]).square().sum(-1)
    return torch.softmax(-(alpha + 1) / 2 * torch.log1p(square / alpha), dim=1)


def target_distribution(q: Tensor, power: float = 2.0, frequency_power: float = 1.0) -> Tensor:
    """Sharpen assignments q (n, k) to a target p (n, k): Xie et al. eq. 3 with powers 2 and 1."""
    frequency = q.sum(0, keepdim=True).clamp_min(EPS)
    weight = q**power / frequency**frequency_power
    return weight / weight.sum(1, keepdim=True).clamp_min(EPS)


def loss_of(q: Tensor, target: Tensor, x: Tensor, rebuilt: Tensor, config: RefineConfig) -> Tensor:
    """Compute KL(target || q) and the reconstruction's weighted MSE, the mean over the windows.

    Xie et al. eq. 2, Guo et al. eq. 5; q, target: (n, k). x, rebuilt: (n, d).
    """
    kl = (torch.xlogy(target, target) - target * q.clamp_min(EPS).log()).sum(1)
    if config.kl_mean == "element":
        kl = kl / q.shape[1]
    return (kl + config.mse_weight * (rebuilt - x).square().mean(1)).mean()
