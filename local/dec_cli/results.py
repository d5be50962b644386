"""What local/diarize.py has made of a recording, and how that is said in JSON."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dec_cli.identities import Identity
from diar.audio.spool import Samples
from diar.base.names import no_blanks
from diar.base.types import Turn
from diar.exports.document import document_of
from diar.exports.recording import recording_of
from diar.kaldi.inputs import Input

if TYPE_CHECKING:  # whoever asks for help does not wait for PyTorch, SciPy, pandas
    from diar.pipeline.recording import Diarization


@dataclass(frozen=True)
class Result:
    """What came of a recording: what was made of it, or why it failed.

    remarks: what was done to read it. speakers: who they are, by their names in ``diarization``.
    samples: what was heard, mono. seconds: what all of it took.
    """

    given: Input
    duration: float = 0.0
    remarks: tuple[str, ...] = ()
    diarization: Diarization | None = None
    speakers: dict[str, Identity] = field(default_factory=dict)
    samples: Samples | None = None
    seconds: float = 0.0
    error: str = ""

    @property
    def turns(self) -> list[Turn]:
        """Of the recording, none where it failed."""
        return sorted(map(self._named, self.diarization.turns)) if self.diarization else []

    @property
    def confidences(self) -> dict[Turn, float]:
        """Of ``turns``, the probability that the speaker is right, where that is known."""
        known = self.diarization.confidences if self.diarization else {}
        return {self._named(turn): sure for turn, sure in known.items()}

    @property
    def doubtful(self) -> int:
        """How many turns have a confidence that is small (``ConfidenceConfig.doubtful``)."""
        made = self.diarization
        return sum(sure < made.doubtful for sure in made.confidences.values()) if made else 0

    def _named(self, turn: Turn) -> Turn:
        who = self.speakers.get(turn.speaker)
        return turn._replace(speaker=who.name) if who else turn


def without_matrices(result: Result) -> Result:
    """Leave out what takes memory, and is not written."""
    made = result.diarization
    return replace(result, samples=None, diarization=replace(made, fit=None) if made else None)


def without_blanks(turn: Turn) -> Turn:
    """Return a turn as RTTM can hold it."""
    return turn._replace(speaker=no_blanks(turn.speaker))


def as_json(result: Result) -> dict[str, Any]:
    """Make the line of a recording: docs/diarization.schema.json, and what only this program knows."""
    name, path = result.given.recording, result.given.path
    if result.error:
        return {"recording": name, "media": str(path), "error": result.error}
    recording = recording_of(name, result.turns, result.duration, path, result.confidences)
    document = document_of(recording)
    told = {who.name: who.as_json() for who in result.speakers.values()}
    for speaker in document["speakers"]:
        speaker.update(told.get(speaker["name"], {}))
    seconds = round(result.seconds, 3)
    return {**document, "remarks": list(result.remarks), "processing_seconds": seconds}
