"""Small audio files, a quarter of a second each, of every container that is fuzzed."""

from __future__ import annotations

import io

import av
import numpy as np
import soundfile

RATE = 16000
# Reader -> what soundfile writes: (format, subtype).
WRITTEN = {
    "WAV": [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAVEX", "PCM_24"), ("WAV", "MS_ADPCM"), ("RF64", "PCM_16"), ("W64", "PCM_16")],
    "FLAC": [("FLAC", "PCM_16")],
    "Ogg": [("OGG", "VORBIS"), ("OGG", "OPUS")],
    "MP3": [("MP3", "MPEG_LAYER_III")],
    "CAF": [("CAF", "PCM_16")],
    "AIFF, AU, VOC": [("AIFF", "PCM_16"), ("AU", "ULAW"), ("VOC", "PCM_16")],
    "SPHERE": [("NIST", "PCM_16"), ("NIST", "ULAW")],
}  # fmt: skip
# Reader -> what PyAV writes: (container, codec, layout).
ENCODED = {
    "M4A, MP4, MOV": [("mp4", "aac", "stereo"), ("mp4", "alac", "mono"), ("mov", "pcm_s16le", "7.1")],
    "Matroska, WebM": [("matroska", "pcm_s16le", "7.1"), ("matroska", "aac", "stereo"), ("webm", "libopus", "stereo")],
    "CAF of FFmpeg": [("caf", "pcm_s24le", "7.1"), ("caf", "alac", "mono")],
    "ASF, AVI, FLV": [("asf", "wmav2", "stereo"), ("avi", "mp2", "stereo"), ("flv", "mp3", "stereo")],
    "AAC, AC-3, MPEG-TS, DTS": [("adts", "aac", "stereo"), ("ac3", "ac3", "stereo"), ("mpegts", "mp2", "stereo")],
    "TTA, WavPack": [("tta", "tta", "stereo"), ("wv", "wavpack", "stereo")],
    "G.722": [("g722", "g722", "mono")],
}  # fmt: skip


def files() -> dict[str, list[bytes]]:
    """Good files of each reader."""
    return {
        **{name: [_written(*kind) for kind in kinds] for name, kinds in WRITTEN.items()},
        **{name: [_encoded(*kind) for kind in kinds] for name, kinds in ENCODED.items()},
    }


def _tones(channels: int) -> np.ndarray:
    time = np.arange(RATE // 4)[:, None] / RATE
    return (0.3 * np.sin(2 * np.pi * 200 * (1 + np.arange(channels)) * time)).astype(np.float32)


def _written(kind: str, subtype: str) -> bytes:
    stream = io.BytesIO()
    channels = 1 if subtype == "MS_ADPCM" else 2
    soundfile.write(stream, _tones(channels), RATE, format=kind, subtype=subtype)
    return stream.getvalue()


def _encoded(kind: str, codec: str, layout: str) -> bytes:
    stream = io.BytesIO()
    with av.open(stream, "w", format=kind) as container:
        rate = 44100 if kind == "flv" else 48000 if codec in ("ac3", "libopus") else RATE
        track = container.add_stream(codec, rate=rate, layout=layout)
        track.bit_rate = 64000  # which wmav2 is to be told
        samples = _tones(track.layout.nb_channels).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="flt", layout=layout)
        frame.sample_rate = RATE
        resampler = av.AudioResampler(
            track.format, layout, rate, track.codec_context.frame_size or None
        )
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(track.encode(part))
        container.mux(track.encode(None))
    return stream.getvalue()
