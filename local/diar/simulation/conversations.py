"""Simulated conversations: real voices, real turn-taking, one room and one channel a recording.

All speakers of a recording share the room, the microphone, the pass band and the noise, so that the
channel of the source material does not tell who speaks. The reference comes from the speech activity of
the dry sources, where they were placed, delayed by the direct path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, oaconvolve, sosfilt

from diar.audio.waveform import SAMPLE_RATE
from diar.base.errors import DataError
from diar.base.regions import union
from diar.base.types import Turn
from diar.simulation.activity import ActivityConfig, levels, speech_regions
from diar.simulation.channels import change_by_turn
from diar.simulation.rooms import SPEED_OF_SOUND, Range, RoomConfig, draw_room
from diar.simulation.voices import Voice, fade

_CUT_SEARCH = 0.15  # s before a turn's end in which the quietest place to cut is looked for
_SHORTEST = 0.2  # s, the shortest piece worth placing


@dataclass(frozen=True)
class SimulationConfig(RoomConfig):
    """Acoustics of the simulated recordings: the room, and these.

    snr_db: speech in its active time against noise; noise_slope: of the noise spectrum, power
        ~ 1 / f^slope (0 white, 1 pink, 2 brown).
    speaker_level_db, turn_level_db: level of each speaker, of each turn, about the mean (dB).
    low_cut: Hz; high_cut: Hz, one of them is drawn; a source with less band lowers it.
    inner_gap: between pieces of the same turn (s); recording_level_db: re full scale.
    turn_channels: every turn passes a codec and a band of its own: a control, whether the channel of a
        voice tells who speaks.
    activity: what counts as speech in the dry sources; its max_pause splits turns.
    """

    snr_db: Range = (10.0, 30.0)
    noise_slope: Range = (0.0, 2.0)
    speaker_level_db: Range = (-4.0, 4.0)
    turn_level_db: Range = (-1.5, 1.5)
    low_cut: Range = (40.0, 250.0)
    high_cut: tuple[float, ...] = (3600.0, 5500.0, 7200.0, 7200.0)
    inner_gap: Range = (0.04, 0.25)
    recording_level_db: float = -26.0
    turn_channels: bool = False
    activity: ActivityConfig = ActivityConfig()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.high_cut or min(self.high_cut) <= self.low_cut[1]:
            raise ValueError("high_cut must lie above low_cut")


@dataclass(frozen=True)
class Conversation:
    """A simulated recording: (n,) float32 samples at 16 kHz, and the reference, sorted."""

    samples: np.ndarray
    turns: list[Turn]


class Supply:
    """The pieces of one voice in random order; none comes twice before all have come once."""

    _WINDOW = 8  # of the pieces due next, the one whose length fits best is taken

    def __init__(self, voice: Voice, rng: np.random.Generator):
        self.voice, self.rng = voice, rng
        self.queue: list[int] = []

    def next(self, seconds: float) -> np.ndarray:
        """Take a piece of about this length, or of whatever length there is."""
        if len(self.queue) < self._WINDOW:
            fresh = [int(i) for i in self.rng.permutation(len(self.voice)) if i not in self.queue]
            self.queue += fresh
        lengths = np.diff(self.voice.bounds)[self.queue[: self._WINDOW]] / SAMPLE_RATE
        return self.voice.piece(self.queue.pop(int(np.argmin(np.abs(lengths - seconds)))))


def simulate(
    turns: Sequence[Turn],
    seconds: float,
    cast: Mapping[str, Voice],
    config: SimulationConfig,
    seed: int,
) -> Conversation:
    """Let ``cast`` speak ``turns`` in one room.

    Args:
        turns: slots of one recording; turns of the same speaker that overlap are joined.
        seconds: duration of the result; turns are cut there.
        cast: voice of each speaker; the reference names the voices' persons.
        config: acoustics.
        seed: of the random numbers; the same seed gives the same samples.

    Raises:
        DataError: no turns, or a speaker without a voice.
    """
    if not turns:
        raise DataError("a conversation without turns")
    speakers = sorted({turn.speaker for turn in turns})
    if missing := [s for s in speakers if s not in cast]:
        raise DataError(f"{turns[0].recording}: no voice for speaker {missing[0]!r}")
    rng = np.random.default_rng(seed)
    room_rng, noise_rng, *voice_rngs = rng.spawn(2 + len(speakers))
    (channel_rng,) = rng.spawn(1)
    distances, responses = draw_room(len(speakers), config, room_rng)
    length = round(seconds * SAMPLE_RATE)
    speech = np.zeros(length)
    active = np.zeros(length, bool)
    reference: list[Turn] = []
    for i, speaker in enumerate(speakers):
        slots = union((t.start, min(t.end, seconds)) for t in turns if t.speaker == speaker)
        dry, spans = speak(slots, length, Supply(cast[speaker], voice_rngs[i]), config)
        delay = distances[i] / SPEED_OF_SOUND
        wet = oaconvolve(dry, responses[i])[:length]
        if config.turn_channels:
            wet = change_by_turn(wet, slots, channel_rng)
        mine = np.zeros(length, bool)
        for start, end in union(
            ((a + delay, b + delay) for a, b in spans), config.activity.max_pause
        ):
            end = min(end, seconds)
            if end - start >= 0.001:
                reference.append(
                    Turn(turns[0].recording, start, end - start, cast[speaker].person.id)
                )
                mine[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] = True
        power = np.mean(wet[mine] ** 2) if mine.any() else 0.0
        if power > 0:
            speech += wet * (
                10 ** (room_rng.uniform(*config.speaker_level_db) / 20) / np.sqrt(power)
            )
        active |= mine
    voices = [cast[speaker] for speaker in speakers]
    return Conversation(_record(speech, active, voices, config, noise_rng), sorted(reference))


def speak(
    slots: Sequence[tuple[float, float]], length: int, supply: Supply, config: SimulationConfig
) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Fill one speaker's slots with speech.

    Returns:
        dry: (length,) float64; spans: where it holds speech, (start, end) in seconds.
    """
    dry = np.zeros(length)
    spans: list[tuple[float, float]] = []
    for slot_start, slot_end in slots:
        gain = 10 ** (supply.rng.uniform(*config.turn_level_db) / 20)
        at = slot_start
        while slot_end - at >= min(_SHORTEST, slot_end - slot_start):
            piece = _cut(supply.next(slot_end - at), slot_end - at)
            first = round(at * SAMPLE_RATE)
            piece = piece[: length - first]
            regions = speech_regions(piece, config.activity)
            if regions:
                dry[first : first + len(piece)] += gain * piece
                offset = first / SAMPLE_RATE
                spans += [(offset + r.start, offset + r.end) for r in regions]
            at += len(piece) / SAMPLE_RATE + supply.rng.uniform(*config.inner_gap)
    return dry, spans


