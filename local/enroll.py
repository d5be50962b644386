#!/usr/bin/env python3
"""Enrol the voices of people for local/diarize.py --voices.

Usage: enroll.py [options] <voices.npz> <name>=<audio>[,<audio>...] ...

Each <audio> is a file in which only that person speaks: half a minute is good, several recordings are better.
Writes x-vectors of their speech, and how they were made, to <voices.npz>, replacing an existing file; prints
how much speech of each person was used. The file is as personal as the recordings.

Examples:
  local/enroll.py voices.npz anna=anna.wav ben=monday.wav,tuesday.wav
  local/diarize.py meeting.wav --voices voices.npz > meeting.rttm
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from dec_cli import program
from dec_cli.pipeline import add_configs, add_pipeline, pipeline_of
from diar.audio import waveform
from diar.base import config
from diar.base.errors import DataError
from diar.identity.config import IdentityConfig

if TYPE_CHECKING:  # --help should not wait for PyTorch, SciPy, pandas
    from diar.identity.voices import KnownVoices, Session
    from diar.pipeline.recording import Pipeline


def main() -> None:
    args = parse()
    logging.getLogger().setLevel(logging.WARNING)
    from diar.identity.voices import KnownVoices, check_name, probe_of, write_voices
    from diar.pipeline.config import DecStageConfig

    files = people_of(args.people)
    for name in files:
        check_name(name)
    options = config.load(IdentityConfig, args.identity_config)
    pipeline = pipeline_of(
        args, config.load(DecStageConfig, config.CONF / "dec.yaml"), overlap=False
    )
    people = {
        name: [enroll(pipeline, path, args.channel) for path in paths]
        for name, paths in files.items()
    }
    extractor = pipeline.extractor
    known = KnownVoices(extractor.name, probe_of(extractor), pipeline.xvector.window, people)
    for name, sessions in people.items():
        seconds = sum(float(session.seconds.sum()) for session in sessions)
        if seconds < options.least:
            raise DataError(
                f"{name}: {seconds:.1f} s of speech, less than {options.least:g}: give more, or"
                " set 'least' in conf/identity.yaml"
            )
        print(f"{name}: {seconds:.1f} s of speech in {len(sessions)} file(s)")
    for doubt in doubts(known, files, pipeline, options):
        print(f"enroll.py: {doubt}", file=sys.stderr)
    write_voices(args.voices, known)
    print(f"{args.voices}: {len(people)} voice(s), by {extractor.name}")


def parse() -> argparse.Namespace:
    """Parse the arguments."""
    parser = program.parser(__doc__)
    parser.add_argument("voices", type=Path, metavar="voices.npz", help="output file")
    parser.add_argument(
        "people", nargs="+", metavar="name=audio,...", help="a person and their audio"
    )
    add_pipeline(parser)
    add_configs(parser, "identity")
    args = parser.parse_args()
    if args.voices.suffix != ".npz":  # usually it was forgotten, and this is a recording
        parser.error(f"the first argument must be the output file *.npz, not '{args.voices}'")
    return args


def people_of(arguments: list[str]) -> dict[str, list[Path]]:
    """Read '<name>=<audio>,<audio>'.

    Raises:
        DataError: another form; a name given twice, or a file given twice for one person.
    """
    people: dict[str, list[Path]] = {}
    for argument in arguments:
        name, _, files = argument.partition("=")
        paths = [Path(file) for file in files.split(",") if file]
        if not paths:
            raise DataError(f"{argument!r}: expected <name>=<audio>, as in anna=anna.wav")
        if len({path.resolve() for path in paths}) < len(paths):
            raise DataError(f"{argument!r} lists the same file twice")
        if name in people:
            raise DataError(f"{name} is given twice: give all files at once, {name}=a.wav,b.wav")
        people[name] = paths
    return people


def enroll(pipeline: Pipeline, path: Path, channel: int | None) -> Session:
    """Make the x-vectors of a file.

    Raises:
        DataError: it cannot be read, or has no speech.
    """
    from diar.dec.durations import durations_of
    from diar.identity.voices import Session

    heard = waveform.read(path, pipeline.extractor.rate, channel)
    xvectors = pipeline.hear(path.stem, heard.samples).xvectors
    if not len(xvectors):
        raise DataError("no speech found", path)
    starts = xvectors.subsegments.starts
    return Session(xvectors.vectors, durations_of(starts, pipeline.xvector.window).seconds)


def doubts(
    known: KnownVoices,
    files: dict[str, list[Path]],
    pipeline: Pipeline,
    options: IdentityConfig,
) -> Iterator[str]:
    """Yield suspicious findings: files of one person that sound like two, people who sound like one."""
    from diar.identity.profiles import between_of, compare

    between = between_of(pipeline.encoder)
    for name, paths in files.items():
        sessions = known.sessions(name, pipeline.encoder, options)
        ratios = compare(sessions, sessions, between)
        for i, j in combinations(range(len(paths)), 2):
            if ratios[i, j] < 0:
                yield f"{name}: {paths[i]} and {paths[j]} sound like two people"
    profiles = known.profiles(pipeline.encoder, options)
    for one, other in combinations(sorted(profiles), 2):
        if compare([profiles[one]], [profiles[other]], between)[0, 0] >= options.known:
            yield f"{one} and {other} sound like one person"


if __name__ == "__main__":
    program.run(main)
