#!/usr/bin/env python3
"""Who spoke when in audio files, with the pretrained autoencoder.

Usage: diarize.py [options] <audio> ...

<audio> is a file, a folder (all audio in and below it, by extension, except hidden files), or '-' for audio
on standard input. Any sample rate and number of channels will do (mixed, or one selected), in wav, flac, ogg, mp3 and
all other formats of FFmpeg's libraries. Recordings are named after their files. A file that cannot be
read does not stop the others. No network is needed once the models are in the cache.

All turns go to standard output as one RTTM, unless --out writes one RTTM per recording, or --json writes
one line of JSON per recording to standard output. Messages go to standard error, or to standard output
if --out leaves it free.

Speakers are numbered within their recording. --voices names those who were enrolled, and
--link makes names hold in all recordings. RTTM and JSON have the probability that the speaker of a turn is right.

Examples:
  local/diarize.py meeting.wav > meeting.rttm
  local/diarize.py meeting.wav --html --out rttm
  local/diarize.py meeting.wav --html --words meeting.srt --embed-audio --out rttm
  local/diarize.py recordings/ --out rttm --skip-done
  local/diarize.py --num-spk 2 --channel 1 calls/*.flac --out rttm
  local/diarize.py --list data/test/wav.scp --json > turns.jsonl
  local/diarize.py meetings/ --voices voices.npz --link --out rttm
  ffmpeg -loglevel error -i talk.mp4 -f wav - | local/diarize.py - --name talk
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dec_cli import program, survival
from dec_cli.ahead import one_ahead
from dec_cli.identities import Identities, called, called_everywhere
from dec_cli.names import add_names, names_of, tell_unused
from dec_cli.pipeline import add_configs, add_pipeline, pipeline_of
from dec_cli.progress import Here, Progress
from dec_cli.results import Result, as_json, without_blanks, without_matrices
from dec_cli.speakers import add_speakers, bounds_of
from dec_cli.words import named_words, words_by_recording
from diar.audio import waveform
from diar.base import config
from diar.base.errors import DataError
from diar.base.seeds import seed_for
from diar.base.types import Bounds
from diar.kaldi import inputs, rttm
from diar.kaldi.inputs import STDIN, Input
from diar.kaldi.names import check_apart
from diar.kaldi.recordings import remarks

if TYPE_CHECKING:  # --help does not wait for PyTorch, SciPy, pandas
    from diar.pipeline.recording import Heard, Pipeline
    from diar.report.standalone import PageAudio, StandalonePage


def main() -> None:
    args = parse()
    logging.getLogger().setLevel(logging.WARNING)
    if args.done:
        print(f"{program.name()}: {args.done} recording(s) already done", file=sys.stderr)
    if args.inputs:
        diarize(args, *loaded(args))


def loaded(args: argparse.Namespace) -> tuple[Pipeline, Bounds]:
    """Load all stages, and the bounds of the number of speakers."""
    from diar.pipeline.config import DecStageConfig

    dec = config.load(DecStageConfig, args.dec_config, args.set.split())
    bounds = bounds_of(args, dec.max_speakers)
    return pipeline_of(args, dec, args.overlap == "true"), bounds


def diarize(args: argparse.Namespace, pipeline: Pipeline, bounds: Bounds) -> None:
    """Diarize all inputs, write the results, and report failures."""
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
    work = Here()
    progress = Progress([work])
    lengths = {} if progress.bar.disable else lengths_of(args.inputs)
    heard, audio = 0.0, sum(lengths.values())
    failed = 0
    page = page_of(args, pipeline)
    options = (args.identity_config, args.voices, args.link, args.speaker_vectors)
    identities = Identities(pipeline, *options)
    held: list[tuple[Result, PageAudio | None]] = []  # with --link, names come after all are done
    try:
        work.take(0, len(args.inputs), "files", heard, audio, progress.clock())
        progress.update()
        for done, result in enumerate(results(args, pipeline, bounds, identities), 1):
            sound = None
            if page and result.samples is not None:
                file = result.given.path if os.path.isfile(result.given.path) else None
                rate, name = pipeline.extractor.rate, result.given.recording
                sound = page.listen(name, file, result.samples, rate)
            if args.link:
                held.append((without_matrices(result), sound))
            else:
                if survival.is_new(done):
                    write(args, result, progress.say)
                show(args, page, result, sound)
            length = lengths.get(result.given.recording, 0.0)
            if result.error:  # it was not processed: it must not raise the rate
                failed, audio = failed + 1, audio - length
            else:
                heard += length
            work.take(done, len(args.inputs), "files", heard, audio, progress.clock())
            progress.update()
        for result, sound in linked(args, held, identities):
            failed += bool(result.error) and result.diarization is not None
            write(args, result, progress.say)
            show(args, page, result, sound)
        if page and (files := page.write()):
            size = sum(file.stat().st_size for file in files) / 1e6
            audio_size = (
                f", with {page.audio_bytes / 1e6:.1f} MB of audio" if page.audio_bytes else ""
            )
            progress.say(f"{page.out}: open it in a browser ({size:.1f} MB{audio_size})")
    finally:
        progress.close()
    tell_unused(program.name(), args.called)
    if failed:
        raise DataError(f"{failed} of {len(args.inputs)} recording(s) could not be diarized")


def linked(
    args: argparse.Namespace, held: list[tuple[Result, PageAudio | None]], identities: Identities
) -> Iterator[tuple[Result, PageAudio | None]]:
    """Yield the results with names that hold in all of them, or the user's names for these."""
    found = identities.linked({result.given.recording: result.speakers for result, _ in held})
    people = called_everywhere(args.called, found)
    for result, audio in held:
        name = result.given.recording
        try:
            check_apart(name, {speaker: who.name for speaker, who in people[name].items()})
        except DataError as error:
            yield replace(result, error=str(error)), None
        else:
            yield replace(result, speakers=people[name]), audio


