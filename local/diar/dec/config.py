"""What can be configured of DEC; without PyTorch, so that a configuration is checked in no time."""

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


@dataclass(frozen=True)
class DecConfig:
    """What happens to one recording, in this order.

    max_speakers: most that are counted, where nothing else is said.
    fit_step: seconds between the windows that are fitted; closer ones only take part in decoding
        (0: fit all).
    jitter: noise on the x-vectors, normal, drawn by the seed, as a share of each number. 1e-7 moves the
        last bit of float32, as the rounding of another processor does: how far a result depends on that.
    finetune_iters, finetune_lr: reconstruction-only steps before anything is clustered.
    count: 'eigengap' counts on the latents as published; 'start' leaves it to the start.
    start: 'spectral' (published), or a clustering of ``diar.clustering.methods.METHODS``: 'ahc', 'nme_sc'.
    start_on: cluster 'latents' or 'xvectors'.
    clustering: options of those clusterings.
    ahc_ratio: the threshold of 'ahc' is this times the cosine of neighbouring windows of the
        recording (``neighbour_cosine``), because how alike a voice is to itself depends on the
        recording; 0: ``clustering.ahc_threshold`` as it is. neighbours: how alike those are where
        there are few of them.
    start_clusters: most that the start may find for the sequence model, which dissolves what is not needed.
    start_active: seconds for which a local speaker of a segmentation is active in a window of the network
        if they count: the start finds no fewer clusters than so many of one window.
    rounds: how often the refinement takes the posteriors of the sequence model for its target,
        where there is one. settled: no more of them when the last one changed the speaker of fewer than
        this share of the windows (0: all of them).
    refine: the refinement proper; without a sequence model and with ``niter`` 0, the labels of the
        start are the result.
    sequence: the model of time, ``diar.dec.sequence``; with it, clusters that the windows do not need
        are dissolved, and its posteriors decide.
    min_cluster: without it, seconds of windows below which a cluster is dissolved, unless the number
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
        """Whether only an autoencoder with a speaker space will do."""
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
