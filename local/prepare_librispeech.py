#!/usr/bin/env python3
"""Make a data directory from a LibriSpeech folder (Panayotov et al., ICASSP 2015; CC BY 4.0).

Usage: prepare_librispeech.py [--utterances N] <LibriSpeech>/train-clean-100 <data-dir>

Takes the first N utterances of each speaker (0: all) to train an autoencoder on many voices. Each
recording is one utterance, with a single speaker.

Example: local/prepare_librispeech.py --utterances 1 LibriSpeech/train-clean-100 data/librispeech
"""

from __future__ import annotations

from pathlib import Path

from dec_cli import program
from diar.audio import waveform
from diar.base.errors import DataError
from diar.kaldi import tables


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--utterances", type=int, default=0, help="utterances per speaker; 0: all")
    parser.add_argument("corpus", type=Path, help="a part of LibriSpeech, as distributed")
    program.add_paths(parser, "data_dir")
    args = parser.parse_args()
    speakers: dict[str, list[Path]] = {}
    for path in sorted(args.corpus.glob("*/*/*.flac")):
        speakers.setdefault(path.parts[-3], []).append(path.resolve())
    if not speakers:
        raise DataError("no <speaker>/<chapter>/*.flac below it", args.corpus)
    chosen = {
        path.stem: path
        for paths in speakers.values()
        for path in paths[: args.utterances or len(paths)]
    }
    tables.write_map(args.data_dir / "wav.scp", chosen)
    tables.write_map(
        args.data_dir / "reco2dur", {r: f"{waveform.duration(p):.3f}" for r, p in chosen.items()}
    )
    tables.write_utt2spk(args.data_dir, {r: p.parts[-3] for r, p in chosen.items()})
    print(f"{args.data_dir}: {len(chosen)} utterances of {len(speakers)} speakers")


if __name__ == "__main__":
    program.run(main)
