"""Senko in one process, for run.py and run by its own interpreter: senko_files.py <out-dir> <file> ..."""

import json
import resource
import sys
import time
from pathlib import Path

import senko

out = Path(sys.argv[1])
out.mkdir(parents=True)
diarizer = senko.Diarizer(device="cpu", warmup=True, quiet=True)
began = time.perf_counter()
for path in map(Path, sys.argv[2:]):
    found = diarizer.diarize(str(path)) or {"merged_segments": []}
    with open(out / f"{path.stem}.rttm", "w") as stream:
        for turn in found["merged_segments"]:
            start, end = float(turn["start"]), float(turn["end"])
            speaker = turn["speaker"]
            stream.write(
                f"SPEAKER {path.stem} 1 {start:.3f} {end - start:.3f} <NA> <NA> {speaker} <NA> <NA>\n"
            )
warm = time.perf_counter() - began
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"warm": warm, "memory": memory}))
