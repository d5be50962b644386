"""Compression to MP3, which is small and plays in every browser."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np

from diar.audio.spool import Samples

BITS = 32_000  # per second: 14 MB an hour; speech stays clear


def mp3(samples: Samples | np.ndarray, rate: int) -> bytes:
    """Compress mono samples (n,), full scale 1; they are read stretch by stretch.

    Args:
        rate: samples per second, a rate of MP3: 8000, 16000, 22050, 44100 ...
    """
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp3", options={"id3v2_version": "0"}) as container:
        track = container.add_stream("libmp3lame", rate=rate, layout="mono", bit_rate=BITS)
        for start in range(0, len(samples), 60 * rate):
            block = np.clip(samples[start : start + 60 * rate], -1.0, 1.0).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(block[None], format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
    return stream.getvalue()
