#!/usr/bin/env python3
"""Is anything lost of a run that is killed again and again, or that is not alone?

Usage: benchmarks/kills/run.py [--kills 100] [--mean 6] [--seed 0] <work-dir>

Makes a small copy of the recipe in <work-dir> (all stages, half a minute of conversations, --nj 2), with a
cache of its own in which there are only downloads, and runs it once unbroken. Then it is run anew, killed
(kill -9, the whole process group) after a random time, exponential with a --mean of so many seconds, and
started again until it ends; and anew, until there are so many kills. Then two runs at the same time: in
one experiment, and in two experiments with one cache. Each time all files of data, exp and the cache are
compared, byte for byte, with those of the unbroken run.

What differs by nature is left out: folders called log (times, processes), locks, and the report's table of
times; of .begun, .done, .made and .results, which know the times of audio files, only that they are there counts.
Two experiments at the same time have names of one length, which count as one.

Prints a page with what was found, and writes it to <work-dir>/results.md.

Example: benchmarks/kills/run.py --kills 10 exp/kills

Exit status: 0 all products are the same; 1 some are not; 2 wrong usage; 130 interrupted.
"""

from __future__ import annotations

import base64
import gzip
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "local"))
sys.path.insert(1, str(Path(__file__).resolve().parents[2] / "tests/support"))
from small_recipe import copied, fresh_shell, link_environment, shrink

from dec_cli import program
from diar.base.files import cache_dir, write_text

ROOT = Path(__file__).resolve().parents[2]
PLAN = {
    "train": [{"speakers": 2, "seconds": 12}],
    "test": [{"speakers": 1, "seconds": 6}, {"speakers": 2, "seconds": 12}],
}
DOWNLOADS = ("debs", "wheels", "models/*.pt")
NATURE = re.compile(r"/log/|\.lock$")
TIMES = re.compile(
    rb'<section aria-label="time and memory">.*?</section>', re.DOTALL
)  # of the report
PACKED = re.compile(rb"H4sI[\w+/]+=*")  # base64 of gzip
STAGE = re.compile(r"^=== stage (\d)", re.MULTILINE)


class Experiment:
    """A small recipe in a folder, and a cache beside it."""

    def __init__(self, work: Path) -> None:
        self.work, self.recipe, self.cache = work, work / "recipe", work / "cache"
        shutil.rmtree(self.recipe, ignore_errors=True)
        shrink(copied(ROOT, self.recipe), PLAN)
        link_environment(ROOT, self.recipe)
        self.runs: list[subprocess.Popen[bytes]] = []
        conf = self.recipe / "conf/mini.conf"
        conf.write_text(re.sub("baselines=.*", "baselines=ahc", conf.read_text()))

    def clear(self) -> None:
        """Nothing is made yet, and the cache has only what was downloaded."""
        for name in ("data1", "exp1", "data2", "exp2"):
            shutil.rmtree(self.recipe / name, ignore_errors=True)
        shutil.rmtree(self.cache, ignore_errors=True)
        for pattern in DOWNLOADS:
            for source in cache_dir().glob(pattern):
                target = self.cache / source.relative_to(cache_dir())
                if source.is_dir():
                    shutil.copytree(source, target)
                else:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(source, target)

    def start(self, number: int = 1, said: str = "said") -> subprocess.Popen[bytes]:
        """Start ./run.sh into data1 and exp1, or so, in a process group of its own; say it to a file."""
        env = fresh_shell() | {"DIAR_CACHE": str(self.cache)}
        command = ["./run.sh", "--nj", "2", "--data", f"data{number}", "--exp", f"exp{number}"]
        with open(self.work / said, "wb") as log:
            run = subprocess.Popen(
                command, cwd=self.recipe, env=env, stdout=log, stderr=log, start_new_session=True
            )
        self.runs.append(run)
        return run

    def stage(self) -> str:
        """The last stage that a run has begun."""
        return ["", *STAGE.findall((self.work / "said").read_text(errors="replace"))][-1]

    def survivors(self) -> int:
        """How many processes of the recipe are alive."""
        count = 0
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                count += (entry / "cwd").resolve() == self.recipe
        return count

    def products(self, number: int = 1) -> dict[str, bytes]:
        """All files that are compared, by name."""
        found = {}
        places = {name: self.recipe / f"{name}{number}" for name in ("data", "exp")}
        for name, folder in (places | {"cache": self.cache}).items():
            for path in folder.rglob("*"):
                place = f"{name}/{path.relative_to(folder)}"
                if path.is_file() and not NATURE.search(place):
                    key = path.name in (".begun", ".done", ".made", ".results")
                    found[place] = b"" if key else plain(path.read_bytes())
        return found


def plain(content: bytes) -> bytes:
    """Content without times, unpacked where a report has packed it, the names of both experiments one."""
    content = PACKED.sub(lambda packed: gzip.decompress(base64.b64decode(packed[0])), content)
    return re.sub(rb"(data|exp)2\b", rb"\g<1>1", TIMES.sub(b"", content))