def show(
    args: argparse.Namespace, page: StandalonePage | None, result: Result, audio: PageAudio | None
) -> None:
    """Add a recording to the page, if there is a page, and the audio was read."""
    made, words = result.diarization, args.spoken.get(result.given.recording, ())
    if page and audio:
        said = named_words(words, made, result.speakers) if made else ()
        page.add(audio, result.turns, said, result.confidences)


def page_of(args: argparse.Namespace, pipeline: Pipeline) -> StandalonePage | None:
    """Make the page of all recordings, if wanted."""
    if not args.html:
        return None
    from diar.report.recordings import ReportConfig
    from diar.report.standalone import StandalonePage

    parts: dict[str, Any] = {"vad": pipeline.vad, "xvector": pipeline.xvector, "dec": pipeline.dec}
    configurations = {name: config.dump(part) for name, part in parts.items()}
    name = args.inputs[0].recording if len(args.inputs) == 1 else "diarization"
    out = (args.out or Path()) / f"{name}.html"
    shown = ReportConfig(doubtful=pipeline.dec.confidence.doubtful)
    return StandalonePage(out, shlex.join(sys.argv), configurations, args.embed_audio, shown)


def lengths_of(given: list[Input]) -> dict[str, float]:
    """Return the seconds of each recording from the file headers; empty unless all have them."""
    lengths = {
        i.recording: waveform.header_duration(i.path) for i in given if os.path.isfile(i.path)
    }
    known = {recording: seconds for recording, seconds in lengths.items() if seconds}
    return known if len(known) == len(given) else {}


def results(
    args: argparse.Namespace, pipeline: Pipeline, bounds: Bounds, identities: Identities
) -> Iterator[Result]:
    """Yield the result of each input in turn."""
    from diar.turns.doubts import doubts_of_turns

    rate = pipeline.extractor.rate
    for given, audio, heard, took, error in one_ahead(partial(hear, args, pipeline), args.inputs):
        if audio is None or heard is None:
            yield Result(given, error=error)
            continue
        began = time.monotonic()
        name = given.recording
        try:
            made = pipeline.fit(heard, bounds, seed_for(args.seed, name))
            speakers = identities.of(made)
            if not args.link:
                speakers = called(args.called, name, speakers)
        except DataError as fault:
            yield Result(given, error=str(fault))
            continue
        took += time.monotonic() - began
        result = Result(given, heard.duration, (), made, speakers, audio.samples, took)
        done = [*remarks(audio, rate, args.channel), *made.doubts]
        yield replace(result, remarks=(*done, *doubts_of_turns(result.turns, bounds)))


class Sound(NamedTuple):
    """An input, its audio, and what was heard in that in so many seconds; or why it failed."""

    given: Input
    audio: waveform.Audio | None
    heard: Heard | None
    seconds: float
    error: str


def hear(args: argparse.Namespace, pipeline: Pipeline, given: Input) -> Sound:
    """Read an input, and listen."""
    began = time.monotonic()
    if lost := survival.work_on(given.recording):
        return Sound(given, None, None, 0.0, f"{given.path}: {lost}")
    try:
        with inputs.open_input(given) as path:
            audio = waveform.read(path, pipeline.extractor.rate, args.channel)
        heard = pipeline.hear(given.recording, audio.samples)
    except DataError as error:
        return Sound(given, None, None, 0.0, str(error))
    return Sound(given, audio, heard, time.monotonic() - began, "")


