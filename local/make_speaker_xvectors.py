#!/usr/bin/env python3
"""Average the x-vectors of each speaker in each recording (steps/make_speaker_xvectors.sh).

Usage: make_speaker_xvectors.py <xvector-dir> <rttm> <out-dir>

Writes <out-dir>/spk_xvector.scp and spk_xvector.ark: the mean x-vector of each speaker, weighted by the time
in which only that speaker talks; and num_secs, that time. The ids are the names of the speakers if they begin
with that of their recording, as DEC's do, otherwise <recording>-<speaker>. Recordings whose x-vectors cannot
be used are listed in failed.

Example: local/make_speaker_xvectors.py exp/xvectors_campplus/test exp/dec_default/test/rttm exp/by_hand/speakers
"""

from __future__ import annotations

from pathlib import Path

from dec_cli import program
from dec_cli.speaker_tables import load_each
from diar.base.errors import DataError
from diar.kaldi import arks
from diar.kaldi.rttm import read_rttm
from diar.kaldi.tables import write_map
from diar.kaldi.xvector_dir import XVectorDir


def main() -> None:
    parser = program.parser(__doc__)
    program.add_paths(parser, "xvector_dir")
    parser.add_argument("rttm", type=Path, help="who speaks in each recording")
    program.add_paths(parser, "out_dir")
    args = parser.parse_args()

    from diar.identity.profiles import mean_xvectors, solo_seconds

    vectors, seconds = {}, {}
    for recording, turns, xvectors in load_each(
        XVectorDir(args.xvector_dir), read_rttm(args.rttm), args.out_dir
    ):
        alone = solo_seconds(xvectors.subsegments, turns)
        for speaker, vector in mean_xvectors(xvectors, turns).items():
            mine = speaker.startswith(f"{recording}_")
            key = speaker if mine else f"{recording}-{speaker}"
            vectors[key], seconds[key] = vector, f"{alone[speaker].sum():.3f}"
    if not vectors:
        raise DataError("no turns with x-vectors", args.rttm)
    args.out_dir.mkdir(parents=True, exist_ok=True)
    arks.write_ark(args.out_dir / "spk_xvector.ark", dict(sorted(vectors.items())))
    write_map(args.out_dir / "num_secs", seconds)
    print(f"{args.out_dir}: mean x-vectors of {len(vectors)} speakers")


if __name__ == "__main__":
    program.run(main)