def differences(before: dict[str, bytes], after: dict[str, bytes]) -> Iterator[str]:
    """Yield what is missing, new or other."""
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            yield f"missing: {name}"
        elif name not in before:
            yield f"new: {name}"
        elif before[name] != after[name]:
            yield f"other: {name}"


def kill(run: subprocess.Popen[bytes]) -> None:
    if run.poll() is None:  # its number is still its own
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()


def killed_until_it_ends(
    experiment: Experiment, chance: random.Random, mean: float, most: int
) -> tuple[Counter[str], int]:
    """Kill at most so many times; count by stage, and processes that outlived it."""
    stages: Counter[str] = Counter()
    survivors = 0
    while True:
        run = experiment.start()
        try:
            limit = chance.expovariate(1 / mean) if stages.total() < most else None
            if run.wait(limit):
                said = (experiment.work / "said").read_text()
                raise SystemExit(f"{said}\n./run.sh failed after {stages.total()} kills")
            return stages, survivors
        except subprocess.TimeoutExpired:
            stages[experiment.stage()] += 1
            kill(run)
            time.sleep(0.2)
            survivors += experiment.survivors()


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--kills", type=int, default=100, help="in all")
    parser.add_argument("--mean", type=float, default=6, help="seconds to a kill")
    program.add_seed(parser)
    program.add_paths(parser, "work_dir")
    args = parser.parse_args()
    experiment = Experiment(args.work_dir.resolve())
    chance = random.Random(args.seed)
    began = time.monotonic()
    page = Page(experiment, args.kills, f"--kills {args.kills} --mean {args.mean:g}")
    try:
        page.whole = page.unbroken()
        while page.stages.total() < args.kills:
            page.killed(chance, args.mean)
        page.two_in_one_experiment()
        page.two_with_one_cache()
    finally:
        for run in experiment.runs:
            kill(run)
    lines = [*page.lines(), f"It took {(time.monotonic() - began) / 60:.0f} minutes.", ""]
    write_text(experiment.work / "results.md", "\n".join(lines))
    print("\n".join(lines))
    sys.exit(1 if page.wrong else 0)


class Page:
    """What was found."""

    def __init__(self, experiment: Experiment, kills: int, options: str) -> None:
        self.experiment, self.kills, self.options = experiment, kills, options
        self.whole: dict[str, bytes] = {}
        self.stages: Counter[str] = Counter()
        self.rows: list[str] = []
        self.wrong: list[str] = []

    def compare(self, what: str, note: str, number: int = 1) -> None:
        """Add a row: how many products are as in the unbroken run."""
        different = list(differences(self.whole, self.experiment.products(number)))
        self.wrong += [f"{what}: {line}" for line in different]
        self.rows.append(f"| {what} | {note} | {len(self.whole)} | {len(different)} |")
        print(self.rows[-1], *different[:20], sep="\n", file=sys.stderr, flush=True)

    def unbroken(self) -> dict[str, bytes]:
        """Run it once, and return its products."""
        self.experiment.clear()
        if self.experiment.start().wait():
            raise SystemExit((self.experiment.work / "said").read_text())
        return self.experiment.products()

    def killed(self, chance: random.Random, mean: float) -> None:
        """One run, killed until it ends or there are enough kills."""
        self.experiment.clear()
        left = self.kills - self.stages.total()
        stages, survivors = killed_until_it_ends(self.experiment, chance, mean, left)
        self.stages += stages
        note = f"{survivors} processes outlived a kill"
        self.compare(f"killed {stages.total()} times", note)

    def two_in_one_experiment(self) -> None:
        """Both are started again until both have ended well: one at a time writes to a directory."""
        self.experiment.clear()
        refused = 0
        while True:
            runs = [self.experiment.start(said=f"said.{n}") for n in (1, 2)]
            if not any([run.wait() for run in runs]):
                break
            texts = [(self.experiment.work / f"said.{n}").read_text() for n in (1, 2)]
            if not any("is writing to" in text for text in texts) or "Traceback" in str(texts):
                raise SystemExit("\n".join(texts))
            refused += 1
        self.compare("two runs in one exp", f"one was refused and started again: {refused}")

    def two_with_one_cache(self) -> None:
        """Both fetch and make what is in the cache."""
        self.experiment.clear()
        runs = [self.experiment.start(n, f"said.{n}") for n in (1, 2)]
        for number, run in enumerate(runs, 1):
            note = f"exit status {run.wait()}"
            self.compare(f"two runs with one cache: exp{number}", note, number)

    def lines(self) -> Iterator[str]:
        """Write the page."""
        yield "# Kills"
        yield ""
        yield f"Made by `benchmarks/kills/run.py {self.options} <work-dir>`. Products: files, compared byte for byte with those of"
        yield "an unbroken run, but for logs, locks, the report's table of times and the keys of steps."
        yield ""
        yield "| run | | products | that differ |"
        yield "|---|---|---:|---:|"
        yield from self.rows
        yield ""
        by_stage = ", ".join(
            f"{n} in stage {stage}" for stage, n in sorted(self.stages.items()) if stage
        )
        yield f"Kills: {by_stage}, {self.stages['']} before the first."
        yield ""
        yield from (f"* {line}" for line in self.wrong)


if __name__ == "__main__":
    program.run(main)
