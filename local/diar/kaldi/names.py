"""Names given by the user to numbered speakers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from diar.base.errors import DataError
from diar.base.names import is_name, no_blanks
from diar.base.types import Turn
from diar.kaldi.tables import expect_fields, records

ANY = ""  # instead of a recording: the name applies to all
NAME = "<recording> <speaker> <name>"  # a line of a file of names


class Names:
    """Names of speakers, by full name (``meeting_1``) or without the recording (``1``).

    unused: given names that have matched no speaker yet.
    """

    def __init__(self, given: Iterable[tuple[str, str, str]]):
        """Take (recording or ``ANY``, speaker, name).

        Raises:
            DataError: a speaker is named twice, or a name is empty or contains a control character.
        """
        self._names: dict[tuple[str, str], str] = {}
        for recording, speaker, name in given:
            name = name.strip()
            if not speaker or not is_name(name):
                raise DataError(f"invalid name {name!r} for speaker {speaker!r}")
            if (recording, speaker) in self._names:
                place = f" of {recording}" if recording else ""
                raise DataError(f"speaker {speaker!r}{place} has two names")
            self._names[recording, speaker] = name
        self.unused = dict.fromkeys(self._names)

    def of(self, recording: str, speakers: Iterable[str]) -> dict[str, str]:
        """Map the speakers of a recording to their names, those without one to themselves.

        Raises:
            DataError: two of them would have the same name, treating blanks and '_' as equal.
        """
        names = {speaker: self._of(recording, speaker) for speaker in speakers}
        check_apart(recording, names)
        return names

    def rename(self, turns: Sequence[Turn]) -> list[Turn]:
        """Return turns of one recording with the names of their speakers, as ``of`` does."""
        if not turns:
            return []
        names = self.of(turns[0].recording, dict.fromkeys(turn.speaker for turn in turns))
        return [turn._replace(speaker=names[turn.speaker]) for turn in turns]

    def said(self, place: str, *speakers: str) -> str | None:
        """Return the name of the first of these that has one; None where none has.

        Args:
            place: a recording, or ``ANY``. speakers: what one speaker may be called there.
        """
        for key in ((place, speaker) for speaker in speakers):
            if key in self._names:
                self.unused.pop(key, None)
                return self._names[key]
        return None

    def _of(self, recording: str, speaker: str) -> str:
        ways = speaker, speaker.removeprefix(f"{recording}_")
        return self.said(recording, *ways) or self.said(ANY, *ways) or speaker


def check_apart(recording: str, names: Mapping[str, str]) -> None:
    """Refuse speakers of a recording who have one name, blanks and '_' taken for the same.

    Raises:
        DataError: there are such.
    """
    taken: dict[str, str] = {}
    for speaker, name in names.items():
        other = taken.setdefault(no_blanks(name), speaker)
        if other != speaker:
            raise DataError(
                f"{recording}: {other} and {speaker} would both be {name}: give them different names"
            )


def parse_names(text: str) -> list[tuple[str, str, str]]:
    """Read '1=Anna,2=Ben', for ``Names``.

    Raises:
        DataError: a part without '='.
    """
    given = []
    for part in filter(None, map(str.strip, text.split(","))):
        speaker, equals, name = part.partition("=")
        if not equals:
            raise DataError(f"{part!r}: expected '<speaker>=<name>,...'")
        given.append((ANY, speaker.strip(), name))
    return given


def read_names(path: str | Path) -> list[tuple[str, str, str]]:
    """Read a file of names, which may contain blanks, for ``Names``.

    Raises:
        DataError: no such file, or a line with less than three fields.
    """
    given = []
    for number, fields in records(path, 2):
        expect_fields(fields, NAME, path, number)
        given.append((fields[0], fields[1], fields[2]))
    return given
