#!/usr/bin/env python3
"""Export diarization results to the formats of other tools: Audacity, Praat, ELAN, players, toolkits.

Usage: export.py --format <name> [options] <rttm file|directory|-> <out-dir|->

Writes <out-dir>/<recording>.<ending> for audacity (.txt), textgrid (.TextGrid), webvtt (.vtt), srt, csv, json,
elan (.eaf) and pyannote (.lab), and one file of all recordings for ctm (turns.ctm) and lhotse
(supervisions.jsonl.gz). '-' is standard input or output; standard output takes one format, and one recording
if the format has a file for each. An RTTM without turns is a recording in which nobody speaks. See
docs/exports.md, also for importing corrected labels (local/import_labels.py).

Examples:
  local/export.py --format audacity --format textgrid exp/dec_default/test/rttm labels
  local/export.py --format webvtt --recording test-01 exp/dec_default/test/rttm - > test-01.vtt
  local/export.py --format csv --names "1=Anna,2=Ben Ali" meeting.rttm -
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from dec_cli import program
from dec_cli.names import add_names, names_of, tell_unused
from diar import exports
from diar.base.errors import DataError
from diar.base.types import Turn
from diar.exports.recording import ExportedRecording, recording_of
from diar.kaldi.names import Names
from diar.kaldi.rttm import Rttm, load_rttm
from diar.kaldi.tables import read_numbers, read_wav_scp

STDIN = Path("/dev/stdin")


def main() -> None:
    args = parse()
    lengths = read_numbers(args.reco2dur) if args.reco2dur else {}
    rttm = load_rttm(STDIN if args.rttm == "-" else args.rttm)
    turns = choose_turns(args, rttm, lengths)
    media = audio_files(args, list(turns))
    names = names_of(args)
    recordings = [
        exported(name, names, turns[name], rttm.confidences, lengths.get(name), media.get(name))
        for name in sorted(turns)
    ]
    tell_unused("export.py", names)
    formats = list(dict.fromkeys(args.format))
    files = dict(exports.files(recordings, formats))  # all of them, before the first is written
    for note in exports.notes(recordings, formats):
        say(note)
    if args.out == "-":
        if len(files) != 1:
            raise DataError(
                f"standard output takes one file, not {len(files)}: choose one --format and one"
                " --recording, or give a directory"
            )
        sys.stdout.buffer.write(next(iter(files.values())).encode())
        return
    for name, text in files.items():
        exports.write(Path(args.out) / name, text)
    print(f"{args.out}: {len(files)} file(s) of {len(recordings)} recording(s)")


def exported(
    recording: str,
    names: Names,
    turns: list[Turn],
    confidences: Mapping[Turn, float],
    seconds: float | None,
    media: Path | None,
) -> ExportedRecording:
    """Prepare a recording with the names of its speakers; ``confidences`` are by the original turns."""
    renamed = names.rename(turns)
    sure = {
        new: confidences[old] for old, new in zip(turns, renamed, strict=True) if old in confidences
    }
    return recording_of(recording, renamed, seconds, media, sure)


def parse() -> argparse.Namespace:
    """Parse the arguments."""
    parser = program.parser(__doc__)
    add = parser.add_argument
    add("--format", action="append", required=True, choices=exports.FORMATS, help="repeatable")
    add("--recording", action="append", metavar="NAME", help="only this one; repeatable")
    add("--reco2dur", metavar="FILE", help="durations (default: the end of the last turn)")
    sound = parser.add_mutually_exclusive_group()
    sound.add_argument(
        "--audio", type=Path, metavar="FILE", help="audio of the only recording, for ELAN and JSON"
    )
    sound.add_argument("--wav-scp", metavar="FILE", help="the audio files of all recordings")
    add_names(parser)
    add("rttm", metavar="rttm|dir|-", help="turns to export")
    add("out", metavar="out-dir|-", help="output")
    return parser.parse_args()


def choose_turns(
    args: argparse.Namespace, rttm: Rttm, lengths: dict[str, float]
) -> dict[str, list[Turn]]:
    """Choose the turns of each recording, or of those given by --recording.

    A recording that has only a duration has no turns.

    Raises:
        DataError: a given recording does not exist; standard input has no turns, and no recording is given.
    """
    if rttm.skipped:
        kinds = ", ".join(f"{kind} {count}" for kind, count in rttm.skipped.items())
        say(f"ignored lines other than SPEAKER: {kinds}")
    if rttm.empty:
        tell(f"{sum(rttm.empty.values())} turn(s) of zero length left out, in", [*rttm.empty])
    if rttm.channels:
        say(f"merged turns of several channels: {', '.join(rttm.channels)}")
    silent = rttm.silent
    if args.rttm == "-" and silent:
        if len(args.recording or ()) != 1:
            raise DataError("no turns on standard input: name the recording with --recording NAME")
        silent = args.recording
    turns = {**{name: [] for name in (*silent, *rttm.empty)}, **rttm.turns}
    missing = [name for name in args.recording or () if name not in turns and name not in lengths]
    if missing:
        raise DataError(f"no recording {', '.join(missing)} in {args.rttm}")
    if args.reco2dur:
        names = args.recording or turns
        tell(f"{args.reco2dur}: no duration of", [name for name in names if name not in lengths])
    if not args.recording:
        tell(f"{args.rttm}: no turns of", [name for name in lengths if name not in turns])
    return {name: turns.get(name, []) for name in args.recording or turns}


def audio_files(args: argparse.Namespace, recordings: list[str]) -> dict[str, Path]:
    """Find the audio file of each recording, if known.

    Raises:
        DataError: --audio with several recordings, or the file does not exist.
    """
    if args.audio:
        if len(recordings) != 1:
            raise DataError(
                f"--audio is one file, but there are {len(recordings)} recordings: give --wav-scp, or"
                " --recording NAME"
            )
        if not args.audio.exists():
            raise DataError("no such audio file", args.audio)
        return {recordings[0]: args.audio}
    if not args.wav_scp:
        return {}
    paths, faults = read_wav_scp(args.wav_scp)
    for name in recordings:
        if name not in paths:
            say(faults.get(name, f"{args.wav_scp}: no audio file of {name}"))
    return paths


def tell(what: str, names: list[str]) -> None:
    """Print a note on these names, if there are any."""
    if names:
        say(f"{what} {names[0]}" + (f" and {len(names) - 1} more" if names[1:] else ""))


def say(note: str) -> None:
    """Print a note on standard error."""
    print(f"export.py: {note}", file=sys.stderr)


if __name__ == "__main__":
    program.run(main)
