#!/usr/bin/env python3
"""Score speech regions against the reference: miss and false alarm in % of reference speech.

Usage: score_vad.py <data-dir> <vad-dir> <out-dir>

Writes <out-dir>/vad_score.json. A recording without speech regions counts as missed; one that the VAD
could not read, or that has no reference, is excluded.

Example: local/score_vad.py data/test exp/vad_combined/test exp/by_hand/vad_score
"""

from __future__ import annotations

import json

from dec_cli import program
from diar.base.files import write_text
from diar.kaldi import rttm, tables
from diar.speech import vad


def main() -> None:
    parser = program.parser(__doc__)
    program.add_paths(parser, "data_dir", "vad_dir", "out_dir")
    args = parser.parse_args()
    reference = rttm.read_rttm(args.data_dir / "ref.rttm")
    durations = tables.read_numbers(args.vad_dir / "reco2dur")
    found = tables.read_regions(args.vad_dir / "segments")
    total = vad.VadErrors(0.0, 0.0, 0.0)
    for recording, duration in durations.items():
        if recording in reference:
            speech = vad.oracle_speech(reference[recording], duration)
            total += vad.compare(speech, found.get(recording, []))
    figures = {
        "speech_s": round(total.speech, 3),
        "miss": round(100 * total.miss / max(total.speech, 1e-9), 3),
        "fa": round(100 * total.false_alarm / max(total.speech, 1e-9), 3),
    }
    write_text(args.out_dir / "vad_score.json", json.dumps(figures) + "\n")
    if not total.speech:
        print(f"VAD of {args.data_dir}: not scored, the reference has no turns of its recordings")
        return
    unknown = len(durations.keys() - reference.keys())
    print(
        f"VAD of {args.data_dir}: miss {figures['miss']:.2f} %, false alarm {figures['fa']:.2f} %"
        f" of {total.speech:.0f} s of speech"
        + (f"; {unknown} recording(s) without reference excluded" if unknown else "")
    )


if __name__ == "__main__":
    program.run(main)
