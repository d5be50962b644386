"""RTTM and UEM files (NIST Rich Transcription 2009 evaluation plan, appendix A)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from diar.base.errors import DataError
from diar.base.files import write_text
from diar.base.numbers import parse_number
from diar.base.types import Region, Turn
from diar.kaldi.tables import expect_fields, records

# All line types of the format.
_TYPES = frozenset(
    {
        "SEGMENT", "NOSCORE", "NO_RT_METADATA", "LEXEME", "NON-LEX", "NON-SPEECH", "FILLER", "EDIT",
        "SU", "IP", "CB", "A/P", "SPEAKER", "SPKR-INFO",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Rttm:
    """The content of an RTTM file or a directory of them.

    Attributes:
        turns: of each recording, sorted by start; recordings sorted.
        skipped: line type -> number of ignored lines.
        silent: names of files (without extension) that have no SPEAKER line.
        channels: recordings whose turns have more than one channel.
        empty: recording -> number of turns of zero length left out.
        confidences: of the turns that have one, 0 to 1; other values use another scale and are ignored.
    """

    turns: dict[str, list[Turn]]
    skipped: dict[str, int]
    silent: tuple[str, ...]
    channels: tuple[str, ...]
    empty: dict[str, int]
    confidences: dict[Turn, float]


def read_rttm(path: str | Path) -> dict[str, list[Turn]]:
    """Read the turns of each recording, as ``load_rttm`` does."""
    return load_rttm(path).turns


def load_rttm(path: str | Path) -> Rttm:
    """Read an RTTM file, or all ``*.rttm`` of a directory.

    Only SPEAKER lines make turns, whatever their channel; ';;' comments and lines of other types are
    ignored; turns of zero length are left out. Trailing fields after the speaker name may be missing.

    Raises:
        DataError: a directory without RTTMs; not an RTTM; too few fields, invalid times, negative starts
            or durations; an invalid confidence, as when the speaker's name contains a blank; a recording in
            two files.
    """
    turns: dict[str, list[Turn]] = {}
    channels: dict[str, set[str]] = {}
    skipped: Counter[str] = Counter()
    empty: Counter[str] = Counter()
    source: dict[str, Path] = {}
    confidences: dict[Turn, float] = {}
    silent = []
    for file in _files(Path(path), ".rttm"):
        types: Counter[str] = Counter()
        for number, fields in _lines(file):
            types[fields[0]] += 1
            if fields[0] != "SPEAKER":
                continue
            turn = _turn(fields, file, number)
            if source.setdefault(turn.recording, file) != file:
                other = source[turn.recording].name
                raise DataError(f"{turn.recording} also has turns in {other}", file, number)
            if is_empty(turn):
                empty[turn.recording] += 1
                continue
            turns.setdefault(turn.recording, []).append(turn)
            channels.setdefault(turn.recording, set()).add(fields[2])
            if len(fields) > 8 and 0 <= (sure := parse_number(fields[8])) <= 1:
                confidences[turn] = sure
        if types and types.keys().isdisjoint(_TYPES):
            raise DataError(
                f"not an RTTM: none of its {types.total()} lines is a SPEAKER line", file
            )
        if not types.pop("SPEAKER", 0):
            silent.append(file.stem)
        skipped += types
    return Rttm(
        {recording: sorted(turns[recording]) for recording in sorted(turns)},
        dict(sorted(skipped.items())),
        tuple(silent),
        tuple(recording for recording in sorted(turns) if len(channels[recording]) > 1),
        dict(sorted(empty.items())),
        confidences,
    )


def read_references(path: str | Path) -> tuple[dict[str, list[Turn]], dict[str, str], Counter[str]]:
    """Read the references of a corpus; a bad line affects only its recording.

    Returns:
        (turns of each recording, faults of the others, number of turns of zero length left out of each
        recording).
    """
    turns: dict[str, list[Turn]] = {}
    faults: dict[str, str] = {}
    empty: Counter[str] = Counter()
    for file in _files(Path(path), ".rttm"):
        for number, fields in _lines(file):
            if fields[0] != "SPEAKER":
                continue
            recording = fields[1] if len(fields) > 1 else file.stem
            try:
                turn = _turn(fields, file, number)
                if is_empty(turn):
                    empty[recording] += 1
                else:
                    turns.setdefault(recording, []).append(turn)
            except DataError as error:
                faults.setdefault(recording, str(error))
    return {r: sorted(turns[r]) for r in sorted(turns) if r not in faults}, faults, empty


def is_empty(turn: Turn) -> bool:
    """Tell whether a turn has zero length, to the millisecond; such turns are left out everywhere."""
    return round(turn.start * 1000) >= round(turn.end * 1000)


def speaker_counts(turns: Iterable[Turn]) -> Counter[str]:
    """Count the speakers of each recording."""
    return Counter(recording for recording, _ in {(t.recording, t.speaker) for t in turns})


def _turn(fields: Sequence[str], file: Path, number: int) -> Turn:
    if not 8 <= len(fields) <= 10:
        raise DataError(f"a SPEAKER line has 8 to 10 fields, found {len(fields)}", file, number)
    start, duration = (_number(text, file, number) for text in fields[3:5])
    if start < 0:
        raise DataError(f"negative start {fields[3]}", file, number)
    if duration < 0:
        raise DataError(f"negative duration {fields[4]}", file, number)
    if len(fields) > 8 and fields[8].upper() != "<NA>" and math.isnan(parse_number(fields[8])):
        raise DataError(
            f"{fields[8]!r}, after the speaker, is not a confidence (a number, or <NA>); names must not have blanks",
            file, number,
        )  # fmt: skip
    return Turn(fields[1], start, duration, fields[7])


def format_rttm(turns: Iterable[Turn], confidences: Mapping[Turn, float] | None = None) -> str:
    """Format turns as an RTTM: sorted, to the millisecond, without those that round to nothing.

    Both ends are rounded, so that touching turns still touch.

    Args:
        confidences: of turns, 0 to 1, for the confidence field, which is otherwise '<NA>'.

    Raises:
        DataError: a name is empty or contains a blank, which no reader could parse.
    """
    lines = []
    for turn in sorted(turns):
        for name in (turn.recording, turn.speaker):
            if name.split() != [name]:
                raise DataError(
                    f"{name!r} is not allowed in an RTTM: it is empty or contains a blank"
                )
        if not is_empty(turn):
            start, end = round(turn.start * 1000), round(turn.end * 1000)
            sure = (confidences or {}).get(turn)
            lines.append(
                f"SPEAKER {turn.recording} 1 {start / 1000:.3f} {(end - start) / 1000:.3f}"
                f" <NA> <NA> {turn.speaker} {'<NA>' if sure is None else f'{sure:.3f}'} <NA>\n"
            )
    return "".join(lines)


def write_rttm(
    path: str | Path, turns: Iterable[Turn], confidences: Mapping[Turn, float] | None = None
) -> None:
    """Write one RTTM file atomically; no turns give a valid empty file."""
    write_text(path, format_rttm(turns, confidences))


def read_uem(path: str | Path) -> dict[str, list[Region]]:
    """Read the evaluated regions of each recording; recordings and regions sorted.

    Raises:
        DataError: a wrong number of fields, invalid times, empty or reversed regions.
    """
    regions: dict[str, list[Region]] = {}
    for file in _files(Path(path), ".uem"):
        for number, fields in _lines(file):
            expect_fields(fields, "<recording> <channel> <start> <end>", file, number)
            start, end = (_number(text, file, number) for text in fields[2:])
            if not 0 <= start < end:
                raise DataError(f"empty or reversed region {start} {end}", file, number)
            regions.setdefault(fields[0], []).append(Region(start, end))
    return {recording: sorted(regions[recording]) for recording in sorted(regions)}


def write_uem(path: str | Path, regions: Mapping[str, float | Sequence[Region]]) -> None:
    """Write a UEM with each recording's regions; a number means from 0 to that time."""
    lines = []
    for recording in sorted(regions):
        spans = regions[recording]
        for start, end in [(0.0, spans)] if isinstance(spans, (int, float)) else spans:
            lines.append(f"{recording} 1 {start:.3f} {end:.3f}\n")
    write_text(path, "".join(lines))


def _files(path: Path, suffix: str) -> list[Path]:
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.suffix == suffix)
        if not files:
            raise DataError(f"no *{suffix} file in this directory", path)
        return files
    return [path]


def _lines(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, fields) of each line that is neither blank nor a ';;' comment."""
    return ((n, fields) for n, fields in records(file) if not fields[0].startswith(";"))


def _number(text: str, path: Path, line: int) -> float:
    value = parse_number(text)
    if math.isnan(value):
        raise DataError(f"{text!r} is not a number", path, line)
    return value
