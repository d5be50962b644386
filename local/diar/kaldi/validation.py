"""Faults of a Kaldi data directory, line by line, and the fixed files.

Like Kaldi's validate_data_dir.sh and fix_data_dir.sh, but every fault names its line and the remedy, and
Kaldi is not needed. Fixing drops and sorts lines; it invents nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from diar.base.errors import DataError
from diar.base.numbers import parse_channel, parse_count, parse_number
from diar.kaldi.tables import (
    CHANNEL,
    SEGMENT,
    field_count_fault,
    find_entry,
    format_spk2utt,
    records,
)

# Files with properties of recordings, and of utterances, defined in other files.
OF_RECORDINGS = ("reco2dur", "reco2num_spk", "reco2file_and_channel")
OF_UTTERANCES = ("utt2dur", "text", "feats.scp", "utt2num_frames")
REST = ("wav.scp", "text", "feats.scp", "vad.scp")  # id, and the rest of the line as it is
LONGEST = 200  # bytes of an id: files are named after it
SHORTEST = 0.01  # seconds: minimum length of a segment
BEYOND = 0.1  # seconds that a segment may end after its recording, because of rounding


@dataclass(frozen=True)
class Fault:
    """file:line, what is wrong, what to do, and whether fixing drops or changes the line."""

    path: Path
    line: int | None
    message: str
    remedy: str
    mended: bool = True

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else str(self.path)
        return f"{place}: {self.message}: {self.remedy}"


@dataclass
class Table:
    """The good lines of a file: (line number, fields), and the ids."""

    path: Path
    rows: list[tuple[int, list[str]]] = field(default_factory=list)

    @property
    def ids(self) -> set[str]:
        """The first fields."""
        return {fields[0] for _, fields in self.rows}

    def text(self) -> str:
        """Format the lines, sorted by id as in the C locale."""
        return "".join(f"{' '.join(fields)}\n" for fields in sorted(row[1] for row in self.rows))


@dataclass
class DataDir:
    """An examined data directory: its faults, and its tables without the faulty lines."""

    path: Path
    faults: list[Fault]
    tables: dict[str, Table]

    @property
    def recordings(self) -> set[str]:
        """The recordings of wav.scp."""
        return self.tables["wav.scp"].ids

    @property
    def lost(self) -> list[str]:
        """The files with no line left."""
        return [
            name
            for name, table in self.tables.items()
            if not table.rows and table.path.exists() and table.path.read_bytes().strip()
        ]

    def mended_files(self) -> dict[str, str]:
        """Return file name -> fixed content, with spk2utt as the inverse of utt2spk."""
        files = {name: table.text() for name, table in self.tables.items()}
        if "utt2spk" in self.tables:
            pairs = ((fields[0], fields[1]) for _, fields in self.tables["utt2spk"].rows)
            files["spk2utt"] = format_spk2utt(pairs)
        return files


def examine(directory: str | Path, durations: Mapping[str, float] | None = None) -> DataDir:
    """Read every known file of a data directory and list all faults.

    Args:
        durations: seconds of the recordings, if known better than from reco2dur.

    Raises:
        DataError: no wav.scp, or none of its lines can be used.
    """
    directory = Path(directory)
    if not (directory / "wav.scp").exists():
        raise DataError("not a Kaldi data directory: wav.scp is missing", directory)
    faults: list[Fault] = []
    tables = {
        name: _read_table(directory / name, faults)
        for name in _FILES
        if (directory / name).exists()
    }
    if not tables["wav.scp"].rows:
        raise DataError(
            f"none of its lines can be used: {faults[0].message if faults else 'empty'}",
            directory / "wav.scp",
        )
    if durations is None and "reco2dur" in tables:
        durations = {fields[0]: float(fields[1]) for _, fields in tables["reco2dur"].rows}
    if "utt2spk" not in tables and (directory / "spk2utt").exists():
        tables["utt2spk"] = _invert_spk2utt(directory, faults)
    _clip_segments(tables, durations or {}, faults)
    _keep_common(tables, faults)
    _check_files(directory, tables, faults)
    return DataDir(directory, faults, tables)


def _read_table(path: Path, faults: list[Fault]) -> Table:
    """Read the lines of a file that are valid on their own."""
    table = Table(path)
    form, check = _FILES[path.name]
    first: dict[str, int] = {}
    before = b""
    unsorted = returns = False
    for number, raw in enumerate(path.read_bytes().split(b"\n"), 1):
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError:
            faults.append(Fault(path, number, "not UTF-8", "convert the file with iconv"))
            continue
        if not (fields := line.split(None, 1 if path.name in REST else -1)):
            continue
        returns |= raw.endswith(b"\r")
        message = _id_fault(fields[0]) or field_count_fault(fields, form) or check(fields)
        if fields[0] in first:
            message = f"{fields[0]!r} is already in line {first[fields[0]]}"
        if message:
            faults.append(Fault(path, number, message, "fix or remove the line"))
            continue
        first[fields[0]] = number
        unsorted |= fields[0].encode() < before
        before = fields[0].encode()
        table.rows.append((number, fields))
    if unsorted:
        faults.append(Fault(path, None, "not sorted", f"LC_ALL=C sort -o {path} {path}"))
    if returns:
        faults.append(Fault(path, None, "lines end in CR LF", f"sed -i 's/\\r$//' {path}"))
    return table


def _invert_spk2utt(directory: Path, faults: list[Fault]) -> Table:
    """Make utt2spk from its inverse."""
    table = Table(directory / "utt2spk")
    for number, fields in records(directory / "spk2utt"):
        table.rows += [(number, [utterance, fields[0]]) for utterance in fields[1:]]
    faults.append(Fault(table.path, None, "missing, but there is spk2utt", "it is made from that"))
    return table


def _id_fault(name: str) -> str | None:
    if "/" in name or name in (".", ".."):
        return f"id {name!r}: files are named after it, so it cannot have '/' or be '.' or '..'"
    if len(name.encode()) > LONGEST:
        return f"id {name[:20]!r}... has over {LONGEST} bytes: files are named after it"
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in name):
        return f"id {name!r} contains control characters"
    return None


def _wav_fault(fields: list[str]) -> str | None:
    return None if len(fields) > 1 else "no audio path after the recording id"


def _number_fault(fields: list[str]) -> str | None:
    return None if parse_number(fields[1]) >= 0 else f"{fields[1]!r} is not a number >= 0"


def _speakers_fault(fields: list[str]) -> str | None:
    return None if parse_count(fields[1]) else f"{fields[1]!r} is not a number of speakers"


def _channel_fault(fields: list[str]) -> str | None:
    if parse_channel(fields[2]) is None:
        return f"channel {fields[2]!r}: expected A, B, 1, 2, ..."
    return None


def _segment_fault(fields: list[str]) -> str | None:
    start, end = parse_number(fields[2]), parse_number(fields[3])
    if not start >= 0 or not math.isfinite(end):
        return f"{fields[2]!r}, {fields[3]!r} are not times in seconds"
    if end == -1:  # Kaldi: up to the end of the recording
        return None
    return None if end - start >= SHORTEST else f"end {fields[3]} is not after start {fields[2]}"


def _no_fault(fields: list[str]) -> str | None:
    return None


# For each known file: the form of its lines, and a function that finds other faults of a line.
_FILES: dict[str, tuple[str, Callable[[list[str]], str | None]]] = {
    "wav.scp": ("<recording> [<file>]", _wav_fault),
    "reco2dur": ("<id> <number>", _number_fault),
    "reco2num_spk": ("<id> <number>", _speakers_fault),
    "reco2file_and_channel": (CHANNEL, _channel_fault),
    "segments": (SEGMENT, _segment_fault),
    "utt2spk": ("<utterance> <speaker>", _no_fault),
    "utt2dur": ("<id> <number>", _number_fault),
    "text": ("<utterance> [<text>]", _no_fault),
    "feats.scp": ("<utterance> [<file>]", _wav_fault),
    "utt2num_frames": ("<id> <number>", _number_fault),
    "vad.scp": ("<id> [<file>]", _wav_fault),
}


def _clip_segments(
    tables: dict[str, Table], durations: Mapping[str, float], faults: list[Fault]
) -> None:
    """Drop segments that start after the end of their recording; cut those that end after it."""
    if "segments" not in tables:
        return
    table = tables["segments"]
    kept = []
    for number, fields in table.rows:
        duration = durations.get(fields[1], math.inf)
        if float(fields[2]) >= duration:
            message = f"starts at {fields[2]} s, but {fields[1]} lasts {duration:g} s"
            faults.append(Fault(table.path, number, message, "fix or remove the line"))
            continue
        if float(fields[3]) > duration + BEYOND:
            message = f"ends at {fields[3]} s, but {fields[1]} lasts {duration:g} s"
            faults.append(
                Fault(table.path, number, message, "it is cut at the end of the recording")
            )
        if math.isfinite(duration) and not 0 <= float(fields[3]) <= duration:
            fields = [*fields[:3], f"{duration:.3f}", *fields[4:]]
        kept.append((number, fields))
    table.rows = kept


def _keep_common(tables: dict[str, Table], faults: list[Fault]) -> None:
    """Keep only ids that all files share: utterances of utt2spk and segments, recordings of wav.scp."""
    recordings = tables["wav.scp"].ids
    segments = tables.get("segments")
    if segments:
        _keep(segments, 1, recordings, "recording {!r} is not in wav.scp", faults)
    utterances = segments.ids if segments else set(recordings)
    if "utt2spk" in tables:
        where = "segments" if segments else "wav.scp"
        _keep(tables["utt2spk"], 0, utterances, f"{{!r}} is not in {where}", faults)
        if segments:
            known = tables["utt2spk"].ids
            _keep(segments, 0, known, "utterance {!r} is not in utt2spk", faults)
            utterances &= known
    for name, table in tables.items():
        if name in OF_RECORDINGS:
            _keep(table, 0, recordings, "{!r} is not in wav.scp", faults)
        elif name == "vad.scp":
            known = utterances | recordings
            _keep(table, 0, known, "{!r} is neither an utterance nor a recording", faults)
        elif name in OF_UTTERANCES:
            _keep(table, 0, utterances, "{!r} is not an utterance", faults)


def _keep(table: Table, column: int, known: set[str], message: str, faults: list[Fault]) -> None:
    for number, fields in table.rows:
        if fields[column] not in known:
            text = message.format(fields[column])
            faults.append(Fault(table.path, number, text, "add it there, or remove the line"))
    table.rows = [row for row in table.rows if row[1][column] in known]


def _check_files(directory: Path, tables: dict[str, Table], faults: list[Fault]) -> None:
    """Check that spk2utt is the inverse of utt2spk, and that the audio exists."""
    path = directory / "spk2utt"
    if path.exists() and "utt2spk" in tables:
        said = {
            (utterance, fields[0])
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines()
            if (fields := line.split())
            for utterance in fields[1:]
        }
        if said != {tuple(fields) for _, fields in tables["utt2spk"].rows}:
            faults.append(
                Fault(path, None, "not the inverse of utt2spk", "make it again from utt2spk")
            )
    for number, fields in tables["wav.scp"].rows:
        name = " ".join(fields[1:])
        if not name.endswith("|") and not find_entry(name, tables["wav.scp"].path)[0]:
            message, remedy = f"no such audio file: {name}", "fix the path"
            faults.append(Fault(tables["wav.scp"].path, number, message, remedy, mended=False))
