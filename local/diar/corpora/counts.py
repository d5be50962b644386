"""Expected sizes of the public corpora, and the actual sizes of prepared data directories."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from diar.base.errors import DataError
from diar.kaldi.rttm import read_rttm
from diar.kaldi.tables import read_numbers

UNITS = ("recordings", "hours", "turns", "speakers", "recording_speakers")


@dataclass(frozen=True)
class Count:
    """A published figure and its source; ``tolerance``: relative, for its rounding."""

    value: float
    source: str
    tolerance: float = 0.0


@dataclass(frozen=True)
class Counts:
    """The published figures: '<corpus>/<set>' -> unit -> figure."""

    sets: dict[str, dict[str, Count]]

    def __post_init__(self) -> None:
        for name, figures in self.sets.items():
            if unknown := sorted(set(figures) - set(UNITS)):
                raise DataError(f"{name}: unknown unit {unknown[0]!r}; known: {', '.join(UNITS)}")


def measure(directory: Path) -> dict[str, float]:
    """Count the contents of a data directory, in ``UNITS``.

    ``speakers`` are the different names, ``recording_speakers`` the speakers of each recording,
    summed (where names mean nothing beyond their recording).
    """
    seconds = read_numbers(directory / "reco2dur")
    turns = [turn for side in read_rttm(directory / "ref.rttm").values() for turn in side]
    return {
        "recordings": len(seconds),
        "hours": sum(seconds.values()) / 3600,
        "turns": len(turns),
        "speakers": len({turn.speaker for turn in turns}),
        "recording_speakers": len({(turn.recording, turn.speaker) for turn in turns}),
    }


def differences(expected: dict[str, Count], measured: dict[str, float]) -> list[str]:
    """Write a line for each figure that differs from the published one."""
    return [
        f"{unit}: {measured[unit]:.6g}, published {count.value:g} ({count.source})"
        for unit, count in expected.items()
        if abs(measured[unit] - count.value) > count.tolerance * count.value
    ]
