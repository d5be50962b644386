#!/usr/bin/env python3
"""Tabulate the spread of DER over fits that differ in one thing.

Usage: benchmarks/seeds/tabulate.py <system>/<set>/<what differs>=<score-dir>[,<score-dir> ...] ...

Example: benchmarks/seeds/tabulate.py default/test/seeds=exp/dec_default/test/score
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "local"))
import pandas as pd

from dec_cli import program
from diar.scoring.frame import read_frame, spread
from diar.scoring.text import markdown, over_seeds

PROTOCOLS = ("paper", "forgiving", "full")


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("row", nargs="+", help="a row of the table")
    rows = [row_of(text) for text in parser.parse_args().row]
    header = ["system", "set", "over", "fits"]
    print(f"On {processor()}.\n\n{markdown(pd.DataFrame(rows).set_index(header))}", end="")


def row_of(text: str) -> dict[str, object]:
    """Summarise the fits of '<system>/<set>/<what differs>=<score-dir>,...'."""
    name, _, paths = text.partition("=")
    system, chosen, differs = name.split("/")
    frames = [read_frame(path).assign(seed=i) for i, path in enumerate(paths.split(","))]
    figures = spread(pd.concat(frames), ["protocol"])
    fits = [Path(path).parent for path in paths.split(",")]
    row: dict[str, object] = {"system": system, "set": chosen, "over": differs, "fits": len(fits)}
    row["unlike latents"] = unlike(fits, "latents.*.ark")
    row["unlike turns"] = unlike(fits, "rttm")
    for protocol in PROTOCOLS:
        row[f"DER %, {protocol}"] = over_seeds(figures["der_%"].loc[protocol])
    row["count right %"] = over_seeds(figures["exact_%"].iloc[0], decimals=0)
    return row


def unlike(fits: Sequence[Path], pattern: str) -> int:
    """Count how many contents these files have among the fits."""
    return len({b"".join(p.read_bytes() for p in sorted(fit.glob(pattern))) for fit in fits})


def processor() -> str:
    """Name the processor, where the system says it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "a processor without a name"


if __name__ == "__main__":
    program.run(main)
