#!/usr/bin/env python3
"""Do our scores agree with NIST's md-eval.pl and with spy-der, and which is faster?

Usage: benchmarks/scoring_agreement/run.py [--repeats N] [<rttm-dir>]

The references are those of <rttm-dir> (or $VOXCONVERSE_RTTM); without one, 216 simulated
conversations with the turn-taking of conf/turn_taking.yaml. The hypotheses are these, perturbed
(perturb.py, seeded). Every third recording is evaluated in two regions only. Each protocol is scored
by all, recording by recording; then local/score.py (all protocols at once) is timed against md-eval.pl
(once for each).

md-eval.pl and spy-der pair the speakers before they leave collars and overlap out; pyannote.metrics and
our DER after. So each recording has two figures of ours, and the second, 'md-eval pairing', is
what has to agree.

Needs perl; md-eval.pl is fetched (apt-get download sctk). spy-der is left out where it is not
installed: pip install spy-der==0.4.1 (needs a C++ compiler).

Example: benchmarks/scoring_agreement/run.py --repeats 1

Exit status: 0 all agree; 1 a difference has no explanation; 2 wrong usage; 130 interrupted.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "local"))

import judges  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from perturb import perturb  # noqa: E402

from dec_cli import program  # noqa: E402
from diar.base import config  # noqa: E402
from diar.base.files import write_text  # noqa: E402
from diar.base.regions import merge_turns  # noqa: E402
from diar.base.seeds import seed_for  # noqa: E402
from diar.base.types import Turn  # noqa: E402
from diar.kaldi.rttm import read_rttm, read_uem, write_rttm  # noqa: E402
from diar.scoring.frame import make_frame, split, totals  # noqa: E402
from diar.scoring.rates import ScoringConfig, evaluate  # noqa: E402
from diar.scoring.text import markdown, number  # noqa: E402
from diar.simulation.turn_taking import TurnTaking, converse  # noqa: E402

RECORDINGS = 216  # simulated; as many as VoxConverse dev has
ALLOWED = 0.01  # DER points, of which 0.005 are md-eval's rounding


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="of the timing")
    parser.add_argument(
        "rttm_dir", nargs="?", metavar="rttm-dir", default=os.environ.get("VOXCONVERSE_RTTM"),
        help="references (default: $VOXCONVERSE_RTTM, else simulated)",
    )  # fmt: skip
    args = parser.parse_args()
    reference = read_rttm(args.rttm_dir) if args.rttm_dir else simulated()
    print(f"References: {args.rttm_dir or 'simulated'}, {len(reference)} recordings\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        files = write_inputs(reference, Path(folder))
        rows, worst = agreement(*files)
        print(rows)
        print(timing(*files, args.repeats))
    if worst > ALLOWED:
        sys.exit(f"disagreement of {worst:.3f} DER points, more than {ALLOWED}")


def simulated() -> dict[str, list[Turn]]:
    """Conversations of 1 to 8 speakers, 1 to 10 minutes."""
    stats = config.load(TurnTaking, ROOT / "conf/turn_taking.yaml")
    rng = np.random.default_rng(0)
    found = {}
    for i in range(RECORDINGS):
        labels = [f"spk{k}" for k in range(rng.integers(1, 9))]
        turns = converse(f"sim{i:03d}", labels, float(rng.uniform(60, 600)), stats, seed=i)
        found[f"sim{i:03d}"] = turns
    return found


def write_inputs(reference: Mapping[str, list[Turn]], folder: Path) -> tuple[Path, Path, Path]:
    """The same ref.rttm, hyp.rttm and uem for every judge."""
    ref, hyp, uem = (folder / name for name in ("ref.rttm", "hyp.rttm", "all.uem"))
    merged = {name: merge_turns(turns)[0] for name, turns in reference.items()}
    found = {n: perturb(t, np.random.default_rng(seed_for(0, n))) for n, t in merged.items()}
    write_rttm(ref, (turn for turns in merged.values() for turn in turns))
    write_rttm(hyp, (turn for turns in found.values() for turn in turns))
    lines = []
    for i, name in enumerate(sorted(merged)):
        end = max(turn.end for turn in [*merged[name], *found[name]])
        parts = [(0.0, 0.4), (0.5, 0.9)] if i % 3 == 2 else [(0.0, 1.0)]
        lines += [f"{name} 1 {a * end:.3f} {b * end:.3f}\n" for a, b in parts]
    write_text(uem, "".join(lines))
    return ref, hyp, uem


def agreement(ref: Path, hyp: Path, uem: Path) -> tuple[str, float]:
    """The table, and the largest difference of DER for which there is no explanation."""
    protocols = ScoringConfig().protocols
    ours = make_frame(evaluate(read_rttm(ref), read_rttm(hyp), read_uem(uem), protocols))
    scores = split(ours, "protocol")
    script = judges.md_eval_script()
    rows, worst = [], 0.0
    for name, protocol in protocols.items():
        theirs = {"md-eval.pl": judges.md_eval(script, ref, hyp, uem, protocol)}
        try:
            theirs["spy-der"] = judges.spyder(ref, hyp, uem, protocol)
        except ImportError:
            print("spy-der is not installed, left out: pip install spy-der==0.4.1", file=sys.stderr)
        for judge, figures in theirs.items():
            row, largest = one_judge(scores[name], figures)
            rows.append([name, judge, *row])
            worst = max(worst, largest)
    header = ["protocol", "judge", "recordings", "largest difference", "DER total: ours"]
    header += ["md-eval pairing", "judge's", "pairing differs in", "largest, then"]
    return markdown(pd.DataFrame(rows, columns=header).set_index(header[:2])), worst


def one_judge(scores: pd.DataFrame, figures: judges.Figures) -> tuple[list[str], float]:
    """A row of the table; differences in DER points per recording.

    'largest difference' is between the judge and ours in md-eval's pairing; 'pairing differs in' counts
    the recordings where our own pairing confuses less, and 'largest, then' says by how much.
    """
    ours = scores[scores["scored_s"] > 0.005].set_index("recording")
    theirs = pd.DataFrame(figures).T.loc[ours.index]
    differences = (ours["der_md_eval_%"] - theirs["der"]).abs()
    pairing = ours["der_md_eval_%"] - ours["der_%"]
    total = totals(scores).iloc[0]
    sums = theirs.sum()
    judged = 100 * (sums["miss"] + sums["false_alarm"] + sums["confusion"]) / sums["scored"]
    row = [str(len(ours)), number(differences.max(), 4), number(total["der_%"])]
    row += [number(total["der_md_eval_%"]), number(judged)]
    row += [str((pairing >= ALLOWED).sum()), number(pairing.max())]
    return row, differences.max()


def timing(ref: Path, hyp: Path, uem: Path, repeats: int) -> str:
    """Wall time of both, in turn; medians."""
    protocols = ScoringConfig().protocols
    script = judges.md_eval_script()
    out = ref.parent / "score"
    score = [sys.executable, ROOT / "local/score.py", "--uem", uem, ref, hyp, out]
    commands = {
        f"md-eval.pl, {len(protocols)} runs": [
            judges.md_eval_command(script, ref, hyp, uem, p) for p in protocols.values()
        ],
        f"local/score.py, {len(protocols)} protocols": [score],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, runs in commands.items():
            begin = time.perf_counter()
            for command in runs:
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
            seconds[name].append(time.perf_counter() - begin)
    base = statistics.median(next(iter(seconds.values())))
    rows = [
        [name, number(statistics.median(times)), number(statistics.median(times) / base)]
        for name, times in seconds.items()
    ]
    header = ["scorer", f"s, median of {repeats}", "ratio"]
    return markdown(pd.DataFrame(rows, columns=header).set_index("scorer"))


if __name__ == "__main__":
    program.run(main)
