#!/usr/bin/env python3
"""Score diarization hypotheses against references: DER, JER and speaker counts.

Usage: score.py [options] <ref.rttm|dir> <hyp.rttm|dir> <out-dir>

Writes per_recording.tsv, summary.json and results.md to <out-dir> and prints the totals. In a
directory every *.rttm counts; one without a turn is a recording in which nobody speaks.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import program
from diar import config, rttm, tables
from diar.files import write_text
from diar.scoring import ScoringConfig, evaluate
from diar.types import Turn

CONFIG = "conf/scoring.yaml"


def main() -> None:
    arguments = program.parser(__doc__)
    program.add_config(arguments, CONFIG)
    arguments.add_argument("--uem", help="regions to evaluate (default: 0 to the last turn)")
    arguments.add_argument(
        "--allow-extra", action="store_true", help="leave out recordings without a reference"
    )
    arguments.add_argument("reference", metavar="ref.rttm|dir")
    arguments.add_argument("hypothesis", metavar="hyp.rttm|dir")
    arguments.add_argument("out", metavar="out-dir", type=Path)
    args = arguments.parse_args()
    scoring = config.load(ScoringConfig, args.config, args.set.split())
    evaluation = evaluate(
        read(args.reference),
        read(args.hypothesis),
        rttm.read_uem(args.uem) if args.uem else None,
        scoring.protocols,
        args.allow_extra,
    )
    about = {
        "command": command(args),
        "reference": args.reference,
        "hypothesis": args.hypothesis,
        "uem": args.uem,
    }
    totals = tables.overview(evaluation)
    write_text(args.out / "per_recording.tsv", tables.per_recording_tsv(evaluation))
    write_text(
        args.out / "summary.json",
        json.dumps(tables.summary(evaluation, **about), indent=1, ensure_ascii=False) + "\n",
    )
    write_text(
        args.out / "results.md",
        f"{totals}\nMade by `{about['command']}`\n\n## Recordings\n\n{tables.recordings(evaluation)}",
    )
    print(totals, end="")


def read(path: str) -> dict[str, list[Turn]]:
    """Turns of a file or a directory; in a directory, a file without turns is a recording too."""
    turns = rttm.read_rttm(path)
    if Path(path).is_dir():
        spoken = {turn.recording for found in turns.values() for turn in found}
        for file in Path(path).glob("*.rttm"):
            if file.stem not in spoken and not rttm.read_rttm(file):
                turns[file.stem] = []
    return turns


def command(args) -> str:
    """The step that makes this result again."""
    options = [] if args.config == CONFIG else ["--scoring-config", args.config]
    options += ["--uem", args.uem] if args.uem else []
    options += ["--allow-extra", "true"] if args.allow_extra else []
    return shlex.join(["steps/score.sh", *options, args.reference, args.hypothesis, str(args.out)])


if __name__ == "__main__":
    program.run(main)
