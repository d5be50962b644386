#!/usr/bin/env python3
"""Find the local speakers of each recording with the segmentation (one job of steps/find_local_speakers.sh).

Usage: find_local_speakers.py [options] <data-dir> <out-dir>

With --prepare, downloads and prepares the model, and writes <out-dir>/config.yaml.

Example: local/find_local_speakers.py data/real_sample exp/by_hand/local_speakers
"""

from __future__ import annotations

from dec_cli import program, survival
from dec_cli.share import Share, add_job
from diar.base import config
from diar.base.files import write_text
from diar.kaldi import arks
from diar.kaldi.recordings import Recordings
from diar.speech.segmentation import Segmentation, SegmentationConfig
from diar.xvectors.windows import segment_id


def main() -> None:
    parser = program.parser(__doc__)
    program.add_config(parser, "conf/segmentation.yaml")
    add_job(parser)
    parser.add_argument(
        "--prepare", action="store_true", help="fetch the model, write config.yaml, exit"
    )
    program.add_paths(parser, "data_dir", "out_dir")
    args = parser.parse_args()
    options = config.load(SegmentationConfig, args.config, args.set.split())
    if args.check:
        return
    network = Segmentation(options)
    if args.prepare:
        first, shift = network.geometry.frames
        write_text(args.out_dir / "frames", f"{first:.9f} {shift:.9f}\n")
        write_text(args.out_dir / "config.yaml", config.dump(options))
        return
    recordings = Recordings(args.data_dir)
    share = Share(args.out_dir, args.job, ["segments"])
    ark = args.out_dir / f"activity.{share.job}.ark"
    with arks.open_ark(ark, share.dir / "activity.scp") as writer:
        for recording in share.of(recordings.sizes, recordings.seconds):
            with share.guard(recording):
                samples, _ = recordings.load(recording)
                local = network.local_speakers(samples)
                writer(recording, local.activity.reshape(-1, local.activity.shape[2]))
                for number in range(len(local.starts)):
                    start, end = local.span(number)
                    name = segment_id(recording, start, end)
                    share.lines["segments"].append(f"{name} {recording} {start:.3f} {end:.3f}\n")
    share.close()


if __name__ == "__main__":
    survival.run(main)
