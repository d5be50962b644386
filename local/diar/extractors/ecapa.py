"""ECAPA-TDNN x-vectors with SpeechBrain's public weights, without SpeechBrain.

Results equal its ``EncoderClassifier.encode_batch`` on single windows: 80 log mel filters, the
mean of each removed, and the network of ``ecapa_net``; by default the embeddings are not normalised.
Windows are never padded to a common length, so nothing is masked. SpeechBrain's own batches of
unequal lengths differ slightly, because the silence after a short window leaks into its convolutions.

The network is exported to ONNX once, into the cache: onnxruntime takes four fifths of the time of torch.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from diar.base.errors import DataError
from diar.base.files import expanded, sha256
from diar.extractors import Extractor
from diar.extractors.cards import ECAPA, UNKNOWN
from diar.extractors.windows import for_batches, pad_short, sample_spans
from diar.fetching.hub import HubFile, fetch
from diar.networks.runtime import network, onnx_model, torch_network

if TYPE_CHECKING:
    from diar.extractors.ecapa_net import EcapaTdnn

REPOSITORY = "speechbrain/spkrec-ecapa-voxceleb"
REVISION = "0f99f2d0ebe89ac095bcc5903c4dd8f72b367286"
WEIGHTS = HubFile(
    REPOSITORY,
    REVISION,
    "embedding_model.ckpt",
    size=83316686,
    sha256="0575cb64845e6b9a10db9bcb74d5ac32b326b8dc90352671d345e2ee3d0126a2",
)
MEAN = HubFile(
    REPOSITORY,
    REVISION,
    "mean_var_norm_emb.ckpt",
    size=1921,
    sha256="cd70225b05b37be64fc5a95e24395d804231d43f74b2e1e5a513db7b69b34c33",
)

NETWORK = Path(__file__).with_name("ecapa_net.py")
MELS = 80
FRAME, SHIFT = 400, 160  # samples: 25 and 10 ms
SHORTEST = 640  # samples: 5 frames, the network's minimum
FLOOR = 1e-10  # of the power in a filter
RANGE = 80.0  # dB: values further below the maximum of the window are raised to this
BATCH = 8


class EcapaExtractor(Extractor):
    """ECAPA-TDNN, the extractor of the published method.

    Windows under 0.04 s, which SpeechBrain refuses, are centred in as much digital silence.

    Args:
        directory: a folder with embedding_model.ckpt, and mean_var_norm_emb.ckpt if ``normalize``, as
            in the repository; None: from the cache, or downloaded from the hub.
        normalize: subtract the mean of the training's embeddings, as ``encode_batch(normalize=True)``;
            by default SpeechBrain does not.
        device, threads: see ``diar.extractors.get``.

    Raises:
        DataError: weights that are unavailable, damaged, or of another network.
    """

    def __init__(
        self,
        directory: str | None = None,
        normalize: bool = False,
        device: str = "cpu",
        threads: int = 1,
    ) -> None:
        if not isinstance(normalize, bool):
            raise DataError(f"options.normalize is {normalize!r}; expected true or false")
        weights, mean = find_weights(directory)
        digest = sha256(weights)
        self._threads = threads
        if device == "cpu":
            model = onnx_model("ecapa", digest, NETWORK, functools.partial(_export, weights))
            self._network = network(model)
        else:
            self._network = torch_network(torch_model(weights), device)
        self.card = ECAPA
        if digest != WEIGHTS.sha256:
            self.card = replace(
                ECAPA,
                dim=self._network(np.zeros((1, SHORTEST // SHIFT + 1, MELS), np.float32)).shape[1],
                training_data=UNKNOWN,
                licence=UNKNOWN,
                source=f"ECAPA-TDNN, arXiv 2005.07143; {weights}, sha256 {digest}",
            )
        self._mean = training_mean(mean, self.dim) if normalize else np.float32(0)

    def embed(self, samples: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Make (n, dim) float32 vectors, see ``diar.extractors.Extractor.embed``."""
        spans = sample_spans(samples, starts, ends, self.rate)
        vectors = np.zeros((len(spans), self.dim), np.float32)
        samples, spans = pad_short(samples, spans, SHORTEST)

        def embed(batch: np.ndarray) -> None:
            features = filter_banks([samples[a:b] for a, b in spans[batch]])
            features -= features.mean(axis=1, keepdims=True)
            vectors[batch] = self._network(features)

        for_batches(embed, 1 + (spans[:, 1] - spans[:, 0]) // SHIFT, BATCH, self._threads)
        return vectors - self._mean


def find_weights(directory: str | None) -> tuple[Path, Path]:
    """Return the files of the weights and of the mean embedding; download them if no directory is given.

    Raises:
        DataError: no weights in the directory, or the download failed.
    """
    if directory is not None:
        folder = expanded(str(directory))
        if not (folder / WEIGHTS.name).is_file():
            raise DataError(f"{WEIGHTS.name} of {REPOSITORY} is missing", folder)
        return folder / WEIGHTS.name, folder / MEAN.name
    weights, mean = fetch(WEIGHTS, MEAN)
    return weights, mean


def filter_banks(windows: list[np.ndarray]) -> np.ndarray:
    """Compute (b, frames, 80) float32 log mel filters, in dB, of windows with equally many frames.

    Frame i of a window is centred on its sample 160 i, with silence beyond its ends. A frame
    is weighted by a (periodic) Hamming window of 400 samples, the size of the transform;
    the filters apply to power, not magnitude. Values more than 80 dB below the maximum of the
    window are raised to that level.
    """
    count = 1 + len(windows[0]) // SHIFT
    # The last samples of a window may lie beyond its last frame, or end before it.
    length = (count - 1) * SHIFT + FRAME
    block = np.zeros((len(windows), length), np.float32)
    for row, window in zip(block, windows, strict=True):
        part = window[: length - FRAME // 2]
        row[FRAME // 2 : FRAME // 2 + len(part)] = part
    frames = np.lib.stride_tricks.sliding_window_view(block, FRAME, axis=1)[:, ::SHIFT]
    hamming = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)
    spectra = np.fft.rfft(frames * hamming.astype(np.float32))
    power = spectra.real**2 + spectra.imag**2
    level = 10 * np.log10(np.maximum(power @ mel_filters(), FLOOR))
    loudest = level.max(axis=(1, 2), keepdims=True)
    return np.maximum(level, loudest - RANGE).astype(np.float32)


@functools.cache
def mel_filters() -> np.ndarray:
    """Make (201, 80) float32 triangular filters of height 1 from 0 to 8 kHz.

    Centres are equidistant on the scale 2595 log10(1 + f / 700). Both sides of a triangle have the width
    of the distance to the centre below it, so the upper side ends short of the centre above.
    """
    top = 2595 * np.log10(1 + ECAPA.rate / 2 / 700)
    hertz = 700 * (10 ** (np.linspace(0, top, MELS + 2) / 2595) - 1)
    bins = np.fft.rfftfreq(FRAME, 1 / ECAPA.rate)[:, None]
    return np.maximum(0, 1 - np.abs(bins - hertz[1:-1]) / np.diff(hertz)[:-1]).astype(np.float32)


def torch_model(weights: Path) -> EcapaTdnn:
    """Load the network with these weights, in evaluation mode.

    Raises:
        DataError: damaged weights, or those of another network.
    """
    from diar.extractors import ecapa_net

    state = _load(weights)
    try:
        net = ecapa_net.load(state)
    except Exception as error:  # an unexpected structure may raise anything
        why = " ".join(str(error).split())[:200]
        raise DataError(
            f"not the weights of an ECAPA-TDNN as SpeechBrain saves them: {why}", weights
        ) from None
    if net.mels != MELS:
        raise DataError(f"the network takes {net.mels} mels, not {MELS}", weights)
    return net


def training_mean(path: Path, dim: int) -> np.ndarray:
    """Read the mean of the training's embeddings, (dim,) float32, from mean_var_norm_emb.ckpt.

    Raises:
        DataError: no such file, or other statistics.
    """
    if not path.is_file():
        raise DataError("no such file: normalize=true needs it beside the weights", path)
    try:
        mean = _load(path)["glob_mean"].numpy().astype(np.float32).reshape(dim)
    except DataError:
        raise
    except Exception as error:  # as above
        why = " ".join(str(error).split())[:200]
        raise DataError(f"not the statistics of {dim}-d embeddings: {why}", path) from None
    return mean


def _export(weights: Path) -> bytes:
    import torch

    from diar.networks.onnx_export import to_onnx

    return to_onnx(torch_model(weights), torch.zeros(2, 151, MELS))


def _load(path: Path) -> dict[str, Any]:
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch may raise anything for an invalid checkpoint
        why = " ".join(str(error).split())[:100]
        raise DataError(f"damaged weights: download them again ({why})", path) from None
