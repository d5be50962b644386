"""How speakers are told apart across recordings: conf/identity.yaml."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class IdentityConfig:
    """How two pieces of speech are compared, and from where on they are of one person.

    evidence: independent windows that a second of speech is worth (``diar.dec.sequence``).
    drift: variance of a person from one recording to another, which no number of windows averages out.
    least: seconds of speech in which a voice is enrolled, or it is refused.
    known: log likelihood ratio (nats) from which on a speaker is a voice that is known.
    linked: mean log likelihood ratio (nats) from which on speakers of several recordings are one person.
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
