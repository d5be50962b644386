"""Deep embedded clustering of the x-vectors of one recording.

Xie, Girshick, Farhadi, "Unsupervised deep embedding for clustering analysis", ICML 2016 (DEC);
Guo, Gao, Liu, Yin, "Improved deep embedded clustering with local structure preservation", IJCAI 2017
(IDEC: the reconstruction stays in the loss). The published classes ``ClusteringModule`` and ``DEC``
and the refinement of the recipe are one implementation (``diar.dec.refinement``); ``RefineConfig`` holds
what differs.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans, SpectralClustering
from sklearn.decomposition import PCA
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from diar.autoencoder.network import BLOCK, ResidualAutoEncoder
from diar.base.errors import DataError
from diar.base.posteriors import one_hot
from diar.clustering.counting import eigengap
from diar.clustering.methods import kmeans_labels
from diar.clustering.sampling import EXACT, SAMPLE, SampledEigengap, blurred, completed, sample_rows
from diar.dec.refinement import EPS, RefineConfig, refine, student_t, target_distribution


class ClusteringModule(nn.Module):
    """Encoder with cluster centroids in its latent space.

    Args:
        num_clusters: number of speakers k; None counts them by the eigengap of the latents.
        encoder: a ``ResidualAutoEncoder``; it becomes a part of this module and is trained with it.
        data: (n, d) x-vectors that place the centroids, n >= 1.
        cinit: 'KMeans' or 'Spectral', see ``init_centroid``.
        config: kernel and target; seed: of the initial clustering.

    Raises:
        ValueError: no data, NaN in it, fewer than one cluster, or an unknown ``cinit``.
    """

    def __init__(
        self,
        num_clusters: int | None,
        encoder: ResidualAutoEncoder,
        data: Tensor | np.ndarray,
        cinit: str = "KMeans",
        *,
        config: RefineConfig | None = None,
        seed: int = 0,
    ):
        super().__init__()
        if num_clusters is not None and num_clusters < 1:
            raise ValueError(f"the number of speakers must be at least 1, not {num_clusters}")
        self.num_clusters = num_clusters
        self.encoder = encoder
        self.config = config or RefineConfig()
        self.seed = seed
        self.centroids = nn.Parameter(self.init_centroid(data, cinit))
        self.num_clusters = len(self.centroids)

    def assign(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(q (n, k), latents (n, l) as ``forward`` compares them) of x-vectors (n, d), however many;
        no gradients."""
        parts = []
        with torch.no_grad():
            centroids = self._project(self.centroids)
            for rows in x.split(BLOCK):
                z = self._placed(self.encoder.encode(rows))
                parts.append((student_t(z, centroids, self.config.alpha), z))
        q, latents = zip(*parts, strict=True)
        return torch.cat(q), torch.cat(latents)

    def _placed(self, z: Tensor) -> Tensor:
        """Latents on the sphere or in the speaker space, where the configuration says so."""
        if self.config.speaker_scale:
            return self.encoder.in_speaker_space(z) * self.config.speaker_scale
        return self._project(z)

    def _project(self, z: Tensor) -> Tensor:
        return F.normalize(z, dim=1) * self.config.sphere if self.config.sphere else z

    def init_centroid(self, data: Tensor | np.ndarray, method: str = "KMeans") -> Tensor:
        """Centroids (k, l): cluster means of the latents of ``data`` (n, d).

        'KMeans' clusters the latents; 'Spectral' an RBF graph over the first k principal components
        of the z-scored latents, as published. Counts the speakers first where k is None; k is at
        most the number of distinct latents.
        """
        latents = self.encoder.encode_all(as_tensor(data, self.encoder))
        z = latents.double().cpu().numpy()
        count = self.num_clusters or count_on_latents(z)
        if method == "KMeans":
            labels = kmeans_labels(z, count, self.seed)
        elif method == "Spectral":
            labels = spectral_labels(z, count, self.seed)
        else:
            raise ValueError(f"unknown initialisation {method!r}: 'KMeans' or 'Spectral'")
        return self._means(latents, one_hot(labels))

    @torch.no_grad()
    def _means(self, z: Tensor, posteriors: np.ndarray) -> Tensor:
        z = self._placed(z)
        weights = torch.from_numpy(posteriors).to(z)
        return self._project(weights.T @ z / weights.sum(0).clamp_min(EPS)[:, None])

    def place(self, z: Tensor, posteriors: np.ndarray) -> None:
        """Put the centroids at the means of latents ``z`` (n, l) of the encoder that these posteriors
        (n, k) weigh."""
        self.centroids = nn.Parameter(self._means(z, posteriors))
        self.num_clusters = len(self.centroids)

    def forward(
        self, x: Tensor, absent: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(q (n, k), p (n, k), input, reconstruction of the input) for x-vectors (n, d).

        absent: (k,) bool, centroids that are none, if there are such.
        """
        z, xo, xr = self.encoder(x)
        centroids = self._project(self.centroids)
        q = student_t(self._placed(z), centroids, self.config.alpha, absent)
        p = target_distribution(q, self.config.target_power, self.config.frequency_power)
        return q, p, xo[0], xr[0]


class DEC:
    """Deep embedded clustering of one recording, with the published interface.

    Args:
        encoder: pretrained autoencoder; it is copied, never modified.
        num_clusters: number of speakers, None to estimate it.
        cinit: 'KMeans' or 'Spectral'.
        config: constants of the refinement other than those that ``fit`` takes; seed: of the start.

    Attributes after ``fit``: ``module`` (``ClusteringModule``), ``encoder`` (the refined copy),
    ``num_clusters``, ``losses``.
    """

    def __init__(
        self,
        encoder: ResidualAutoEncoder,
        num_clusters: int | None = None,
        cinit: str = "KMeans",
        *,
        config: RefineConfig | None = None,
        seed: int = 0,
    ):
        self._start = copy.deepcopy(encoder)
        self.encoder = self._start
        self._wanted = num_clusters
        self.num_clusters = num_clusters
        self.cinit = cinit
        self.config = config or RefineConfig()
        self.seed = seed
        self.module: ClusteringModule | None = None
        self.losses: list[float] = []

    def fit(
        self,
        data: Tensor | np.ndarray,
        y_true: np.ndarray | None = None,
        niter: int = 150,
        lrEnc: float = 1e-4,  # noqa: N803 (the published names)
        lrCC: float = 1e-4,  # noqa: N803
        verbose: bool = False,
    ) -> DEC:
        """Fit to x-vectors ``data`` (n, d); each call starts from the encoder that was handed in.

        Args:
            y_true: (n,) reference labels, only for the accuracy that ``verbose`` shows.
            niter: steps; lrEnc, lrCC: learning rates of encoder and centroids.
            verbose: show a progress bar with the loss (and the accuracy).

        Raises:
            ValueError: no rows, NaN, or another dimension than the encoder's.
        """
        self.encoder = copy.deepcopy(self._start)
        x = as_tensor(data, self.encoder)
        config = replace(self.config, niter=niter, lr_encoder=lrEnc, lr_centroids=lrCC)
        self.module = ClusteringModule(
            self._wanted, self.encoder, x, self.cinit, config=config, seed=self.seed
        )
        self.num_clusters = self.module.num_clusters
        with tqdm(total=niter, disable=not verbose, desc="DEC") as bar:

            def show(step: int, loss: float) -> None:
                if verbose:
                    shown = {"loss": f"{loss:.4f}"}
                    if y_true is not None:
                        shown["acc"] = f"{self.clusterAccuracy(self.predict(x), y_true)[0]:.4f}"
                    bar.set_postfix(shown)
                bar.update()

            self.losses = [step.loss for step in refine(self.module, x, show)]
        return self

    def predict(self, data: Tensor | np.ndarray) -> np.ndarray:
        """Labels (n,) of x-vectors (n, d): the argmax of the assignment q.

        Raises:
            RuntimeError: before ``fit``.
        """
        if self.module is None:
            raise RuntimeError("DEC.predict needs DEC.fit first")
        return self.module.assign(as_tensor(data, self.encoder))[0].argmax(1).cpu().numpy()

    @staticmethod
    def clusterAccuracy(  # noqa: N802 (the published name)
        y_pred: np.ndarray, y_true: np.ndarray
    ) -> tuple[float, dict[int, int]]:
        """(best accuracy over one-to-one reassignments, predicted label -> true label)."""
        y_pred, y_true = np.asarray(y_pred, dtype=int), np.asarray(y_true, dtype=int)
        if y_pred.shape != y_true.shape or not y_pred.size:
            raise ValueError(f"need as many labels on both sides: {y_pred.shape}, {y_true.shape}")
        size = max(y_pred.max(), y_true.max()) + 1
        table = np.zeros((size, size), dtype=int)
        np.add.at(table, (y_pred, y_true), 1)
        rows, columns = linear_sum_assignment(-table)
        mapping = {int(r): int(c) for r, c in zip(rows, columns, strict=True)}
        return float(table[rows, columns].sum() / y_pred.size), mapping


def count_on_latents(
    z: np.ndarray,
    percentiles: tuple[float, ...] = (0.9, 0.95),
    least: int = 1,
    most: int = 100,
    exact: int = EXACT,
) -> int:
    """The published count: the largest of the eigengap estimates at these percentiles.

    Of more than ``exact`` latents (n, l), in time order, those of a sample.
    """
    finder = eigengap
    if len(z) > exact:
        rows = sample_rows(len(z), min(SAMPLE, exact))
        z, finder = blurred(z, rows, eigengap.SIGMA), SampledEigengap
    most = max(least, most)
    return max(finder(least, most, p_percentile=p).find(z) for p in percentiles)


def spectral_labels(z: np.ndarray, count: int, seed: int, exact: int = EXACT) -> np.ndarray:
    """The published start: RBF spectral clustering of PCA(z-scored latents) with k components.

    Of more than ``exact`` latents (n, l), a sample is clustered, and the others follow.
    """
    count = min(count, len(np.unique(z, axis=0)))
    if count < 2:
        return np.zeros(len(z), dtype=int)
    scale = z.std(axis=0)
    scored = (z - z.mean(axis=0)) / np.where(scale > EPS, scale, 1.0)
    points = PCA(min(count, *z.shape), random_state=seed).fit_transform(scored)
    if len(points) <= exact:
        return _rbf_spectral(points, count, seed)
    rows = sample_rows(len(points), min(SAMPLE, exact))
    return completed(points, rows, _rbf_spectral(points[rows], count, seed), place=np.asarray)


def _rbf_spectral(points: np.ndarray, count: int, seed: int) -> np.ndarray:
    if count >= len(points) - 1:  # too few windows for an eigenvalue solver
        return kmeans_labels(points, count, seed)
    model = SpectralClustering(count, assign_labels="discretize", random_state=seed)
    labels = model.fit_predict(points)
    if len(np.unique(labels)) < count:  # discretisation may lose clusters
        labels = KMeans(count, n_init=10, random_state=seed).fit_predict(points)
    return np.unique(labels, return_inverse=True)[1]


def as_tensor(data: Tensor | np.ndarray, encoder: nn.Module) -> Tensor:
    """``data`` as a float32 tensor beside the encoder; refuses empty input and NaN."""
    device = next(encoder.parameters()).device
    x = torch.as_tensor(np.asarray(data) if not isinstance(data, Tensor) else data)
    x = x.detach().to(device=device, dtype=torch.float32)
    if x.ndim != 2 or not len(x):
        raise ValueError(f"expected at least one x-vector (n, d), got shape {tuple(x.shape)}")
    if not torch.isfinite(x).all():
        raise DataError("the x-vectors hold NaN or infinity")
    return x
