#!/usr/bin/env python3
"""Score diarization hypotheses against references: DER, JER and speaker counts.

Usage: score.py [options] <ref.rttm|dir> <hyp.rttm|dir> <out-dir>

Writes per_recording.tsv, summary.json and results.md to <out-dir> and prints the totals. Of a directory,
every *.rttm is read; one without turns is a recording in which nobody speaks. With --across, names of
speakers are global: they are mapped once, for the whole collection.

Example: local/score.py data/test/ref.rttm exp/dec_default/test/rttm exp/by_hand/score
"""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path

from dec_cli import program
from diar.base import config
from diar.base.files import write_text
from diar.base.types import Turn
from diar.kaldi import rttm
from diar.scoring import frame, text
from diar.scoring.across import chain
from diar.scoring.rates import ScoringConfig, evaluate

CONFIG = "conf/scoring.yaml"


def main() -> None:
    parser = program.parser(__doc__)
    program.add_config(parser, CONFIG)
    parser.add_argument("--uem", help="regions to evaluate (default: 0 to the last turn)")
    parser.add_argument(
        "--allow-extra", action="store_true", help="exclude recordings without a reference"
    )
    parser.add_argument(
        "--across", action="store_true", help="one speaker mapping for all recordings together"
    )
    parser.add_argument("reference", metavar="ref.rttm|dir", help="true turns")
    parser.add_argument("hypothesis", metavar="hyp.rttm|dir", help="turns to score")
    parser.add_argument("out", metavar="out-dir", type=Path, help=program.PATHS["out_dir"])
    args = parser.parse_args()
    scoring = config.load(ScoringConfig, args.config, args.set.split())
    sides = {side: rttm.load_rttm(getattr(args, side)) for side in ("reference", "hypothesis")}
    uem = rttm.read_uem(args.uem) if args.uem else None
    reference, hypothesis = (turns(getattr(args, side), file) for side, file in sides.items())
    evaluation = evaluate(reference, hypothesis, uem, scoring.protocols, args.allow_extra)
    if args.across:  # after checking the recordings
        inside = {name: hypothesis[name] for name in hypothesis if name not in evaluation.extra}
        evaluation = evaluate(*chain(reference, inside, uem), scoring.protocols)
    about = {
        "command": command(args),
        "reference": args.reference,
        "hypothesis": args.hypothesis,
        "uem": args.uem,
        "lines_passed_over": {side: file.skipped for side, file in sides.items()},
        "turns_of_no_length": {side: file.empty for side, file in sides.items()},
    }
    remarks = [note for side, file in sides.items() for note in text.file_notes(side, file)]
    scores = frame.make_frame(evaluation)
    totals = text.overview(evaluation, scores, remarks)
    write_text(args.out / frame.FILE, frame.to_tsv(scores))
    write_text(
        args.out / "summary.json",
        json.dumps(text.summary(evaluation, scores, **about), indent=1, ensure_ascii=False) + "\n",
    )
    write_text(
        args.out / "results.md",
        f"{totals}\nMade by `{about['command']}`\n\n"
        f"## Recordings\n\n{text.recordings(scores)}\n"
        "## Numbers of speakers\n\nRecordings by the number of speakers in the reference and the"
        f" number found.\n\n{text.count_matrix(frame.first_protocol(scores))}",
    )
    print(totals, end="")


def turns(path: str, file: rttm.Rttm) -> dict[str, list[Turn]]:
    """Return turns by recording; in a directory, a file without turns is a silent recording."""
    silent = file.silent if Path(path).is_dir() else ()
    return {**{name: [] for name in (*silent, *file.empty)}, **file.turns}


def command(args: argparse.Namespace) -> str:
    """Return the command of the step that makes this result again."""
    options = [] if args.config == CONFIG else ["--scoring-config", args.config]
    options += ["--uem", args.uem] if args.uem else []
    options += ["--allow-extra", "true"] if args.allow_extra else []
    options += ["--across", "true"] if args.across else []
    return shlex.join(["steps/score.sh", *options, args.reference, args.hypothesis, str(args.out)])


if __name__ == "__main__":
    program.run(main)
