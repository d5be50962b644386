"""The published class ``DEC``: the clustering module, refined on one recording.

It is the recipe's own refinement (``diar.dec.refinement``); ``RefineConfig`` holds what differs.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from tqdm import tqdm

from diar.autoencoder.network import ResidualAutoEncoder
from diar.base.types import Bounds
from diar.dec.config import RefineConfig
from diar.dec.module import ClusteringModule, as_tensor
from diar.dec.refinement import refine


class DEC:
    """Deep embedded clustering of one recording, with the published interface.

    Args:
        encoder: pretrained autoencoder; it is copied, never modified.
        num_clusters: number of speakers, None to estimate it.
        cinit: 'KMeans' or 'Spectral'.
        config: constants of the refinement other than those that ``fit`` takes; seed: of the start.

    Raises:
        DataError: a number of speakers that cannot be.

    Attributes after ``fit``: ``module`` (``ClusteringModule``), ``encoder`` (the refined copy),
    ``num_clusters`` (as many as there are different latents, at most), ``losses``.
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
        Bounds(num_clusters)  # refuses what is no number
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
        lrEnc: float = 1e-4,
        lrCC: float = 1e-4,
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
        """Return labels (n,) of x-vectors (n, d): the argmax of the assignment q.

        Raises:
            RuntimeError: before ``fit``.
        """
        if self.module is None:
            raise RuntimeError("DEC.predict needs DEC.fit first")
        return self.module.assign(as_tensor(data, self.encoder))[0].argmax(1).cpu().numpy()

    @staticmethod
    def clusterAccuracy(y_pred: np.ndarray, y_true: np.ndarray) -> tuple[float, dict[int, int]]:
        """Return the best accuracy over one-to-one reassignments, and predicted label -> true label."""
        y_pred, y_true = np.asarray(y_pred, dtype=int), np.asarray(y_true, dtype=int)
        if y_pred.shape != y_true.shape or not y_pred.size:
            raise ValueError(f"need as many labels on both sides: {y_pred.shape}, {y_true.shape}")
        size = max(y_pred.max(), y_true.max()) + 1
        table = np.zeros((size, size), dtype=int)
        np.add.at(table, (y_pred, y_true), 1)
        rows, columns = linear_sum_assignment(-table)
        mapping = {int(r): int(c) for r, c in zip(rows, columns, strict=True)}
        return float(table[rows, columns].sum() / y_pred.size), mapping