def write(args: argparse.Namespace, result: Result, say: Callable[..., None]) -> None:
    """Write turns, JSON and messages as the options direct; ``say`` as ``Progress.say``."""
    file = rttm_of(args.out, result.given) if args.out else None
    if args.json:
        say(json.dumps(as_json(result)), sys.stdout)
    if result.error:
        say(f"{program.name()}: {result.error}")
        return
    turns = result.turns
    written = [without_blanks(turn) for turn in turns]
    sure = {without_blanks(turn): value for turn, value in result.confidences.items()}
    if file:
        rttm.write_rttm(file, written, sure)
    elif not args.json and (text := rttm.format_rttm(written, sure)):
        say(text.rstrip("\n"), sys.stdout)
    speakers = len({turn.speaker for turn in turns})
    what = f"{speakers} speaker(s), {len(turns)} turns" if turns else "no speech"
    if doubtful := result.doubtful:
        what += f" ({doubtful} doubtful)"
    said = f"{file or result.given.recording}: {what} in {result.duration:.1f} s"
    if known := sorted(who.name for who in result.speakers.values() if who.known):
        said += f", among them {', '.join(known)}"
    if result.remarks:
        said += f" ({', '.join(result.remarks)})"
    say(said, sys.stdout if file and not args.json else sys.stderr)


def rttm_of(out: Path, given: Input) -> Path:
    """Return the path of a recording's RTTM."""
    return out / f"{given.recording}.rttm"


def parse() -> argparse.Namespace:
    """Parse the arguments.

    ``inputs`` has the inputs, ``done`` the number of skipped ones, ``called`` the names, ``spoken`` the words.
    """
    parser = make_parser()
    args = parser.parse_args()
    args.called = names_of(args)
    if not args.audio and not args.list:
        parser.error("give audio files or folders, '-' for standard input, or --list")
    if (args.words or args.embed_audio) and not args.html:
        parser.error("--words and --embed-audio require --html")
    if args.skip_done and not args.out:
        parser.error("--skip-done requires --out")
    if args.skip_done and args.link:
        parser.error("--link compares all recordings: remove --skip-done")
    if args.speaker_vectors and not args.json:
        parser.error("--speaker-vectors requires --json")
    piped = [*args.audio, args.list].count(STDIN)
    if piped > 1 or piped and (sys.stdin is None or sys.stdin.isatty()):
        parser.error("'-' is standard input: pipe something into it, and give it once")
    args.inputs = inputs.gather(args.audio, args.list)
    if args.name is not None:
        if len(args.inputs) > 1:
            parser.error(f"--name is for one recording, but there are {len(args.inputs)}")
        args.inputs = [inputs.rename(args.inputs[0], args.name)]
    todo = args.inputs
    if args.skip_done:
        todo = [given for given in args.inputs if not rttm_of(args.out, given).exists()]
    args.inputs, args.done = todo, len(args.inputs) - len(todo)
    args.spoken = words_by_recording(program.name(), args.words, [i.recording for i in todo])
    return args


def make_parser() -> argparse.ArgumentParser:
    parser = program.parser(__doc__)
    add = parser.add_argument
    add("audio", type=Path, nargs="*", help="files and folders; '-': standard input")
    add(
        "--list",
        type=Path,
        metavar="FILE",
        help="more inputs: lines '<file>' or, as in wav.scp, '<id> <file>'",
    )
    add("--name", metavar="ID", help="id of a single recording (default: from its file name)")
    add("--out", type=Path, metavar="DIR", help="write <recording>.rttm for each into DIR")
    add("--skip-done", action="store_true", help="skip recordings whose RTTM is already in --out")
    add(
        "--html",
        action="store_true",
        help="also write a page for looking and listening, in --out or here: <recording>.html, or for several"
        " diarization.html; with --skip-done, of the new ones",
    )
    add(
        "--words",
        type=Path,
        metavar="FILE",
        help="words of a recogniser (CTM, STM, JSON of Whisper, WebVTT, SRT), which the page assigns to speakers",
    )
    add(
        "--embed-audio",
        action="store_true",
        help="put the audio into the page (MP3, 14 MB an hour), so that it can be sent to somebody",
    )
    add("--json", action="store_true", help="write a line of JSON for each to standard output")
    add_speakers(parser, "number of speakers")
    add_names(parser)
    add("--voices", type=Path, metavar="FILE", help="name known voices, from local/enroll.py")
    add(
        "--link",
        action="store_true",
        help="names that hold in all recordings, spk0001 ...; written when all are done",
    )
    add("--speaker-vectors", action="store_true", help="add speakers' mean x-vectors to the JSON")
    add_pipeline(parser)
    program.add_switch(parser, "--overlap", "whether several may speak at the same time", "true")
    add_configs(parser, "dec", "identity")
    add("--set", default="", metavar="'KEY=VALUE ...'", help="overrides of the DEC configuration")
    program.add_seed(parser)
    return parser


if __name__ == "__main__":
    survival.run(main)
