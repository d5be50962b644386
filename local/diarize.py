#!/usr/bin/env python3
"""Who spoke when in audio files: one RTTM per file, with the pretrained autoencoder.

Usage: diarize.py [options] some.wav [more.flac ...] --out <dir>

Any rate, any number of channels (mixed, or one chosen), wav, flac, ogg, mp3 and whatever else FFmpeg's
libraries decode. Works offline once the models are in the cache. A file that cannot be read does not
stop the others; the exit status is then 1.

  local/diarize.py meeting.wav --out rttm
  local/diarize.py --num-spk 2 --channel 0 calls/*.flac --out rttm
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from tqdm import tqdm

import program
from diar import audio, autoencoder, config, devices, extractors, rttm
from diar.autoencoder import SHIPPED_EXTRACTOR
from diar.clustering import Bounds
from diar.diarization import DecConfig
from diar.errors import DataError
from diar.pipeline import Pipeline
from diar.seeds import seed_for
from diar.subsegments import XVectorConfig
from diar.vad import VadConfig

CONF = Path(__file__).resolve().parents[1] / "conf"


def main() -> None:
    args = parse()
    logging.getLogger().setLevel(logging.WARNING)
    names = recording_names(args.audio)
    device = devices.device_of(args.device)
    args.out.mkdir(parents=True, exist_ok=True)
    dec = config.load(DecConfig, args.dec_config, args.set.split())
    try:
        most = max(args.max_spk or dec.max_speakers, args.min_spk)
        bounds = Bounds(args.num_spk, args.min_spk, args.max_spk or most)
    except ValueError as error:
        raise DataError(str(error)) from None
    xvector = config.load(XVectorConfig, args.xvector_config)
    if args.autoencoder == autoencoder.SHIPPED and xvector.extractor != SHIPPED_EXTRACTOR:
        raise DataError(
            f"the autoencoder that ships is for {SHIPPED_EXTRACTOR}, not {xvector.extractor}: train one"
            " (./run.sh --stop-stage 3) and give it with --autoencoder"
        )
    pipeline = Pipeline(
        extractors.get(xvector.extractor, **xvector.options),
        autoencoder.load_model(args.autoencoder, device),
        args.vad,
        config.load(VadConfig, args.vad_config),
        xvector,
        dec,
    )
    failed = 0
    for name, path in tqdm(names.items(), disable=None, unit="file", delay=3):
        try:
            samples = audio.listen(path, pipeline.extractor.rate, args.channel).samples
            turns = pipeline(name, samples, bounds, seed_for(args.seed, name))
        except DataError as error:
            print(f"diarize.py: {error}", file=sys.stderr)
            failed += 1
            continue
        rttm.write_rttm(args.out / f"{name}.rttm", turns)
        speakers = len({turn.speaker for turn in turns})
        found = f"{speakers} speaker(s), {len(turns)} turns" if turns else "no speech"
        print(f"{args.out / name}.rttm: {found} in {len(samples) / pipeline.extractor.rate:.1f} s")
    if failed:
        raise DataError(f"{failed} of {len(names)} file(s) could not be diarized")


def parse():
    arguments = program.parser(__doc__)
    add = arguments.add_argument
    add("audio", type=Path, nargs="+")
    add("--out", type=Path, required=True, help="directory of the RTTMs")
    add("--num-spk", type=int, help="number of speakers (default: estimated)")
    add("--min-spk", type=int, default=Bounds.least)
    add("--max-spk", type=int, help="default: as configured")
    add("--channel", type=int, help="channel, counted from 0 (default: all mixed)")
    add("--vad", choices=("silero", "energy"), default="silero")
    add("--autoencoder", type=Path, default=autoencoder.SHIPPED)
    add("--vad-config", default=CONF / "vad.yaml")
    add("--xvector-config", default=CONF / "xvector.yaml")
    add("--dec-config", default=CONF / "dec.yaml")
    add("--set", default="", metavar="'KEY=VALUE ...'", help="overrides of the DEC configuration")
    add("--seed", type=int, default=0)
    program.add_device(arguments)
    return arguments.parse_args()


def recording_names(paths: list[Path]) -> dict[str, Path]:
    """Recording ids from file names; blanks, which an RTTM cannot hold, become '_'."""
    names: dict[str, Path] = {}
    for path in paths:
        name = "_".join(path.stem.split())
        if name in names:
            raise DataError(f"{path} and {names[name]} would both be {name}.rttm: rename one")
        names[name] = path
    return names


if __name__ == "__main__":
    program.run(main)
