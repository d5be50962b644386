"""Configuration of DEC; does not import PyTorch, so that checking a configuration is fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from diar.clustering.methods import METHODS, ClusteringConfig
from diar.dec.sequence import SequenceConfig
from diar.xvectors.neighbours import NeighbourConfig


@dataclass(frozen=True)
class RefineConfig:
    """The refinement of encoder and centroids. The defaults are the published constants.

    niter, lr_encoder, lr_centroids: Adam steps, and their rates.
    batch: maximum number of windows per step. Shorter recordings are seen whole, as published; in a
        longer one, each step sees a part, spread evenly over the recording, and the parts alternate.
    mse_weight: weight of the reconstruction beside the KL divergence.
    kl_mean: 'element' divides the KL by n k, as published, so that it shrinks with the number of
        speakers; 'batch' by n, as in the papers.
    target_power, frequency_power: p_ij is proportional to q_ij^a / f_j^b with f_j = sum_i q_ij.
        Published a = 2, b = 1; b = 0 does not inflate small clusters.
    alpha: degrees of freedom of the Student-t kernel (published: 1).
    sphere: r > 0 projects latents and centroids onto a sphere of radius r, so that the kernel
        compares directions (0: no projection).
    speaker_scale: s > 0 compares latents in the speaker space of the encoder instead, with
        distances scaled by s (0: no speaker space).
    target_interval: steps between updates of the target. tolerance: stop when a new target changes
        less than this share of the labels (0: never).
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


@dataclass(frozen=True)
class DecConfig:
    """The algorithm for one recording, in this order.

    max_speakers: maximum number of speakers, unless another bound is given.
    fit_step: seconds between the fitted windows; closer ones only take part in decoding (0: fit all).
    jitter: Gaussian noise on the x-vectors, drawn with the seed, relative to each value. 1e-7 moves the
        last bit of float32, as the rounding of another processor does, and shows how far results
        depend on it.
    finetune_iters, finetune_lr: reconstruction-only steps before clustering.
    count: 'eigengap' counts on the latents as published; 'start' leaves it to the start.
    start: 'spectral' (published), or a method of ``diar.clustering.methods.METHODS``: 'ahc', 'nme_sc'.
    start_on: cluster 'latents' or 'xvectors'.
    clustering: options of these methods.
    ahc_ratio: the threshold of 'ahc' is this times the cosine of neighbouring windows of the
        recording (``neighbour_cosine``), because the similarity of a voice to itself depends on the
        recording; 0: ``clustering.ahc_threshold``. neighbours: the prior for this cosine if there
        are few neighbours.
    start_clusters: maximum number of clusters at the start of the sequence model, which dissolves
        those not needed.
    start_active: minimum seconds for which a local speaker must be active in a window of the
        segmentation to count: the start finds at least as many clusters as the largest such count.
    rounds: how often the refinement uses the posteriors of the sequence model as its target, if
        there is one. settled: stop when a round changes the speaker of less than this share of the
        windows (0: run all rounds).
    refine: the refinement itself; without a sequence model and with ``niter`` 0, the labels of the
        start are the result.
    sequence: the sequence model, ``diar.dec.sequence``; it dissolves clusters that the windows do not
        need, and its posteriors are the result.
    min_cluster: without it, clusters with fewer seconds of windows are dissolved, unless the number
        of speakers was given (0: never).
    """

    max_speakers: int = 100
    fit_step: float = 0.0
    jitter: float = 0.0
    finetune_iters: int = 100
    finetune_lr: float = 1e-3
    count: Literal["eigengap", "start"] = "eigengap"
    start: str = "spectral"
    start_on: Literal["latents", "xvectors"] = "latents"
    clustering: ClusteringConfig = ClusteringConfig()
    ahc_ratio: float = 0.0
    neighbours: NeighbourConfig = NeighbourConfig()
    start_clusters: int = 100
    start_active: float = 1.0
    rounds: int = 0
    settled: float = 0.0
    refine: RefineConfig = RefineConfig()
    sequence: SequenceConfig = SequenceConfig(iterations=0)
    min_cluster: float = 0.0

    @property
    def needs_speaker_space(self) -> bool:
        """Whether the autoencoder must have a speaker space."""
        return bool(self.sequence.iterations or self.refine.speaker_scale)

    def __post_init__(self) -> None:
        for name in (
            "fit_step",
            "jitter",
            "min_cluster",
            "finetune_iters",
            "ahc_ratio",
            "rounds",
            "settled",
        ):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative")
        if min(self.max_speakers, self.start_clusters) < 1 or self.start_active <= 0:
            raise ValueError(
                "max_speakers and start_clusters must be at least 1, start_active positive"
            )
        if self.start not in METHODS:
            raise ValueError(f"start is {self.start!r}; it must be one of: {', '.join(METHODS)}")
        if self.start == "kmeans" and self.count != "eigengap":
            raise ValueError("start 'kmeans' needs count 'eigengap'")
        if self.start == "spectral" and (self.count != "eigengap" or self.start_on != "latents"):
            raise ValueError("start 'spectral' needs count 'eigengap' and start_on 'latents'")
