#!/usr/bin/env python3
"""Assign the words of a recogniser to the speakers of a diarization.

Usage: assign_words.py [options] <rttm|json> <words> [-o <file>]

<words> is CTM, STM, the JSON of Whisper, faster-whisper, whisperX, whisper.cpp or meeteval (SegLST), WebVTT or
SRT, by its ending. <rttm|json> is an RTTM, or the JSON of diarize.py or export.py. Each word
goes to the speaker who speaks most in it; overlapping words go to different speakers. Captions without word
times are split where the speaker changes, by length in characters. See docs/words.md.

Formats: text, srt, vtt and json hold one recording; ctm, stm, seglst hold all. --format or
the ending of <file> selects one (.txt, .srt, .vtt, .json, .ctm, .stm, .seglst.json); the default is text. With several
formats <file> is a directory.

Examples:
  local/assign_words.py meeting.rttm meeting.json > meeting.txt
  local/assign_words.py meeting.rttm meeting.srt -o named.vtt --names "1=Anna,2=Ben Ali"
  local/assign_words.py exp/dec_default/test/rttm words.ctm -o words.seglst.json
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from dec_cli import program
from dec_cli.names import add_names, names_of, tell_unused
from diar.base.errors import DataError
from diar.base.files import write_text
from diar.base.types import Turn
from diar.exports import document
from diar.kaldi import rttm
from diar.kaldi.tables import read_wav_scp
from diar.words import reading, writing
from diar.words.assignment import DISTANCE, assign
from diar.words.word import Transcript, Word

NAME = "assign_words.py"
EXCLUSIVE = "rttm_exclusive"  # beside the 'rttm' of a DEC or of a baseline


def main() -> None:
    args = parse()
    formats = formats_of(args)
    for given in (args.turns, args.words):
        if given.exists() and Path(args.out).exists() and given.samefile(args.out):
            raise DataError("is both input and output: name another output file", args.out)
    turns = read_turns(args)
    transcript = read_words(args, turns)
    failed = dict(transcript.faults)
    named = assign_all(args, turns, transcript, failed)
    if failed and not args.failed:
        for reason in failed.values():
            say(reason)
    if named or not failed:
        write(args, formats, named or [[]])
    if args.failed:
        write_text(args.failed, "".join(f"{name} {why}\n" for name, why in sorted(failed.items())))
    elif failed:
        raise DataError(f"{len(failed)} of {len(failed) + len(named)} recording(s) failed")


def parse() -> argparse.Namespace:
    """Parse the arguments."""
    parser = program.parser(__doc__)
    add = parser.add_argument
    add("-o", "--out", default="-", metavar="FILE", help="default: standard output")
    add("--format", action="append", choices=writing.FORMATS, help="may be repeated")
    add(
        "--recording",
        metavar="NAME",
        help="only this recording; names that of the words, if their format does not",
    )
    add(
        "--distance",
        type=float,
        default=DISTANCE,
        metavar="S",
        help="maximum seconds from a word in silence to the nearest turn; further away it is nobody's",
    )
    add(
        "--exclusive",
        metavar="FILE",
        help="an RTTM of one speaker at a time, which decides where several speak; or 'none'"
        f" (default: {EXCLUSIVE} beside a file that is called rttm)",
    )
    add_names(parser)
    add(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="maps file and channel of the words to recordings, by its reco2file_and_channel",
    )
    add("--failed", type=Path, metavar="FILE", help="list failed recordings in FILE, and go on")
    add("turns", type=Path, metavar="rttm|json", help="who speaks when")
    add("words", type=Path, help="what is said when")
    args = parser.parse_args()
    if not args.distance >= 0:
        parser.error(f"--distance is {args.distance:g}; it must be at least 0 seconds")
    return args


def formats_of(args: argparse.Namespace) -> list[str]:
    """Return the formats to write."""
    if args.format:
        return list(dict.fromkeys(args.format))
    endings = {form.suffix: name for name, form in writing.FORMATS.items()}
    if args.out == "-":
        return ["text"]
    for ending in sorted(endings, key=len, reverse=True):
        if args.out.endswith(ending):
            return [endings[ending]]
    raise DataError(f"expected an ending of {', '.join(endings)}, or --format", args.out)


def read_turns(args: argparse.Namespace) -> dict[str, list[Turn]]:
    """Read the turns of each recording; silent ones have none."""
    if args.turns.suffix.lower() in (".json", ".jsonl"):
        return document.read(args.turns)
    found = rttm.load_rttm(args.turns)
    silent = [*found.silent, *found.empty]
    if args.data_dir:  # an RTTM of many recordings does not list the silent ones
        paths, faults = read_wav_scp(args.data_dir / "wav.scp")
        silent = [*paths, *faults]
    return {**{name: [] for name in silent}, **found.turns}


def read_words(args: argparse.Namespace, turns: dict[str, list[Turn]]) -> Transcript:
    """Read the words, and find their recordings."""
    name = args.recording or (next(iter(turns)) if len(turns) == 1 else args.words.stem)
    found = reading.read(args.words, name)
    for note in found.notes:
        say(f"{args.words}: {note}")
    words: Mapping[str, Sequence[Word]] = found.words
    if args.data_dir:
        words = reading.by_recording(args.data_dir, words)
    if args.recording:
        if args.recording not in {**words, **found.faults}:
            raise DataError(f"no words of recording {args.recording}", args.words)
        words = {name: each for name, each in words.items() if name == args.recording}
    faults = {r: why for r, why in found.faults.items() if args.recording in (None, r)}
    if not any(words.values()) and not faults:
        say(f"{args.words}: no words")
    return Transcript(args.words, words, faults)


def assign_all(
    args: argparse.Namespace,
    turns: Mapping[str, Sequence[Turn]],
    transcript: Transcript,
    failed: dict[str, str],
) -> list[list[Word]]:
    """Assign all words to speakers, and report counts; failed recordings go to ``failed``."""
    exclusive = read_exclusive(args)
    names = names_of(args)
    named: list[list[Word]] = []
    counts: Counter[str] = Counter()
    for recording in sorted(transcript.words):
        words = transcript.words[recording]
        try:
            if recording not in turns:
                raise DataError(no_turns(args, recording))
            found = assign(words, turns[recording], exclusive.get(recording, ()), args.distance)
            called = names.of(recording, dict.fromkeys(t.speaker for t in turns[recording]))
        except DataError as error:
            failed[recording] = str(error)
            continue
        named.append([w._replace(speaker=called.get(w.speaker, w.speaker)) for w in found.words])
        counts.update(
            words=len(words),
            estimated=sum(word.estimated for word in words),
            at_once=found.at_once,
            tied=found.tied,
            near=found.near,
            nobody=found.nobody,
        )
    tell(args, counts)
    tell_unused(NAME, names)
    return named


def no_turns(args: argparse.Namespace, recording: str) -> str:
    """Describe why words of a recording without turns cannot be used."""
    if args.data_dir:
        return f"{args.words}: words of {recording}, which is not in {args.data_dir}/wav.scp"
    return (
        f"{args.words}: words of {recording}, but {args.turns} has no turns of it: name the recording"
        " with --recording NAME"
    )


def read_exclusive(args: argparse.Namespace) -> dict[str, list[Turn]]:
    """Read the turns of one speaker at a time, if any."""
    beside = args.turns.parent / EXCLUSIVE
    if args.exclusive == "none" or (not args.exclusive and args.turns.name != "rttm"):
        return {}
    if args.exclusive:
        return rttm.read_rttm(args.exclusive)
    return rttm.read_rttm(beside) if beside.exists() else {}


def tell(args: argparse.Namespace, counts: Counter[str]) -> None:
    """Report what readers of the result must know."""
    total = counts["words"]
    if counts["estimated"]:
        say(
            f"{counts['estimated']} of {total} words have no times of their own: estimated by length"
            " in characters"
        )
    if counts["at_once"]:
        say(f"{counts['at_once']} word(s) overlap another, and went to different speakers")
    if counts["tied"]:
        say(f"{counts['tied']} word(s) tied between speakers, and went with their neighbours")
    if counts["near"]:
        say(f"{counts['near']} word(s) in silence went to a speaker within {args.distance:g} s")
    if counts["nobody"]:
        say(f"{counts['nobody']} word(s) have no speaker: no turn within {args.distance:g} s")


def write(
    args: argparse.Namespace, formats: Sequence[str], named: Sequence[Sequence[Word]]
) -> None:
    """Write all formats, or none.

    Raises:
        DataError: several recordings in a format for one, or several formats on standard output.
    """
    for name in formats:
        if writing.FORMATS[name].alone and len(named) != 1:
            raise DataError(
                f"{name} holds one recording, but there are {len(named)}: select one with --recording NAME"
            )
    texts = {name: writing.FORMATS[name].text(named) for name in formats}
    if args.out == "-":
        if len(texts) > 1:
            raise DataError("standard output takes one --format: give a directory, -o DIR")
        sys.stdout.write(next(iter(texts.values())))
        return
    for name, text in texts.items():
        file = Path(args.out)
        if len(texts) > 1:
            file /= f"words{writing.FORMATS[name].suffix}"
        write_text(file, text)
    words = sum(map(len, named))
    print(f"{args.out}: {words} word(s) of {len(named)} recording(s)")


def say(note: str) -> None:
    """Print a note on standard error."""
    print(f"{NAME}: {note}", file=sys.stderr)


if __name__ == "__main__":
    program.run(main)
