"""The GE2E speaker encoder of Resemblyzer: smaller, older, 256-dimensional.

L. Wan et al., "Generalized end-to-end loss for speaker verification", ICASSP 2018, arXiv 1710.10467:
three LSTM layers over 40 mel filters, the last hidden state projected and length-normalised.
"""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor, nn

from diar.base.vectors import unit_rows
from diar.extractors import Extractor
from diar.extractors.cards import RESEMBLYZER
from diar.extractors.windows import for_batches, sample_spans
from diar.fetching.packages import Package, fetch_weights
from diar.networks.runtime import torch_network

WHEEL = Package(
    name="Resemblyzer",
    version="0.1.4",
    filename="Resemblyzer-0.1.4-py3-none-any.whl",
    size=15747704,
    sha256="8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f",
)
MEMBER = "resemblyzer/pretrained.pt"
WEIGHTS_SHA256 = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"

MELS = 40
FRAME, SHIFT = 400, 160  # samples: 25 and 10 ms
PARTIAL = 160  # frames that the network takes at once
PARTIAL_STEP = 77  # frames between the partials of a longer window
COVERAGE = 0.75  # the last partial counts if this much of it is audio
LEVEL = 10 ** (-30 / 20)  # root mean square to which quieter windows are amplified: -30 dBFS
BATCH = 32


class SpeakerEncoder(nn.Module):
    """Three LSTM layers, the last hidden state projected, its negative components set to 0."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(MELS, 256, num_layers=3, batch_first=True)
        self.linear = nn.Linear(256, 256)

    def forward(self, spectra: Tensor) -> Tensor:
        """Map (b, t, 40) mel power spectra to (b, 256) vectors of unit length."""
        _, (hidden, _) = self.lstm(spectra)
        return nn.functional.normalize(torch.relu(self.linear(hidden[-1])), dim=1)


class ResemblyzerExtractor(Extractor):
    """GE2E vectors of windows, in torch.

    A window is padded with silence to 1.6 s, as in the network's training; for a longer
    one, overlapping partials of that length are averaged, and normalised again. Quiet windows
    are amplified to -30 dBFS first: the spectra are powers, not logarithms.

    Args:
        device, threads: see ``diar.extractors.get``.

    Raises:
        DataError: unavailable or damaged weights.
    """

    card = RESEMBLYZER

    def __init__(self, device: str = "cpu", threads: int = 1) -> None:
        self._threads = threads
        self._network = torch_network(torch_model(), device)

    def embed(self, samples: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Make (n, 256) float32 vectors, see ``diar.extractors.Extractor.embed``."""
        spans = sample_spans(samples, starts, ends, self.rate)
        vectors = np.zeros((len(spans), self.dim), np.float32)
        counts = np.array([count_partials(b - a) for a, b in spans], int)

        def embed(batch: np.ndarray) -> None:
            count = int(counts[batch[0]])
            spectra = [partial_spectra(samples[a:b], count) for a, b in spans[batch]]
            parts = self._network(np.concatenate(spectra))
            mean = parts.reshape(len(batch), count, self.dim).mean(axis=1)
            vectors[batch] = unit_rows(mean, mean.dtype)

        for_batches(embed, counts, BATCH, self._threads)
        return vectors


def count_partials(length: int) -> int:
    """Count the partials of a window of ``length`` samples."""
    frames = -(-(length + 1) // SHIFT)
    count = -(-max(1, frames - PARTIAL + PARTIAL_STEP + 1) // PARTIAL_STEP)
    last = (count - 1) * PARTIAL_STEP * SHIFT
    return count - 1 if count > 1 and (length - last) / (PARTIAL * SHIFT) < COVERAGE else count


def partial_spectra(window: np.ndarray, count: int) -> np.ndarray:
    """Compute the (count, 160, 40) float32 mel spectra of a window's partials."""
    window = np.asarray(window, np.float64)
    level = np.sqrt(np.mean(window**2))
    if 0 < level < LEVEL:
        window = window * (LEVEL / level)
    firsts = PARTIAL_STEP * np.arange(count)
    needed = (int(firsts[-1]) + PARTIAL) * SHIFT
    spectra = mel_spectra(np.pad(window, (0, max(0, needed - len(window)))))
    return np.stack([spectra[first : first + PARTIAL] for first in firsts])


def mel_spectra(samples: np.ndarray) -> np.ndarray:
    """Compute (frames, 40) float32 mel power spectra; frame i is centred on sample 160 i.

    The audio continues as silence beyond its ends. Hann window, 400-point transform.
    """
    padded = np.pad(samples, FRAME // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::SHIFT]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)
    power = np.abs(np.fft.rfft(frames * hann)) ** 2
    return (power @ mel_filters().T).astype(np.float32)


@functools.cache
def mel_filters() -> np.ndarray:
    """Make (40, 201) triangular filters from 0 to 8 kHz, each of unit area over frequency.

    Centres are equidistant on Slaney's mel scale (M. Slaney, "Auditory toolbox", 1998): linear up to
    1 kHz, 15 mel, and then 27 mel to every factor of 6.4.
    """
    knee, step, log_step = 15.0, 200 / 3, np.log(6.4) / 27
    top = knee + np.log(RESEMBLYZER.rate / 2 / 1000) / log_step
    mel = np.linspace(0, top, MELS + 2)
    hertz = np.where(mel < knee, mel * step, 1000 * np.exp((mel - knee) * log_step))
    bins = np.fft.rfftfreq(FRAME, 1 / RESEMBLYZER.rate)
    low, centre, high = (hertz[i : i + MELS, None] for i in range(3))
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    return np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low)


def torch_model() -> SpeakerEncoder:
    """Load the network with the published weights, in evaluation mode."""
    path = fetch_weights(WHEEL, MEMBER, "resemblyzer.pt", WEIGHTS_SHA256)
    state = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
    net = SpeakerEncoder()
    # The other two numbers are the scale and the offset of the training loss.
    net.load_state_dict({k: v for k, v in state.items() if not k.startswith("similarity_")})
    return net.eval()
