"""The refinement of DEC: encoder and centroids go down KL(target || assignment) and reconstruction.

Xie et al., ICML 2016 (equations 1 to 3), Guo et al., IJCAI 2017; ``diar.dec.module`` has the module that is
refined, ``diar.dec.together`` refines several at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor
from torch.optim.adam import adam

from diar.base.types import Step

if TYPE_CHECKING:
    from diar.dec.module import ClusteringModule

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

    def __post_init__(self):
        if min(self.niter, self.sphere, self.speaker_scale) < 0:
            raise ValueError("niter, sphere and speaker_scale must not be negative")
        if min(self.target_interval, self.batch) < 1 or self.alpha <= 0:
            raise ValueError("target_interval and batch must be at least 1, alpha positive")
        if self.sphere and self.speaker_scale:
            raise ValueError("sphere and speaker_scale exclude each other")


def student_t(
    z: Tensor, centroids: Tensor, alpha: float = 1.0, absent: Tensor | None = None
) -> Tensor:
    """Soft assignment q (n, k), rows sum to 1, of latents (n, l) to centroids (k, l).

    q_ij is proportional to (1 + |z_i - mu_j|^2 / alpha)^(-(alpha + 1) / 2): Xie et al. eq. 1. Where
    ``absent`` (k,) is true there is no cluster: q is 0.
    """
    square = (z[:, None] - centroids[None]).square().sum(-1)
    scores = -(alpha + 1) / 2 * torch.log1p(square / alpha)
    if absent is not None:
        scores = scores.masked_fill(absent, -torch.inf)
    return torch.softmax(scores, dim=1)


def target_distribution(
    q: Tensor,
    power: float = 2.0,
    frequency_power: float = 1.0,
    present: Tensor | None = None,
) -> Tensor:
    """Sharpened target p (..., n, k) of assignments q (..., n, k): Xie et al. eq. 3 with 2 and 1.

    Rows where ``present`` (..., n) is false do not count in the frequencies.
    """
    counted = q if present is None else q * present[..., None]
    frequency = counted.sum(-2, keepdim=True).clamp_min(EPS)
    weight = q**power / frequency**frequency_power
    return weight / weight.sum(-1, keepdim=True).clamp_min(EPS)


def window_losses(
    q: Tensor,
    target: Tensor,
    x: Tensor,
    rebuilt: Tensor,
    config: RefineConfig,
    clusters: Tensor | int,
) -> Tensor:
    """(..., n) what each window adds to the loss: KL(target || q) and the reconstruction's MSE."""
    kl = (torch.xlogy(target, target) - target * q.clamp_min(EPS).log()).sum(-1)
    if config.kl_mean == "element":
        kl = kl / clusters
    return kl + config.mse_weight * (rebuilt - x).square().mean(-1)


class Adam:
    """``torch.optim.Adam`` of groups (parameters, rate) with torch's fused kernel.

    The class of that name would import torch.compile: a second at the start of each program.
    """

    def __init__(self, *groups: tuple[Sequence[Tensor], float]):
        self.parameters = [p for parameters, _ in groups for p in parameters]
        self._groups = [
            (
                list(parameters),
                rate,
                [torch.zeros_like(p) for p in parameters],
                [torch.zeros_like(p) for p in parameters],
                [torch.zeros((), device=p.device) for p in parameters],
            )
            for parameters, rate in groups
        ]

    def step(self, loss: Tensor) -> None:
        """One step down the gradient of this scalar."""
        # The kernel reads memory as it lies: a transposed gradient would go to the wrong weights.
        found = torch.autograd.grad(loss, self.parameters)
        gradients = (gradient.contiguous() for gradient in found)
        with torch.no_grad():
            for parameters, rate, first, second, count in self._groups:
                adam(
                    parameters, [next(gradients) for _ in parameters], first, second, [], count,
                    fused=True, amsgrad=False, beta1=0.9, beta2=0.999, lr=rate,
                    weight_decay=0.0, eps=1e-8, maximize=False,
                )  # fmt: skip


@dataclass(frozen=True)
class Refinement:
    """What ``refine`` is asked for: the fit of a recording stops here until it is done.

    module: refined in place. x: (n, d) its windows. target: (n, k) given, or None.
    """

    module: ClusteringModule
    x: Tensor
    target: Tensor | None = None


def refine(
    module: ClusteringModule,
    x: Tensor,
    on_step: Callable[[int, float], None] | None = None,
    given: Tensor | None = None,
) -> list[Step]:
    """Train encoder and centroids by KL(p || q) + mse_weight MSE; returns what each step saw.

    The target p is a constant of each step (Xie et al. 2016, section 3.1.2), renewed every
    ``target_interval`` steps; or it is ``given`` (n, k). With one cluster the KL is 0: plain
    fine-tuning by reconstruction.

    Of more than ``batch`` windows each step sees a part. The frequencies of the target then are
    those of all windows, each as it was assigned when it was last seen.
    """
    config = module.config
    optimiser = Adam(
        (list(module.encoder.parameters()), config.lr_encoder),
        ([module.centroids], config.lr_centroids),
    )
    parts = batches(len(x), config.batch)
    losses: list[Tensor] = []
    changes: list[Tensor] = []
    labels = torch.full((len(x),), -1, device=x.device)  # of each window when it was last seen
    target, assigned = given, None
    if given is None:
        whole = len(x) <= config.batch
        assigned = x.new_empty(len(x), len(module.centroids)) if whole else module.assign(x)[0]
    for i, rows in zip(range(config.niter), parts, strict=False):
        q, _, xo, xr = module(x[rows])
        if assigned is not None and i % config.target_interval == 0:
            if config.tolerance and i:
                changed = q.argmax(1) != assigned[rows].argmax(1)
                if changed.float().mean().item() < config.tolerance:
                    break
            assigned[rows] = q.detach()
            target = target_distribution(assigned, config.target_power, config.frequency_power)
        loss = window_losses(q, target[rows], xo, xr, config, q.shape[1]).mean()
        optimiser.step(loss)
        losses.append(loss.detach())
        changes.append(relabelled(q, labels[rows]))
        labels[rows] = q.argmax(1)
        if on_step:
            on_step(i, loss.item())
    return steps_of(losses, changes)


def relabelled(q: Tensor, labels: Tensor) -> Tensor:
    """Share of the windows (..., n) that assignments q (..., n, k) put elsewhere than ``labels``
    (..., n) had them; those of label -1 do not count."""
    known = labels >= 0
    return ((q.argmax(-1) != labels) & known).sum(-1) / known.sum(-1)


def steps_of(losses: Sequence[Tensor], changes: Sequence[Tensor]) -> list[Step]:
    """What each step saw, brought from where it was computed all at once."""
    columns = (
        torch.stack(scalars).cpu().tolist() if scalars else [] for scalars in (losses, changes)
    )
    return [Step(*row) for row in zip(*columns, strict=True)]


def batches(n: int, size: int) -> Iterator[slice]:
    """The windows of each step, without end: all, or every so-manieth, from the first, the second ..."""
    parts = -(-n // size)
    while True:
        yield from (slice(first, None, parts) for first in range(parts))
