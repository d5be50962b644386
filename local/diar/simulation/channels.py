"""Codecs and bands that a voice may have passed on its way to the recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import soundfile
import soxr
from scipy.signal import butter, sosfilt

from diar.audio.waveform import SAMPLE_RATE

_LOW_CUT = (60.0, 400.0)  # Hz, uniformly
_HIGH_CUT = (2800.0, 7200.0)  # Hz, uniformly in the logarithm
_TAIL = 0.3  # s of reverberation that belong to a slot


@dataclass(frozen=True)
class Codec:
    """A codec of libsndfile; rate in Hz, compression 0 (least) to 1 where the codec has degrees."""

    container: str
    subtype: str
    rate: int
    compression: float | None = None

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Encode and decode (n,) samples at 16 kHz; none of these codecs delays them."""
        file = BytesIO()
        soundfile.write(
            file, soxr.resample(samples, SAMPLE_RATE, self.rate), self.rate, self.subtype,
            format=self.container, compression_level=self.compression,
        )  # fmt: skip
        file.seek(0)
        decoded, rate = soundfile.read(file)
        decoded = soxr.resample(decoded, rate, SAMPLE_RATE)[: len(samples)]
        return np.pad(decoded, (0, len(samples) - len(decoded)))


CODECS = (
    Codec("WAV", "ULAW", 8000),
    Codec("WAV", "GSM610", 8000),
    Codec("WAV", "MS_ADPCM", 8000),
    Codec("MP3", "MPEG_LAYER_III", 16000, 0.9),
    Codec("OGG", "VORBIS", 16000, 1.0),
    Codec("OGG", "OPUS", 16000, 0.97),
    Codec("OGG", "OPUS", 8000, 0.97),
)


def pass_random_channel(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Send (n,) samples at 16 kHz through a random codec and a random pass band, at the same level."""
    codec = CODECS[rng.integers(len(CODECS))]
    low = rng.uniform(*_LOW_CUT)
    high = np.exp(rng.uniform(*np.log(_HIGH_CUT)))
    peak = np.abs(samples).max(initial=0.0)
    if not peak:
        return samples
    band = butter(2, [low, high], btype="bandpass", fs=SAMPLE_RATE, output="sos")
    changed = sosfilt(band, codec(0.5 * samples / peak))  # room for what a codec adds
    return changed * np.sqrt(np.mean(samples**2) / max(np.mean(changed**2), 1e-20))


def change_by_turn(
    samples: np.ndarray, slots: Sequence[tuple[float, float]], rng: np.random.Generator
) -> np.ndarray:
    """Send every slot of one speaker through a channel of its own, so that none tells who speaks.

    Args:
        samples: (n,) of this speaker alone, at 16 kHz.
        slots: (start, end) in seconds, in order, without overlap.
    """
    out = np.zeros_like(samples)
    starts = [start for start, _ in slots[1:]] + [np.inf]
    for (start, end), following in zip(slots, starts, strict=True):
        first = round(start * SAMPLE_RATE)
        last = round(min(end + _TAIL, following) * SAMPLE_RATE)
        out[first:last] = pass_random_channel(samples[first:last], rng)
    return out
