#!/usr/bin/env python3
"""Find the speech of the recordings of a data directory (one job of steps/make_vad.sh)."""

from __future__ import annotations

from pathlib import Path

import program
from diar import audio, config, kaldi_data, rttm, vad
from diar.errors import DataError


def main() -> None:
    arguments = program.parser(__doc__)
    program.add_config(arguments, "conf/vad.yaml")
    program.add_job(arguments)
    arguments.add_argument("--vad", choices=vad.KINDS, default="silero")
    arguments.add_argument("data_dir", type=Path)
    arguments.add_argument("out_dir", type=Path)
    args = arguments.parse_args()
    options = config.load(vad.VadConfig, args.config, args.set.split())
    wavs, faults = kaldi_data.read_wav_scp(args.data_dir / "wav.scp")
    reference = rttm.read_rttm(args.data_dir / "ref.rttm") if args.vad == "oracle" else {}

    share = program.Share(args.out_dir, args.job)
    segments: list[str] = []
    durations: list[str] = []
    silent: list[str] = []
    names = sorted(wavs | faults)
    for recording in share.of(names, [_size(wavs.get(name)) for name in names]):
        with share.guard(recording):
            if recording in faults:
                raise DataError(faults[recording])
            samples = audio.load(wavs[recording])
            duration = len(samples) / audio.SAMPLE_RATE
            if args.vad == "oracle":
                regions = vad.speech_of(reference.get(recording, []), duration)
            else:
                regions = vad.find_speech(samples, args.vad, options)
            durations.append(f"{recording} {duration:.3f}\n")
            lines = [
                f"{kaldi_data.segment_id(recording, start, end)} {recording} {start:.3f} {end:.3f}\n"
                for start, end in regions
                if round(end, 3) > round(start, 3)
            ]
            segments += lines
            if not lines:
                program.log.warning("%s: no speech found", recording)
                silent.append(f"{recording}\n")
    share.write("segments", segments)
    share.write("utt2spk", (f"{line.split()[0]} {line.split()[1]}\n" for line in segments))
    share.write("reco2dur", durations)
    share.write("no_speech", silent)
    share.close()


def _size(path: Path | None) -> int:
    return path.stat().st_size if path else 0


if __name__ == "__main__":
    program.run(main)
