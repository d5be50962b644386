"""Import any Kaldi data directory: make one that every stage can use.

Commands in wav.scp are run only here, once, and only on request; their output is kept as a file, as is audio
in an ark. All other audio stays in place.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from diar.audio import waveform
from diar.base.errors import DataError
from diar.base.files import open_whole, write_text
from diar.base.numbers import parse_channel, parse_number
from diar.base.types import Turn
from diar.kaldi import arks
from diar.kaldi.rttm import (
    is_empty,
    read_references,
    read_uem,
    speaker_counts,
    write_rttm,
    write_uem,
)
from diar.kaldi.tables import expect_fields, find_entry, find_file, records, split_offset, write_map
from diar.kaldi.validation import DataDir, examine

REFERENCES = ("ref.rttm", "rttm", "stm")
UEMS = ("all.uem", "uem")
NOBODY = frozenset({"inter_segment_gap", "excluded_region"})  # not speakers, in an STM


def import_audio(data: DataDir, recording: str, target: Path) -> Path:
    """Return the absolute path of the audio of a recording.

    The output of a command, or audio in an ark ('<ark>:<offset>'), is kept below ``target``/wav.

    Raises:
        DataError: no such file, the command fails, or its output or the ark has no audio.
    """
    table = data.tables["wav.scp"]
    number, fields = next(row for row in table.rows if row[1][0] == recording)
    value, place = fields[1], f"{table.path}:{number}"
    if value.endswith("|"):
        fill = partial(_run, value[:-1], place=place)
        return _keep(fill, target, recording, f"{place}: the output of its command is")
    path, offset = find_entry(value, table.path)
    if path is None:
        raise DataError(f"no such audio file: {value}", place)
    if not offset:
        return path.absolute()
    fill = partial(arks.copy_audio, path, offset)
    return _keep(fill, target, recording, f"{place}: the entry of the ark is")


def _keep(fill: Callable[[Path], None], target: Path, recording: str, what: str) -> Path:
    """Keep the audio that ``fill`` writes to a file."""
    kept = target.absolute() / "wav"
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".command.", dir=kept) as directory:
        output = Path(directory) / "output.wav"
        fill(output)
        copy = kept / f"{recording}.flac"
        try:
            waveform.copy_lossless(output, copy)
        except DataError as error:
            why = "zero length" if "zero length" in str(error) else "no audio"
            raise DataError(f"{what} {why}") from None
        return copy


def _run(command: str, output: Path, place: str) -> None:
    """Run a command in the shell, in the working directory, as Kaldi does."""
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


def import_tables(
    source: Path, target: Path, durations: dict[str, float], from_segments: bool = False
) -> list[str]:
    """Write everything except wav.scp and reco2dur: fixed tables, reference, UEM, ctm.

    Args:
        source: the Kaldi data directory; only read.
        target: already has the audio.
        durations: seconds of the usable recordings.
        from_segments: make the reference from segments and utt2spk, for corpora segmented at speaker
            turns.

    Returns:
        Faults and omissions, one line each.
    """
    data = examine(source, durations)
    notes = [str(fault) for fault in data.faults if fault.mended]
    for name, text in data.mended_files().items():
        if name == "vad.scp":
            text = _with_absolute_arks(data)
        if name not in ("wav.scp", "reco2dur"):
            write_text(target / name, text)
    if reference := _read_reference(source, data, from_segments, notes):
        _write_reference(target, data, *reference, notes)
    _import_uem(source, target, data, notes)
    if (words := source / "ctm").exists():
        with open_whole(target / "ctm", "wb") as file:
            file.write(words.read_bytes())
    return notes


def _with_absolute_arks(data: DataDir) -> str:
    """Format vad.scp with absolute paths of its arks."""
    table = data.tables["vad.scp"]
    for _, fields in table.rows:
        name, offset = split_offset(fields[1])
        if path := find_file(name, table.path):
            fields[1:] = [f"{path.absolute()}:{offset}" if offset else str(path.absolute())]
    return table.text()


def _write_reference(
    target: Path, data: DataDir, turns: list[Turn], origin: Path, notes: list[str]
) -> None:
    """Write ref.rttm and reco2num_spk, if the reference has any recording of wav.scp."""
    known = [t for t in turns if t.recording in data.recordings]
    silent = sorted(data.recordings - {t.recording for t in turns})
    notes += _strangers({t.recording for t in turns}, data, origin)
    if not known:
        notes.append(f"{origin}: none of its recordings is in wav.scp: there is no reference")
        return
    if silent:
        notes.append(
            f"{origin}: no turns of {len(silent)} recording(s), the first is {silent[0]!r}: not scored"
        )
    write_rttm(target / "ref.rttm", known)
    if "reco2num_spk" not in data.tables:
        write_map(target / "reco2num_spk", speaker_counts(known))


def _strangers(recordings: set[str], data: DataDir, origin: Path) -> list[str]:
    """Note the recordings of a reference or UEM that are not in wav.scp, if any."""
    strangers = sorted(recordings - data.recordings)
    if not strangers:
        return []
    return [
        f"{origin}: {len(strangers)} recording(s) not in wav.scp are left out, the first is {strangers[0]!r}"
    ]


def _read_reference(
    source: Path, data: DataDir, from_segments: bool, notes: list[str]
) -> tuple[list[Turn], Path] | None:
    """Read (turns, their source); None if there is no reference."""
    if from_segments:
        return _turns_of_segments(source, data), source / "segments"
    path = _first_of(REFERENCES, source)
    if path is None:
        return None
    if path.name == "stm":
        turns, empty = read_stm(path, _channels(data))
    else:
        turns, faults, empty = read_references(path)
        notes += [f"{fault}: {recording} has no reference" for recording, fault in faults.items()]
    notes += [
        f"{path}: {recording}: {n} turn(s) of zero length left out"
        for recording, n in empty.items()
    ]
    return [turn for part in turns.values() for turn in part], path


def _turns_of_segments(source: Path, data: DataDir) -> list[Turn]:
    for name in ("segments", "utt2spk"):
        if name not in data.tables:
            raise DataError(f"no {name}: a reference from segments needs it", source)
    speakers = dict(fields for _, fields in data.tables["utt2spk"].rows)
    turns = []
    for _, fields in data.tables["segments"].rows:
        start, end = float(fields[2]), float(fields[3])
        turns.append(Turn(fields[1], start, end - start, speakers[fields[0]]))
    return turns


def _channels(data: DataDir) -> dict[tuple[str, int | None], str]:
    """Return (file, channel) -> recording of reco2file_and_channel, channels numbered from 0."""
    if "reco2file_and_channel" not in data.tables:
        return {}
    rows = (fields for _, fields in data.tables["reco2file_and_channel"].rows)
    return {(file, parse_channel(channel)): recording for recording, file, channel in rows}


def read_stm(
    path: str | Path, channels: Mapping[tuple[str, int | None], str] | None = None
) -> tuple[dict[str, list[Turn]], Counter[str]]:
    """Read the turns of each recording of an STM file (NIST sclite).

    Segments that are not to be scored make no turn.

    Args:
        channels: (file, channel numbered from 0) -> recording; other channels of such a file make no
            turn. Other files are recordings themselves.

    Returns:
        (turns, number of turns of zero length left out of each recording).

    Raises:
        DataError: too few fields, invalid or reversed times.
    """
    turns: dict[str, list[Turn]] = {}
    empty: Counter[str] = Counter()
    channels = channels or {}
    files = {file for file, _ in channels}
    for number, fields in records(path):
        if fields[0].startswith(";"):
            continue
        expect_fields(fields, "<file> <channel> <speaker> <start> <end> ...", path, number)
        start, end = parse_number(fields[3]), parse_number(fields[4])
        if math.isnan(start + end):
            raise DataError(f"{fields[3]!r}, {fields[4]!r} are not times", path, number)
        if not 0 <= start <= end:
            raise DataError(f"reversed segment {start:g} {end:g}: fix or remove it", path, number)
        speaker = fields[2]
        if speaker.lower() in NOBODY or "ignore_time_segment_in_scoring" in map(str.lower, fields):
            continue
        recording = channels.get((fields[0], parse_channel(fields[1])))
        if not recording and fields[0] in files:
            continue
        turn = Turn(recording or fields[0], start, end - start, speaker)
        if is_empty(turn):
            empty[turn.recording] += 1
        else:
            turns.setdefault(turn.recording, []).append(turn)
    return turns, empty


def refusals(data: DataDir, from_segments: bool, wav_pipes: bool) -> tuple[list[str], list[str]]:
    """Find reasons to refuse an import, before any work, and what would be left out of the reference.

    Args:
        from_segments: see ``import_tables``.
        wav_pipes: whether commands in wav.scp will be run; otherwise they are refused.

    Returns:
        (reasons: a file without usable lines, a command, a bad line of a UEM or STM ...; notes).
    """
    reasons: list[str] = []
    notes: list[str] = []
    for name in data.lost:
        fault = next(f for f in data.faults if f.path.name == name)
        reasons.append(f"{data.path / name}: none of its lines can be used: {fault}")
    table = data.tables["wav.scp"]
    commands = [number for number, fields in table.rows if fields[-1].endswith("|")]
    if commands and not wav_pipes:
        reasons.append(
            f"{table.path}:{commands[0]}: a command ({len(commands)} such line(s)): check them, and give"
            " --wav-pipes true to run them"
        )
    readers = (
        lambda: _read_reference(data.path, data, from_segments, notes),
        lambda: read_uem(path) if (path := _first_of(UEMS, data.path)) else None,
    )
    for read in readers:
        try:
            read()
        except DataError as error:
            reasons.append(str(error))
    return reasons, notes


def check(source: Path, from_segments: bool = False, wav_pipes: bool = True) -> None:
    """Check whether an import is possible.

    Raises:
        DataError: see ``examine``; or the first of ``refusals``.
    """
    reasons, _ = refusals(examine(source), from_segments, wav_pipes)
    if reasons:
        raise DataError(reasons[0])


def _first_of(names: Sequence[str], source: Path) -> Path | None:
    return next((source / name for name in names if (source / name).exists()), None)


def _import_uem(source: Path, target: Path, data: DataDir, notes: list[str]) -> None:
    path = _first_of(UEMS, source)
    if path is None:
        return
    regions = read_uem(path)
    notes += _strangers(set(regions), data, path)
    if known := {r: parts for r, parts in regions.items() if r in data.recordings}:
        write_uem(target / "all.uem", known)
