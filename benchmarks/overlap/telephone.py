#!/usr/bin/env python3
"""Send the recordings of a data directory over a telephone line.

Usage: benchmarks/overlap/telephone.py <data-dir> <out-dir>

<out-dir> becomes a data directory of the same turns: 8 kHz, 300 to 3400 Hz, mu-law (ITU-T G.711).

Example: benchmarks/overlap/telephone.py data/dev data/dev_telephone
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import soundfile
import soxr
from scipy.signal import butter, sosfiltfilt

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "local"))
from dec_cli import program
from diar.audio.waveform import SAMPLE_RATE
from diar.kaldi.recordings import Recordings
from diar.kaldi.rttm import read_rttm
from diar.simulation.mini_corpus import write_data_dir

RATE = 8000
BAND = [300, 3400]  # Hz


def main() -> None:
    parser = program.parser(__doc__)
    program.add_paths(parser, "data_dir", "out_dir")
    args = parser.parse_args()
    recordings = Recordings(args.data_dir)
    (args.out_dir / "line").mkdir(parents=True, exist_ok=True)
    line = butter(4, BAND, btype="bandpass", fs=RATE, output="sos")
    wavs = []
    for name in recordings.names:
        heard = sosfiltfilt(line, soxr.resample(recordings.load(name)[0], SAMPLE_RATE, RATE))
        peak = np.abs(heard).max(initial=1e-9)
        wavs.append(args.out_dir / "line" / f"{name}.wav")
        soundfile.write(wavs[-1], 0.9 * heard / peak, RATE, "ULAW")
    turns = [turn for said in read_rttm(args.data_dir / "ref.rttm").values() for turn in said]
    write_data_dir(args.out_dir, wavs, turns)
    (args.out_dir / "line").rmdir()


if __name__ == "__main__":
    program.run(main)
