#!/usr/bin/env python3
"""Where does the time go, from a file to turns?

Usage: benchmarks/profile/run.py [--seconds "30 300 3600"] [--repeats 3] <out.md> <audio> ...

Joins the <audio> files, again and again, to recordings of these lengths, and diarizes each with local/diarize.py in
a process of its own: seconds of wall clock and of CPU, memory; and stage by stage in this process, where
each stage has all threads (in a run, Silero listens beside the segmentation). Medians over the repeats. Then the
functions of Python with the largest own time, on the second of the lengths; and the arithmetic of the x-vector
network beside the largest that a product of matrices reaches here. Prints and writes a page.

Example: benchmarks/profile/run.py exp/profile.md data/test/wav/*.wav
"""

from __future__ import annotations

import cProfile
import io
import os
import pstats
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "local"))
import diarize
from dec_cli import program
from diar.audio import waveform
from diar.base.files import write_text
from diar.base.types import SAMPLE_RATE, Bounds
from diar.dec import diarization
from diar.extractors import campplus
from diar.pipeline.recording import Pipeline
from diar.speech import vad
from diar.turns import decoding
from diar.xvectors import extraction

ROOT = Path(__file__).resolve().parents[2]
FRAMES = 148  # of a window of 1.5 s
SIDE = 2048  # of the matrices
FUNCTIONS = 12


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--seconds", default="30 300 3600", help="lengths of the recordings")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each")
    parser.add_argument("out", type=Path, metavar="out.md", help="the page")
    parser.add_argument("audio", type=Path, nargs="+", help="files to join")
    args = parser.parse_args()
    lengths = [float(word) for word in args.seconds.split()]
    samples = np.concatenate([waveform.read(path, SAMPLE_RATE).samples for path in args.audio])
    with tempfile.TemporaryDirectory() as folder:
        files = {seconds: Path(folder) / f"{seconds:g}.wav" for seconds in lengths}
        for seconds, file in files.items():
            soundfile.write(file, np.resize(samples, round(seconds * SAMPLE_RATE)), SAMPLE_RATE)
        sys.argv[1:] = [str(files[lengths[0]])]
        pipeline, bounds = diarize.loaded(diarize.parse())
        page = [
            f"# Profile\n\nMade by `benchmarks/profile/run.py results.md data/test/wav/*.wav` on {os.cpu_count()} cores of {processor()}.\n",
            *processes(files, args.repeats),
            *stages(pipeline, bounds, files, args.repeats),
            *functions(pipeline, bounds, files[lengths[min(1, len(lengths) - 1)]]),
            *arithmetic(pipeline, samples),
        ]
    text = "\n".join(page) + "\n"
    print(text)
    write_text(args.out, text)


