#!/usr/bin/env python3
"""Write the recordings of a data directory twice: plainly, and as a Kaldi directory of a telephone corpus.

Usage: make.py <data-dir> <vad-dir> <out-dir>

<out-dir>/plain: 8 kHz mono files, named in wav.scp. <out-dir>/telephone: 8 kHz stereo files with the
recording in channel B and another one in A; half of them read by commands, half by relative paths;
reco2file_and_channel, segments (of up to 30 s), utt2spk and vad.scp (decisions of frames of 10 ms, from
the regions of <vad-dir>); rttm instead of ref.rttm, uem instead of all.uem, unsorted.

Example: benchmarks/kaldi_directory/make.py data/test exp/vad_combined/test exp/kaldi_directory
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "local"))
from dec_cli import program
from diar.audio import waveform
from diar.kaldi import arks, tables
from diar.kaldi.recordings import Recordings

RATE = 8000
UTTERANCE = 30.0  # seconds, of segments


def main() -> None:
    parser = program.parser(__doc__)
    program.add_paths(parser, "data_dir", "vad_dir", "out_dir")
    args = parser.parse_args()
    recordings = Recordings(args.data_dir)
    plain, telephone = args.out_dir / "plain", args.out_dir / "telephone"
    for directory in (plain / "wav", telephone / "wav"):
        directory.mkdir(parents=True, exist_ok=True)
    for name, other in (("ref.rttm", "rttm"), ("all.uem", "uem")):
        shutil.copy(args.data_dir / name, plain / name)
        shutil.copy(args.data_dir / name, telephone / other)

    speech = tables.read_regions(args.vad_dir / "segments")
    wavs, channels, segments, speakers, decisions = [], [], [], [], {}
    before = np.zeros(RATE, np.float32)
    for i, name in enumerate(recordings.names):
        samples, _ = recordings.load(name, RATE)
        waveform.save(plain / "wav" / f"{name}.wav", samples, RATE)
        samples = waveform.load(plain / "wav" / f"{name}.wav", RATE)
        stereo = np.stack([np.resize(before, len(samples)), samples], axis=1)
        path = telephone / "wav" / f"{name}.wav"
        soundfile.write(path, stereo, RATE, subtype="PCM_16")
        before = samples
        wavs.append(f"{name} cat {path.absolute()} |\n" if i % 2 else f"{name} wav/{name}.wav\n")
        channels.append(f"{name} {name} B\n")
        duration = len(samples) / RATE
        frames = np.zeros(int(100 * duration), np.float32)
        for start, end in speech.get(name, []):
            frames[round(100 * start) : round(100 * end)] = 1
        for start in np.arange(0, duration, UTTERANCE):
            end = min(start + UTTERANCE, duration)
            utterance = f"{name}-{round(100 * start):06d}-{round(100 * end):06d}"
            segments.append(f"{utterance} {name} {start:.2f} {end:.2f}\n")
            speakers.append(f"{utterance} {name}\n")
            decisions[utterance] = frames[round(100 * start) : round(100 * end)]
    (plain / "wav.scp").write_text(
        "".join(f"{name} {plain.absolute()}/wav/{name}.wav\n" for name in recordings.names)
    )
    for name, lines in (
        ("wav.scp", wavs), ("reco2file_and_channel", channels), ("segments", segments), ("utt2spk", speakers),
    ):  # fmt: skip
        (telephone / name).write_text("".join(reversed(lines)))
    arks.write_ark(telephone / "vad.ark", decisions, telephone / "vad.scp")


if __name__ == "__main__":
    program.run(main)
