#!/usr/bin/env python3
"""Import the x-vectors of a Kaldi directory (steps/import_xvectors.sh).

Usage: import_xvectors.py <kaldi-xvector-dir> <out-dir>

Example: local/import_xvectors.py exp/xvectors_campplus/test exp/by_hand/imported
"""

from __future__ import annotations

from dec_cli import program, survival
from dec_cli.share import Share
from diar.base.errors import DataError
from diar.base.types import concatenate
from diar.kaldi import arks, tables, xvector_dir
from diar.kaldi.normalization import Normalization
from diar.kaldi.plda import write_plda


def main() -> None:
    parser = program.parser(__doc__)
    program.add_paths(parser, "kaldi_dir", "out_dir")
    args = parser.parse_args()
    xvectors = xvector_dir.of_others(args.kaldi_dir)
    normalize = Normalization(args.kaldi_dir)
    if normalize.steps:
        print(f"import_xvectors.py: {', '.join(normalize.steps)}")

    share = Share(args.out_dir, "1/1")
    windows = []
    ark, scp = args.out_dir / "xvector.1.ark", share.dir / "xvector.scp"
    with arks.open_ark(ark, scp) as writer:
        for recording in share.of(dict.fromkeys(xvectors.windows, 1.0)):
            with share.guard(recording):
                theirs = xvectors.load(recording)
                vectors = normalize(theirs.vectors)
                for name, vector in zip(theirs.subsegments.ids, vectors, strict=True):
                    writer(name, vector)
                windows.append(theirs.subsegments)
    if not windows:
        reason = next(iter(share.failed.values()), "no segments")
        raise DataError(f"none of its recordings can be used: {reason}", args.kaldi_dir)
    if normalize.plda:
        print(
            "import_xvectors.py: found a plda, which may be the speaker space (conf/dec_plda.yaml)"
        )
        write_plda(args.out_dir / "plda", normalize.plda)
    tables.write_segments(share.dir, concatenate(windows))
    durations = tables.read_durations(args.kaldi_dir)
    share.write("reco2dur", (f"{r} {seconds:.3f}\n" for r, seconds in durations.items()))
    share.close()


if __name__ == "__main__":
    survival.run(main)
