"""Kaldi's log mel filter banks, and extractors that use them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from diar.base.errors import DataError
from diar.extractors import Extractor
from diar.extractors.windows import for_batches, frame_runs, pad_short, sample_spans
from diar.networks.runtime import Network

if TYPE_CHECKING:
    from kaldi_native_fbank import OnlineFbank

    from diar.networks.half import HalfNetwork


@dataclass(frozen=True)
class FbankConfig:
    """Filter banks of a network's training; the defaults are WeSpeaker's.

    rate: samples per second; mels: number of filters; frame_length, frame_shift: milliseconds; window_type:
    Kaldi's name; low_freq, high_freq: Hz, a high_freq of 0 or less counts from half the rate;
    scale: full scale of the samples, 32768 as in Kaldi, or 1; subtract_mean: whether to remove the
    mean of each filter over the window. There is no dither, so results are reproducible.
    """

    rate: int = 16000
    mels: int = 80
    frame_length: float = 25.0
    frame_shift: float = 10.0
    window_type: Literal["hamming", "hanning", "povey", "rectangular", "blackman"] = "hamming"
    low_freq: float = 20.0
    high_freq: float = 0.0
    scale: float = 32768.0
    subtract_mean: bool = True

    def __post_init__(self) -> None:
        nyquist = self.rate / 2
        top = self.high_freq if self.high_freq > 0 else nyquist + self.high_freq
        if not 0 <= self.low_freq < top <= nyquist:
            raise ValueError(
                f"low_freq {self.low_freq:g} and high_freq {self.high_freq:g} Hz do not fit a rate"
                f" of {self.rate}"
            )
        if self.mels < 3 or not 0 < self.frame_shift <= self.frame_length or self.scale <= 0:
            raise ValueError(
                "expected mels of at least 3, scale > 0 and 0 < frame_shift <= frame_length"
            )

    @property
    def frame(self) -> int:
        """Samples of a frame."""
        return _samples(self.rate, self.frame_length)

    @property
    def shift(self) -> int:
        """Samples from one frame to the next."""
        return _samples(self.rate, self.frame_shift)


def _samples(rate: int, milliseconds: float) -> int:
    """Count samples as Kaldi does: truncated, in single precision."""
    return int(np.float32(rate) * np.float32(0.001) * np.float32(milliseconds))


def filter_banks(samples: np.ndarray, config: FbankConfig) -> np.ndarray:
    """Compute (frames, mels) float32 log mel filters as Kaldi's fbank does, without dither.

    Samples (N,) have full scale 1. Only complete frames are used (snip-edges), and each depends only on
    its own samples; the mean is not removed.

    Raises:
        DataError: inconsistent values of ``config``.
    """
    computer = _computer(config)
    computer.accept_waveform(config.rate, np.asarray(samples, np.float32) * config.scale)
    computer.input_finished()
    count = computer.num_frames_ready
    frames = np.array([computer.get_frame(i) for i in range(count)], np.float32)
    return frames.reshape(count, config.mels)


def _computer(config: FbankConfig) -> OnlineFbank:
    import kaldi_native_fbank

    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0.0
    options.frame_opts.samp_freq = config.rate
    options.frame_opts.frame_length_ms = config.frame_length
    options.frame_opts.frame_shift_ms = config.frame_shift
    options.frame_opts.window_type = config.window_type
    options.mel_opts.num_bins = config.mels
    options.mel_opts.low_freq = config.low_freq
    options.mel_opts.high_freq = config.high_freq
    try:
        return kaldi_native_fbank.OnlineFbank(options)
    except ValueError as error:  # for instance too many filters for the bins of the transform
        raise DataError(f"impossible filter banks: {error}: {config}") from None


class FbankExtractor(Extractor):
    """An extractor whose network takes filter banks.

    Attributes:
        fbank: its filter banks.
        shortest: samples; shorter windows are centred in as much digital silence.
        network: (b, frames, mels) float32 to (b, dim).
        batch: windows, of equal length, per call.
        half: the network in half precision, for windows of the most common length.
        threads: batches computed at once; results do not depend on it.
    """

    fbank: FbankConfig
    shortest: int
    network: Network
    batch: int
    threads: int
    half: HalfNetwork | None = None

    def embed(self, samples: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Make (n, dim) float32 vectors, see ``diar.extractors.Extractor.embed``."""
        spans = sample_spans(samples, starts, ends, self.rate)
        vectors = np.zeros((len(spans), self.dim), np.float32)
        if not len(spans):
            return vectors
        samples, spans = pad_short(samples, spans, max(self.shortest, self.fbank.frame))
        runs, rows = frame_runs(spans, self.fbank.frame, self.fbank.shift)
        with ThreadPoolExecutor(self.threads) as pool:
            made = pool.map(lambda run: filter_banks(samples[run[0] : run[1]], self.fbank), runs)
            frames = np.concatenate(list(made))

        lengths = np.array([len(r) for r in rows])
        usual = np.zeros(len(rows), bool)
        if self.half and (found := np.bincount(lengths)).max() >= self.half.worth:
            usual = lengths == found.argmax()

        def features(some: np.ndarray) -> np.ndarray:
            those = np.stack([frames[rows[i]] for i in some])
            return those - those.mean(axis=1, keepdims=True) if self.fbank.subtract_mean else those

        def embed(network: Network, chosen: np.ndarray, batch: int) -> None:
            def work(some: np.ndarray) -> None:
                vectors[chosen[some]] = network(features(chosen[some]))

            for_batches(work, lengths[chosen], batch, self.threads)

        embed(self.network, np.flatnonzero(~usual), self.batch)
        if self.half:
            embed(self.half, np.flatnonzero(usual), self.half.batch)
        return vectors
