"""Read audio files as mono float32 at any rate, and write 16-bit WAV."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
import soxr

from diar.audio.decoder import AudioSource, decode, header
from diar.audio.spool import Samples, collect
from diar.base.errors import DataError
from diar.base.files import open_whole
from diar.base.types import SAMPLE_RATE

QUIET = 2.0**-6  # recordings with lower peaks are amplified, or no VAD finds speech
SCALED = 32.0  # higher peaks mean floats that were never scaled to full scale 1
OPPOSITE = -0.9  # correlation of channels that cancel each other


@dataclass(frozen=True)
class Audio:
    """Mono samples of a file at the requested rate, and properties of the file.

    Attributes:
        samples: (n,) float32, full scale 1; in a file, if the recording is very long.
        rate: samples per second of the file.
        channels: of the file.
        clipped: share of its samples at full scale.
        notes: problems of the file, and how they were fixed.
    """

    samples: Samples
    rate: int
    channels: int
    clipped: float
    notes: tuple[str, ...] = ()


def read(
    path: str | Path,
    rate: int = SAMPLE_RATE,
    channel: int | None = None,
    only_of_many: bool = False,
) -> Audio:
    """Read any audio file that libsndfile or, failing that, FFmpeg's libraries (PyAV) decode.

    It is read block by block, so that memory holds only the result. Channels of opposite phase are
    inverted before mixing, floats that do not have full scale 1 are rescaled, and recordings too quiet
    for any VAD are amplified.

    Args:
        path: wav, flac, ogg, mp3, m4a, sph, G.722 ..., with any rate and number of channels.
        rate: samples per second of the result; other rates are resampled (soxr, high quality).
        channel: the channel to read, numbered from 0 (from 1 in messages); None mixes all of them.
        only_of_many: read the only channel of a mono file, whatever ``channel`` is.

    Raises:
        DataError: no such file, no audio, no samples, NaN, or no such channel.
    """

    def mono(source: AudioSource, gain: float = 1.0) -> tuple[Audio, float]:
        chosen = None if only_of_many and source.channels == 1 else channel
        return _mono(source, rate, chosen, gain)

    audio, peak = decode(path, mono)
    if peak > SCALED:
        bits = next((bits for bits in (15, 23, 31) if peak <= 2**bits), math.ceil(math.log2(peak)))
        note, gain = f"floats of {bits + 1} bits, rescaled", 2.0**-bits
    elif 0 < peak < QUIET:
        note = f"very quiet (peak {20 * math.log10(peak):.0f} dBFS), amplified"
        gain = 2.0 ** -math.ceil(math.log2(peak) + 1)
    else:
        return audio
    again, _ = decode(path, lambda source: mono(source, gain))
    return replace(again, notes=(*again.notes, note))


def load(path: str | Path, rate: int = SAMPLE_RATE, channel: int | None = None) -> np.ndarray:
    """Read a file as ``read`` does; return its mono samples (n,), float32, in memory."""
    return read(path, rate, channel).samples[:]


def copy_lossless(path: str | Path, target: Path) -> None:
    """Write all channels of a file atomically as 24-bit FLAC, or as float WAV if FLAC cannot hold them.

    Raises:
        DataError: the file has no audio, or no samples.
    """

    def write(source: AudioSource) -> None:
        fits = source.channels <= 8
        kind = (
            {"format": "FLAC", "subtype": "PCM_24"}
            if fits
            else {"format": "WAV", "subtype": "FLOAT"}
        )
        with open_whole(target, "wb") as stream:
            count = 0
            with soundfile.SoundFile(stream, "w", source.rate, source.channels, **kind) as copy:
                for block in source.blocks:
                    copy.write(block)
                    count += len(block)
            if not count:
                raise DataError("no samples: the audio has zero length", path)

    decode(path, write)


@np.errstate(over="ignore", invalid="ignore")  # non-finite samples are checked below
def _mono(source: AudioSource, rate: int, channel: int | None, gain: float) -> tuple[Audio, float]:
    """Make the mono samples of a source, times ``gain``, and their peak in the file."""
    if channel is not None and not 0 <= channel < source.channels:
        raise DataError(f"no channel {channel + 1}: it has {source.channels}", source.path)
    count = loud = 0
    peak, turned = 0.0, False

    def blocks() -> Iterator[np.ndarray]:
        nonlocal count, loud, peak, turned
        for block in source.blocks:
            if gain != 1.0:
                block = block * np.float32(gain)
            count += block.size
            loud += int((np.abs(block) >= 1 - 2**-15).sum())
            if channel is not None:
                mono = block[:, channel]
            else:
                opposite = _opposite(block)
                turned = turned or bool(opposite.any())
                mono = (np.where(opposite, -block, block) if opposite.any() else block).mean(axis=1)
            if not np.isfinite(mono).all():
                raise DataError("the samples contain NaN or infinity", source.path)
            peak = max(peak, float(np.abs(mono).max(initial=0.0)))
            yield mono

    samples = collect(_resample(blocks(), source.rate, rate))
    if not count:
        raise DataError("no samples: the audio has zero length", source.path)
    if not len(samples):
        raise DataError("no samples: the audio is too short to be resampled", source.path)
    notes = [*source.notes, *(["channels of opposite phase, inverted"] if turned else [])]
    return Audio(samples, source.rate, source.channels, loud / count, tuple(notes)), peak


def _opposite(block: np.ndarray) -> np.ndarray:
    """Find the channels (c,) of a block (b, c) that are the loudest one, upside down."""
    if block.shape[1] == 1:
        return np.zeros(1, bool)
    power = np.einsum("bc,bc->c", block, block)
    loudest = int(power.argmax())
    return block.T @ block[:, loudest] < OPPOSITE * np.sqrt(power * power[loudest])


def _resample(blocks: Iterator[np.ndarray], rate: int, wanted: int) -> Iterator[np.ndarray]:
    if rate == wanted:
        yield from blocks
        return
    resampler = soxr.ResampleStream(rate, wanted, 1, dtype="float32")
    for block in blocks:
        yield resampler.resample_chunk(np.ascontiguousarray(block))
    yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def save(path: str | Path, samples: np.ndarray, rate: int = SAMPLE_RATE) -> None:
    """Write mono samples in [-1, 1] atomically as 16-bit WAV."""
    pcm = np.clip(np.rint(np.asarray(samples) * 32768.0), -32768, 32767).astype(np.int16)
    with open_whole(path, "wb") as stream:
        soundfile.write(stream, pcm, rate, format="WAV", subtype="PCM_16")


def duration(path: str | Path) -> float:
    """Return the duration in seconds, from the header if it can be trusted."""
    return probe(path)[0]


def header_duration(path: str | Path) -> float | None:
    """Read the duration in seconds from the header; None if only decoding can tell."""
    said = header(path)
    return said and said[0]


def probe(path: str | Path) -> tuple[float, int]:
    """Return (seconds, channels), by decoding if the header does not tell.

    Raises:
        DataError: it cannot be decoded.
    """

    def measure(source: AudioSource) -> tuple[float, int]:
        return sum(len(block) for block in source.blocks) / source.rate, source.channels

    return header(path) or decode(path, measure)
