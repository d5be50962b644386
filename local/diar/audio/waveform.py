"""Audio files to mono float32 at the wanted rate, and back to 16-bit WAV."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeVar

import numpy as np
import soundfile
import soxr

from diar.audio.spool import Samples, collect
from diar.base.errors import DataError
from diar.base.files import open_whole
from diar.base.types import SAMPLE_RATE

T = TypeVar("T")
BLOCK = 1 << 20  # frames that are decoded at once
UNKNOWN_SIZE = 0x7FFF0000  # bytes: sizes from here on are placeholders in the header of a WAV


@dataclass(frozen=True)
class Audio:
    """Mono samples of a file at the wanted rate, and what the file is.

    Attributes:
        samples: (n,) float32, full scale 1; those of a very long recording lie in a file.
        rate: samples per second of the file.
        channels: of the file.
        clipped: share of its samples at full scale.
        truncated: the header of a WAV promises more than there is.
    """

    samples: Samples
    rate: int
    channels: int
    clipped: float
    truncated: bool


@dataclass(frozen=True)
class _Source:
    """An open file: blocks (b, channels) of float32 at ``rate``."""

    path: Path
    rate: int
    channels: int
    blocks: Iterator[np.ndarray]


def read(
    path: str | Path,
    rate: int = SAMPLE_RATE,
    channel: int | None = None,
    only_of_many: bool = False,
) -> Audio:
    """Read any audio file that libsndfile or, failing that, FFmpeg's libraries (PyAV) decode.

    It is read block by block, so that memory holds no more than the result.

    Args:
        path: wav, flac, ogg, mp3, m4a, sph, G.722 ..., of any rate and number of channels.
        rate: samples per second of the result; other rates are resampled (soxr, high quality).
        channel: the one to take, counted from 0; None mixes all of them.
        only_of_many: the one channel of a mono file is taken, whatever ``channel`` is.

    Raises:
        DataError: no such file, no audio in it, no samples, NaN, no such channel.
    """
    return _decode(path, lambda source: _mono(source, rate, channel, only_of_many))


def load(path: str | Path, rate: int = SAMPLE_RATE, channel: int | None = None) -> np.ndarray:
    """Read a file as ``read`` does: its mono samples (n,), float32, in memory."""
    return read(path, rate, channel).samples[:]


def copy_lossless(path: str | Path, target: Path) -> None:
    """Write the audio of a file as 24-bit FLAC, all channels, whole or not at all.

    Raises:
        DataError: no audio, or no samples in it.
    """

    def write(source: _Source) -> None:
        with open_whole(target, "wb") as stream:
            options = {"samplerate": source.rate, "channels": source.channels}
            count = 0
            with soundfile.SoundFile(
                stream, "w", format="FLAC", subtype="PCM_24", **options
            ) as copy:
                for block in source.blocks:
                    copy.write(block)
                    count += len(block)
            if not count:
                raise DataError("no samples: the audio has zero length", path)

    _decode(path, write)


def _decode(path: str | Path, use: Callable[[_Source], T]) -> T:
    """Open a file, and return what ``use`` makes of it."""
    path = Path(path)
    if not path.exists():
        raise DataError("no such audio file", path)
    try:
        str(path).encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode(errors="replace")
        raise DataError("the name of the file is not UTF-8: rename it", shown) from None
    try:
        with soundfile.SoundFile(path) as file:
            return use(_Source(path, file.samplerate, file.channels, _sndfile_blocks(file)))
    except (soundfile.LibsndfileError, RuntimeError, TypeError):  # TypeError: named *.raw
        return use(_open_by_pyav(path))


def _sndfile_blocks(file: soundfile.SoundFile) -> Iterator[np.ndarray]:
    while len(block := file.read(BLOCK, dtype="float32", always_2d=True)):
        yield block


def _mono(source: _Source, rate: int, channel: int | None, only_of_many: bool) -> Audio:
    if only_of_many and source.channels == 1:
        channel = None
    if channel is not None and not 0 <= channel < source.channels:
        raise DataError(f"no channel {channel}: it has {source.channels}", source.path)
    count = loud = 0

    def blocks() -> Iterator[np.ndarray]:
        nonlocal count, loud
        for block in source.blocks:
            count += block.size
            loud += int((np.abs(block) >= 1 - 2**-15).sum())
            block = block.mean(axis=1) if channel is None else block[:, channel]
            if not np.isfinite(block).all():
                raise DataError("the samples hold NaN or infinity", source.path)
            yield block

    samples = collect(_resample(blocks(), source.rate, rate))
    if not count:
        raise DataError("no samples: the audio has zero length", source.path)
    if not len(samples):
        raise DataError("no samples: the audio is too short to be resampled", source.path)
    truncated = _is_truncated(source.path)
    return Audio(samples, source.rate, source.channels, loud / count, truncated)


def _resample(blocks: Iterator[np.ndarray], rate: int, wanted: int) -> Iterator[np.ndarray]:
    if rate == wanted:
        yield from blocks
        return
    resampler = soxr.ResampleStream(rate, wanted, 1, dtype="float32")
    for block in blocks:
        yield resampler.resample_chunk(np.ascontiguousarray(block))
    yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def save(path: str | Path, samples: np.ndarray, rate: int = SAMPLE_RATE) -> None:
    """Write mono samples in [-1, 1] as 16-bit WAV, whole or not at all."""
    pcm = np.clip(np.rint(np.asarray(samples) * 32768.0), -32768, 32767).astype(np.int16)
    with open_whole(path, "wb") as stream:
        soundfile.write(stream, pcm, rate, format="WAV", subtype="PCM_16")


def duration(path: str | Path) -> float:
    """Measure the length in seconds, from the header where libsndfile reads it."""
    seconds = header_duration(path)
    return len(load(path)) / SAMPLE_RATE if seconds is None else seconds


def header_duration(path: str | Path) -> float | None:
    """Read the length in seconds from the header; None where libsndfile does not read it."""
    header = _header(path)
    return header and header[0]


def _header(path: str | Path) -> tuple[float, int] | None:
    try:
        info = soundfile.info(str(path))
    except (soundfile.LibsndfileError, RuntimeError, TypeError):
        return None
    return info.duration, info.channels


def _is_truncated(path: Path) -> bool:
    """Tell whether a RIFF file is shorter than its header says; that of a pipe does not say."""
    with open(path, "rb") as stream:
        head = stream.read(8)
    size = int.from_bytes(head[4:], "little")
    return head[:4] == b"RIFF" and path.stat().st_size < size + 8 < UNKNOWN_SIZE


def probe(path: str | Path) -> tuple[float, int]:
    """Measure (seconds, channels), by decoding all of what libsndfile does not read.

    Raises:
        DataError: it cannot be decoded.
    """
    if header := _header(path):
        return header
    source = _open_by_pyav(Path(path))
    return sum(len(block) for block in source.blocks) / source.rate, source.channels


def _open_by_pyav(path: Path) -> _Source:
    """Open a file by PyAV.

    The rate is that of the first frame, as the header of some formats says another.
    """
    blocks = _pyav_blocks(path)
    first = next(blocks, None)
    if first is None:
        return _Source(path, SAMPLE_RATE, 1, iter(()))
    block, rate = first
    rest = (block for block, _ in blocks)
    return _Source(path, rate, block.shape[1], chain([block], rest))


def _pyav_blocks(path: Path) -> Iterator[tuple[np.ndarray, int]]:
    """Yield blocks (b, channels) and their rate. Raw G.722 is known by its file name."""
    import av

    raw = "g722" if path.suffix == ".g722" else None
    try:
        with av.open(str(path), format=raw) as container:
            if not container.streams.audio:
                raise DataError("no audio stream in it", path)
            stream = container.streams.audio[0]
            resampler = av.AudioResampler(format="fltp")
            for frame in container.decode(stream):
                for part in resampler.resample(frame):
                    yield part.to_ndarray().T, stream.codec_context.sample_rate
    except (av.FFmpegError, OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError("not an audio file that can be decoded", path) from None
