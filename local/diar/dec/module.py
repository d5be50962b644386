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
from diar.base import arguments
from diar.base.errors import DataError
from diar.base.posteriors import one_hot
from diar.clustering.methods import kmeans_labels
from diar.dec.config import RefineConfig
from diar.dec.objective import EPS, student_t, target_distribution
from diar.dec.start import count_on_latents, spectral_labels


class ClusteringModule(nn.Module):
    """Encoder with cluster centroids in its latent space.

    Args:
        num_clusters: number of speakers k; None counts them by the eigengap of the latents.
        encoder: a ``ResidualAutoEncoder``; it becomes part of this module and is trained with it.
        data: (n, d) x-vectors from which to initialise the centroids, n >= 1.
        cinit: 'KMeans' or 'Spectral', see ``init_centroid``.
        config: kernel and target; seed: for the initial clustering.

    Raises:
        TypeError: an argument of the wrong type. ValueError: the data are empty, contain NaN, or do not
            have the encoder's dimension; an invalid number of clusters, or an unknown ``cinit``.
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
        check_order("ClusteringModule(num_clusters, encoder, data, cinit)", encoder, num_clusters)
        self.num_clusters = arguments.speakers("num_clusters", num_clusters)
        self.encoder = encoder
        if config is not None:
            arguments.instance("config", config, RefineConfig)
        self.config = config or RefineConfig()
        self.seed = arguments.whole("seed", seed, 0)
        self.centroids = nn.Parameter(self.init_centroid(data, cinit))
        self.num_clusters = len(self.centroids)

    def assign(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return q (n, k) and latents (n, l), as compared in ``forward``, of x-vectors (n, d).

        Works for any n, without gradients.
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
        """Map latents to the sphere or the speaker space, if configured."""
        if self.config.speaker_scale:
            return self.encoder.in_speaker_space(z) * self.config.speaker_scale
        return self._project(z)

    def _project(self, z: Tensor) -> Tensor:
        return F.normalize(z, dim=1) * self.config.sphere if self.config.sphere else z

    def init_centroid(self, data: Tensor | np.ndarray, method: str = "KMeans") -> Tensor:
        """Return centroids (k, l): cluster means of the latents of ``data`` (n, d).

        'KMeans' clusters the latents; 'Spectral' an RBF graph over the first k principal components
        of the z-scored latents, as published. Counts the speakers first if k is None; k is at most the
        number of distinct latents.
        """
        arguments.choice("cinit", method, ("KMeans", "Spectral"))
        latents = self.encoder.encode_all(as_tensor(data, self.encoder))
        z = latents.double().cpu().numpy()
        count = self.num_clusters or count_on_latents(z)
        if method == "KMeans":
            labels = kmeans_labels(z, count, self.seed)
        else:
            labels = spectral_labels(z, count, self.seed)
        return self._means(latents, one_hot(labels))

    @torch.no_grad()
    def _means(self, z: Tensor, posteriors: np.ndarray) -> Tensor:
        z = self._placed(z)
        weights = torch.from_numpy(posteriors).to(z)
        return self._project(weights.T @ z / weights.sum(0).clamp_min(EPS)[:, None])

    def place(self, z: Tensor, posteriors: np.ndarray) -> None:
        """Set the centroids to the means of latents ``z`` (n, l), weighted by posteriors (n, k)."""
        self.centroids = nn.Parameter(self._means(z, posteriors))
        self.num_clusters = len(self.centroids)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return q (n, k), p (n, k), the input and its reconstruction for x-vectors (n, d)."""
        z, xo, xr = self.encoder(x)
        centroids = self._project(self.centroids)
        q = student_t(self._placed(z), centroids, self.config.alpha)
        p = target_distribution(q, self.config.target_power, self.config.frequency_power)
        return q, p, xo[0], xr[0]


def check_order(signature: str, encoder: object, num_clusters: object) -> None:
    """Check the encoder, and explain the order of the arguments if it was swapped.

    Raises:
        TypeError: not an encoder, or the wrong order.
    """
    if isinstance(num_clusters, nn.Module):
        given = ", ".join(map(arguments.shown, (encoder, num_clusters)))
        raise TypeError(f"the order is {signature}; encoder and num_clusters are {given}")
    arguments.instance("encoder", encoder, ResidualAutoEncoder, ", as load_encoder() gives it")


def as_tensor(data: Tensor | np.ndarray, encoder: ResidualAutoEncoder) -> Tensor:
    """Return ``data`` (n, d) as a float32 tensor on the device of the encoder.

    Raises:
        TypeError: not numbers. ValueError: no rows, not a matrix, or not the encoder's d.
        DataError: NaN or infinity.
    """
    wanted = f"x-vectors (n, {encoder.ip_features}), n >= 1"
    if not isinstance(data, Tensor):
        with np.errstate(over="ignore"):  # float64 may overflow: checked below
            numbers = arguments.array("data", data, wanted)
            x = torch.from_numpy(np.ascontiguousarray(numbers, dtype=np.float32))
    elif data.is_complex():
        raise arguments.wrong_kind("data", wanted, data)
    else:
        x = data.detach()
    x = x.to(device=next(encoder.parameters()).device, dtype=torch.float32)
    if x.ndim != 2 or not len(x) or x.shape[1] != encoder.ip_features:
        raise arguments.wrong_value("data", wanted, data)
    if not torch.isfinite(x).all():
        raise DataError("data: the x-vectors contain NaN or infinity")
    return x
