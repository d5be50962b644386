"""Who the speakers of local/diarize.py are: voices that are known, and the same people in several files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diar.base import config
from diar.base.errors import DataError
from diar.identity.config import IdentityConfig
from diar.kaldi.names import Names

if TYPE_CHECKING:  # whoever asks for help does not wait for PyTorch, SciPy, pandas
    from diar.identity.profiles import SpeakerProfile
    from diar.pipeline.recording import Diarization, Pipeline

Known = Mapping[str, Mapping[str, "Identity"]]


@dataclass(frozen=True)
class Identity:
    """Who a speaker of a recording is.

    name: what they are called. profile: None, where nothing is known of their voice. ratios: the log
    likelihood ratio of each known voice, nats; None where none was asked for. known: whether the name is
    that of one. xvector: the mean of theirs, where it is wanted.
    """

    name: str
    profile: SpeakerProfile | None = None
    ratios: dict[str, float] | None = None
    known: bool = False
    xvector: list[float] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what the JSON says of a speaker, beside their name."""
        told: dict[str, Any] = {}
        if self.ratios is not None:
            told["known"] = self.known
            told["voice_ratios"] = {name: round(ratio, 2) for name, ratio in self.ratios.items()}
        if self.xvector is not None:
            told["xvector"] = self.xvector
        return told


def called(names: Names, recording: str, speakers: dict[str, Identity]) -> dict[str, Identity]:
    """Give the speakers of a recording the names that a user says, in the place of those they have.

    Raises:
        DataError: two of them would have the same.
    """
    new = names.of(recording, [who.name for who in speakers.values()])
    return {speaker: replace(who, name=new[who.name]) for speaker, who in speakers.items()}


class Identities:
    """What tells who the speakers are, with everything loaded.

    Args:
        voices: a file of known voices, if there is one. vectors: whether mean x-vectors are wanted.

    Raises:
        DataError: voices that cannot be read, or do not fit the stages.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        options: str | Path,
        voices: Path | None,
        link: bool,
        vectors: bool,
    ):
        self.config = config.load(IdentityConfig, options)
        self.encoder = pipeline.encoder
        self.compares, self.vectors = link or voices is not None, vectors
        self.known: dict[str, SpeakerProfile] | None = None
        if voices is not None:
            from diar.identity.voices import check_fit, read_voices

            stored = read_voices(voices)
            check_fit(stored, pipeline.extractor, pipeline.xvector.window, voices)
            self.known = stored.profiles(self.encoder, self.config)

    def of(self, made: Diarization) -> dict[str, Identity]:
        """Tell who the speakers of one recording are, by the names that they have in it.

        Raises:
            DataError: an autoencoder that cannot compare them; a voice that is called as a speaker is.
        """
        from diar.identity.profiles import between_of, mean_xvectors, profiles_of
        from diar.identity.voices import recognise

        found = {turn.speaker: Identity(turn.speaker) for turn in made.turns}
        if self.vectors:
            for speaker, vector in mean_xvectors(made.xvectors, made.turns).items():
                values = [round(float(value), 6) for value in vector]
                found[speaker] = replace(found[speaker], xvector=values)
        if not self.compares:
            return found
        profiles = profiles_of(made.xvectors, made.turns, self.encoder, self.config)
        for speaker, profile in profiles.items():
            found[speaker] = replace(found[speaker], profile=profile)
        if self.known is not None:
            between = between_of(self.encoder)
            matches = recognise(profiles, self.known, between, self.config.known)
            if both := sorted(set(self.known) & set(found)):
                raise DataError(
                    f"a known voice is called {both[0]!r}, as is a speaker of {made.turns[0].recording}:"
                    " enrol it under another name"
                )
            for speaker, match in matches.items():
                who, known = match.name or speaker, match.name is not None
                found[speaker] = replace(found[speaker], name=who, ratios=match.ratios, known=known)
        return found

    def linked(self, recordings: Known) -> dict[str, dict[str, Identity]]:
        """Give those who are no known voice names that hold in all recordings."""
        from diar.identity.linking import global_names, link
        from diar.identity.profiles import between_of

        people = [
            (recording, speaker, who)
            for recording, speakers in sorted(recordings.items())
            for speaker, who in sorted(speakers.items())
            if not who.known
        ]
        profiles = {(r, s): who.profile for r, s, who in people if who.profile is not None}
        groups = link(profiles, between_of(self.encoder), self.config.linked)
        groups += [[(r, s)] for r, s, who in people if who.profile is None]
        names = global_names(groups, [*(self.known or {})])
        return {
            recording: {
                speaker: replace(who, name=names.get((recording, speaker), who.name))
                for speaker, who in speakers.items()
            }
            for recording, speakers in recordings.items()
        }
