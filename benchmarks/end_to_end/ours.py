"""This recipe in one process, for run.py: ours.py <out-dir> <file> ..."""

import contextlib
import json
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "local"))
import diarize


def main() -> None:
    sys.argv[1:] = ["--out", sys.argv[1], *sys.argv[2:]]
    args = diarize.parse()
    pipeline, bounds = diarize.loaded(args)
    began = time.perf_counter()
    with contextlib.redirect_stdout(sys.stderr):
        diarize.diarize(args, pipeline, bounds)
    warm = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"warm": warm, "memory": memory}))


main()
