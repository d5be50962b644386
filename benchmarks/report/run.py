#!/usr/bin/env python3
"""How large is the report, and how long do making and opening it take: mini, and one long recording?

Usage: benchmarks/report/run.py [--hours 4] <data-root> <exp-dir> <set> <work-dir>

Joins the recordings of <set> (audio and reference, again and again) to one of so many hours, runs stages
1, 2, 4 and 5 on it with the autoencoder of <exp-dir>, and makes the reports of both. Then opens them in
headless Chromium: until the tables are there, until the timeline of the first recording is drawn, and
from a key to the picture that is zoomed. What of <work-dir> is there already is not made again.

Prints a table, and writes it to <work-dir>/results.md.

Example: benchmarks/report/run.py data exp test exp/bench_report
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "local"))
from dec_cli import program
from diar.audio.waveform import SAMPLE_RATE
from diar.base.files import write_text
from diar.kaldi import rttm, tables
from diar.kaldi.recordings import Recordings

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/support"))
from chromium import FLAGS, chromium, wait_until  # noqa: E402

HEAD = """\
| report | recordings | hours | making, s | size, MB | tables, s | recording, s | zoom, s |
|---|---:|---:|---:|---:|---:|---:|---:|
"""
DRAWN = (
    "document.querySelector('#timeline .bars .point') && document.querySelector('#latents .points')"
)


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--hours", type=float, default=4.0, help="of the long recording")
    program.add_paths(parser, "data_root", "exp_dir")
    parser.add_argument("set", help="its name")
    program.add_paths(parser, "work_dir")
    args = parser.parse_args()
    work = args.work_dir.resolve()
    join(args.data_root / args.set, work / "data/long", args.hours)
    diarize(work, args.exp_dir.resolve())
    rows = [
        row("mini", args.data_root, args.exp_dir, args.set, work / "report-mini"),
        row(f"{args.hours:g} h", work / "data", work / "exp", "long", work / "report-long"),
    ]
    write_text(work / "results.md", HEAD + "".join(rows))
    print((work / "results.md").read_text())


def join(source: Path, target: Path, hours: float) -> None:
    """A data directory of one recording of so many hours."""
    if (target / "all.uem").exists():
        return
    recordings = Recordings(source)
    reference = rttm.read_rttm(source / "ref.rttm")
    samples, turns, now = [], [], 0.0
    for name in recordings.names:
        samples.append(recordings.load(name)[0])
        turns += [t._replace(recording="long", start=t.start + now) for t in reference[name]]
        now += len(samples[-1]) / SAMPLE_RATE
    piece, length = np.concatenate(samples), hours * 3600
    target.mkdir(parents=True, exist_ok=True)
    with soundfile.SoundFile(target / "long.wav", "w", SAMPLE_RATE, 1, "PCM_16") as stream:
        for first in range(0, round(length * SAMPLE_RATE), len(piece)):
            stream.write(piece[: round(length * SAMPLE_RATE) - first])
    again = [
        t._replace(start=t.start + i * now) for i in range(int(length / now) + 1) for t in turns
    ]
    rttm.write_rttm(target / "ref.rttm", [t for t in again if t.end < length])
    tables.write_map(target / "wav.scp", {"long": target / "long.wav"})
    tables.write_map(target / "reco2dur", {"long": f"{length:.3f}"})
    rttm.write_uem(target / "all.uem", {"long": length})


def diarize(work: Path, exp: Path) -> None:
    """Stages 1, 2, 4 and 5, and one baseline."""
    data, out = work / "data/long", work / "exp"
    vad, xvectors = out / "vad_silero/long", out / "xvectors_campplus/long"
    step("make_vad.sh", data, vad)
    step("extract_xvectors.sh", data, vad, xvectors)
    step("fit_dec.sh", xvectors, exp / "ae_default", out / "dec_default/long")
    step("cluster.sh", "--method", "ahc", xvectors, out / "ahc/long")
    for system in ("dec_default", "ahc"):
        step(
            "score.sh", data / "ref.rttm", out / f"{system}/long/rttm", out / f"{system}/long/score"
        )


def step(name: str, *arguments: object) -> None:
    """Unless it is done, be it by other code: what is measured is the report."""
    if (Path(str(arguments[-1])) / ".done").exists():
        return
    call = [str(x) for x in (ROOT / "steps" / name, *arguments)]
    subprocess.run(call, cwd=ROOT, check=True, stdout=sys.stderr)


def row(name: str, data: Path, exp: Path, sets: str, out: Path) -> str:
    """One line of the table."""
    subprocess.run(["rm", "-rf", out], check=True)
    began = time.monotonic()
    step("make_report.sh", data.resolve(), exp.resolve(), sets, out)
    made = time.monotonic() - began
    files = [out / "index.html", *out.glob("index_files/**/*.js")]
    size = sum(file.stat().st_size for file in files) / 1e6
    lengths = tables.read_numbers(data / sets / "reco2dur")
    hours = sum(lengths.values()) / 3600
    with sync_playwright() as driver:
        context = driver.chromium.launch_persistent_context(
            tempfile.mkdtemp(), executable_path=chromium(), headless=True, args=FLAGS
        )
        shown, drawn, zoomed = seen(
            context.new_page(), (out / "index.html").as_uri(), f"{sets}%2F{max(lengths)}"
        )
        context.close()
    figures = f"{made:.1f} | {size:.2f} | {shown:.2f} | {drawn:.2f} | {zoomed:.2f}"
    return f"| {name} | {len(lengths)} | {hours:.2f} | {figures} |\n"


def seen(page: Page, address: str, recording: str) -> tuple[float, float, float]:
    """Seconds until the tables are there, until a recording is drawn, and until it is zoomed."""
    began = time.monotonic()
    page.goto(address)
    shown = time.monotonic() - began
    began = time.monotonic()
    page.evaluate("(hash) => { location.hash = hash; }", recording)
    wait_until(page, DRAWN)
    drawn = time.monotonic() - began
    before = page.evaluate("element('timeline')._fullLayout.xaxis.range[1]")
    began = time.monotonic()
    page.keyboard.press("+")
    wait_until(page, "(b) => element('timeline')._fullLayout.xaxis.range[1] < b", arg=before)
    return shown, drawn, time.monotonic() - began


if __name__ == "__main__":
    os.chdir(ROOT)
    program.run(main)
