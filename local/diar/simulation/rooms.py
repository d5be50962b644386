"""Rooms: impulse responses from speakers to a microphone, by the image-source method.

J. Allen and D. Berkley, "Image method for efficiently simulating small-room acoustics", JASA 65, 1979, as
pyroomacoustics has it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pyroomacoustics as pra

from diar.audio.waveform import SAMPLE_RATE

Range = tuple[float, float]  # (low, high), drawn uniformly
SPEED_OF_SOUND = 343.0  # m/s


@dataclass(frozen=True)
class RoomConfig:
    """Rooms, and where people are in them; pairs are ranges, drawn uniformly per recording.

    room_length, room_width, room_height: metres; rt60: reverberation time (s).
    distance: from speaker to microphone (m); max_order: of image sources.
    """

    room_length: Range = (4.0, 9.0)
    room_width: Range = (3.0, 6.0)
    room_height: Range = (2.4, 3.5)
    rt60: Range = (0.15, 0.45)
    distance: Range = (0.5, 2.5)
    max_order: int = 17

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type == "Range" and value[0] > value[1]:
                raise ValueError(f"{field.name} is {list(value)}; expected [low, high]")
        if self.rt60[0] <= 0 or self.distance[0] <= 0:
            raise ValueError("rt60 and distance must be positive")


def draw_room(
    speakers: int, config: RoomConfig, rng: np.random.Generator
) -> tuple[list[float], list[np.ndarray]]:
    """Draw a room and a place for each of ``speakers`` in it.

    Returns:
        distances: metres from each speaker to the microphone.
        responses: impulse response of each at 16 kHz, (n,) float64; the direct path comes at
            distance / ``SPEED_OF_SOUND``.
    """
    size = np.array(
        [rng.uniform(*r) for r in (config.room_length, config.room_width, config.room_height)]
    )
    absorption, order = pra.inverse_sabine(
        max(rng.uniform(*config.rt60), _shortest_rt60(size)), size
    )
    microphone = np.array([*(size[:2] * rng.uniform(0.35, 0.65, 2)), rng.uniform(0.8, 1.3)])
    # One thread: the order of summation, and so the last bit, must not depend on the machine.
    pra.constants.set("num_threads", 1)
    room = pra.ShoeBox(
        size,
        fs=SAMPLE_RATE,
        materials=pra.Material(absorption),
        max_order=min(order, config.max_order),
    )
    room.add_microphone(microphone)
    distances = []
    for _ in range(speakers):
        place = _place(microphone, size, config.distance, rng)
        room.add_source(place)
        distances.append(float(np.linalg.norm(place - microphone)))
    room.compute_rir()
    early = pra.constants.get("frac_delay_length") // 2  # samples of delay that the library adds
    return distances, [np.asarray(r, np.float64)[early:] for r in room.rir[0]]


def _shortest_rt60(size: np.ndarray) -> float:
    """Compute Sabine's reverberation time (s) when 90 % of the energy is absorbed: the least there is."""
    surface = 2 * (size[0] * size[1] + size[0] * size[2] + size[1] * size[2])
    return float(24 * np.log(10) / SPEED_OF_SOUND * np.prod(size) / (0.9 * surface))


def _place(
    microphone: np.ndarray, size: np.ndarray, distance: Range, rng: np.random.Generator
) -> np.ndarray:
    """Draw a place for a mouth inside the room, at about the wanted distance from the microphone."""
    height = rng.uniform(1.1, 1.7)
    radius, angle = rng.uniform(*distance), rng.uniform(0, 2 * np.pi)
    place = np.array(
        [*(microphone[:2] + radius * np.array([np.cos(angle), np.sin(angle)])), height]
    )
    return np.clip(place, 0.3, size - 0.3)
