"""The loss of DEC's refinement: KL(target || assignment), and reconstruction.

Xie et al., ICML 2016 (equations 1 to 3); Guo et al., IJCAI 2017, whose loss keeps the reconstruction.
Add your own term to ``loss_of``; docs/extending.md shows how.
"""

from __future__ import annotations

import torch
from torch import Tensor

from diar.dec.config import RefineConfig

EPS = 1e-10  # avoids the logarithm of 0 and division by 0


def student_t(z: Tensor, centroids: Tensor, alpha: float = 1.0) -> Tensor:
    """Compute the soft assignment q (n, k) of latents (n, l) to centroids (k, l); rows sum to 1.

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
    """Compute KL(target || q) plus the weighted MSE of the reconstruction, averaged over the windows.

    Xie et al. eq. 2, Guo et al. eq. 5; q, target: (n, k). x, rebuilt: (n, d).
    """
    kl = (torch.xlogy(target, target) - target * q.clamp_min(EPS).log()).sum(1)
    if config.kl_mean == "element":
        kl = kl / q.shape[1]
    return (kl + config.mse_weight * (rebuilt - x).square().mean(1)).mean()