def processor() -> str:
    """Return the model of the processor, and its extensions for short numbers."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    fields = {key.strip(): value for key, _, value in (line.partition(": ") for line in lines)}
    flags = {"avx512f", "avx512_bf16", "amx_bf16", "avx512_vnni"} & set(fields["flags"].split())
    return f"{fields['model name']} ({', '.join(sorted(flags)) or 'no AVX-512'})"


def processes(files: dict[float, Path], repeats: int) -> Iterator[str]:
    """Yield a table of whole processes."""
    yield "## local/diarize.py, one process for each recording\n"
    yield "| seconds of audio | wall, s | CPU, s | memory, MB |\n|---:|---:|---:|---:|"
    for seconds, file in files.items():
        runs = [process(file) for _ in range(repeats)]
        wall, cpu, memory = map(statistics.median, zip(*runs, strict=True))
        yield f"| {seconds:g} | {wall:.2f} | {cpu:.2f} | {memory:.0f} |"
    yield ""


def process(file: Path) -> tuple[float, float, float]:
    """Diarize a file; return seconds of wall clock and CPU, and MB of the largest process."""
    command = [sys.executable, str(ROOT / "local/diarize.py"), str(file)]
    began = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert child.stderr
    said = child.stderr.read()
    _, status, used = os.wait4(child.pid, 0)
    if status:
        sys.exit(said.decode())
    return time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


class Watch:
    """Times of stages: name -> (wall clock, CPU) of each run."""

    def __init__(self) -> None:
        self.times: dict[str, list[tuple[float, float]]] = {}

    def __call__(self, name: str, work: Callable[[], Any]) -> Any:
        """Do the work and note its time."""
        began = time.perf_counter(), time.process_time()
        made = work()
        self.times.setdefault(name, []).append(
            (time.perf_counter() - began[0], time.process_time() - began[1])
        )
        return made

    def of(self, name: str) -> tuple[float, float]:
        """Return the medians of a stage."""
        wall, cpu = zip(*self.times[name], strict=True)
        return statistics.median(wall), statistics.median(cpu)


def stages(
    pipeline: Pipeline, bounds: Bounds, files: dict[float, Path], repeats: int
) -> Iterator[str]:
    """Yield a table for each length: the stages of ``Pipeline.run``, one after the other."""
    for seconds, file in files.items():
        once(pipeline, bounds, file, Watch())  # networks are compiled for the first batch
        watch = Watch()
        for _ in range(repeats):
            windows = once(pipeline, bounds, file, watch)
        total = sum(watch.of(name)[0] for name in watch.times)
        yield f"## {seconds:g} s of audio, warm: {total:.2f} s, {total / seconds:.4f} x real time\n"
        yield f"{windows} x-vectors, {60 * windows / seconds:.0f} a minute.\n"
        yield "| stage | wall, s | CPU, s | share |\n|---|---:|---:|---:|"
        for name in watch.times:
            wall, cpu = watch.of(name)
            yield f"| {name} | {wall:.3f} | {cpu:.3f} | {100 * wall / total:.0f} % |"
        yield ""


def once(pipeline: Pipeline, bounds: Bounds, file: Path, watch: Watch) -> int:
    """Run all stages on a file; return the number of windows."""
    audio = watch("decoding of audio", lambda: waveform.read(file, SAMPLE_RATE).samples)
    assert pipeline.segmentation
    find = pipeline.segmentation.local_speakers
    local = watch("segmentation", lambda: find(audio))
    hear = vad.speech_and_doubts
    kind = (pipeline.vad_kind, pipeline.vad)
    speech, _ = watch("Silero, and both together", lambda: hear(audio, *kind, lambda: local))
    made = watch(
        "x-vectors",
        lambda: extraction.extract(pipeline.xvector, pipeline.extractor, "a", speech, audio),
    )
    windows, dec = made.subsegments, pipeline.dec
    given = (made.vectors, windows, pipeline.encoder, dec, bounds, 0, local)
    fit = watch("DEC", lambda: diarization.fit(*given))
    duration = len(audio) / SAMPLE_RATE
    low = bounds.range[0]
    watch(
        "turns",
        lambda: decoding.decode(windows, fit.posteriors, duration, dec.decoding, None, low, local),
    )
    return len(windows)


def functions(pipeline: Pipeline, bounds: Bounds, file: Path) -> Iterator[str]:
    """Yield the functions with the largest own time, in the thread that calls the stages."""
    samples = waveform.read(file, SAMPLE_RATE).samples
    profile = cProfile.Profile()
    profile.runcall(pipeline.run, "a", samples, bounds)
    table = pstats.Stats(profile, stream=io.StringIO())
    total = table.total_tt  # type: ignore[attr-defined]
    rows = sorted(table.stats.items(), key=lambda row: -row[1][2])  # type: ignore[attr-defined]
    yield f"## Functions, {file.stem} s of audio\n"
    yield "Own time of the calling thread; what waits for other threads is a method of a lock.\n"
    yield "| function | calls | share |\n|---|---:|---:|"
    for (path, line, name), (_, calls, own, *_) in rows[:FUNCTIONS]:
        where = "" if path == "~" else f" ({Path(path).name}:{line})"
        yield f"| `{name}`{where} | {calls} | {100 * own / total:.1f} % |"
    yield ""


def arithmetic(pipeline: Pipeline, samples: np.ndarray) -> Iterator[str]:
    """Yield a table: the x-vector network, and products of matrices, in GFLOP/s."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        campplus.torch_model()(torch.zeros(1, FRAMES, 80))
    flops = counter.get_total_flops()
    starts = np.arange(0, min(300.0, len(samples) / SAMPLE_RATE - 2), 0.5)
    began = time.perf_counter()
    pipeline.extractor.embed(samples, starts, starts + 1.5)
    rate = len(starts) / (time.perf_counter() - began)
    yield f"## Arithmetic\n\n{flops / 1e9:.2f} GFLOP for a window of 1.5 s; all threads.\n"
    yield "| what | GFLOP/s |\n|---|---:|"
    yield f"| x-vectors, with filter banks: {rate:.0f} windows/s | {flops * rate / 1e9:.0f} |"
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    for name in ("float32", "bfloat16"):
        a, b = (torch.randn(SIDE, SIDE).to(getattr(torch, name)) for _ in "ab")
        a @ b
        times = []
        for _ in range(10):
            began = time.perf_counter()
            a @ b
            times.append(time.perf_counter() - began)
        yield f"| product of matrices, {name} | {2 * SIDE**3 / statistics.median(times) / 1e9:.0f} |"


if __name__ == "__main__":
    program.run(main)
