"""Audio files to mono float32 at the wanted rate, and back to 16-bit WAV."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import soundfile
import soxr

from diar.errors import DataError
from diar.files import whole

SAMPLE_RATE = 16000


def load(path: str | Path, rate: int = SAMPLE_RATE, channel: int | None = None) -> np.ndarray:
    """Read any audio file that libsndfile or, failing that, FFmpeg's libraries (PyAV) decode.

    Args:
        path: wav, flac, ogg, mp3, m4a, G.722 ...
        rate: samples per second of the result; other rates are resampled (soxr, high quality).
        channel: channel to take, counted from 0; None mixes all of them.

    Returns:
        (samples,) float32.

    Raises:
        DataError: no such file, no audio in it, no samples, NaN, or no such channel.
    """
    path = Path(path)
    if not path.exists():
        raise DataError("no such audio file", path)
    try:
        samples, source_rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, TypeError):  # TypeError: named *.raw
        samples, source_rate = _decode(path)
    if channel is not None and not 0 <= channel < samples.shape[1]:
        raise DataError(f"no channel {channel}: it has {samples.shape[1]}", path)
    mono = samples.mean(axis=1) if channel is None else samples[:, channel]
    if not len(mono):
        raise DataError("no samples: the audio has zero length", path)
    if not np.isfinite(mono).all():
        raise DataError("the samples hold NaN or infinity", path)
    if source_rate != rate:
        mono = soxr.resample(mono, source_rate, rate)
    return np.ascontiguousarray(mono, dtype=np.float32)


def save(path: str | Path, samples: np.ndarray, rate: int = SAMPLE_RATE) -> None:
    """Write mono samples in [-1, 1] as 16-bit WAV, whole or not at all."""
    buffer = io.BytesIO()
    pcm = np.clip(np.rint(np.asarray(samples) * 32768.0), -32768, 32767).astype(np.int16)
    soundfile.write(buffer, pcm, rate, format="WAV", subtype="PCM_16")
    with whole(path, "wb") as stream:
        stream.write(buffer.getvalue())


def duration(path: str | Path) -> float:
    """Length in seconds, from the header where libsndfile reads it."""
    try:
        info = soundfile.info(str(path))
        return info.frames / info.samplerate
    except (soundfile.LibsndfileError, RuntimeError, TypeError):
        return len(load(path)) / SAMPLE_RATE


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
