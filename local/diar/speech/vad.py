"""Voice activity detection by networks, or by Kaldi's energy rule."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from diar.audio.spool import Samples
from diar.audio.waveform import SAMPLE_RATE
from diar.base.regions import intersection, union
from diar.base.types import LocalSpeakers, Region, Turn

KINDS = ("combined", "segmentation", "silero", "energy")
LOCAL = ("combined", "segmentation")  # those that need local speakers
HOP, WIDTH = SAMPLE_RATE // 100, SAMPLE_RATE // 40  # samples: shift and length of energy frames
FRAMES = 10000  # energies computed at once
VERY_QUIET = -60  # dBFS of the loudest twentieth of the frames
# Missed quiet speech is reported from this many seconds, if they are this share of the detected speech;
# results do not depend on it.
FAINT_SECONDS, FAINT_SHARE = 3.0, 1 / 3
LOUD = 20 * np.log(10) / 10  # 20 dB: frames this close to the loudest twentieth are loud
SILERO_CHUNK = 512  # samples, fixed by the published network at 16 kHz
SILERO_RESET = 937 * SILERO_CHUNK  # samples: 30 s


@dataclass(frozen=True)
class Hysteresis:
    """Speech begins at ``onset``, ends below ``offset``; times in seconds.

    Pauses under ``min_silence`` are bridged, then regions under ``min_speech`` dropped, then
    ``pad`` added at both ends.
    """

    onset: float = 0.4
    offset: float = 0.28
    min_speech: float = 0.25
    min_silence: float = 0.3
    pad: float = 0.03

    def __post_init__(self) -> None:
        if not 0 <= self.offset <= self.onset <= 1:
            raise ValueError(f"need 0 <= offset <= onset <= 1, got {self.offset}, {self.onset}")
        if min(self.min_speech, self.min_silence, self.pad) < 0:
            raise ValueError("min_speech, min_silence and pad must not be negative")


@dataclass(frozen=True)
class Energy:
    """Kaldi's compute-vad.

    A frame is loud if its log energy exceeds ``threshold + mean_scale * mean`` (and ``floor``: digital
    silence is not speech); the score is the share of loud frames within ``context`` frames on both
    sides.
    """

    threshold: float = -1.0
    mean_scale: float = 1.0
    floor: float = 9.0
    context: int = 5

    def __post_init__(self) -> None:
        if self.context < 0:
            raise ValueError("context must not be negative")


@dataclass(frozen=True)
class VadConfig:
    """How the scores of each kind of VAD become regions (conf/vad.yaml).

    ``frame_shift`` (seconds) applies to the decisions of a data directory (vad.scp).
    """

    combined: Hysteresis = Hysteresis(min_speech=0.1, min_silence=0.4, pad=0.0)
    segmentation: Hysteresis = Hysteresis(
        onset=0.6, offset=0.45, min_speech=0.1, min_silence=0.3, pad=0.0
    )
    silero: Hysteresis = Hysteresis()
    energy: Hysteresis = Hysteresis(onset=0.3, offset=0.21, min_silence=0.5, pad=0.0)
    energy_frames: Energy = Energy()
    frame_shift: float = 0.01

    def __post_init__(self) -> None:
        if not 0 < self.frame_shift <= 1:
            raise ValueError(f"frame_shift is {self.frame_shift:g}; it must be in (0, 1] seconds")


def silero_scores(samples: Samples) -> tuple[np.ndarray, float]:
    """Compute the speech probability of each chunk of 32 ms by Silero VAD v6.

    The network has a state. With one state for a whole recording it can fall silent for
    minutes; with a new one it has to adapt to the recording. So it runs on the whole recording
    and on pieces of 30 s, and the higher score is used.

    Args:
        samples: (n,) float32 at 16 kHz.

    Returns:
        Probabilities (t,), and the length of a chunk in seconds.
    """
    pieces, chunk = _silero_pieces(samples)
    return np.maximum(np.ravel(_silero().audio_forward(samples)), pieces), chunk


def _silero_pieces(samples: Samples) -> tuple[np.ndarray, float]:
    """Compute the scores of separate pieces of 30 s."""
    starts = range(0, len(samples), SILERO_RESET)
    hear = _silero().audio_forward
    pieces = [np.ravel(hear(samples[start : start + SILERO_RESET])) for start in starts]
    return np.concatenate(pieces), SILERO_CHUNK / SAMPLE_RATE


@functools.cache
def _silero() -> Any:
    """Load the network that takes many chunks in one call: the same scores in a third of the time."""
    import torch
    from silero_vad import load_silero_vad

    threads = torch.get_num_threads()  # the package sets it to one
    model = load_silero_vad(onnx=True, sequence=True)
    torch.set_num_threads(threads)
    return model


def segmentation_scores(local: LocalSpeakers, duration: float) -> tuple[np.ndarray, float]:
    """Average the activity of the most active local speaker over windows.

    Returns:
        Scores (t,), and the length of a frame in seconds.
    """
    count = max(1, int(np.ceil(duration / local.shift)))
    total, windows = np.zeros(count), np.zeros(count)
    for number, activity in enumerate(local.activity):
        first = round(float(local.centres(number)[0]) / local.shift - 0.5)
        scores = activity.max(axis=1)[: max(0, count - first)]
        total[first : first + len(scores)] += scores
        windows[first : first + len(scores)] += 1
    return total / np.maximum(windows, 1), local.shift


def combined_scores(
    samples: Samples, local: Callable[[], LocalSpeakers], duration: float
) -> tuple[np.ndarray, float]:
    """Average the scores of Silero and the segmentation, on the frames of the latter.

    Silero gets only pieces: while it adapts to one, the segmentation knows the audio before.
    """
    heard, chunk = _silero_pieces(samples)
    scores, frame = segmentation_scores(local(), duration)
    nearest = ((np.arange(len(scores)) + 0.5) * frame / chunk).astype(int)
    return (scores + heard[nearest.clip(0, len(heard) - 1)]) / 2, frame


def energy_scores(samples: Samples, options: Energy) -> tuple[np.ndarray, float]:
    """Compute the share of loud frames around each frame of 10 ms by Kaldi's energy rule.

    Args:
        samples: (n,) float32 in [-1, 1] at 16 kHz; energies are those of 16-bit samples.

    Returns:
        Shares (t,), and the length of a frame in seconds.
    """
    energy = log_energies(samples)
    loud = energy > max(options.threshold + options.mean_scale * energy.mean(), options.floor)
    share = scipy.ndimage.uniform_filter1d(
        loud.astype(float), 2 * options.context + 1, mode="nearest"
    )
    return share, HOP / SAMPLE_RATE


def doubts(samples: Samples, regions: Iterable[Region]) -> list[str]:
    """Describe reasons to doubt that these regions are all speech of a recording; usually none."""
    energy = log_energies(samples)
    loudest = float(np.quantile(energy, 0.95))
    said = []
    if loudest > 0 and 10 * (loudest - np.log(WIDTH * 32768.0**2)) / np.log(10) < VERY_QUIET:
        said.append(f"very quiet (below {VERY_QUIET} dBFS): speech may be missed")
    seconds = np.count_nonzero(energy > loudest - LOUD) * HOP / SAMPLE_RATE
    if seconds >= 10 and sum(r.end - r.start for r in regions) < seconds / 10:
        said.append("speech in less than a tenth of the loud audio: music, noise, or missed speech")
    return said


def log_energies(samples: Samples) -> np.ndarray:
    """Compute the log energy (t,) of frames of 25 ms, every 10 ms, of 16-bit samples."""
    count = 1 + max(0, len(samples) - WIDTH) // HOP
    return np.concatenate(
        [
            _log_energies(samples[first * HOP : (min(first + FRAMES, count) - 1) * HOP + WIDTH])
            for first in range(0, count, FRAMES)
        ]
    )


def _log_energies(samples: np.ndarray) -> np.ndarray:
    """Compute the log energy (t,) of each frame; shorter audio is padded to one frame."""
    padded = np.pad(samples.astype(np.float64) * 32768.0, (0, max(0, WIDTH - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WIDTH)[::HOP]
    frames = frames - frames.mean(axis=1, keepdims=True)
    return np.log(np.maximum(np.square(frames).sum(axis=1), 1.0))


def regions_from_scores(
    scores: np.ndarray, frame: float, duration: float, options: Hysteresis
) -> list[Region]:
    """Turn frame scores into speech regions by hysteresis.

    Args:
        scores: (t,) in [0, 1], frame i covers [i, i + 1) * frame.
        frame: seconds.
        duration: of the recording, seconds; no region ends later.
    """
    regions: list[Region] = []
    start = None
    for i, score in enumerate(scores):
        if start is None and score >= options.onset:
            start = i
        elif start is not None and score < options.offset:
            regions.append(Region(start * frame, i * frame))
            start = None
    if start is not None:
        regions.append(Region(start * frame, len(scores) * frame))
    regions = [
        r for r in union(regions, options.min_silence) if r.end - r.start >= options.min_speech
    ]
    padded = (Region(max(0.0, s - options.pad), min(duration, e + options.pad)) for s, e in regions)
    return union(r for r in padded if r.end > r.start)


def oracle_speech(turns: Iterable[Turn], duration: float) -> list[Region]:
    """Return where anybody speaks in the reference, within the recording."""
    clipped = (Region(t.start, min(t.end, duration)) for t in turns)
    return union(r for r in clipped if r.end > r.start)


def scores_of(
    samples: Samples, kind: str, options: Energy, local: Callable[[], LocalSpeakers] | None = None
) -> tuple[np.ndarray, float]:
    """Compute the scores (t,) of the frames of 16 kHz samples, and the length of a frame in seconds.

    Args:
        kind: one of ``KINDS``.
        options: of 'energy'.
        local: returns the local speakers, which the kinds in ``LOCAL`` need; called after Silero, so that
            they can be computed meanwhile.

    Raises:
        ValueError: another kind, or missing local speakers.
    """
    if kind == "silero":
        return silero_scores(samples)
    if kind == "energy":
        return energy_scores(samples, options)
    if kind not in LOCAL:
        raise ValueError(f"unknown VAD {kind!r}: one of {', '.join(KINDS)}")
    if local is None:
        raise ValueError(f"VAD {kind!r} needs local speakers")
    duration = len(samples) / SAMPLE_RATE
    if kind == "segmentation":
        return segmentation_scores(local(), duration)
    return combined_scores(samples, local, duration)


def detect_speech(
    samples: Samples, kind: str, config: VadConfig, local: Callable[[], LocalSpeakers] | None = None
) -> list[Region]:
    """Find the speech regions of 16 kHz samples; arguments and errors are those of ``scores_of``."""
    scores, frame = scores_of(samples, kind, config.energy_frames, local)
    return regions_from_scores(scores, frame, len(samples) / SAMPLE_RATE, getattr(config, kind))


def speech_and_doubts(
    samples: Samples, kind: str, config: VadConfig, local: Callable[[], LocalSpeakers] | None = None
) -> tuple[list[Region], list[str]]:
    """Find speech as ``detect_speech`` does, with reasons to doubt that it is complete."""
    scores, frame = scores_of(samples, kind, config.energy_frames, local)
    options: Hysteresis = getattr(config, kind)
    regions = regions_from_scores(scores, frame, len(samples) / SAMPLE_RATE, options)
    said = doubts(samples, regions)
    faint = faint_speech(scores, frame, regions, options)
    spoken = sum(r.end - r.start for r in regions)
    if kind == "combined" and faint >= max(FAINT_SECONDS, FAINT_SHARE * spoken):
        said.append("quiet speech may be missed: more than a third of the detected speech")
    return regions, said


def faint_speech(
    scores: np.ndarray, frame: float, regions: Sequence[Region], options: Hysteresis
) -> float:
    """Count the seconds outside of the regions whose score is over a quarter of ``onset``.

    Args:
        scores, frame: as for ``regions_from_scores``.
    """
    centres = (np.arange(len(scores)) + 0.5) * frame
    likely = scores > options.onset / 4
    for region in regions:
        likely &= (centres < region.start) | (centres > region.end)
    return float(np.count_nonzero(likely) * frame)


@dataclass(frozen=True)
class VadErrors:
    """Seconds of reference speech, miss and false alarm."""

    speech: float
    miss: float
    false_alarm: float

    def __add__(self, other: VadErrors) -> VadErrors:
        return VadErrors(
            self.speech + other.speech,
            self.miss + other.miss,
            self.false_alarm + other.false_alarm,
        )


def compare(reference: Sequence[Region], hypothesis: Sequence[Region]) -> VadErrors:
    """Count seconds of miss and false alarm, without a collar; both lists are sorted and disjoint."""
    speech, detected, both = (
        sum(end - start for start, end in regions)
        for regions in (reference, hypothesis, intersection(reference, hypothesis))
    )
    return VadErrors(speech, speech - both, detected - both)
