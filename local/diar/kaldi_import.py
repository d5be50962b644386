"""Kaldi data directories of other people, made into ones that every stage can use.

Commands of wav.scp are run here and nowhere else, once, and only when asked for: their output is kept
as a file. All other audio stays where it is.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import soundfile

from diar import audio
from diar.errors import DataError
from diar.files import whole, write_text
from diar.kaldi_data import found, records, write_map
from diar.rttm import load_rttm, read_uem, write_rttm
from diar.types import Turn
from diar.validation import DataDir, examine

REFERENCES = ("ref.rttm", "rttm", "stm")
UEMS = ("all.uem", "uem")
NOBODY = frozenset({"inter_segment_gap", "excluded_region"})  # speakers of an STM that are none


def commands(data: DataDir) -> list[str]:
    """'<file>:<line>' of the lines of wav.scp that are commands."""
    table = data.tables["wav.scp"]
    return [f"{table.path}:{number}" for number, fields in table.rows if fields[-1].endswith("|")]


def take(data: DataDir, recording: str, target: Path) -> Path:
    """The audio file of a recording, absolute; a command is run, its output kept below ``target``/wav.

    Raises:
        DataError: no such file, a command that fails or gives no audio.
    """
    table = data.tables["wav.scp"]
    number, fields = next(row for row in table.rows if row[1][0] == recording)
    value = " ".join(fields[1:])
    if not value.endswith("|"):
        path = found(value, table.path)
        if path is None:
            raise DataError(f"no such audio file: {value}", table.path, number)
        return path.absolute()
    with tempfile.TemporaryDirectory(prefix=".command.", dir=_made(target / "wav")) as directory:
        output = Path(directory) / "output.wav"
        _run(value[:-1], output, f"{table.path}:{number}")
        try:
            heard = audio.read(output)
        except DataError:
            raise DataError("the output of its command is no audio", table.path, number) from None
        return _keep(heard, target.absolute() / "wav" / recording)


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


def _keep(heard: audio.Audio, stem: Path) -> Path:
    """Write samples without loss as 24-bit FLAC."""
    if not len(heard.samples):
        raise DataError("no samples: its command gives audio of zero length")
    path = Path(f"{stem}.flac")
    with whole(path, "wb") as stream:
        soundfile.write(stream, heard.samples, heard.rate, format="FLAC", subtype="PCM_24")
    return path


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
    for name, text in data.mended().items():
        if name == "vad.scp":
            text = _absolute(data)
        if name not in ("wav.scp", "reco2dur"):
            write_text(target / name, text)
    turns, origin = _reference(source, data, from_segments)
    if turns is not None:
        strangers = sorted({t.recording for t in turns} - data.recordings)
        if strangers:
            notes.append(
                f"{origin}: {len(strangers)} recording(s) not in wav.scp are left out, the first is {strangers[0]!r}"
            )
        turns = [t for t in turns if t.recording in data.recordings]
        silent = sorted(data.recordings - {t.recording for t in turns})
        if silent:
            notes.append(
                f"{origin}: no turns of {len(silent)} recording(s), the first is {silent[0]!r}"
            )
        write_rttm(target / "ref.rttm", turns)
        if "reco2num_spk" not in data.tables:
            speakers = {t.recording: set() for t in turns}
            for turn in turns:
                speakers[turn.recording].add(turn.speaker)
            write_map(target / "reco2num_spk", {r: len(who) for r, who in speakers.items()})
    _uem(source, target, data.recordings)
    return notes


def _absolute(data: DataDir) -> str:
    """vad.scp with its arks found and named absolutely."""
    table = data.tables["vad.scp"]
    for _, fields in table.rows:
        name, colon, offset = fields[1].rpartition(":")
        if not offset.isdigit():
            name, colon, offset = fields[1], "", ""
        if path := found(name, table.path):
            fields[1:] = [f"{path.absolute()}{colon}{offset}"]
    return table.text()


def _reference(
    source: Path, data: DataDir, from_segments: bool
) -> tuple[list[Turn] | None, Path | None]:
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
    for name in REFERENCES:
        path = source / name
        if path.exists():
            if name == "stm":
                return list(read_stm(path)), path
            return [t for side in load_rttm(path).turns.values() for t in side], path
    return None, None


def read_stm(path: str | Path) -> Iterable[Turn]:
    """The turns of an STM file ('<file> <channel> <speaker> <start> <end> [<label>] [words]', NIST sclite).

    Stretches that are not to be scored make no turn.

    Raises:
        DataError: too few fields, times that are no numbers or reversed.
    """
    for number, fields in records(path):
        if fields[0].startswith(";"):
            continue
        if len(fields) < 5:
            raise DataError(
                f"expected '<file> <channel> <speaker> <start> <end> ...', found {len(fields)} field(s)",
                path, number,
            )  # fmt: skip
        try:
            start, end = float(fields[3]), float(fields[4])
        except ValueError:
            raise DataError(f"{fields[3]!r}, {fields[4]!r} are not times", path, number) from None
        if not 0 <= start < end < float("inf"):
            raise DataError(f"empty or reversed stretch {start:g} {end:g}", path, number)
        speaker = fields[2]
        if speaker.lower() in NOBODY or "ignore_time_segment_in_scoring" in map(str.lower, fields):
            continue
        yield Turn(fields[0], start, end - start, speaker)


def _uem(source: Path, target: Path, recordings: set[str]) -> None:
    path = next((source / name for name in UEMS if (source / name).exists()), None)
    if path:
        lines = (
            f"{recording} 1 {start:.3f} {end:.3f}\n"
            for recording, regions in read_uem(path).items()
            if recording in recordings
            for start, end in regions
        )
        write_text(target / "all.uem", "".join(lines))
