#!/usr/bin/env python3
"""Try VAD settings on a development set; print the best by the sum of miss and false alarm.

Usage: tune_vad.py [--vad combined|segmentation|silero|energy] [--config conf/vad.yaml] <data-dir>

Tries a grid of values for onset, offset, min_silence and pad (min_speech stays as configured), and for
'energy' also for its frame threshold. Writes nothing: copy your choice to the configuration.

Example: local/tune_vad.py data/dev
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import replace

from dec_cli import program  # isort: split

import numpy as np

from diar.audio import waveform
from diar.base import config
from diar.base.types import Region
from diar.kaldi import rttm, tables
from diar.speech import vad
from diar.speech.segmentation import Segmentation, SegmentationConfig

ONSETS = dict.fromkeys(vad.KINDS, (0.3, 0.4, 0.5, 0.6, 0.7)) | {"energy": (0.3, 0.5, 0.7, 0.9)}
OFFSET_RATIOS = (0.4, 0.7, 1.0)
MIN_SILENCES = (0.1, 0.2, 0.3, 0.5)
PADS = (0.0, 0.03, 0.06, 0.1)
# (threshold, mean_scale): Kaldi's own, and offsets from the mean log energy
ENERGIES = ((5.5, 0.5), (-1.0, 1.0), (-0.5, 1.0), (0.0, 1.0), (0.5, 1.0))

# For a recording: scores (n,) of frames, seconds per frame, seconds in all, speech in the reference.
Scored = tuple[np.ndarray, float, float, list[Region]]


def main() -> None:
    parser = program.parser(__doc__)
    program.add_config(parser, "conf/vad.yaml")
    parser.add_argument("--vad", choices=vad.KINDS, default="combined", help="the VAD to tune")
    program.add_paths(parser, "data_dir")
    args = parser.parse_args()
    options = config.load(vad.VadConfig, args.config, args.set.split())
    current = getattr(options, args.vad)
    wavs, _ = tables.read_wav_scp(args.data_dir / "wav.scp")
    reference = rttm.read_rttm(args.data_dir / "ref.rttm")
    audios = [(r, waveform.load(wavs[r])) for r in sorted(wavs)]
    speech = [
        vad.oracle_speech(reference.get(r, ()), len(x) / waveform.SAMPLE_RATE) for r, x in audios
    ]

    network = Segmentation(SegmentationConfig()) if args.vad in vad.LOCAL else None
    local = [network.local_speakers(x) for _, x in audios] if network else []

    def score_frames(energy: vad.Energy) -> list[Scored]:
        scored = []
        for i, ((_, samples), regions) in enumerate(zip(audios, speech, strict=True)):
            heard = functools.partial(local.__getitem__, i) if network else None
            scores, frame = vad.scores_of(samples, args.vad, energy, heard)
            scored.append((scores, frame, len(samples) / waveform.SAMPLE_RATE, regions))
        return scored

    rows = [(*evaluate(score_frames(options.energy_frames), current), "as configured")]
    energies = [options.energy_frames]
    if args.vad == "energy":
        energies = [replace(energies[0], threshold=t, mean_scale=m) for t, m in ENERGIES]
    for energy in energies:
        scored = score_frames(energy)
        for onset, ratio, silence, pad in itertools.product(
            ONSETS[args.vad], OFFSET_RATIOS, MIN_SILENCES, PADS
        ):
            setting = replace(
                current, onset=onset, offset=round(onset * ratio, 3), min_silence=silence, pad=pad
            )
            name = f"{setting} {energy}" if args.vad == "energy" else str(setting)
            rows.append((*evaluate(scored, setting), name))
    print("miss %  false alarm %  setting")
    for miss, false_alarm, name in [rows[0], *sorted(rows, key=lambda r: r[0] + r[1])[:10]]:
        print(f"{miss:6.2f}  {false_alarm:13.2f}  {name}")


def evaluate(material: list[Scored], setting: vad.Hysteresis) -> tuple[float, float]:
    """Compute (miss, false alarm) in % of reference speech."""
    total = vad.VadErrors(0.0, 0.0, 0.0)
    for scores, frame, duration, speech in material:
        total += vad.compare(speech, vad.regions_from_scores(scores, frame, duration, setting))
    return 100 * total.miss / total.speech, 100 * total.false_alarm / total.speech


if __name__ == "__main__":
    program.run(main)
