"""Time and memory of the steps of an experiment, from the logs of their jobs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

LINE = re.compile(r" used ([\d.]+) s, ([\d.]+) s CPU, (\d+) MB$", re.MULTILINE)
# All others are baselines.
STAGES = {"local_speakers": 1, "vad_": 1, "xvectors_": 2, "ae_": 3, "dec_": 4}
BASELINES = 6


@dataclass(frozen=True)
class Usage:
    """Resources used by one step.

    directory: below the experiment's. jobs: their number. seconds: of the longest job. cpu: seconds of all.
    memory: megabytes of the largest.
    """

    directory: str
    stage: int
    jobs: int
    seconds: float
    cpu: float
    memory: int


def is_other_seed(directory: str) -> bool:
    """Return whether a directory of an experiment belongs to a seed after the first: <system>/<set>/seed<N>."""
    return bool(re.fullmatch(r"[^/]+/[^/]+/seed\d+", directory))


def usage_of(exp: Path) -> list[Usage]:
    """Read the usage of every step below ``exp`` whose logs have it, in the order of the stages."""
    steps = []
    logs = [log for depth in ("*", "*/*", "*/*/seed*") for log in exp.glob(f"{depth}/log")]
    for log in sorted(logs):
        text = [
            path.read_text(encoding="utf-8", errors="replace") for path in sorted(log.glob("*.log"))
        ]
        jobs = [match.groups() for part in text for match in LINE.finditer(part)]
        if not jobs:
            continue
        name = log.parent.relative_to(exp).as_posix()
        stage = next((n for head, n in STAGES.items() if name.startswith(head)), None)
        if stage is None and not (log.parent / "rttm").exists():
            continue  # a report
        seconds, cpu, memory = ([float(x) for x in column] for column in zip(*jobs, strict=True))
        steps.append(
            Usage(name, stage or BASELINES, len(jobs), max(seconds), sum(cpu), int(max(memory)))
        )
    return sorted(steps, key=lambda step: (step.stage, step.directory))
