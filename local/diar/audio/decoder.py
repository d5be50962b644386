"""Decode audio files to blocks of float32 samples, with libsndfile or otherwise FFmpeg's libraries (PyAV).

Headers are trusted only if the samples confirm them. Only the file itself is opened: playlists are not audio.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import soundfile

from diar.base.errors import DataError

if TYPE_CHECKING:
    import av

T = TypeVar("T")
BLOCK = 1 << 20  # frames decoded at a time
UNKNOWN_SIZE = 0x7FFF0000  # bytes: larger sizes in the header of a WAV are placeholders
TRUNCATED = "truncated: shorter than its header states"
# FFmpeg's names of containers that are a single file: no playlists (hls, concat, dash ...), no devices.
CONTAINERS = (
    "3gp aac ac3 aiff alaw amr amrnb amrwb ape asf asf_o au avi caf daud dsf dts dtshd dv eac3 f32le flac flv"
    " g722 g723_1 g726 g726le g729 gsm gxf iff ilbc loas m4v matroska mlp mov mp3 mpc mpc8 mpeg mpegts"
    " mpegtsraw mulaw mxf nistsphere nut ogg oma qcp rm s16le s24le s32le sbc shn smjpeg sox spdif swf tak"
    " truehd tta u8 voc vqf w64 wav webm wtv wv xwma"
).replace(" ", ",")
STAMPED = ("mov", "matroska")  # containers whose frames have time stamps
RATES = range(1000, 1_000_001)  # plausible samples per second
EMPTY = np.zeros(0, np.float32)
GAP = 0.1  # longer gaps between frames are filled with silence, seconds
LATE = 0.5  # seconds that may be missing at the end


class _NotRead(Exception):
    """libsndfile cannot read the file; PyAV may."""


@dataclass(frozen=True)
class AudioSource:
    """An open file: ``blocks`` (b, channels) of float32 at ``rate``.

    ``notes`` lists problems of the file, once all blocks are read.
    """

    path: Path
    rate: int
    channels: int
    blocks: Iterator[np.ndarray]
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.rate not in RATES:  # a second could become hours
            raise DataError(
                f"implausible sample rate of {self.rate} Hz: its header is damaged", self.path
            )


def decode(path: str | Path, use: Callable[[AudioSource], T]) -> T:
    """Open a file, and return the result of ``use``.

    ``use`` may be called twice, if libsndfile fails in the middle of the file.

    Raises:
        DataError: the file does not exist, cannot be read, or has no audio.
    """
    path = Path(path)
    _check_readable(path)
    try:
        with _open_sndfile(path) as file:
            notes: list[str] = []
            blocks = _sndfile_blocks(file, path, notes)
            return use(AudioSource(path, file.samplerate, file.channels, blocks, notes))
    except _NotRead:
        return use(_open_pyav(path))


def header(path: str | Path) -> tuple[float, int] | None:
    """Read (seconds, channels) from the header; None if only decoding can tell."""
    try:
        with _open_sndfile(Path(path)) as file:
            return file.frames / file.samplerate, file.channels
    except _NotRead:
        return None


def _check_readable(path: Path) -> None:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode(errors="replace")
        raise DataError("the name of the file is not UTF-8: rename it", shown) from None
    try:
        with open(path, "rb") as stream:
            head = stream.read(1024)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            raise DataError("no such audio file", path) from None
        raise DataError(f"cannot be read: {error.strerror}", path) from None
    except ValueError:  # a zero byte in its name
        raise DataError("no such audio file", path) from None
    if head.startswith(b"NIST_1A") and b"shorten" in head:
        raise DataError(
            "SPHERE compressed with shorten: convert it with 'sph2pipe -f wav' first", path
        )


def _open_sndfile(path: Path) -> soundfile.SoundFile:
    """Open a file if libsndfile knows its length.

    It guesses that of an MP3 from the first frames, unless the MP3 states it; of chained Ogg files it reads
    only the first; a WAV that was never completed states no samples.
    """
    try:
        file = soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, RuntimeError, TypeError):  # TypeError: named *.raw
        raise _NotRead from None
    if file.format in ("MP3", "OGG") or not file.frames:
        file.close()
        raise _NotRead
    return file


def _sndfile_blocks(
    file: soundfile.SoundFile, path: Path, notes: list[str]
) -> Iterator[np.ndarray]:
    count = 0
    try:
        while len(block := file.read(BLOCK, dtype="float32", always_2d=True)):
            count += len(block)
            yield block
    except soundfile.LibsndfileError:
        raise _NotRead from None
    if count < file.frames or _ends_early(path):
        notes.append(TRUNCATED)


def _ends_early(path: Path) -> bool:
    """Tell whether a RIFF file is shorter than its header states; one written by a pipe does not state it."""
    with open(path, "rb") as stream:
        head = stream.read(8)
    size = int.from_bytes(head[4:], "little")
    return head[:4] == b"RIFF" and path.stat().st_size < size + 8 < UNKNOWN_SIZE


def _open_pyav(path: Path) -> AudioSource:
    """Open a file with PyAV.

    The rate is that of the first frame, because the header of some formats states another.
    """
    notes: list[str] = []
    parts = _pyav_parts(path, notes)
    first = next(parts, None)
    if first is None:
        return AudioSource(path, 16000, 1, iter(()), notes)
    block, rate = first
    return AudioSource(path, rate, block.shape[1], chain([block], (b for b, _ in parts)), notes)


def _pyav_parts(path: Path, notes: list[str]) -> Iterator[tuple[np.ndarray, int]]:
    """Yield blocks (b, channels) and their rate. Raw G.722 is recognised by its file name."""
    import av

    raw = "g722" if path.suffix == ".g722" else None
    only = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
    try:
        with av.open(f"file:{path}", format=raw, container_options=only) as container:
            if not container.streams.audio:
                raise DataError("no audio stream", path)
            yield from _heard(container, path, notes)
    except (av.FFmpegError, OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError("not an audio file that can be decoded", path) from None


def _heard(
    container: av.container.InputContainer, path: Path, notes: list[str]
) -> Iterator[tuple[np.ndarray, int]]:
    """Decode the first audio stream; fill gaps between frames with silence."""
    import av

    tracks = len(container.streams.audio)
    if tracks > 1:
        notes.append(f"{tracks} audio tracks: using the first")
    context = container.streams.audio[0].codec_context
    if context is None:
        raise DataError("not an audio file that can be decoded: no codec known", path)
    _forget_order(context)
    frames = _frames(container, path, notes)
    first = next(frames, None)
    if first is None:
        return
    rate, layout, begin = first.sample_rate, first.layout, _begin(container, first)
    count, filled, form = 0, 0, None
    for frame in chain([first], frames):
        if form != (form := (frame.format.name, frame.layout.name, frame.sample_rate)):
            # Packed samples: PyAV crashes on more than seven planes.
            resampler = av.AudioResampler(format="flt", layout=layout, rate=rate)
        silent = _silence_before(container, frame, begin, count, rate)
        filled += silent
        for at in range(0, silent, BLOCK):
            yield np.zeros((min(BLOCK, silent - at), layout.nb_channels), np.float32), rate
        parts = (part.to_ndarray() for part in resampler.resample(frame))
        block = np.concatenate([EMPTY, *parts], axis=None).reshape(-1, layout.nb_channels)
        count += silent + len(block)
        yield block, rate
    if filled:
        notes.append(f"gaps of {filled / rate:.1f} s filled with silence")
    if count < (_promised(container, path) - LATE) * rate:
        notes.append(TRUNCATED)


def _forget_order(context: av.AudioCodecContext) -> None:
    """Replace a channel order without a name of its own: PyAV frees it twice, and crashes."""
    layout = context.layout
    if "(" in layout.name or "ambisonic" in layout.name:
        context.layout = f"{layout.nb_channels} channels"


def _frames(
    container: av.container.InputContainer, path: Path, notes: list[str]
) -> Iterator[av.AudioFrame]:
    """Decode packet by packet, so that a damaged one costs only itself."""
    import av

    good = bad = 0
    try:
        for packet in container.demux(container.streams.audio[0]):
            try:
                frames = packet.decode()
            except av.InvalidDataError:
                bad += 1
                continue
            good += 1
            yield from frames
    except av.FFmpegError:  # of the container
        if not good:
            raise
        notes.append("damaged: cannot be read to the end")
    if bad > good:
        raise DataError("not an audio file that can be decoded", path)
    if bad:
        notes.append(f"damaged: {bad} of {good + bad} packets left out")


def _begin(container: av.container.InputContainer, frame: av.AudioFrame) -> float:
    """Return the time in the container where its recording begins: that of the video, if any."""
    start = container.start_time
    if container.streams.video and start is not None:
        return start / 1e6
    return frame.time or 0.0


def _silence_before(
    container: av.container.InputContainer,
    frame: av.AudioFrame,
    begin: float,
    count: int,
    rate: int,
) -> int:
    """Return the number of missing samples before a frame that is late."""
    stamped = container.format.name.split(",")[0] in STAMPED
    if not stamped or frame.time is None or container.duration is None:
        return 0
    place = frame.time - begin
    late = round(place * rate) - count
    return late if late > GAP * rate and place <= container.duration / 1e6 + LATE else 0


def _promised(container: av.container.InputContainer, path: Path) -> float:
    """Return the seconds of audio stated in the header; 0 if FFmpeg guessed them."""
    stream, kind = container.streams.audio[0], container.format.name.split(",")[0]
    if kind in ("mov", "ogg", "flac", "tta", "wv", "ape") or (
        kind == "mp3" and _states_frames(path)
    ):
        return float((stream.duration or 0) * (stream.time_base or 0))
    if kind == "matroska" and len(container.streams) == 1:
        return (container.duration or 0) / 1e6
    return 0.0


def _states_frames(path: Path) -> bool:
    """Tell whether the first frame of an MP3 states how many follow."""
    with open(path, "rb") as stream:
        tag = stream.read(10)
        if tag[:3] == b"ID3":
            size = 0
            for byte in tag[6:]:
                size = size << 7 | byte & 0x7F
            stream.seek(10 + size)
        return re.search(rb"Xing|Info|VBRI", stream.read(4096)) is not None
