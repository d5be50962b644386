"""Text files of Kaldi data directories: read, check, write.

They are UTF-8, one record per line, sorted by the first field in the C locale. Every reader reports the
file and the line that it refuses.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from diar.base.errors import DataError
from diar.base.files import write_text
from diar.base.numbers import parse_number
from diar.base.regions import regions_of
from diar.base.types import Region, Subsegments

CHANNEL = "<recording> <file> <channel>"  # a line of reco2file_and_channel
SEGMENT = "<utterance> <recording> <start> <end> [<channel>]"  # a line of segments


def records(path: str | Path, splits: int = -1) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, fields) of each non-empty line.

    Args:
        splits: number of splits, after which the last field is the rest of the line; -1: split all.

    Raises:
        DataError: no such file, or not UTF-8 text.
    """
    try:
        with open(path, encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, 1):
                if fields := line.strip().split(None, splits):
                    yield number, fields
    except FileNotFoundError:
        raise DataError("no such file", path) from None
    except IsADirectoryError:
        raise DataError("a directory, expected a file", path) from None
    except UnicodeDecodeError:
        raise DataError("not a UTF-8 text file", path) from None


def field_count_fault(fields: Sequence[str], form: str) -> str | None:
    """Describe a wrong number of fields in a line; None if it is right.

    Args:
        form: one word per field: '<needed>', '[<optional>]', or finally '...' for any number of others.
    """
    words = form.split()
    most = math.inf if words[-1] == "..." else len(words)
    if sum(word[0] == "<" for word in words) <= len(fields) <= most:
        return None
    return f"expected '{form}', found {len(fields)} field(s)"


def expect_fields(fields: Sequence[str], form: str, path: str | Path, number: int) -> None:
    """Refuse a line whose number of fields does not match ``form``, as in ``field_count_fault``.

    Raises:
        DataError: too few fields, or too many.
    """
    if fault := field_count_fault(fields, form):
        raise DataError(fault, path, number)


def unique_records(
    path: str | Path, form: str, what: str = "id", splits: int = -1
) -> Iterator[tuple[int, list[str]]]:
    """Yield the ``records`` of a file whose lines match ``form``, as in ``field_count_fault``.

    Args:
        what: name of the first field, for the message.

    Raises:
        DataError: too few fields, or too many; a duplicate first field.
    """
    seen: set[str] = set()
    for number, fields in records(path, splits):
        expect_fields(fields, form, path, number)
        if fields[0] in seen:
            raise DataError(f"duplicate {what} {fields[0]!r}", path, number)
        seen.add(fields[0])
        yield number, fields


def split_offset(target: str) -> tuple[str, int]:
    """Split '<file>:<offset>' into file and offset, which is 0 if missing."""
    name, _, offset = target.rpartition(":")
    number = offset.isascii() and offset.isdecimal() and len(offset) < 19
    return (name, int(offset)) if number and name else (target, 0)


def read_map(path: str | Path) -> dict[str, str]:
    """Read a two-column file (utt2spk, reco2dur, labels ...), order kept.

    Raises:
        DataError: a line without exactly two fields, or an id that comes twice.
    """
    return {key: value for _, (key, value) in unique_records(path, "<id> <value>")}


def read_numbers(path: str | Path) -> dict[str, float]:
    """Read a two-column file whose values are finite numbers >= 0 (reco2dur, reco2num_spk)."""
    rows = unique_records(path, "<id> <value>")
    return {key: _time(text, path, number) for number, (key, text) in rows}


def read_durations(directory: str | Path) -> dict[str, float]:
    """Read reco2dur, in seconds, if a directory has one (Kaldi's x-vector directories may not)."""
    path = Path(directory) / "reco2dur"
    return read_numbers(path) if path.exists() else {}


def write_map(path: str | Path, table: Mapping[str, object]) -> None:
    """Write a two-column file, sorted by id."""
    write_text(path, "".join(f"{key} {table[key]}\n" for key in sorted(table)))


