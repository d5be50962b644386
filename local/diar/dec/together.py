"""Many recordings through DEC, several refined in one set of tensors where that is faster.

A small network on the windows of a short recording leaves an accelerator idle: there the networks of
many recordings are stacked, and go through the same steps at once, each with its own windows, clusters
and target. None sees another; what is padded counts nowhere. On a CPU, whose cores one recording
keeps busy, it does not pay (benchmarks/dec_fit), and each is refined alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap
from torch.nn.utils.rnn import pad_sequence

from diar.autoencoder.network import ResidualAutoEncoder
from diar.base.errors import DataError
from diar.base.types import Bounds, Step, Subsegments
from diar.dec.diarization import DecConfig, Fit, Fitting, fitting
from diar.dec.refinement import (
    Adam,
    Refinement,
    refine,
    relabelled,
    steps_of,
    target_distribution,
    window_losses,
)

MOST = 64  # recordings that are fitted at once: each has a network of its own, and Adam two more
MOST_WINDOWS = 1 << 15  # padded ones that are refined at once


@dataclass(frozen=True)
class Recording:
    """What ``diar.dec.diarization.fit`` needs to know of a recording."""

    x: np.ndarray
    windows: Subsegments
    bounds: Bounds
    seed: int = 0


def pays(device: torch.device | str) -> int:
    """How many recordings are best fitted at once on this device."""
    return 1 if torch.device(device).type == "cpu" else MOST


def fit_all(
    recordings: Sequence[Recording],
    encoder: ResidualAutoEncoder,
    config: DecConfig,
    at_once: int | None = None,
) -> list[Fit | DataError]:
    """Diarize recordings: for each what ``diar.dec.diarization.fit`` returns, or the error that it raises.

    Args:
        encoder: pretrained, on the device that does the work; not modified.
        at_once: most that are refined in one set of tensors; None: what is best for the device. Up to
            rounding no result depends on it, nor on the other recordings.
    """
    device = next(encoder.parameters()).device
    at_once = at_once or pays(device)
    results: list[Fit | DataError] = []
    for first in range(0, len(recordings), at_once):
        fits = [
            _fitting(recording, encoder, config)
            for recording in recordings[first : first + at_once]
        ]
        results += _together(fits)
    return results


def _fitting(recording: Recording, encoder: ResidualAutoEncoder, config: DecConfig) -> Fitting:
    x, dim = recording.x, encoder.ip_features
    if x.shape[1] != dim:
        raise DataError(
            f"x-vectors of dimension {x.shape[1]}, but the autoencoder is for {dim}: train it on the"
            " same kind of x-vectors"
        )
    return (
        yield from fitting(x, recording.windows, encoder, config, recording.bounds, recording.seed)
    )


def _together(fits: Sequence[Fitting]) -> list[Fit | DataError]:
    """Run all to their ends; what they ask for is refined for all that wait."""
    results: list[Any] = [None] * len(fits)
    waiting: dict[int, Refinement] = {}

    def advance(i: int, steps: list[Step] | None) -> None:
        try:
            waiting[i] = fits[i].send(steps)
        except StopIteration as end:
            results[i] = end.value
        except DataError as error:
            results[i] = error

    for i in range(len(fits)):
        advance(i, None)
    while waiting:
        asked = dict(waiting)
        waiting.clear()
        for group in _groups(asked):
            for i, steps in zip(group, refine_all([asked[i] for i in group]), strict=True):
                advance(i, steps)
    return results


def _groups(asked: dict[int, Refinement]) -> Iterator[list[int]]:
    """Which go together: those of one configuration, like sizes beside each other."""

    def kind(i: int) -> tuple:
        return repr(asked[i].module.config), asked[i].target is None, len(asked[i].x), i

    order = sorted(asked, key=kind)
    group: list[int] = []
    for i in order:
        if group and not _fits(asked[group[0]], asked[i], len(group) + 1):
            yield group
            group = []
        group.append(i)
    if group:
        yield group


def _fits(first: Refinement, last: Refinement, count: int) -> bool:
    """Whether a group that begins with ``first`` may be ``count`` with ``last``, its longest."""
    config = last.module.config
    return (
        first.module.config == config
        and (first.target is None) == (last.target is None)
        and not config.tolerance  # each would stop at another step
        and len(last.x) <= config.batch
        and count * len(last.x) <= MOST_WINDOWS
    )


def refine_all(requests: Sequence[Refinement]) -> list[list[Step]]:
    """``refine`` of each of these, which have one configuration without ``tolerance``, in one set of
    tensors."""
    if len(requests) == 1:
        return [refine(r.module, r.x, given=r.target) for r in requests]
    config = requests[0].module.config
    stack = Stack(requests)
    given = requests[0].target is not None
    target = stack.targets() if given else None
    optimiser = Adam(
        (list(stack.weights.values()), config.lr_encoder),
        ([stack.centroids], config.lr_centroids),
    )
    losses, changes = [], []
    labels = stack.present.new_full(stack.present.shape, -1).long()
    for i in range(config.niter):
        q, rebuilt, x = stack.forward()
        if not given and i % config.target_interval == 0:
            target = target_distribution(
                q.detach(), config.target_power, config.frequency_power, stack.present
            )
        each = window_losses(q, target, x, rebuilt, config, stack.clusters[:, None])
        loss = (each * stack.present).sum(1) / stack.present.sum(1)
        optimiser.step(loss.sum())
        losses.append(loss.detach())
        changes.append(relabelled(q, labels))
        labels = torch.where(stack.present > 0, q.argmax(-1), -1)
    stack.give_back()
    steps = steps_of(losses, changes)
    return [[Step(loss[i], changed[i]) for loss, changed in steps] for i in range(len(requests))]


class Stack:
    """Modules of several recordings as one: parameters (r, ...), windows (r, n, d), of which ``present``
    (r, n) are none that fill up; clusters (r, k), of which ``absent`` are."""

    def __init__(self, requests: Sequence[Refinement]):
        self.requests = requests
        self.skeleton = requests[0].module
        self.weights, self.buffers = stack_module_state([r.module.encoder for r in requests])
        centroids = [r.module.centroids.detach() for r in requests]
        self.centroids = pad_sequence(centroids, batch_first=True).requires_grad_()
        self.x = pad_sequence([r.x for r in requests], batch_first=True)
        self.present = padded_ones([r.x for r in requests])
        exists = padded_ones(centroids)
        self.clusters, self.absent = exists.sum(1), exists == 0

    def targets(self) -> Tensor:
        """(r, n, k) those that are given."""
        shape = (*self.present.shape, self.centroids.shape[1])
        target = self.x.new_zeros(shape)
        for row, request in zip(target, self.requests, strict=True):
            row[: request.target.shape[0], : request.target.shape[1]] = request.target
        return target

    def forward(self) -> tuple[Tensor, Tensor, Tensor]:
        """q (r, n, k), reconstructions (r, n, d), inputs as they are reconstructed (r, n, d)."""

        def one(weights, buffers, centroids, x, absent):
            state = {f"encoder.{name}": value for name, value in (weights | buffers).items()}
            q, _, inputs, rebuilt = functional_call(
                self.skeleton, state | {"centroids": centroids}, (x, absent)
            )
            return q, rebuilt, inputs

        return vmap(one)(self.weights, self.buffers, self.centroids, self.x, self.absent)

    @torch.no_grad()
    def give_back(self) -> None:
        """Each module gets what has become of its parameters."""
        for i, request in enumerate(self.requests):
            module = request.module
            for name, value in module.encoder.named_parameters():
                value.copy_(self.weights[name][i])
            module.centroids.copy_(self.centroids[i, : len(module.centroids)])


def padded_ones(tables: Sequence[Tensor]) -> Tensor:
    """(r, n): 1 for each row of each table (m, ...), m <= n, then 0."""
    return pad_sequence([table.new_ones(len(table)) for table in tables], batch_first=True)
