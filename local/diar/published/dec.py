"""The published class ``DEC``: the clustering module, refined on one recording.

It uses the recipe's own refinement (``diar.dec.refinement``); ``RefineConfig`` holds the differences.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from tqdm import tqdm

from diar.autoencoder.network import ResidualAutoEncoder
from diar.base import arguments
from diar.dec.config import RefineConfig
from diar.dec.module import ClusteringModule, as_tensor, check_order
from diar.dec.refinement import refine

ORDER = "DEC(encoder, num_clusters, cinit).fit(data)"


class DEC:
    """Deep embedded clustering of one recording, with the published interface.

    Args:
        encoder: pretrained autoencoder; it is copied, never modified.
        num_clusters: number of speakers, None to estimate it.
        cinit: 'KMeans' or 'Spectral'.
        config: constants of the refinement other than the arguments of ``fit``; seed: of the start.

        misplaced, data: refused, with the right order: one page of the published documentation has the
            signature of ``ClusteringModule`` here. The data go to ``fit``.

    Raises:
        TypeError: an argument of the wrong type, or out of order. ValueError: an impossible number
            of speakers, an unknown ``cinit``.

    Attributes after ``fit``: ``module`` (``ClusteringModule``), ``encoder`` (the refined copy),
    ``num_clusters`` (at most the number of distinct latents), ``losses`` of the steps, and
    their ``accuracies`` if there was a reference.
    """

    def __init__(
        self,
        encoder: ResidualAutoEncoder,
        num_clusters: int | None = None,
        cinit: str = "KMeans",
        *misplaced: object,
        config: RefineConfig | None = None,
        seed: int = 0,
        data: object = None,
    ):
        if misplaced or data is not None or hasattr(cinit, "shape"):
            raise TypeError(f"DEC takes no data: {ORDER}")
        check_order(ORDER, encoder, num_clusters)
        if config is not None:
            arguments.instance("config", config, RefineConfig)
        self._wanted = arguments.speakers("num_clusters", num_clusters)
        self._start = copy.deepcopy(encoder)
        self.encoder = self._start
        self.num_clusters = self._wanted
        self.cinit = arguments.choice("cinit", cinit, ("KMeans", "Spectral"))
        self.config = config or RefineConfig()
        self.seed = arguments.whole("seed", seed, 0)
        self.module: ClusteringModule | None = None
        self.losses: list[float] = []
        self.accuracies: list[float] = []

    def fit(
        self,
        data: Tensor | np.ndarray,
        y_true: np.ndarray | None = None,
        niter: int = 150,
        lrEnc: float = 1e-4,
        lrCC: float = 1e-4,
        verbose: bool = False,
    ) -> DEC:
        """Fit to x-vectors ``data`` (n, d); each call starts from the given encoder.

        Args:
            y_true: the reference, see ``clusterAccuracy``: the accuracy of each step is kept in
                ``accuracies``. It does not affect the fit.
            niter: steps; lrEnc, lrCC: learning rates of encoder and centroids.
            verbose: show a progress bar with the loss (and the accuracy).

        Raises:
            TypeError: an argument of the wrong type. ValueError: no rows, NaN, a dimension other than the
                encoder's; a reference of another length.
        """
        niter = arguments.whole("niter", niter, 0)
        lrEnc, lrCC = arguments.number("lrEnc", lrEnc), arguments.number("lrCC", lrCC)
        verbose = arguments.truth("verbose", verbose)
        x = as_tensor(data, self._start)
        known = None if y_true is None else _reference(y_true, len(x))
        self.encoder = copy.deepcopy(self._start)
        config = replace(self.config, niter=niter, lr_encoder=lrEnc, lr_centroids=lrCC)
        self.module = ClusteringModule(
            self._wanted, self.encoder, x, self.cinit, config=config, seed=self.seed
        )
        self.num_clusters = self.module.num_clusters
        with tqdm(total=niter, disable=not verbose, desc="DEC") as bar:

            def show(step: int, loss: float) -> None:
                shown = {"loss": f"{loss:.4f}"}
                if known is not None:
                    self.accuracies.append(_accuracy(self.predict(x), known)[0])
                    shown["acc"] = f"{self.accuracies[-1]:.4f}"
                bar.set_postfix(shown, refresh=False)
                bar.update()

            self.accuracies = []
            self.losses = [step.loss for step in refine(self.module, x, show)]
        return self

    def predict(self, data: Tensor | np.ndarray) -> np.ndarray:
        """Return hard labels (n,) of x-vectors (n, d): the argmax of the soft ones of ``predict_proba``.

        Raises:
            RuntimeError: before ``fit``. TypeError, ValueError: as of ``fit``.
        """
        return self._assign(data).argmax(1).cpu().numpy()

    def predict_proba(self, data: Tensor | np.ndarray) -> np.ndarray:
        """Return soft labels (n, k) of x-vectors (n, d): the assignment q, whose rows sum to 1.

        Raises:
            RuntimeError: before ``fit``. TypeError, ValueError: as of ``fit``.
        """
        return self._assign(data).cpu().numpy()

    def _assign(self, data: Tensor | np.ndarray) -> Tensor:
        if self.module is None:
            raise RuntimeError("this DEC is not fitted: call fit(data) first")
        return self.module.assign(as_tensor(data, self.encoder))[0]

    @staticmethod
    def clusterAccuracy(
        y_pred: np.ndarray, y_true: np.ndarray | Tensor
    ) -> tuple[float, dict[int, int]]:
        """Return the best accuracy over one-to-one reassignments, and predicted label -> true label.

        Only labels that occur are reassigned; if one side has more labels, some have no counterpart.

        Args:
            y_pred: (n,) labels, n >= 1.
            y_true: (n,) labels, or (n, speakers) 0/1 as in ``DiarizationDataset``, of which only
                windows with exactly one speaker count.

        Raises:
            TypeError: not numbers. ValueError: another length, labels that are negative or not integers, a
                reference in which no window counts.
        """
        predicted = arguments.labels("y_pred", y_pred)
        return _accuracy(predicted, _reference(y_true, len(predicted)))


def _reference(y_true: np.ndarray | Tensor, count: int) -> np.ndarray:
    """Convert labels (n,), or 0/1 (n, speakers), to labels (n,): -1 for no speaker or several speakers."""
    wanted = f"labels ({count},) or a 0/1 matrix ({count}, speakers)"
    made = arguments.array("y_true", y_true, wanted)
    if made.ndim != 2:
        labels = arguments.labels("y_true", y_true, count)
    elif len(made) != count or not np.isin(made, (0, 1)).all():
        raise arguments.wrong_value("y_true", wanted, y_true)
    else:
        labels = np.full(count, -1)
        alone = made.sum(axis=1) == 1
        labels[alone] = np.nonzero(made[alone])[1]
    if not (labels >= 0).any():
        raise ValueError(
            "y_true names no window in which exactly one speaks: there is no reference"
        )
    return labels


def _accuracy(predicted: np.ndarray, known: np.ndarray) -> tuple[float, dict[int, int]]:
    counts = known >= 0
    theirs, rows = np.unique(predicted[counts], return_inverse=True)
    true, columns = np.unique(known[counts], return_inverse=True)
    table = np.zeros((len(theirs), len(true)), dtype=int)
    np.add.at(table, (rows, columns), 1)
    rows, columns = linear_sum_assignment(-table)
    mapping = dict(zip(theirs[rows].tolist(), true[columns].tolist(), strict=True))
    return float(table[rows, columns].sum() / counts.sum()), mapping