def read_wav_scp(path: str | Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Read wav.scp: (recording -> audio file, recording -> fault of its line).

    Relative paths are resolved by ``find_file``. Commands (lines that end in '|') are not run here, but
    listed as faults.

    Raises:
        DataError: no such file, an empty file, a duplicate recording, or '/' in its id.
    """
    wavs: dict[str, Path] = {}
    faults: dict[str, str] = {}
    for number, fields in unique_records(path, "<recording> [<file>]", "recording", 1):
        recording, value = fields[0], "".join(fields[1:])
        if "/" in recording:  # files are named after it
            raise DataError(f"'/' in recording id {recording!r}", path, number)
        audio, fault = audio_of_line(value, path, number)
        if fault:
            faults[recording] = fault
        else:
            wavs[recording] = audio
    if not wavs and not faults:
        raise DataError("empty: expected '<recording> <audio file>' lines", path)
    return wavs, faults


def audio_of_line(value: str, scp: str | Path, number: int) -> tuple[Path, str]:
    """Return the audio file in a line of an scp, and the fault of the line, or ''."""
    (audio, offset), fault = find_entry(value, scp), ""
    if not value:
        fault = "no audio path after the recording id"
    elif value.endswith("|"):
        fault = "a command, which is run only by steps/import_data.sh --wav-pipes true"
    elif not audio:
        fault = f"no such audio file: {value}"
    elif offset:
        fault = "audio in an ark: import it with steps/import_data.sh, stage 0 of --corpus kaldi"
    return audio or Path(value), fault and f"{scp}:{number}: {fault}"


def find_file(name: str, scp: str | Path) -> Path | None:
    """Find a file listed in an scp; None if it does not exist.

    Relative names are resolved from the working directory, as in Kaldi, or else from the directory of the
    scp or one above it, so that a Kaldi experiment can be read from anywhere.
    """
    places = [Path()]
    if not Path(name).is_absolute():
        places += Path(scp).absolute().parents
    closed = None
    for path in (place / name for place in places):
        try:
            path.stat()
            return path
        except PermissionError:  # in an inaccessible folder: reading it will fail with a message
            closed = closed or path
        except (OSError, ValueError):  # missing, or an impossible name
            pass
    return closed


def find_entry(value: str, scp: str | Path) -> tuple[Path | None, int]:
    """Find a file listed in an scp, as in ``find_file``, or else the ark of '<ark>:<offset>'.

    Returns:
        (file or None, offset in bytes).
    """
    if path := find_file(value, scp):
        return path, 0
    name, offset = split_offset(value)
    return find_file(name, scp), offset


def read_segments(path: str | Path, open_ends: bool = False) -> Subsegments:
    """Read ``segments``, times in seconds.

    Args:
        open_ends: an end of -1, which means the end of the recording in Kaldi, becomes infinity.

    Raises:
        DataError: wrong field count, invalid times, reversed or empty segments, duplicate ids.
    """
    ids, recordings, starts, ends = [], [], [], []
    for number, fields in unique_records(path, SEGMENT, "utterance"):
        start = _time(fields[2], path, number)
        still_open = open_ends and fields[3] in ("-1", "-1.0")
        end = math.inf if still_open else _time(fields[3], path, number)
        if end <= start:
            raise DataError(f"end {fields[3]} is not after start {fields[2]}", path, number)
        ids.append(fields[0])
        recordings.append(fields[1])
        starts.append(start)
        ends.append(end)
    return Subsegments(ids, recordings, np.array(starts, float), np.array(ends, float))


def read_regions(path: str | Path, open_ends: bool = False) -> dict[str, list[Region]]:
    """Read ``segments`` as the speech of each recording, see ``read_segments`` and ``regions_of``."""
    segments = read_segments(path, open_ends)
    return {name: regions_of(windows) for name, windows in segments.by_recording().items()}


def write_segments(directory: str | Path, segments: Subsegments) -> None:
    """Write ``segments``, ``utt2spk`` and ``spk2utt`` of unlabelled windows (speaker = recording)."""
    order = sorted(range(len(segments)), key=lambda i: segments.ids[i])
    lines = [
        f"{segments.ids[i]} {segments.recordings[i]} {segments.starts[i]:.3f} {segments.ends[i]:.3f}\n"
        for i in order
    ]
    write_text(Path(directory) / "segments", "".join(lines))
    write_utt2spk(directory, dict(zip(segments.ids, segments.recordings, strict=True)))


def write_utt2spk(directory: str | Path, utt2spk: Mapping[str, str]) -> None:
    """Write ``utt2spk`` and its inverse ``spk2utt``."""
    write_map(Path(directory) / "utt2spk", utt2spk)
    write_text(Path(directory) / "spk2utt", format_spk2utt(utt2spk.items()))


def format_spk2utt(utt2spk: Iterable[tuple[str, str]]) -> str:
    """Format the inverse of (utterance, speaker) pairs as the text of spk2utt."""
    utterances: dict[str, list[str]] = {}
    for utterance, speaker in sorted(utt2spk):
        utterances.setdefault(speaker, []).append(utterance)
    return "".join(f"{spk} {' '.join(utterances[spk])}\n" for spk in sorted(utterances))


def _time(text: str, path: str | Path, line: int) -> float:
    value = parse_number(text)
    if not value >= 0:
        raise DataError(f"{text!r} is not a number >= 0", path, line)
    return value
