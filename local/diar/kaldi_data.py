"""Kaldi data directories and archives: read, check, write.

Text files are one record a line, UTF-8, sorted by the first field in the C locale. Every reader
names the file and the line of what it refuses.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import kaldiio
import numpy as np

from diar.errors import DataError
from diar.files import write_text
from diar.numbers import number_in
from diar.regions import union
from diar.types import Region, Subsegments, XVectors


def records(path: str | Path, splits: int = -1) -> Iterator[tuple[int, list[str]]]:
    """(line number, fields) of each non-empty line; with ``splits`` the last field is the rest."""
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


def read_map(path: str | Path) -> dict[str, str]:
    """A two-column file (utt2spk, reco2dur, labels ...) as a dict, order kept.

    Raises:
        DataError: a line without exactly two fields, or an id that comes twice.
    """
    table: dict[str, str] = {}
    for number, fields in records(path):
        if len(fields) != 2:
            raise DataError(f"expected '<id> <value>', found {len(fields)} field(s)", path, number)
        if fields[0] in table:
            raise DataError(f"duplicate id {fields[0]!r}", path, number)
        table[fields[0]] = fields[1]
    return table


def read_numbers(path: str | Path) -> dict[str, float]:
    """A two-column file whose values are finite numbers >= 0 (reco2dur, reco2num_spk)."""
    table = read_map(path)
    lines = {fields[0]: number for number, fields in records(path)}
    return {key: _time(text, path, lines[key]) for key, text in table.items()}


def write_map(path: str | Path, table: Mapping[str, object]) -> None:
    """Write a two-column file, sorted by id."""
    write_text(path, "".join(f"{key} {table[key]}\n" for key in sorted(table)))


def read_wav_scp(path: str | Path) -> tuple[dict[str, Path], dict[str, str]]:
    """(recording -> audio file, recording -> what is wrong with its line).

    Relative paths are looked for as ``found`` says. Commands (lines that end in '|') are not run
    here, but named as faults.

    Raises:
        DataError: no such file, nothing in it, a recording that comes twice, '/' in its id.
    """
    wavs: dict[str, Path] = {}
    faults: dict[str, str] = {}
    for number, fields in records(path, 1):
        recording, value = fields[0], "".join(fields[1:])
        if "/" in recording:  # files are named after it
            raise DataError(f"'/' in recording id {recording!r}", path, number)
        if recording in wavs or recording in faults:
            raise DataError(f"duplicate recording {recording!r}", path, number)
        audio = audio_of_line(value, path, number)
        if isinstance(audio, Path):
            wavs[recording] = audio
        else:
            faults[recording] = audio
    if not wavs and not faults:
        raise DataError("empty: expected '<recording> <audio file>' lines", path)
    return wavs, faults


def audio_of_line(value: str, scp: str | Path, number: int) -> Path | str:
    """The audio file that a line of an scp names, or what is wrong with the line."""
    if not value:
        return f"{scp}:{number}: no audio path after the recording id"
    if value.endswith("|"):
        return (
            f"{scp}:{number}: a command, which is run only when asked for: steps/import_data.sh"
            " --wav-pipes true"
        )
    return found(value, scp) or f"{scp}:{number}: no such audio file: {value}"


def found(name: str, scp: str | Path) -> Path | None:
    """The file that an scp names, None where there is none.

    Relative names count from the working directory, as in Kaldi; or else from the directory of the
    scp or one above it, so that an experiment of Kaldi can be read from anywhere.
    """
    places = [Path()]
    if not Path(name).is_absolute():
        places += Path(scp).absolute().parents
    try:
        return next((place / name for place in places if (place / name).exists()), None)
    except (OSError, ValueError):  # a name that no file can have
        return None


def read_segments(path: str | Path, open_ends: bool = False) -> Subsegments:
    """Read ``segments`` ('<utterance> <recording> <start> <end> [<channel>]', seconds).

    Args:
        open_ends: an end of -1, Kaldi's for 'up to the end', becomes infinity.

    Raises:
        DataError: wrong field count, times that are no numbers, reversed or empty segments,
            duplicate ids.
    """
    ids, recordings, starts, ends = [], [], [], []
    seen: set[str] = set()
    for number, fields in records(path):
        if len(fields) not in (4, 5):
            raise DataError(
                f"expected '<utterance> <recording> <start> <end>', found {len(fields)} field(s)",
                path, number,
            )  # fmt: skip
        if fields[0] in seen:
            raise DataError(f"duplicate utterance {fields[0]!r}", path, number)
        seen.add(fields[0])
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
    spk2utt: dict[str, list[str]] = {}
    for utt in sorted(utt2spk):
        spk2utt.setdefault(utt2spk[utt], []).append(utt)
    write_map(Path(directory) / "spk2utt", {spk: " ".join(utts) for spk, utts in spk2utt.items()})


def segment_id(recording: str, start: float, end: float) -> str:
    """'<recording>-<start>-<end>' with times in units of 10 ms, 7 digits: sorts by time.

    Only a name: times are always read from ``segments``, never from ids.
    """
    return f"{recording}-{round(start * 100):07d}-{round(end * 100):07d}"


def regions_of(segments: Subsegments, rows: Iterable[int]) -> list[Region]:
    """Union of some segments as sorted regions that neither overlap nor touch."""
    return union((float(segments.starts[i]), float(segments.ends[i])) for i in rows)


def write_ark(
    ark: str | Path, arrays: Mapping[str, np.ndarray], scp: str | Path | None = None
) -> None:
    """Write vectors or matrices to a binary ark, and its scp (beside it unless named)."""
    ark = Path(ark)
    kaldiio.save_ark(str(ark), dict(arrays), scp=str(scp or ark.with_suffix(".scp")))


def read_array(where: str | Path) -> np.ndarray:
    """The vector or matrix in a file, or at an offset of it ('<file>:<offset>').

    Raises:
        DataError: nothing of Kaldi's there. The content is not shown: it may be anything.
    """
    try:
        return np.asarray(kaldiio.load_mat(str(where)))
    except Exception:  # kaldiio raises whatever struct and numpy raise
        raise DataError(
            f"cannot be read from {where}: no array of Kaldi's, or one cut short"
        ) from None


class Scp:
    """An scp whose arrays are read when asked for: ``scp[id]``, ``id in scp``, ``list(scp)``.

    An ark that is not where the scp says (see ``found``) is looked for beside the scp, so that a
    copied directory still works. Commands are refused.

    Raises:
        DataError: a malformed line or a duplicate id; on access, a missing or damaged ark.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._where: dict[str, tuple[int, str]] = {}
        self._arks: dict[str, Path] = {}  # found so far
        for number, fields in records(path):
            key, target = fields[0], " ".join(fields[1:])
            if not target or any(sign in target for sign in "|[]"):  # commands, ranges
                raise DataError("expected '<id> <ark>:<offset>'", path, number)
            if key in self._where:
                raise DataError(f"duplicate id {key!r}", path, number)
            self._where[key] = (number, target)

    def __contains__(self, key: str) -> bool:
        return key in self._where

    def __iter__(self) -> Iterator[str]:
        return iter(self._where)

    def __len__(self) -> int:
        return len(self._where)

    def __getitem__(self, key: str) -> np.ndarray:
        number, target = self._where[key]
        name, sep, offset = target.rpartition(":")
        if not offset.isdigit():
            name, sep, offset = target, "", ""
        if name not in self._arks:
            ark = found(name, self.path) or found(Path(name).name, self.path)
            if ark is None:
                raise DataError(f"{key}: no such ark: {name}", self.path, number)
            self._arks[name] = ark
        try:
            return read_array(f"{self._arks[name]}{sep}{offset}")
        except DataError as error:
            raise DataError(f"{key}: {error}", self.path, number) from None


