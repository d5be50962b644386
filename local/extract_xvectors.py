#!/usr/bin/env python3
"""Cut speech into windows and extract their x-vectors (one job of steps/extract_xvectors.sh).

Usage: extract_xvectors.py [options] <data-dir> <vad-dir> <out-dir>

With --prepare, checks the input, downloads and prepares the extractor, and writes <out-dir>/config.yaml.

Example: local/extract_xvectors.py data/real_sample exp/vad_combined/real_sample exp/by_hand/xvectors
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dec_cli import program, survival  # isort: split

import numpy as np

from dec_cli.share import Share, add_job, log
from diar import extractors
from diar.base import config, devices
from diar.base.errors import DataError
from diar.base.files import write_text
from diar.base.types import Region, Subsegments, concatenate
from diar.kaldi import arks, tables
from diar.kaldi.recordings import Recordings
from diar.xvectors import extraction
from diar.xvectors.windows import MILLISECOND, XVectorConfig


def main() -> None:
    parser = program.parser(__doc__)
    program.add_config(parser, "conf/xvector.yaml")
    program.add_device(parser)
    add_job(parser)
    parser.add_argument(
        "--prepare", action="store_true", help="check, fetch the extractor, write config.yaml, exit"
    )
    program.add_paths(parser, "data_dir", "vad_dir", "out_dir")
    args = parser.parse_args()
    options = config.load(XVectorConfig, args.config, args.set.split())
    device = devices.device_of(args.device)
    source = Source(args.data_dir, args.vad_dir)
    extractor = extractors.get(options.extractor, device=device, **options.options)
    if options.dim not in (None, extractor.dim):
        raise DataError(
            f"extractor {extractor.name!r} makes vectors of dimension {extractor.dim}, not {options.dim}",
            args.config,
        )
    if args.check:
        return
    if args.prepare:
        done = replace(options, dim=extractor.dim)
        write_text(args.out_dir / "config.yaml", config.dump(done))
    else:
        extract(source, extractor, options, args.out_dir, args.job)


class Source:
    """Audio files, speech regions and durations of a set."""

    def __init__(self, data_dir: Path, vad_dir: Path):
        self.recordings = Recordings(data_dir)
        self.faults = self.recordings.faults
        known = self.recordings.names
        self.regions = tables.read_regions(vad_dir / "segments")
        self.durations = tables.read_durations(vad_dir)
        strangers = sorted(self.regions.keys() - set(known))
        if strangers and len(strangers) == len(self.regions):
            raise DataError(
                f"none of its recordings is in {data_dir / 'wav.scp'}, the first is {strangers[0]!r}",
                vad_dir / "segments",
            )
        for recording in {*strangers, *self.durations} - set(known):
            self.faults[recording] = f"in {vad_dir / 'segments'}, but not in {data_dir / 'wav.scp'}"

    def speech(self) -> dict[str, float]:
        """Return seconds of speech of the recordings seen by the VAD; without reco2dur, of all recordings."""
        seen = self.durations.keys() or self.recordings.names
        regions = {name: self.regions.get(name, []) for name in sorted({*seen, *self.regions})}
        return {name: sum(end - start for start, end in some) for name, some in regions.items()}


def extract(
    source: Source,
    extractor: extractors.Extractor,
    options: XVectorConfig,
    out_dir: Path,
    job: str,
) -> None:
    """Write the x-vectors of one job's recordings to <out-dir>/xvector.JOB.ark and jobs/JOB."""
    share = Share(out_dir, job, ["reco2dur"])
    windows: list[Subsegments] = []
    ark, scp = out_dir / f"xvector.{share.job}.ark", share.dir / "xvector.scp"
    with arks.open_ark(ark, scp) as writer:
        for recording in share.of(source.speech(), lambda r: source.durations.get(r, 0.0)):
            with share.guard(recording):
                found, vectors, duration = embed(source, recording, extractor, options)
                for name, vector in zip(found.ids, vectors, strict=True):
                    writer(name, vector)
                windows.append(found)
                share.lines["reco2dur"].append(f"{recording} {duration:.3f}\n")
    tables.write_segments(share.dir, concatenate(windows))
    share.close()


def embed(
    source: Source, recording: str, extractor: extractors.Extractor, options: XVectorConfig
) -> tuple[Subsegments, np.ndarray, float]:
    """Return the windows of a recording, their x-vectors (n, dim), and its duration in seconds."""
    regions = source.regions.get(recording, [])
    if not regions and recording in source.durations and recording not in source.faults:
        return concatenate([]), np.zeros((0, extractor.dim)), source.durations[recording]
    samples, _ = source.recordings.load(recording, extractor.rate)
    duration = len(samples) / extractor.rate
    check_ends(recording, regions, duration)
    found = extraction.extract(options, extractor, recording, regions, samples)
    return found.subsegments, found.vectors, duration


def check_ends(recording: str, regions: list[Region], duration: float) -> None:
    """Fail if all speech is beyond the end of the audio; warn if some is.

    A difference of a tenth of a second may come from rounding or resampling.
    """
    if regions and regions[0].start > duration - MILLISECOND:
        raise DataError(
            f"its speech starts at {regions[0].start:.3f} s, but the audio ends at {duration:.3f} s"
        )
    if regions and regions[-1].end > duration + 0.1:
        log.warning(
            "%s: speech until %.3f s, but the audio ends at %.3f s: left out the rest",
            recording, regions[-1].end, duration,
        )  # fmt: skip


if __name__ == "__main__":
    survival.run(main)
