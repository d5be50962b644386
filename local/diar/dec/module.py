"""The clustering module of DEC: an encoder with cluster centroids in its latent space.

Xie, Girshick, Farhadi, "Unsupervised deep embedding for clustering analysis", ICML 2016 (DEC);
Guo, Gao, Liu, Yin, "Improved deep embedded clustering with local structure preservation", IJCAI 2017
(IDEC: the reconstruction stays in the loss).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diar.autoencoder.network import BLOCK, ResidualAutoEncoder
from diar.base.errors import DataError
from diar.base.posteriors import one_hot
from diar.base.types import Bounds
from diar.clustering.methods import kmeans_labels
from diar.dec.config import RefineConfig
from diar.dec.objective import EPS, student_t, target_distribution
from diar.dec.start import count_on_latents, spectral_labels


class ClusteringModule(nn.Module):
    """Encoder with cluster centroids in its latent space.

    Args:
        num_clusters: number of speakers k; None counts them by the eigengap of the latents.
        encoder: a ``ResidualAutoEncoder``; it becomes a part of this module and is trained with it.
        data: (n, d) x-vectors that place the centroids, n >= 1.
        cinit: 'KMeans' or 'Spectral', see ``init_centroid``.
        config: kernel and target; seed: of the initial clustering.

    Raises:
        ValueError: no data, NaN in it, a number of clusters that cannot be, or an unknown ``cinit``.
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
        Bounds(num_clusters)  # refuses what is no number
        self.num_clusters = num_clusters
        self.encoder = encoder
        self.config = config or RefineConfig()
        self.seed = seed
        self.centroids = nn.Parameter(self.init_centroid(data, cinit))
        self.num_clusters = len(self.centroids)

    def assign(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return q (n, k) and latents (n, l), as ``forward`` compares them, of x-vectors (n, d).

        They may be however many; there are no gradients.
        """
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
        """Return centroids (k, l): cluster means of the latents of ``data`` (n, d).

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
        """Put the centroids at the means of latents ``z`` (n, l), weighed by posteriors (n, k)."""
        self.centroids = nn.Parameter(self._means(z, posteriors))
        self.num_clusters = len(self.centroids)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return q (n, k), p (n, k), the input and its reconstruction for x-vectors (n, d)."""
        z, xo, xr = self.encoder(x)
        centroids = self._project(self.centroids)
        q = student_t(self._placed(z), centroids, self.config.alpha)
        p = target_distribution(q, self.config.target_power, self.config.frequency_power)
        return q, p, xo[0], xr[0]


def as_tensor(data: Tensor | np.ndarray, encoder: nn.Module) -> Tensor:
    """Take ``data`` (n, d) as a float32 tensor beside the encoder.

    Raises:
        ValueError: no rows, not a matrix. DataError: NaN or infinity.
    """
    device = next(encoder.parameters()).device
    x = torch.as_tensor(np.asarray(data) if not isinstance(data, Tensor) else data)
    x = x.detach().to(device=device, dtype=torch.float32)
    if x.ndim != 2 or not len(x):
        raise ValueError(f"expected at least one x-vector (n, d), got shape {tuple(x.shape)}")
    if not torch.isfinite(x).all():
        raise DataError("the x-vectors hold NaN or infinity")
    return x
