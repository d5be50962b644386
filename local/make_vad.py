#!/usr/bin/env python3
"""Find the speech in the recordings of a data directory (one job of steps/make_vad.sh).

Usage: make_vad.py [options] <data-dir> <out-dir>

Example: local/make_vad.py --vad energy data/real_sample exp/by_hand/vad
"""

from __future__ import annotations

import functools
from pathlib import Path

from dec_cli import program, survival
from dec_cli.share import Share, add_job, log
from diar.audio import waveform
from diar.base import config
from diar.base.regions import intersection
from diar.kaldi.local_speakers import LocalSpeakersDir
from diar.kaldi.recordings import Recordings
from diar.speech import vad
from diar.speech.given import FILES, given_speech
from diar.xvectors import windows


def main() -> None:
    parser = program.parser(__doc__)
    program.add_config(parser, "conf/vad.yaml")
    add_job(parser)
    parser.add_argument(
        "--vad", choices=(*vad.KINDS, *FILES), default="silero", help="how to find speech"
    )
    parser.add_argument(
        "--local-speakers",
        type=Path,
        metavar="DIR",
        help="local speakers of the same recordings, for combined and segmentation",
    )
    program.add_switch(
        parser, "--inside-segments", "keep only speech inside the segments of the data directory"
    )
    program.add_paths(parser, "data_dir", "out_dir")
    args = parser.parse_args()
    options = config.load(vad.VadConfig, args.config, args.set.split())
    if args.vad in vad.LOCAL and not args.local_speakers:
        parser.error(f"--vad {args.vad} needs --local-speakers")
    if args.check:
        return
    recordings = Recordings(args.data_dir)
    shift = options.frame_shift
    given = given_speech(args.data_dir, args.vad, shift) if args.vad in FILES else None
    local = LocalSpeakersDir(args.local_speakers) if args.vad in vad.LOCAL else None
    inside = given_speech(args.data_dir, "segments") if args.inside_segments == "true" else None

    share = Share(args.out_dir, args.job, ("segments", "utt2spk", "reco2dur", "no_speech", "audio"))
    share.state(options)
    for recording in share.of(recordings.sizes, recordings.seconds):
        with share.guard(recording):
            samples, remarks = recordings.load(recording)
            duration = len(samples) / waveform.SAMPLE_RATE
            if given:
                regions = given.regions(recording, duration)
            else:
                heard = functools.partial(local.load, recording) if local else None
                regions, doubts = vad.speech_and_doubts(samples, args.vad, options, heard)
                remarks += doubts
            if inside:
                regions = intersection(regions, inside.regions(recording, duration))
            share.lines["audio"] += [f"{recording} {remark}\n" for remark in remarks]
            share.lines["reco2dur"].append(f"{recording} {duration:.3f}\n")
            regions = [r for r in regions if round(r.end, 3) > round(r.start, 3)]
            for start, end in regions:
                name = windows.segment_id(recording, start, end)
                share.lines["segments"].append(f"{name} {recording} {start:.3f} {end:.3f}\n")
                share.lines["utt2spk"].append(f"{name} {recording}\n")
            if not regions:
                log.warning("%s: no speech found", recording)
                share.lines["no_speech"].append(f"{recording}\n")
    share.close()


if __name__ == "__main__":
    survival.run(main)