def _cut(piece: np.ndarray, seconds: float) -> np.ndarray:
    """Cut a piece to at most ``seconds``, where it is quietest shortly before."""
    limit = round(seconds * SAMPLE_RATE)
    if len(piece) <= limit:
        return piece
    back = min(round(_CUT_SEARCH * SAMPLE_RATE), limit // 4)
    level = levels(piece[limit - back : limit])
    if len(level):
        limit += round((int(np.argmin(level)) + 0.5) * SAMPLE_RATE / 100) - back
    return fade(piece[:limit])


def _record(
    speech: np.ndarray,
    active: np.ndarray,
    voices: Sequence[Voice],
    config: SimulationConfig,
    rng: np.random.Generator,
) -> np.ndarray:
    """Make the microphone's signal from clean speech: band, noise and level, (n,) float32."""
    high = float(rng.choice(config.high_cut))
    high = min([high, *(v.person.band for v in voices if v.person.band)])
    sos = butter(
        4, [rng.uniform(*config.low_cut), high], btype="bandpass", fs=SAMPLE_RATE, output="sos"
    )
    speech = sosfilt(sos, speech)
    noise = sosfilt(sos, _noise(len(speech), rng.uniform(*config.noise_slope), rng))
    power = np.mean(speech[active] ** 2) if active.any() else 1.0
    snr = 10 ** (rng.uniform(*config.snr_db) / 10)
    mixed = speech + noise * np.sqrt(power / snr / np.mean(noise**2))
    level = np.mean(mixed[active] ** 2) if active.any() else np.mean(mixed**2)
    mixed *= 10 ** (config.recording_level_db / 20) / np.sqrt(level)
    return (mixed * min(1.0, 0.99 / np.abs(mixed).max())).astype(np.float32)


def _noise(length: int, slope: float, rng: np.random.Generator) -> np.ndarray:
    """Draw Gaussian noise whose power falls as 1 / f^slope above 50 Hz."""
    size = 1 << (max(length, 2) - 1).bit_length()
    frequency = np.maximum(np.fft.rfftfreq(size, 1 / SAMPLE_RATE), 50.0)
    spectrum = np.fft.rfft(rng.standard_normal(size)) * frequency ** (-slope / 2)
    return np.fft.irfft(spectrum, size)[:length]