class XVectorDir:
    """A Kaldi x-vector directory (``segments``, ``xvector.scp``), read one recording at a time.

    Args:
        scp: where xvector.scp is not in the directory of the segments.

    Attributes:
        windows: recording -> its ``Subsegments`` in time order; recordings sorted.

    Raises:
        DataError: what ``read_segments`` and ``Scp`` refuse.
    """

    def __init__(self, directory: str | Path, scp: str | Path | None = None):
        self.path = Path(directory)
        segments = read_segments(self.path / "segments")
        self.windows = {r: segments.take(rows) for r, rows in segments.by_recording().items()}
        self._scp = Scp(scp or self.path / "xvector.scp")

    def load(self, recording: str) -> XVectors:
        """The x-vectors of one recording.

        Raises:
            DataError: an id of 'segments' without a vector, vectors of different dimensions, NaN.
        """
        windows = self.windows[recording]
        missing = [i for i in windows.ids if i not in self._scp]
        if missing:
            raise DataError(
                f"{len(missing)} of {len(windows)} ids of 'segments' are missing, the first is {missing[0]!r}",
                self._scp.path,
            )
        vectors = [
            v[0] if v.ndim == 2 and len(v) == 1 else v
            for v in map(self._scp.__getitem__, windows.ids)
        ]
        shapes = {v.shape for v in vectors}
        if len(shapes) > 1 or vectors[0].ndim != 1:
            raise DataError(
                f"expected vectors of one dimension, found {sorted(shapes)}", self._scp.path
            )
        try:
            return XVectors(windows, np.stack(vectors).astype(np.float32, copy=False))
        except DataError as error:
            raise DataError(str(error), self._scp.path) from None


def _time(text: str, path: str | Path, line: int) -> float:
    value = number_in(text)
    if not value >= 0:
        raise DataError(f"{text!r} is not a number >= 0", path, line)
    return value
