"""Identities of the speakers of local/diarize.py: known voices, and the same people in several files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diar.base import config
from diar.base.errors import DataError
from diar.identity.config import IdentityConfig
from diar.kaldi.names import ANY, Names

if TYPE_CHECKING:  # --help should not wait for PyTorch, SciPy, pandas
    from diar.identity.profiles import SpeakerProfile
    from diar.pipeline.recording import Diarization, Pipeline

Known = Mapping[str, Mapping[str, "Identity"]]
_PERSON = re.compile(r"spk\d+")  # as ``global_names`` calls those who are linked


@dataclass(frozen=True)
class Identity:
    """The identity of a speaker in a recording.

    name: their name. profile: None if nothing is known about their voice. ratios: log likelihood ratio of
    each known voice, nats; None if not requested. known: whether the name is that of a known voice.
    xvector: their mean x-vector, if requested.
    """

    name: str
    profile: SpeakerProfile | None = None
    ratios: dict[str, float] | None = None
    known: bool = False
    xvector: list[float] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the fields of a speaker in the JSON, except their name."""
        told: dict[str, Any] = {}
        if self.ratios is not None:
            told["known"] = self.known
            told["voice_ratios"] = {name: round(ratio, 2) for name, ratio in self.ratios.items()}
        if self.xvector is not None:
            told["xvector"] = self.xvector
        return told


def called(names: Names, recording: str, speakers: dict[str, Identity]) -> dict[str, Identity]:
    """Give the speakers of a recording the names chosen by the user.

    Raises:
        DataError: two speakers would have the same name.
    """
    new = names.of(recording, [who.name for who in speakers.values()])
    return {speaker: replace(who, name=new[who.name]) for speaker, who in speakers.items()}


def called_everywhere(names: Names, recordings: Known) -> dict[str, dict[str, Identity]]:
    """Give people who are linked the names that a user says.

    A name is said of a person (``spk0001``, or ``1``), or of a speaker of one recording (``talk_1``; a line of
    a file), and then holds for that person everywhere, unless another recording says another.
    """
    here: dict[tuple[str, str], str | None] = {}
    everywhere: dict[str, set[str]] = {}
    for recording, speakers in recordings.items():
        for speaker, who in speakers.items():
            short = who.name.removeprefix("spk").lstrip("0")
            of_person = (who.name, short) if _PERSON.fullmatch(who.name) else (who.name,)
            of_speaker = speaker.removeprefix(f"{recording}_")
            said = (
                names.said(recording, speaker, of_speaker, *of_person)
                or names.said(ANY, speaker)
                or names.said(ANY, *of_person)
            )
            here[recording, speaker] = said
            everywhere.setdefault(who.name, set()).update([said] if said else [])
    only = {person: min(said) for person, said in everywhere.items() if len(said) == 1}
    return {
        recording: {
            speaker: replace(who, name=here[recording, speaker] or only.get(who.name, who.name))
            for speaker, who in speakers.items()
        }
        for recording, speakers in recordings.items()
    }


class Identities:
    """Identifies speakers, with everything loaded.

    Args:
        voices: a file of known voices, or None. vectors: whether to compute mean x-vectors.

    Raises:
        DataError: the voices cannot be read or do not fit the stages.
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
        """Return the identities of the speakers of one recording, by their names in it.

        Raises:
            DataError: the autoencoder cannot compare speakers; a known voice has the name of a speaker.
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
                    f"the known voice {both[0]!r} has the name of a speaker of {made.turns[0].recording}:"
                    " enrol it under another name"
                )
            for speaker, match in matches.items():
                who, known = match.name or speaker, match.name is not None
                found[speaker] = replace(found[speaker], name=who, ratios=match.ratios, known=known)
        return found

    def linked(self, recordings: Known) -> dict[str, dict[str, Identity]]:
        """Give speakers who are not known voices global names."""
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
