"""Audio files to mono float32 at the wanted rate, and back to 16-bit WAV."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from diar.errors import DataError
from diar.files import whole

SAMPLE_RATE = 16000
UNKNOWN_SIZE = 0x7FFF0000  # bytes: sizes from here on are placeholders in the header of a WAV


@dataclass(frozen=True)
class Audio:
    """What a file holds: samples (n, channels) float32 at ``rate``, full scale 1.

    truncated: the header of a WAV promises more than there is.
    """

    path: Path
    samples: np.ndarray
    rate: int
    truncated: bool = False

    @property
    def channels(self) -> int:
        return self.samples.shape[1]

    def mono(self, rate: int = SAMPLE_RATE, channel: int | None = None) -> np.ndarray:
        """(samples,) float32 at ``rate``: one channel, counted from 0, or all of them mixed.

        Raises:
            DataError: no samples, NaN, or no such channel.
        """
        if channel is not None and not 0 <= channel < self.channels:
            raise DataError(f"no channel {channel}: it has {self.channels}", self.path)
        mono = self.samples.mean(axis=1) if channel is None else self.samples[:, channel]
        if not len(mono):
            raise DataError("no samples: the audio has zero length", self.path)
        if not np.isfinite(mono).all():
            raise DataError("the samples hold NaN or infinity", self.path)
        if self.rate != rate:
            mono = soxr.resample(mono, self.rate, rate)
            if not len(mono):
                raise DataError("no samples: the audio is too short to be resampled", self.path)
        return np.ascontiguousarray(mono, dtype=np.float32)


def read(path: str | Path) -> Audio:
    """Read any audio file that libsndfile or, failing that, FFmpeg's libraries (PyAV) decode.

    Raises:
        DataError: no such file, or no audio in it.
    """
    path = Path(path)
    if not path.exists():
        raise DataError("no such audio file", path)
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, TypeError):  # TypeError: named *.raw
        samples, rate = _decode(path)
    return Audio(path, samples, rate, _truncated(path))


def load(path: str | Path, rate: int = SAMPLE_RATE, channel: int | None = None) -> np.ndarray:
    """Mono samples of an audio file (wav, flac, ogg, mp3, m4a, sph, G.722 ...).

    Args:
        path: of any rate and number of channels.
        rate: samples per second of the result; other rates are resampled (soxr, high quality).
        channel: channel to take, counted from 0; None mixes all of them.

    Returns:
        (samples,) float32.

    Raises:
        DataError: what ``read`` and ``Audio.mono`` refuse.
    """
    return read(path).mono(rate, channel)


def save(path: str | Path, samples: np.ndarray, rate: int = SAMPLE_RATE) -> None:
    """Write mono samples in [-1, 1] as 16-bit WAV, whole or not at all."""
    buffer = io.BytesIO()
    pcm = np.clip(np.rint(np.asarray(samples) * 32768.0), -32768, 32767).astype(np.int16)
    soundfile.write(buffer, pcm, rate, format="WAV", subtype="PCM_16")
    with whole(path, "wb") as stream:
        stream.write(buffer.getvalue())


def duration(path: str | Path) -> float:
    """Length in seconds, from the header where libsndfile reads it."""
    seconds = header_duration(path)
    return len(load(path)) / SAMPLE_RATE if seconds is None else seconds


def header_duration(path: str | Path) -> float | None:
    """Length in seconds as the header says, None where libsndfile does not read it."""
    try:
        info = soundfile.info(str(path))
        return info.frames / info.samplerate
    except (soundfile.LibsndfileError, RuntimeError, TypeError):
        return None


def _truncated(path: Path) -> bool:
    """Whether a RIFF file is shorter than it says; what was written to a pipe does not know."""
    with open(path, "rb") as stream:
        head = stream.read(8)
    size = int.from_bytes(head[4:], "little")
    return head[:4] == b"RIFF" and path.stat().st_size < size + 8 < UNKNOWN_SIZE


def probe(path: str | Path) -> tuple[float, int]:
    """(seconds, channels) of what only FFmpeg's libraries read; all of it is decoded.

    Raises:
        DataError: it cannot be decoded.
    """
    samples, rate = _decode(Path(path))
    return len(samples) / rate, samples.shape[1]


def _decode(path: Path) -> tuple[np.ndarray, int]:
    """Decode by PyAV: (samples (n, channels), rate). Raw G.722 is known by its file name."""
    import av

    raw = "g722" if path.suffix == ".g722" else None
    try:
        with av.open(str(path), format=raw) as container:
            if not container.streams.audio:
                raise DataError("no audio stream in it", path)
            stream = container.streams.audio[0]
            resampler = av.AudioResampler(format="fltp")
            blocks = []
            for frame in container.decode(stream):
                blocks += [f.to_ndarray() for f in resampler.resample(frame)]
            rate = stream.codec_context.sample_rate
    except (av.FFmpegError, OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError("not an audio file that can be decoded", path) from None
    if not blocks:
        return np.zeros((0, 1), np.float32), SAMPLE_RATE
    return np.concatenate(blocks, axis=1).T, rate
