"""DEC of one recording, from x-vectors to posteriors: the recipe's algorithm and the published one.

``fit`` implements both and reads from top to bottom; they differ in conf/dec.yaml and
conf/dec_paper.yaml.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy
import torch
from torch import Tensor

from diar.autoencoder.network import ResidualAutoEncoder
from diar.base.errors import DataError
from diar.base.posteriors import normalise, one_hot
from diar.base.types import Bounds, LocalSpeakers, Step, Subsegments
from diar.clustering.methods import method_of, renumber
from diar.dec.config import DecConfig
from diar.dec.durations import durations_of
from diar.dec.links import links_of, local_count, solo_of
from diar.dec.module import ClusteringModule, as_tensor
from diar.dec.refinement import refine
from diar.dec.sequence import common_offset, infer, merge, most_mixed, soften, unfounded, without
from diar.dec.start import count_on_latents, spectral_labels
from diar.xvectors.neighbours import neighbour_cosine, thin


@dataclass(frozen=True)
class Fit:
    """Posteriors (n, k) and latents (n, l) of all windows, the start, and the history.

    rows: indices of the m windows that were clustered and refined. start: (m,) their labels at the start.
    start_latents: (n, l) before the refinement. history: its steps, in order; a step without loss is an
        inference of the sequence model.
    """

    posteriors: np.ndarray
    latents: np.ndarray
    rows: np.ndarray
    start: np.ndarray
    start_latents: np.ndarray
    history: list[Step]

    @classmethod
    def of_nothing(cls, dim: int) -> Fit:
        """Return the fit of zero windows, with one cluster."""
        rows, latents = np.zeros(0, dtype=int), np.zeros((0, dim))
        return cls(np.ones((0, 1)), latents, rows, rows, latents, [])

    @property
    def labels(self) -> np.ndarray:
        """(n,) the most likely cluster of each window."""
        return self.posteriors.argmax(axis=1)

    @property
    def count(self) -> int:
        """k, the number of clusters."""
        return self.posteriors.shape[1]

    @property
    def losses(self) -> list[float]:
        """The losses of all steps that have one."""
        return [step.loss for step in self.history if not np.isnan(step.loss)]


def fit(
    x: np.ndarray,
    windows: Subsegments,
    encoder: ResidualAutoEncoder,
    config: DecConfig,
    bounds: Bounds,
    seed: int = 0,
    local: LocalSpeakers | None = None,
) -> Fit:
    """Diarize the windows of one recording.

    Args:
        x: (n, d) x-vectors in time order, n >= 0.
        windows: the n windows.
        encoder: pretrained; not modified.
        config: the algorithm.
        bounds: bounds on the number of speakers.
        seed: for everything random.
        local: the local speakers, if there is a segmentation, for the sequence model.

    Returns:
        Posteriors of k >= 1 clusters for every window (n = 0: no windows, one cluster).

    Raises:
        DataError: the x-vectors do not have the dimension of the autoencoder, or the configuration needs
            a speaker space, which the autoencoder lacks.
    """
    _check(x, encoder, config)
    if not len(x):
        return Fit.of_nothing(encoder.latent_dim)
    if config.jitter:
        noise = np.random.default_rng(seed).standard_normal(x.shape)
        x = (x * (1 + config.jitter * noise)).astype(x.dtype)
    data = Observations.of(as_tensor(x, encoder), windows, config.fit_step, bounds.range[0], local)
    model = copy.deepcopy(encoder)

    if config.finetune_iters:  # one cluster: the KL is zero, so this is reconstruction only
        tuning = replace(
            config.refine, niter=config.finetune_iters, lr_encoder=config.finetune_lr, tolerance=0.0
        )
        refine(ClusteringModule(1, model, data.thin_x, config=tuning, seed=seed), data.thin_x)

    if config.ahc_ratio:
        alike = neighbour_cosine(
            x[data.rows], data.starts[data.rows], data.length, config.neighbours
        )
        clustering = replace(config.clustering, ahc_threshold=config.ahc_ratio * alike)
        config = replace(config, clustering=clustering)

    if not config.sequence.iterations:
        labels = start_labels(data.thin_x, model, config, bounds, seed)
        return refine_by_assignment(data, labels, model, config, bounds, seed)

    # In a long recording, outliers fill any number of clusters and attract other windows.
    most = config.start_clusters
    if data.is_long(config):
        most = min(most, max(config.max_speakers, bounds.range[1]))
    least = min(local_count(local, config.start_active), most) if local else 1
    labels = start_labels(data.thin_x, model, config, Bounds(least=least, most=most), seed)
    result = refine_by_sequence(data, labels, model, config, seed, rare=not bounds.exact)
    if bounds.clip(result.count) == result.count:
        return result
    return keep_bounds(result, data, model, config, bounds, seed)


def _check(x: np.ndarray, encoder: ResidualAutoEncoder, config: DecConfig) -> None:
    if x.shape[1] != encoder.ip_features:
        raise DataError(
            f"x-vectors of dimension {x.shape[1]}, but the autoencoder is for {encoder.ip_features}:"
            " train it on the same kind of x-vectors"
        )
    if config.needs_speaker_space and not encoder.options["speaker_space"]:
        raise DataError(
            "this configuration needs an autoencoder with a speaker space: train one with"
            " speaker_space: true"
        )


@dataclass(frozen=True)
class Observations:
    """The windows of one recording.

    x: (n, d). starts: (n,) and length of a window, seconds. rows: (m,) those that are clustered and
    refined; the others are only decoded. links: (n, n), and solo: (n,), from the segmentation, if any
    (``diar.dec.links``).
    """

    x: Tensor
    starts: np.ndarray
    length: float
    rows: np.ndarray
    links: scipy.sparse.csr_array | None
    solo: np.ndarray | None

    @classmethod
    def of(
        cls, x: Tensor, windows: Subsegments, step: float, least: int, local: LocalSpeakers | None
    ) -> Observations:
        """Thin the windows to one every ``step`` seconds, unless fewer than ``least`` remain."""
        starts = np.asarray(windows.starts)
        rows = thin(starts, step)
        if len(rows) < least:  # each speaker needs a window
            rows = np.arange(len(x))
        length = float(np.median(windows.ends - windows.starts))
        heard = (links_of(windows, local), solo_of(windows, local)) if local else (None, None)
        return cls(x, starts, length, rows, *heard)

    @cached_property
    def thin_x(self) -> Tensor:
        """The x-vectors of the rows, (m, d)."""
        return self.x[torch.from_numpy(self.rows)]

    @cached_property
    def nearest(self) -> np.ndarray:
        """The index (n,) of the row nearest in time to each window."""
        middle = (self.starts[self.rows][1:] + self.starts[self.rows][:-1]) / 2
        return np.searchsorted(middle, self.starts)

    def is_long(self, config: DecConfig) -> bool:
        """Whether there are too many windows to compare all pairs."""
        return len(self.rows) > config.clustering.exact


def refine_by_assignment(
    data: Observations,
    labels: np.ndarray,
    model: ResidualAutoEncoder,
    config: DecConfig,
    bounds: Bounds,
    seed: int,
) -> Fit:
    """Treat windows as independent: refine from these labels, then dissolve small clusters."""
    module = ClusteringModule(1, model, data.thin_x, config=config.refine, seed=seed)
    module.place(model.encode_all(data.thin_x), one_hot(labels))
    start_latents = module.assign(data.x)[1].numpy()
    history = refine(module, data.thin_x)
    assigned, latents = (table.numpy() for table in module.assign(data.x))
    q = assigned if history else one_hot(labels)[data.nearest]
    keep = np.arange(q.shape[1])
    if config.min_cluster and not bounds.exact:
        size = config.min_cluster / median_step(data.starts[data.rows])
        keep = survivors(q[data.rows].argmax(axis=1), q.shape[1], size, bounds.least)
    return Fit(normalise(q[:, keep]), latents, data.rows, labels, start_latents, history)


def refine_by_sequence(
    data: Observations,
    labels: np.ndarray,
    model: ResidualAutoEncoder,
    config: DecConfig,
    seed: int,
    count: int | None = None,
    rare: bool = False,
) -> Fit:
    """Treat windows as a sequence: the posteriors of the sequence model are the refinement's target.

    The refinement in turn gives the sequence model better latents. Clusters that are not needed
    disappear, unless the count is given: then the most similar ones are merged first, and no others.

    Args:
        count: the number of speakers, if given.
        rare: keep speakers who talk for seconds in hours; with a known count, this would keep outlier
            clusters instead of speakers.
    """
    model = copy.deepcopy(model)
    durations = durations_of(data.starts, data.length)
    gamma = soften(labels, float(durations.seconds.sum()) if rare else 0.0, config.sequence)
    gamma = gamma[data.nearest]
    z, y = latents_of(model, data.x)
    phi = model.speaker_between.double().numpy()
    offset = common_offset(y, phi, gamma, durations, config.sequence)
    phi = (1 - config.sequence.offset) * phi
    start_latents = y = y - offset

    def decide(y: np.ndarray, gamma: np.ndarray) -> np.ndarray:
        gamma = infer(y, phi, gamma, durations, config.sequence, not count, data.links)
        odd = unfounded(gamma, durations, config.sequence, data.solo)
        if count or not odd.any():
            return gamma
        return decide(y, without(gamma, odd))  # their windows may belong to other speakers

    module = ClusteringModule(1, model, data.thin_x, config=config.refine, seed=seed)
    if count:
        gamma = merge(y, phi, gamma, durations, config.sequence, count)
    before, gamma = gamma, decide(y, gamma)
    history: list[Step] = []
    for number in range(config.rounds):
        if gamma.shape[1] == 1 or (number and share_changed(before, gamma) < config.settled):
            break
        module.place(z, gamma)
        history += refine(module, data.thin_x, given=torch.from_numpy(gamma[data.rows]).to(data.x))
        z, y = latents_of(model, data.x)
        y -= offset
        before, gamma = gamma, decide(y, gamma)
        history.append(Step(float("nan"), share_moved(before, gamma)))
    if not count:
        gamma = merge(y, phi, gamma, durations, config.sequence)
        while (mixed := most_mixed(y, phi, gamma, durations, config.sequence)).any():
            gamma = merge(y, phi, decide(y, without(gamma, mixed)), durations, config.sequence)
    return Fit(gamma, y, data.rows, labels, start_latents, history)


def keep_bounds(
    result: Fit,
    data: Observations,
    model: ResidualAutoEncoder,
    config: DecConfig,
    bounds: Bounds,
    seed: int,
) -> Fit:
    """Correct a result with too many or too few speakers: go to the nearest bound.

    Clusters are merged until their number is right, and fitted again.
    """
    wanted = bounds.clip(result.count)
    if result.count > wanted and not bounds.exact and data.is_long(config):
        # Merge without fitting again: in a long recording, outlier clusters that must not be dissolved
        # attract many windows.
        phi = (1 - config.sequence.offset) * model.speaker_between.double().numpy()
        durations = durations_of(data.starts, data.length)
        merged = merge(
            result.latents, phi, result.posteriors, durations, config.sequence, wanted, True
        )
        return replace(result, posteriors=merged)
    labels = result.start
    if result.count > wanted:
        labels = renumber(result.labels[data.rows])
    if labels.max() + 1 < wanted:
        labels = start_labels(data.thin_x, model, config, Bounds(wanted), seed)
    return refine_by_sequence(data, labels, model, config, seed, count=wanted)


def start_labels(
    x: Tensor, model: ResidualAutoEncoder, config: DecConfig, bounds: Bounds, seed: int
) -> np.ndarray:
    """Cluster x-vectors (n, d); return labels 0..k-1 (n,) from which the refinement starts."""
    z = model.encode_all(x).double().numpy()
    if config.count == "eigengap":
        least, most = bounds.range
        count = bounds.exact or bounds.clip(
            count_on_latents(z, least=least, most=most, exact=config.clustering.exact)
        )
        bounds = Bounds(exact=count)
    if config.start == "spectral":
        return spectral_labels(z, bounds.range[0], seed, config.clustering.exact)
    points = z if config.start_on == "latents" else x.numpy()
    return renumber(method_of(config.start)(points, bounds, config.clustering, seed))


def latents_of(model: ResidualAutoEncoder, x: Tensor) -> tuple[Tensor, np.ndarray]:
    """Return latents (n, l) of x-vectors (n, d), and the same (n, l) in the speaker space."""
    z = model.encode_all(x)
    return z, model.in_speaker_space(z).double().numpy()


def median_step(starts: np.ndarray) -> float:
    """Return the median seconds from one window to the next; 1 if there is only one."""
    return float(np.median(np.diff(starts))) if len(starts) > 1 else 1.0


def share_changed(before: np.ndarray, after: np.ndarray) -> float:
    """Return the share of windows whose most likely cluster differs between two posteriors (n, k).

    It is 1 if the number of clusters differs.
    """
    if before.shape != after.shape:
        return 1.0
    return float((before.argmax(axis=1) != after.argmax(axis=1)).mean())


def share_moved(before: np.ndarray, after: np.ndarray) -> float:
    """Return the same share after the mapping of clusters that moves the fewest windows."""
    common = np.zeros((before.shape[1], after.shape[1]), dtype=int)
    np.add.at(common, (before.argmax(axis=1), after.argmax(axis=1)), 1)
    return float(1 - common[scipy.optimize.linear_sum_assignment(-common)].sum() / len(before))


def survivors(labels: np.ndarray, count: int, size: float, least: int) -> np.ndarray:
    """Choose the clusters to keep: those with at least ``size`` windows, and at least ``least``."""
    sizes = np.bincount(labels, minlength=count)
    order = np.argsort(-sizes, kind="stable")
    kept = max(int((sizes >= size).sum()), min(least, count), 1)
    return np.sort(order[:kept])
