#!/usr/bin/env python3
"""Who spoke when in audio files, with the pretrained autoencoder.

Usage: diarize.py [options] <audio> ...

<audio> is a file, a folder (all audio in it and below it, by its ending; nothing hidden), or '-', audio
on standard input. Any rate, any number of channels (mixed, or one chosen), wav, flac, ogg, mp3 and
whatever else FFmpeg's libraries decode. Recordings are named after their files. A file that cannot be
read does not stop the others. Works offline once the models are in the cache.

The turns of all go to standard output as one RTTM; with --out each recording has an RTTM of its own
there, and with --json standard output has a line of JSON for each, instead. Everything else that is said
goes to standard error, unless --out leaves standard output free for it.

Examples:
  local/diarize.py meeting.wav > meeting.rttm
  local/diarize.py meeting.wav --html --out rttm
  local/diarize.py meeting.wav --html --words meeting.srt --embed-audio --out rttm
  local/diarize.py recordings/ --out rttm --skip-done
  local/diarize.py --num-spk 2 --channel 1 calls/*.flac --out rttm
  local/diarize.py --list data/test/wav.scp --json > turns.jsonl
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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli import program, survival
from cli.names import add_names, names_of, tell_unused
from cli.progress import Here, Progress
from cli.speakers import add_speakers, bounds_of
from diar import extractors
from diar.audio import waveform
from diar.audio.spool import Samples
from diar.base import config, devices
from diar.base.errors import DataError
from diar.base.names import no_blanks
from diar.base.numbers import parse_channel
from diar.base.seeds import seed_for
from diar.base.types import Bounds, Turn
from diar.exports.document import document_of
from diar.exports.recording import recording_of
from diar.kaldi import inputs, rttm
from diar.kaldi.inputs import STDIN, Input
from diar.kaldi.recordings import remarks
from diar.xvectors.windows import XVectorConfig

if TYPE_CHECKING:  # whoever asks for help does not wait for PyTorch, SciPy, pandas
    from diar.pipeline.recording import Diarization, Pipeline
    from diar.report.standalone import StandalonePage
    from diar.words.word import Word

CONF = Path(__file__).resolve().parents[1] / "conf"


@dataclass(frozen=True)
class Result:
    """What came of a recording: what was made of it, or why it failed.

    remarks: what was done to read it. turns: with the names of the speakers; none where it failed.
    samples: what was heard, mono. seconds: what all of it took.
    """

    given: Input
    duration: float = 0.0
    remarks: tuple[str, ...] = ()
    diarization: Diarization | None = None
    turns: Sequence[Turn] = ()
    samples: Samples | None = None
    seconds: float = 0.0
    error: str = ""


def main() -> None:
    args = parse()
    logging.getLogger().setLevel(logging.WARNING)
    if args.done:
        print(f"diarize.py: {args.done} recording(s) had been done before", file=sys.stderr)
    if args.inputs:
        diarize(args, *loaded(args))


def loaded(args: argparse.Namespace) -> tuple[Pipeline, Bounds]:
    """All stages, ready to run, and what is known of the number of speakers."""
    from diar.autoencoder import network
    from diar.pipeline.config import DecStageConfig
    from diar.pipeline.recording import Pipeline
    from diar.speech import vad
    from diar.speech.segmentation import Segmentation, SegmentationConfig

    device = devices.device_of(args.device)
    dec = config.load(DecStageConfig, args.dec_config, args.set.split())
    bounds = bounds_of(args, dec.max_speakers)
    xvector = config.load(XVectorConfig, args.xvector_config)
    if args.autoencoder is None and xvector.extractor != network.SHIPPED_EXTRACTOR:
        raise DataError(
            f"the autoencoder that ships is for {network.SHIPPED_EXTRACTOR}, not"
            f" {xvector.extractor}: train one (./run.sh --stop-stage 3) and give it with --autoencoder"
        )
    overlap = args.overlap == "true"
    segmentation = config.load(SegmentationConfig, args.segmentation_config)
    pipeline = Pipeline(
        extractors.get(xvector.extractor, device=device, threads=args.threads, **xvector.options),
        network.load_model(args.autoencoder or network.SHIPPED),
        args.vad,
        config.load(vad.VadConfig, args.vad_config),
        xvector,
        dec,
        Segmentation(segmentation, args.threads) if overlap or args.vad in vad.LOCAL else None,
        overlap,
    )
    return pipeline, bounds


def diarize(args: argparse.Namespace, pipeline: Pipeline, bounds: Bounds) -> None:
    """Do it for all inputs, and write what came of each; those that fail are named."""
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
    work = Here()
    progress = Progress([work])
    lengths = {} if progress.bar.disable else lengths_of(args.inputs)
    heard, audio = 0.0, sum(lengths.values())
    failed = 0
    page = page_of(args, pipeline)
    try:
        work.take(0, len(args.inputs), "files", heard, audio, progress.clock())
        progress.update()
        for done, result in enumerate(results(args, pipeline, bounds), 1):
            if survival.is_new(done):
                write(args, result, progress.say)
            if page and result.samples is not None:
                file = result.given.path if os.path.isfile(result.given.path) else None
                rate, words = pipeline.extractor.rate, words_of(args, result)
                page.add(result.given.recording, file, result.samples, rate, result.turns, words)
            length = lengths.get(result.given.recording, 0.0)
            if result.error:  # it was not worked through: the rate must not gain
                failed, audio = failed + 1, audio - length
            else:
                heard += length
            work.take(done, len(args.inputs), "files", heard, audio, progress.clock())
            progress.update()
        if page and (files := page.write()):
            size = sum(file.stat().st_size for file in files) / 1e6
            audio_size = (
                f", with {page.audio_bytes / 1e6:.1f} MB of audio" if page.audio_bytes else ""
            )
            progress.say(f"{page.out}: open it in a browser ({size:.1f} MB{audio_size})")
    finally:
        progress.close()
    tell_unused("diarize.py", args.called)
    if failed:
        raise DataError(f"{failed} of {len(args.inputs)} recording(s) could not be diarized")


def page_of(args: argparse.Namespace, pipeline: Pipeline) -> StandalonePage | None:
    """Make the page of all recordings, where one is wanted."""
    if not args.html:
        return None
    from diar.report.standalone import StandalonePage

    parts: dict[str, Any] = {"vad": pipeline.vad, "xvector": pipeline.xvector, "dec": pipeline.dec}
    configurations = {name: config.dump(part) for name, part in parts.items()}
    name = args.inputs[0].recording if len(args.inputs) == 1 else "diarization"
    out = (args.out or Path()) / f"{name}.html"
    return StandalonePage(out, shlex.join(sys.argv), configurations, args.embed_audio)


def words_of(args: argparse.Namespace, result: Result) -> Sequence[Word]:
    """Give the words of a recording to its speakers, by the names that these have in ``turns``."""
    from diar.words.assignment import assign

    made, words = result.diarization, args.spoken.get(result.given.recording, ())
    if made is None or not words:
        return ()
    found = assign(words, made.turns, made.exclusive).words
    called = {a.speaker: b.speaker for a, b in zip(made.turns, result.turns, strict=True)}
    return [word._replace(speaker=called.get(word.speaker, word.speaker)) for word in found]


def spoken(args: argparse.Namespace) -> Mapping[str, Sequence[Word]]:
    """Read the words of --words, by recording.

    Raises:
        DataError: the file cannot be read, or has words of none of the recordings.
    """
    from diar.words import reading

    if not args.words or not args.inputs:
        return {}
    found = reading.read(args.words, args.inputs[0].recording)
    for note in (*found.notes, *found.faults.values()):
        print(f"diarize.py: {args.words}: {note}", file=sys.stderr)
    names = [given.recording for given in args.inputs]
    if not set(names) & set(found.words):
        of = ", ".join(found.words) or "nothing"
        raise DataError(f"words of {of}, not of {', '.join(names)}: --name renames it", args.words)
    return found.words


def lengths_of(given: list[Input]) -> dict[str, float]:
    """Seconds of each recording, as the headers say; of none, unless all say."""
    lengths = {
        i.recording: waveform.header_duration(i.path) for i in given if os.path.isfile(i.path)
    }
    known = {recording: seconds for recording, seconds in lengths.items() if seconds}
    return known if len(known) == len(given) else {}


def results(args: argparse.Namespace, pipeline: Pipeline, bounds: Bounds) -> Iterator[Result]:
    """Yield what comes of each input, one after the other."""
    from diar.turns.doubts import doubts_of_turns

    rate = pipeline.extractor.rate
    for given in args.inputs:
        began = time.monotonic()
        name = given.recording
        if lost := survival.work_on(name):
            yield Result(given, error=f"{given.path}: {lost}")
            continue
        try:
            with inputs.open_input(given) as path:
                heard = waveform.read(path, rate, args.channel)
            made = pipeline.run(name, heard.samples, bounds, seed_for(args.seed, name))
            turns = args.called.rename(made.turns)
        except DataError as error:
            yield Result(given, error=str(error))
            continue
        done = [*remarks(heard, rate, args.channel), *made.doubts]
        done += doubts_of_turns(turns, bounds)
        duration = len(heard.samples) / rate
        took = time.monotonic() - began
        yield Result(given, duration, tuple(done), made, turns, heard.samples, took)


def write(args: argparse.Namespace, result: Result, say: Callable[..., None]) -> None:
    """Write turns, JSON and what is said where the options send them; ``say`` as ``Progress.say``."""
    file = rttm_of(args.out, result.given) if args.out else None
    if args.json:
        say(json.dumps(as_json(result)), sys.stdout)
    if result.error:
        say(f"diarize.py: {result.error}")
        return
    turns = result.turns
    written = [turn._replace(speaker=no_blanks(turn.speaker)) for turn in turns]
    if file:
        rttm.write_rttm(file, written)
    elif not args.json and (text := rttm.format_rttm(written)):
        say(text.rstrip("\n"), sys.stdout)
    speakers = len({turn.speaker for turn in turns})
    what = f"{speakers} speaker(s), {len(turns)} turns" if turns else "no speech"
    said = f"{file or result.given.recording}: {what} in {result.duration:.1f} s"
    if result.remarks:
        said += f" ({', '.join(result.remarks)})"
    say(said, sys.stdout if file and not args.json else sys.stderr)


def as_json(result: Result) -> dict[str, Any]:
    """Make the line of a recording: docs/diarization.schema.json, and what only this program knows."""
    name, path = result.given.recording, result.given.path
    if result.error:
        return {"recording": name, "media": str(path), "error": result.error}
    document = document_of(recording_of(name, result.turns, result.duration, path))
    seconds = round(result.seconds, 3)
    return {**document, "remarks": list(result.remarks), "processing_seconds": seconds}


def rttm_of(out: Path, given: Input) -> Path:
    """Name the RTTM of a recording."""
    return out / f"{given.recording}.rttm"


def parse() -> argparse.Namespace:
    """Read the arguments.

    What they name is in ``inputs``, how many are left out in ``done``, names in ``called``, words in ``spoken``.
    """
    parser = make_parser()
    args = parser.parse_args()
    args.called = names_of(args)
    if not args.audio and not args.list:
        parser.error("name files or folders of audio, '-' for standard input, or a --list")
    if (args.words or args.embed_audio) and not args.html:
        parser.error("--words and --embed-audio go with --html")
    if args.skip_done and not args.out:
        parser.error("--skip-done goes with --out")
    piped = [*args.audio, args.list].count(STDIN)
    if piped > 1 or piped and (sys.stdin is None or sys.stdin.isatty()):
        parser.error("'-' is standard input: pipe something into it, once")
    args.inputs = inputs.gather(args.audio, args.list)
    if args.name is not None:
        if len(args.inputs) > 1:
            parser.error(f"--name is of one recording, but there are {len(args.inputs)}")
        args.inputs = [inputs.rename(args.inputs[0], args.name)]
    todo = args.inputs
    if args.skip_done:
        todo = [given for given in args.inputs if not rttm_of(args.out, given).exists()]
    args.inputs, args.done = todo, len(args.inputs) - len(todo)
    args.spoken = spoken(args)
    return args


def channel(text: str) -> int:
    """Read --channel as reco2file_and_channel has it; counted from 0 here."""
    found = parse_channel(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no channel: they count from 1")
    return found


def make_parser() -> argparse.ArgumentParser:
    parser = program.parser(__doc__)
    add = parser.add_argument
    add("audio", type=Path, nargs="*", help="files and folders; '-': standard input")
    add(
        "--list",
        type=Path,
        metavar="FILE",
        help="more: lines '<file>' or, as wav.scp, '<id> <file>'",
    )
    add("--name", metavar="ID", help="of the recording, where there is one (default: as its file)")
    add("--out", type=Path, metavar="DIR", help="write <recording>.rttm of each there")
    add("--skip-done", action="store_true", help="leave out those whose RTTM is in --out already")
    add(
        "--html",
        action="store_true",
        help="a page to look at and to listen to, too, in --out or here: <recording>.html, or of several"
        " diarization.html; with --skip-done, of the new ones",
    )
    add(
        "--words",
        type=Path,
        metavar="FILE",
        help="what a recogniser has heard (CTM, STM, JSON of Whisper, WebVTT, SRT): the page says who says it",
    )
    add(
        "--embed-audio",
        action="store_true",
        help="the page has the audio in it (MP3, 14 MB an hour), so that it can be sent to somebody",
    )
    add("--json", action="store_true", help="a line of JSON for each on standard output")
    add_speakers(parser, "number of speakers")
    add_names(parser)
    add("--channel", type=channel, metavar="N", help="channel, counted from 1 (default: all mixed)")
    add(
        "--vad",
        choices=("combined", "segmentation", "silero", "energy"),
        default="combined",
        help="how speech is found",
    )
    program.add_switch(parser, "--overlap", "whether several may speak at the same time", "true")
    add("--autoencoder", type=Path, metavar="FILE", help="default: the one that ships")
    for option in ("segmentation", "vad", "xvector", "dec"):
        file = CONF / f"{option}.yaml"
        add(f"--{option}-config", metavar="FILE", default=file, help=f"default: conf/{file.name}")
    add("--set", default="", metavar="'KEY=VALUE ...'", help="overrides of the DEC configuration")
    program.add_seed(parser)
    threads = len(os.sched_getaffinity(0))
    add("--threads", type=int, metavar="N", default=threads, help="default: all cores")
    program.add_device(parser)
    return parser


if __name__ == "__main__":
    survival.run(main)
