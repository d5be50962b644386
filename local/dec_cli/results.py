"""Results of local/diarize.py for a recording, and their JSON."""

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

if TYPE_CHECKING:  # --help does not wait for PyTorch, SciPy, pandas
    from diar.pipeline.recording import Diarization


@dataclass(frozen=True)
class Result:
    """The result for a recording, or why it failed.

    remarks: on its reading, and doubts. speakers: their identities, by their names in ``diarization``.
    samples: the audio, mono. seconds: the total processing time.
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
        """The turns of the recording, none if it failed."""
        return sorted(map(self._named, self.diarization.turns)) if self.diarization else []

    @property
    def confidences(self) -> dict[Turn, float]:
        """For each of ``turns``, the probability that its speaker is right, if known."""
        known = self.diarization.confidences if self.diarization else {}
        return {self._named(turn): sure for turn, sure in known.items()}

    @property
    def doubtful(self) -> int:
        """The number of turns with a low confidence (``ConfidenceConfig.doubtful``)."""
        made = self.diarization
        return sum(sure < made.doubtful for sure in made.confidences.values()) if made else 0

    def _named(self, turn: Turn) -> Turn:
        who = self.speakers.get(turn.speaker)
        return turn._replace(speaker=who.name) if who else turn


def without_matrices(result: Result) -> Result:
    """Drop large data that is not written."""
    made = result.diarization
    return replace(result, samples=None, diarization=replace(made, fit=None) if made else None)


def without_blanks(turn: Turn) -> Turn:
    """Return a turn that RTTM can hold."""
    return turn._replace(speaker=no_blanks(turn.speaker))


def as_json(result: Result) -> dict[str, Any]:
    """Make the JSON of a recording: docs/diarization.schema.json, and values of this program only."""
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
