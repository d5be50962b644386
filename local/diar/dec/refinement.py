"""The refinement of DEC: gradient steps on encoder and centroids for a recording."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from torch.optim.adam import adam

from diar.base.types import Step
from diar.dec.module import ClusteringModule
from diar.dec.objective import loss_of, target_distribution


class Adam:
    """``torch.optim.Adam`` for groups (parameters, rate), through the function that it calls.

    The class would import torch.compile, which stage 4 does not need otherwise and which takes 0.8 s of
    CPU in each job, as much as all of torch (1.7 s instead of 0.9 s until the first step is done).
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
        """Take one step down the gradient of this scalar."""
        # The kernel ignores strides: a transposed gradient would be applied to the wrong weights.
        gradients = iter([g.contiguous() for g in torch.autograd.grad(loss, self.parameters)])
        with torch.no_grad():
            for parameters, rate, first, second, count in self._groups:
                adam(
                    parameters, [next(gradients) for _ in parameters], first, second, [], count,
                    fused=True, amsgrad=False, beta1=0.9, beta2=0.999, lr=rate,
                    weight_decay=0.0, eps=1e-8, maximize=False,
                )  # fmt: skip


def refine(
    module: ClusteringModule,
    x: Tensor,
    on_step: Callable[[int, float], None] | None = None,
    given: Tensor | None = None,
) -> list[Step]:
    """Train encoder and centroids with KL(p || q) + mse_weight MSE; return the steps.

    The target p is constant in each step (Xie et al. 2016, section 3.1.2) and updated every
    ``target_interval`` steps, unless it is ``given`` (n, k). With one cluster the KL is 0, which leaves
    fine-tuning by reconstruction.

    With more than ``batch`` windows, each step sees a part of them. The frequencies of the target are
    then those of all windows, with each window's assignment when it was last seen.
    """
    config = module.config
    optimiser = Adam(
        (list(module.encoder.parameters()), config.lr_encoder),
        ([module.centroids], config.lr_centroids),
    )
    losses: list[Tensor] = []
    changes: list[Tensor] = []
    labels = torch.full((len(x),), -1, device=x.device)  # of each window, when last seen
    if given is None:
        whole = len(x) <= config.batch
        assigned = x.new_empty(len(x), len(module.centroids)) if whole else module.assign(x)[0]
    target = assigned if given is None else given  # the first step updates it, unless given
    for i, rows in zip(range(config.niter), batches(len(x), config.batch), strict=False):
        q, _, xo, xr = module(x[rows])
        if given is None and i % config.target_interval == 0:
            if config.tolerance and i:
                changed = q.argmax(1) != assigned[rows].argmax(1)
                if changed.float().mean().item() < config.tolerance:
                    break
            assigned[rows] = q.detach()
            target = target_distribution(assigned, config.target_power, config.frequency_power)
        loss = loss_of(q, target[rows], xo, xr, config)
        optimiser.step(loss)
        losses.append(loss.detach())
        changes.append(changed_share(q, labels[rows]))
        labels[rows] = q.argmax(1)
        if on_step:
            on_step(i, loss.item())
    pairs = zip(losses, changes, strict=True)
    return [Step(loss.item(), changed.item()) for loss, changed in pairs]


def changed_share(q: Tensor, labels: Tensor) -> Tensor:
    """Return the share of windows whose cluster in q (n, k) differs from ``labels`` (n,).

    Windows with label -1 do not count; NaN if there are no others.
    """
    known = labels >= 0
    return ((q.argmax(1) != labels) & known).sum() / known.sum()


def batches(n: int, size: int) -> Iterator[slice]:
    """Yield the windows of each step, endlessly: all, or every k-th, from the first, the second ..."""
    parts = -(-n // size)
    while True:
        yield from (slice(first, None, parts) for first in range(parts))
