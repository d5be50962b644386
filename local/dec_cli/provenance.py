"""How outputs were made, and from what: from .made (local/step_state.py) and config.yaml of directories."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from diar.base import config
from diar.scoring.frame import other_seeds
from step_key import MEMORY, Memory
from step_state import Made, States, place_of, read_made

# The name of a program's configuration in options of ./run.sh, before the dot.
STEPS = {
    "find_local_speakers.py": "segmentation",
    "make_vad.py": "vad",
    "extract_xvectors.py": "xvector",
    "train_autoencoder.py": "ae",
    "fit_dec.py": "dec",
    "cluster.py": "baseline",
}


def old_systems(exp: Path, name: str, systems: Iterable[str]) -> dict[str, str]:
    """Map each system whose scores of a set are out of date to the reason."""
    found = {}
    for system in systems:
        score = exp / system / name / "score"
        if score.exists() and (why := old_scores([score, *other_seeds(score)])):
            found[system] = why
    return found


def old_scores(scores: Iterable[Path]) -> str:
    """Return why scores are out of date, and the command that updates them; '' if they are up to date.

    Args:
        scores: the score directories of a system, that of its first seed first.
    """
    states = States(Memory(MEMORY))
    paths = [str(path) for path in scores]
    reasons = dict.fromkeys(reason for path in paths for reason in states.reasons(path))
    command = next(map(states.command, paths), "")
    return "; ".join(reasons) + (f" (to update: {command})" if reasons and command else "")


@dataclass(frozen=True)
class Provenance:
    """How the turns of a score directory were made. steps: the record of each directory behind them."""

    score: Path
    steps: dict[Path, Made]

    @classmethod
    def of(cls, score: Path) -> Provenance:
        """Follow the records back from a score directory; directories without a record are skipped."""
        steps: dict[Path, Made] = {}
        todo = [score]
        while todo:
            path = todo.pop()
            made = read_made(str(path))
            if made is None or path in steps:
                continue
            steps[path] = made
            inputs = [Path(place_of(name)) for name in made["inputs"]]
            todo += [source if source.is_dir() else source.parent for source in inputs]
        return cls(score, steps)

    @cached_property
    def settings(self) -> dict[str, dict[str, str]]:
        """The settings of each step (named as in options of ./run.sh): configuration values, options."""
        found: dict[str, dict[str, str]] = {}
        for path, made in self.steps.items():
            step = STEPS.get(Path(made["program"]).name)
            if step is None:
                continue
            values = [
                word for word in made["options"].split() if "=" not in word
            ]  # others: config.yaml
            known = found.setdefault(step, {})
            known |= {f"{step} {key}".strip(): value for key, value in _options(values)}
            if (path / "config.yaml").exists():
                keys = config.read_flat(path / "config.yaml")
                known |= {f"{step}.{key}": value for key, value in keys.items()}
        return found

    @cached_property
    def code(self) -> dict[str, str]:
        """The digests of all modules of each program, by '<module> of <program>'."""
        return {
            f"{name} of {made['program']}": digest
            for made in self.steps.values()
            for name, digest in made["code"].items()
        }

    @cached_property
    def inputs(self) -> dict[str, str]:
        """The digests of all inputs."""
        return {
            name: digest for made in self.steps.values() for name, digest in made["inputs"].items()
        }


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    """Pair the options with their values; values before the first option have no name."""
    key, values = "", list[str]()
    for word in [*words, "--"]:
        if word.startswith("--"):
            if key or values:
                yield key, " ".join(values)
            key, values = word, []
        else:
            values.append(word)


def differing(a: Provenance, b: Provenance) -> list[tuple[str, str, str]]:
    """List different settings: key, and its value in each; a step that one side lacks is one row."""
    rows = []
    for step in a.settings | b.settings:
        one, other = a.settings.get(step), b.settings.get(step)
        if one is None or other is None:
            rows.append((step, "done" if one else "-", "done" if other else "-"))
            continue
        keys = [key for key in one | other if one.get(key) != other.get(key)]
        rows += [(key, one.get(key, "-"), other.get(key, "-")) for key in keys]
    return rows


def other_state(a: dict[str, str], b: dict[str, str]) -> list[str]:
    """List the keys that both have with different values."""
    return [key for key in a if key in b and a[key] != b[key]]
