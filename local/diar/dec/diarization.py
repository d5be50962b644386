"""DEC of one recording, from x-vectors to posteriors: the recipe's algorithm and the published one.

Both are this code; conf/dec.yaml and conf/dec_paper.yaml hold the difference.
"""

from __future__ import annotations

import copy
from collections.abc import Generator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from diar.autoencoder.network import ResidualAutoEncoder
from diar.base.errors import DataError
from diar.base.posteriors import normalised, one_hot
from diar.base.types import Bounds, Step, Subsegments
from diar.clustering.methods import METHODS, ClusteringConfig, method_of, renumber
from diar.dec.durations import Timeline, timeline
from diar.dec.module import ClusteringModule, as_tensor, count_on_latents, spectral_labels
from diar.dec.refinement import RefineConfig, Refinement, refine
from diar.dec.sequence import SequenceConfig, infer, merge, softened
from diar.turns.decoding import DecodingConfig
from diar.xvectors.neighbours import neighbour_cosine

MOST_AT_START = 100  # clusters that the sequence model may dissolve


@dataclass(frozen=True)
class DecConfig:
    """What happens to one recording, in this order.

    max_speakers: most that are counted, where nothing else is said.
    fit_step: seconds between the windows that are fitted; closer ones only take part in decoding
        (0: fit all).
    finetune_iters, finetune_lr: reconstruction-only steps before anything is clustered.
    count: 'eigengap' counts on the latents as published; 'start' leaves it to the start.
    start: 'spectral' (published), or a clustering of ``diar.clustering.methods.METHODS``: 'ahc', 'nme_sc'.
    start_on: cluster 'latents' or 'xvectors'.
    clustering: options of those clusterings.
    ahc_ratio: the threshold of 'ahc' is this times the cosine of neighbouring windows of the
        recording (``neighbour_cosine``), because how alike a voice is to itself depends on the
        recording; 0: ``clustering.ahc_threshold`` as it is.
    rounds: how often the refinement takes the posteriors of the sequence model for its target,
        where there is one. settled: no more of them when the last one changed the speaker of fewer than
        this share of the windows (0: all of them).
    refine: the refinement proper; without a sequence model and with ``niter`` 0, the labels of the
        start are the result.
    sequence: the model of time, ``diar.dec.sequence``; with it, clusters that the windows do not need
        are dissolved, and its posteriors decide.
    min_cluster: without it, seconds of windows below which a cluster is dissolved, unless the number
        of speakers was given (0: never).
    decoding: posteriors to turns.
    """

    max_speakers: int = 100
    fit_step: float = 0.0
    finetune_iters: int = 100
    finetune_lr: float = 1e-3
    count: Literal["eigengap", "start"] = "eigengap"
    start: str = "spectral"
    start_on: Literal["latents", "xvectors"] = "latents"
    clustering: ClusteringConfig = ClusteringConfig()
    ahc_ratio: float = 0.0
    rounds: int = 0
    settled: float = 0.0
    refine: RefineConfig = RefineConfig()
    sequence: SequenceConfig = SequenceConfig(iterations=0)
    min_cluster: float = 0.0
    decoding: DecodingConfig = DecodingConfig(kind="cells")

    def __post_init__(self):
        for name in ("fit_step", "min_cluster", "finetune_iters", "ahc_ratio", "rounds", "settled"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative")
        if self.start not in METHODS:
            raise ValueError(f"start is {self.start!r}; it must be one of: {', '.join(METHODS)}")
        if self.start == "kmeans" and self.count != "eigengap":
            raise ValueError("start 'kmeans' needs count 'eigengap'")
        if self.start == "spectral" and (self.count != "eigengap" or self.start_on != "latents"):
            raise ValueError("start 'spectral' needs count 'eigengap' and start_on 'latents'")


@dataclass(frozen=True)
class Fit:
    """posteriors (n, k) and latents (n, l) of all windows, the start labels and what followed.

    fitted: row numbers of the m windows that were fitted; start: (m,) their labels at first.
    start_latents: (n, l) before the refinement. history: its steps, in order; where the sequence model
        has decided anew, one without loss.
    """

    posteriors: np.ndarray
    latents: np.ndarray
    fitted: np.ndarray
    start: np.ndarray
    start_latents: np.ndarray
    history: list[Step]

    @property
    def labels(self) -> np.ndarray:
        """(n,) the most likely cluster of each window."""
        return self.posteriors.argmax(axis=1)

    @property
    def count(self) -> int:
        return self.posteriors.shape[1]

    @property
    def losses(self) -> list[float]:
        """Those of all steps that have one."""
        return [step.loss for step in self.history if not np.isnan(step.loss)]


Fitting = Generator[Refinement, list[Step], Fit]  # yields what is to be refined, gets what was seen


def fit(
    x: np.ndarray,
    windows: Subsegments,
    encoder: ResidualAutoEncoder,
    config: DecConfig,
    bounds: Bounds,
    seed: int = 0,
) -> Fit:
    """Diarize the windows of one recording: ``fitting``, which says more, run to its end."""
    steps = fitting(x, windows, encoder, config, bounds, seed)
    seen = None
    while True:
        try:
            request = steps.send(seen)
        except StopIteration as end:
            return end.value
        seen = refine(request.module, request.x, given=request.target)


def fitting(
    x: np.ndarray,
    windows: Subsegments,
    encoder: ResidualAutoEncoder,
    config: DecConfig,
    bounds: Bounds,
    seed: int = 0,
) -> Fitting:
    """Diarize the windows of one recording, and stop for each refinement until another has done it.

    Args:
        x: (n, d) x-vectors in time order, n >= 0.
        windows: the n windows.
        encoder: pretrained; not modified.
        bounds: what is known of the number of speakers.
        seed: of everything random.

    Returns:
        Posteriors of k >= 1 clusters for every window (n = 0: no windows, one cluster).

    Raises:
        DataError: the configuration needs a speaker space, which the autoencoder does not have.
    """
    if (config.sequence.iterations or config.refine.speaker_scale) and not encoder.options[
        "speaker_space"
    ]:
        raise DataError(
            "this configuration needs an autoencoder with a speaker space: train one with"
            " speaker_space: true"
        )
    if not len(x):
        empty = np.zeros(0, dtype=int)
        latents = np.zeros((0, encoder.latent_dim))
        return Fit(np.ones((0, 1)), latents, empty, empty, latents, [])
    starts = np.asarray(windows.starts)
    rows = thin(starts, config.fit_step)
    if len(rows) < bounds.range[0]:  # so many speakers need so many windows
        rows = np.arange(len(x))
    model = copy.deepcopy(encoder)
    length = float(np.median(windows.ends - windows.starts))
    data = FitInput(as_tensor(x, encoder), starts, length, rows)

    if config.finetune_iters:  # one cluster: the KL is zero, so this is reconstruction only
        tuning = replace(
            config.refine, niter=config.finetune_iters, lr_encoder=config.finetune_lr, tolerance=0.0
        )
        module = ClusteringModule(1, model, data.fitted, config=tuning, seed=seed)
        yield Refinement(module, data.fitted)

    if config.ahc_ratio:
        threshold = config.ahc_ratio * neighbour_cosine(x[rows], starts[rows], length)
        config = replace(config, clustering=replace(config.clustering, ahc_threshold=threshold))
    if not config.sequence.iterations:
        labels = start_labels(x[rows], model, config, bounds, seed)
        return (yield from by_assignment(data, labels, model, config, bounds, seed))
    # In a long recording, what is odd fills any number of clusters, and gathers more than its own.
    long = len(rows) > config.clustering.exact
    most = max(config.max_speakers, bounds.range[1]) if long else MOST_AT_START
    labels = start_labels(x[rows], model, config, Bounds(most=min(most, MOST_AT_START)), seed)
    found = yield from by_sequence(data, labels, model, config, seed, rare=not bounds.exact)
    if bounds.clip(found.count) == found.count:
        return found
    return (yield from within_bounds(found, data, labels, model, config, bounds, seed))


@dataclass(frozen=True)
class FitInput:
    """The windows of one recording: x (n, d), starts (n,) and length in seconds, and the rows (m,) that
    are fitted."""

    x: Tensor
    starts: np.ndarray
    length: float
    rows: np.ndarray

    @property
    def time(self) -> Timeline:
        return timeline(self.starts, self.length)

    @cached_property
    def fitted(self) -> Tensor:
        return self.x[torch.from_numpy(self.rows)]

    @property
    def nearest(self) -> np.ndarray:
        """(n,) for each window, which of the fitted ones is nearest in time."""
        middle = (self.starts[self.rows][1:] + self.starts[self.rows][:-1]) / 2
        return np.searchsorted(middle, self.starts)


def by_assignment(
    data: FitInput,
    labels: np.ndarray,
    model: ResidualAutoEncoder,
    config: DecConfig,
    bounds: Bounds,
    seed: int,
) -> Fitting:
    """Each window for itself: refine from these labels, then dissolve what is too small."""
    module = ClusteringModule(1, model, data.fitted, config=config.refine, seed=seed)
    module.place(model.encode_all(data.fitted), one_hot(labels))
    before = module.assign(data.x)[1].cpu().numpy()
    history = yield Refinement(module, data.fitted)
    assigned, latents = (table.cpu().numpy() for table in module.assign(data.x))
    q = assigned if history else one_hot(labels)[data.nearest]
    keep = np.arange(q.shape[1])
    if config.min_cluster and not bounds.exact:
        fitted = q[data.rows].argmax(axis=1)
        size = config.min_cluster / median_step(data.starts[data.rows])
        keep = survivors(fitted, q.shape[1], size, bounds.least)
    return Fit(normalised(q[:, keep]), latents, data.rows, labels, before, history)


def by_sequence(
    data: FitInput,
    labels: np.ndarray,
    model: ResidualAutoEncoder,
    config: DecConfig,
    seed: int,
    count: int | None = None,
    rare: bool = False,
) -> Fitting:
    """All windows together: the sequence model sets the target of the refinement, which gives the
    sequence model better latents. Clusters that are not needed disappear, unless the count is given: then
    the most alike are merged before, and no other. rare: who speaks for seconds in hours is kept, too,
    which where the number is known would leave odd clusters in place of speakers."""
    model = copy.deepcopy(model)
    between = model.speaker_between.double().cpu().numpy()
    time = data.time
    posteriors = softened(labels, float(time.seconds.sum()) if rare else 0.0)[data.nearest]
    history: list[Step] = []
    start_latents = None
    module = ClusteringModule(1, model, data.fitted, config=config.refine, seed=seed)
    for refinements in range(config.rounds + 1):
        z = model.encode_all(data.x)
        latents = model.in_speaker_space(z).double().cpu().numpy()
        if start_latents is None:
            start_latents = latents
        if count and not refinements:
            posteriors = merge(latents, between, posteriors, time, config.sequence, count)
        before = posteriors
        posteriors = infer(latents, between, posteriors, time, config.sequence, dissolve=not count)
        if refinements:
            history.append(Step(float("nan"), moved(before, posteriors)))
        if refinements == config.rounds or posteriors.shape[1] == 1:
            break
        if refinements and changed(before, posteriors) < config.settled:
            break
        module.place(z, posteriors)
        target = torch.from_numpy(posteriors[data.rows]).to(data.x)
        history += yield Refinement(module, data.fitted, target)
    if not count:
        posteriors = merge(latents, between, posteriors, time, config.sequence)
    return Fit(posteriors, latents, data.rows, labels, start_latents, history)


def within_bounds(
    found: Fit,
    data: FitInput,
    labels: np.ndarray,
    model: ResidualAutoEncoder,
    config: DecConfig,
    bounds: Bounds,
    seed: int,
) -> Fitting:
    """Too many or too few speakers: the nearest bound is kept, from clusters that are merged until they
    are so many."""
    wanted = bounds.clip(found.count)
    if found.count > wanted and not bounds.exact and len(data.rows) > config.clustering.exact:
        # As found: in a long recording, what is odd gathers much where nothing may be dissolved.
        between = model.speaker_between.double().cpu().numpy()
        merged = merge(
            found.latents, between, found.posteriors, data.time, config.sequence, wanted, True
        )
        return replace(found, posteriors=merged)
    if found.count > wanted:
        labels = renumber(found.labels[data.rows])
    if labels.max() + 1 < wanted:
        x = data.fitted.cpu().numpy()
        labels = start_labels(x, model, config, Bounds(wanted), seed)
    return (yield from by_sequence(data, labels, model, config, seed, count=wanted))


def start_labels(
    x: np.ndarray, model: ResidualAutoEncoder, config: DecConfig, bounds: Bounds, seed: int
) -> np.ndarray:
    """(n,) labels 0..k-1 from which the refinement starts."""
    z = model.encode_all(as_tensor(x, model)).double().cpu().numpy()
    if config.count == "eigengap":
        least, most = bounds.range
        count = bounds.exact or bounds.clip(
            count_on_latents(z, least=least, most=most, exact=config.clustering.exact)
        )
        bounds = Bounds(exact=count)
    if config.start == "spectral":
        return spectral_labels(z, bounds.range[0], seed, config.clustering.exact)
    points = z if config.start_on == "latents" else x
    return renumber(method_of(config.start)(points, bounds, config.clustering, seed))


def thin(starts: np.ndarray, step: float) -> np.ndarray:
    """Row numbers of windows at least ``step`` seconds apart, the first one included."""
    rows, last = [], -np.inf
    for i, start in enumerate(starts):
        if start - last >= step - 1e-6:
            rows.append(i)
            last = start
    return np.array(rows, dtype=int)


def median_step(starts: np.ndarray) -> float:
    """Seconds from one window to the next; 1 where there is only one."""
    return float(np.median(np.diff(starts))) if len(starts) > 1 else 1.0


def changed(before: np.ndarray, after: np.ndarray) -> float:
    """The share of windows whose most likely cluster is another; 1 where there are other clusters."""
    if before.shape != after.shape:
        return 1.0
    return float((before.argmax(axis=1) != after.argmax(axis=1)).mean())


def moved(before: np.ndarray, after: np.ndarray) -> float:
    """The share of windows whose most likely cluster is another, once the clusters (n, k) of both are
    paired so that the fewest are."""
    common = np.zeros((before.shape[1], after.shape[1]), dtype=int)
    np.add.at(common, (before.argmax(axis=1), after.argmax(axis=1)), 1)
    return float(1 - common[linear_sum_assignment(-common)].sum() / len(before))


def survivors(labels: np.ndarray, count: int, size: float, least: int) -> np.ndarray:
    """Clusters to keep: those of at least ``size`` windows, but never fewer than ``least``."""
    sizes = np.bincount(labels, minlength=count)
    order = np.argsort(-sizes, kind="stable")
    kept = max(int((sizes >= size).sum()), min(least, count), 1)
    return np.sort(order[:kept])
