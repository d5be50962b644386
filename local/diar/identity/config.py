"""Comparison of speakers across recordings: conf/identity.yaml."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class IdentityConfig:
    """How to compare speech of two speakers, and the thresholds above which they are the same person.

    evidence: independent windows per second of speech (``diar.dec.sequence``).
    drift: variance of a person between recordings, which does not average out with more windows.
    least: minimum seconds of speech to enrol a voice.
    known: minimum log likelihood ratio (nats) for a speaker to be a known voice.
    linked: minimum mean log likelihood ratio (nats) for speakers of several recordings to be linked.
    """

    evidence: float = 0.4
    drift: float = 0.5
    least: float = 3.0
    known: float = 9.6
    linked: float = 5.0

    def __post_init__(self) -> None:
        if min(self.evidence, self.drift) <= 0:
            raise ValueError("evidence and drift must be positive")
        if self.least < 0:
            raise ValueError("least must not be negative")
