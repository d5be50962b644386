#!/usr/bin/env python3
"""How do time and memory of stages 1 and 2 grow with the length of a recording?

Usage: benchmarks/long_recordings/audio.py [--hours "0.1667 1 4"] [--vad-hours "24"] <data-dir> <work-dir>

Repeats the recordings of <data-dir> in one WAV of so many hours and runs VAD and x-vectors on it, each in a
process of its own, on one core; for --vad-hours the VAD alone. Prints a table, and writes it to
<work-dir>/audio.md: RTF is seconds per second of audio; memory is the peak of the process.

Example: benchmarks/long_recordings/audio.py --hours 0.1667 --vad-hours "" data/test exp/long_recordings
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "local"))
from dec_cli import program
from diar.audio.waveform import SAMPLE_RATE
from diar.base.errors import DataError
from diar.base.files import write_text
from diar.kaldi.recordings import Recordings

ROOT = Path(__file__).resolve().parents[2]
HEAD = "| hours | stage | seconds | RTF | peak memory, MB |\n|---:|---|---:|---:|---:|\n"


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--hours", default="0.1667 1 4", help="of both stages")
    parser.add_argument("--vad-hours", default="24", help="of the VAD alone")
    program.add_paths(parser, "data_dir", "work_dir")
    args = parser.parse_args()
    recordings = Recordings(args.data_dir)
    samples = np.concatenate([recordings.load(name)[0] for name in recordings.names])
    shutil.rmtree(args.work_dir, ignore_errors=True)
    table = HEAD
    print(HEAD, end="", flush=True)
    stages = {hours: ("VAD", "x-vectors") for hours in args.hours.split()}
    stages |= {hours: ("VAD",) for hours in args.vad_hours.split()}
    for hours in sorted(stages, key=float):
        folder = args.work_dir / f"{hours}h"
        write(folder, samples, round(float(hours) * 3600 * SAMPLE_RATE))
        for stage in stages[hours]:
            table += (row := measure(folder, stage, float(hours)))
            print(row, end="", flush=True)
        (folder / "long.wav").unlink()
    write_text(args.work_dir / "audio.md", table)


def write(folder: Path, samples: np.ndarray, count: int) -> None:
    """A data directory of one recording of so many samples."""
    folder.mkdir(parents=True)
    path = (folder / "long.wav").resolve()
    with soundfile.SoundFile(path, "w", SAMPLE_RATE, 1, "PCM_16") as stream:
        for first in range(0, count, len(samples)):
            stream.write(samples[: count - first])
    (folder / "wav.scp").write_text(f"long {path}\n")


def measure(folder: Path, stage: str, hours: float) -> str:
    """One line of the table."""
    vad, out = folder / "vad", folder / stage
    command = ["local/make_vad.py", folder, vad]
    if stage == "x-vectors":
        for name in ("segments", "reco2dur"):
            shutil.copy(vad / "jobs/1" / name, vad / name)
        command = ["local/extract_xvectors.py", folder, vad, out]
    for directory in (vad, out):
        directory.mkdir(exist_ok=True)
    command = [sys.executable, command[0], "--config", f"conf/{'vad' if stage == 'VAD' else 'xvector'}.yaml"] + [
        str(Path(word).resolve()) for word in command[1:]
    ]  # fmt: skip
    began = time.monotonic()
    with open(out / "log.txt", "w") as log:
        child = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        _, status, usage = os.wait4(child.pid, 0)  # of this child alone
    seconds = time.monotonic() - began
    if status:
        raise DataError(f"{stage} failed", out / "log.txt")
    return (
        f"| {hours:.2g} | {stage} | {seconds:.1f} | {seconds / hours / 3600:.4f} |"
        f" {usage.ru_maxrss / 1024:.0f} |\n"
    )


if __name__ == "__main__":
    program.run(main)
