"""Kaldi data directories of other people, made into ones that every stage can use.

Commands of wav.scp are run here and nowhere else, once, and only when asked for: their output is kept
as a file. All other audio stays where it is.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from diar.audio import waveform
from diar.base.errors import DataError
from diar.base.files import write_text
from diar.base.numbers import parse_channel, parse_number
from diar.base.types import Turn
from diar.kaldi.rttm import read_references, read_uem, write_rttm
from diar.kaldi.tables import find_file, records, write_map
from diar.kaldi.validation import DataDir, examine

REFERENCES = ("ref.rttm", "rttm", "stm")
UEMS = ("all.uem", "uem")
NOBODY = frozenset({"inter_segment_gap", "excluded_region"})  # speakers of an STM that are none


def list_commands(data: DataDir) -> list[str]:
    """'<file>:<line>' of the lines of wav.scp that are commands."""
    table = data.tables["wav.scp"]
    return [f"{table.path}:{number}" for number, fields in table.rows if fields[-1].endswith("|")]


def import_audio(data: DataDir, recording: str, target: Path) -> Path:
    """The audio file of a recording, absolute; a command is run, its output kept below ``target``/wav.

    Raises:
        DataError: no such file, a command that fails or gives no audio.
    """
    table = data.tables["wav.scp"]
    number, fields = next(row for row in table.rows if row[1][0] == recording)
    value = fields[1]
    if not value.endswith("|"):
        path = find_file(value, table.path)
        if path is None:
            raise DataError(f"no such audio file: {value}", table.path, number)
        return path.absolute()
    with tempfile.TemporaryDirectory(prefix=".command.", dir=_made(target / "wav")) as directory:
        output = Path(directory) / "output.wav"
        _run(value[:-1], output, f"{table.path}:{number}")
        copy = target.absolute() / "wav" / f"{recording}.flac"
        try:
            waveform.copy_lossless(output, copy)
        except DataError as error:
            why = "zero length" if "zero length" in str(error) else "no audio"
            raise DataError(f"the output of its command is {why}", table.path, number) from None
        return copy


def _run(command: str, output: Path, place: str) -> None:
    """Run a command by the shell, in the working directory, as Kaldi does."""
    with open(output, "wb") as stdout, tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(
            ["bash", "-o", "pipefail", "-c", command],
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, start_new_session=True,
        )  # fmt: skip
        try:
            status = process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            raise
        stderr.seek(0)
        said = stderr.read().decode(errors="replace").strip().splitlines()
    if status:
        reason = f": {said[-1]}" if said else ""
        raise DataError(f"{place}: its command ended with status {status}{reason}")


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def import_tables(
    source: Path, target: Path, durations: dict[str, float], from_segments: bool = False
) -> list[str]:
    """Write everything but wav.scp and reco2dur: mended tables, reference, UEM.

    Args:
        source: the Kaldi data directory; it is only read.
        target: already holds audio.
        durations: seconds of the recordings that can be used.
        from_segments: the reference is what segments and utt2spk say, as in corpora that are cut at
            turns of speakers.

    Returns:
        What was found wrong or left out, one line each.
    """
    data = examine(source, durations)
    notes = [str(fault) for fault in data.faults if fault.mended]
    for name, text in data.mended_files().items():
        if name == "vad.scp":
            text = _absolute(data)
        if name not in ("wav.scp", "reco2dur"):
            write_text(target / name, text)
    if reference := _reference(source, data, from_segments, notes):
        _write_reference(target, data, *reference, notes)
    _uem(source, target, data.recordings, notes)
    return notes


def _absolute(data: DataDir) -> str:
    """vad.scp with its arks found and named absolutely."""
    table = data.tables["vad.scp"]
    for _, fields in table.rows:
        name, colon, offset = fields[1].rpartition(":")
        if not offset.isdigit():
            name, colon, offset = fields[1], "", ""
        if path := find_file(name, table.path):
            fields[1:] = [f"{path.absolute()}{colon}{offset}"]
    return table.text()


def _write_reference(
    target: Path, data: DataDir, turns: list[Turn], origin: Path, notes: list[str]
) -> None:
    """ref.rttm and reco2num_spk, where the reference has any recording of wav.scp."""
    known = [t for t in turns if t.recording in data.recordings]
    strangers = sorted({t.recording for t in turns} - data.recordings)
    silent = sorted(data.recordings - {t.recording for t in turns})
    if strangers:
        notes.append(
            f"{origin}: {len(strangers)} recording(s) not in wav.scp are left out, the first is {strangers[0]!r}"
        )
    if not known:
        notes.append(f"{origin}: none of its recordings is in wav.scp: there is no reference")
        return
    if silent:
        notes.append(
            f"{origin}: no turns of {len(silent)} recording(s), the first is {silent[0]!r}: not scored"
        )
    write_rttm(target / "ref.rttm", known)
    if "reco2num_spk" not in data.tables:
        speakers: dict[str, set[str]] = {t.recording: set() for t in known}
        for turn in known:
            speakers[turn.recording].add(turn.speaker)
        write_map(target / "reco2num_spk", {r: len(who) for r, who in speakers.items()})


def _reference(
    source: Path, data: DataDir, from_segments: bool, notes: list[str]
) -> tuple[list[Turn], Path] | None:
    """(turns, where they are from), None where there is no reference."""
    if from_segments:
        for name in ("segments", "utt2spk"):
            if name not in data.tables:
                raise DataError(f"no {name}: a reference from segments needs it", source)
        speakers = dict(fields for _, fields in data.tables["utt2spk"].rows)
        return [
            Turn(fields[1], float(fields[2]), float(fields[3]) - float(fields[2]), speakers[fields[0]])
            for _, fields in data.tables["segments"].rows
        ], source / "segments"  # fmt: skip
    path = next((source / name for name in REFERENCES if (source / name).exists()), None)
    if path is None:
        return None
    if path.name == "stm":
        return list(read_stm(path, _channels(data))), path
    turns, faults, empty = read_references(path)
    notes += [f"{fault}: {recording} has no reference" for recording, fault in faults.items()]
    notes += [
        f"{path}: {recording}: {n} turn(s) of no length left out" for recording, n in empty.items()
    ]
    return [turn for part in turns.values() for turn in part], path


def _channels(data: DataDir) -> dict[tuple[str, int | None], str]:
    """(file, channel) -> recording, of reco2file_and_channel, channels counted from 0."""
    if "reco2file_and_channel" not in data.tables:
        return {}
    rows = (fields for _, fields in data.tables["reco2file_and_channel"].rows)
    return {(file, parse_channel(channel)): recording for recording, file, channel in rows}


def read_stm(
    path: str | Path, channels: Mapping[tuple[str, int | None], str] | None = None
) -> Iterable[Turn]:
    """The turns of an STM file ('<file> <channel> <speaker> <start> <end> [<label>] [words]', NIST sclite).

    Stretches that are not to be scored make no turn.

    Args:
        channels: (file, channel counted from 0) -> recording; other channels of such a file make no
            turn. Files that are not in it are recordings themselves.

    Raises:
        DataError: too few fields, times that are no numbers or reversed.
    """
    channels = channels or {}
    files = {file for file, _ in channels}
    for number, fields in records(path):
        if fields[0].startswith(";"):
            continue
        if len(fields) < 5:
            raise DataError(
                f"expected '<file> <channel> <speaker> <start> <end> ...', found {len(fields)} field(s)",
                path, number,
            )  # fmt: skip
        start, end = parse_number(fields[3]), parse_number(fields[4])
        if math.isnan(start + end):
            raise DataError(f"{fields[3]!r}, {fields[4]!r} are not times", path, number)
        if not 0 <= start < end:
            raise DataError(
                f"empty or reversed stretch {start:g} {end:g}: mend or remove it", path, number
            )
        speaker = fields[2]
        if speaker.lower() in NOBODY or "ignore_time_segment_in_scoring" in map(str.lower, fields):
            continue
        recording = channels.get((fields[0], parse_channel(fields[1])))
        if recording or fields[0] not in files:
            yield Turn(recording or fields[0], start, end - start, speaker)


def check(source: Path, from_segments: bool = False) -> DataDir:
    """What stops an import, before any work: what ``examine`` refuses, a UEM or STM with a bad line.

    Raises:
        DataError: see above; no line of a file can be used.
    """
    data = examine(source)
    if data.lost:
        fault = next(f for f in data.faults if f.path.name == data.lost[0])
        raise DataError(f"no line of it can be used: {fault}", source / data.lost[0])
    _reference(source, data, from_segments, [])
    if path := _uem_of(source):
        read_uem(path)
    return data


def _uem_of(source: Path) -> Path | None:
    return next((source / name for name in UEMS if (source / name).exists()), None)


def _uem(source: Path, target: Path, recordings: set[str], notes: list[str]) -> None:
    path = _uem_of(source)
    if path is None:
        return
    regions = read_uem(path)
    strangers = sorted(regions.keys() - recordings)
    if strangers:
        notes.append(
            f"{path}: {len(strangers)} recording(s) not in wav.scp are left out, the first is {strangers[0]!r}"
        )
    lines = [
        f"{recording} 1 {start:.3f} {end:.3f}\n"
        for recording, parts in regions.items()
        if recording in recordings
        for start, end in parts
    ]
    if lines:
        write_text(target / "all.uem", "".join(lines))
