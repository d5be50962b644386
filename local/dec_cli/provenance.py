"""Of what products were made, and how: from .made (local/step_state.py) and config.yaml of directories."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from diar.base import config
from diar.scoring.frame import other_seeds
from step_key import MEMORY, Memory
from step_state import Made, States, place_of, read_made

# What ./run.sh calls the configuration of a program, before a dot.
STEPS = {
    "find_local_speakers.py": "segmentation",
    "make_vad.py": "vad",
    "extract_xvectors.py": "xvector",
    "train_autoencoder.py": "ae",
    "fit_dec.py": "dec",
    "cluster.py": "baseline",
}


def old_systems(exp: Path, name: str, systems: Iterable[str]) -> dict[str, str]:
    """Say of the systems whose scores of a set are not what the recipe would make now, why."""
    found = {}
    for system in systems:
        score = exp / system / name / "score"
        if score.exists() and (why := old_scores([score, *other_seeds(score)])):
            found[system] = why
    return found


def old_scores(scores: Iterable[Path]) -> str:
    """Say why scores are not what the recipe would make now, and what makes them anew; '' if they are.

    Args:
        scores: the score directories of a system, that of its first seed first.
    """
    states = States(Memory(MEMORY))
    paths = [str(path) for path in scores]
    reasons = dict.fromkeys(reason for path in paths for reason in states.reasons(path))
    command = next(map(states.command, paths), "")
    return "; ".join(reasons) + (f" ({command} makes it anew)" if reasons and command else "")


@dataclass(frozen=True)
class Provenance:
    """How the turns of a score directory came about. steps: the record of each directory behind them."""

    score: Path
    steps: dict[Path, Made]

    @classmethod
    def of(cls, score: Path) -> Provenance:
        """Follow the records back from a score directory; it has none that were made without."""
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
        """What was set in each step, named as ./run.sh does before a dot: values of configurations, options."""
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
    """Pair the options with their values; what stands before them has no name."""
    key, values = "", list[str]()
    for word in [*words, "--"]:
        if word.startswith("--"):
            if key or values:
                yield key, " ".join(values)
            key, values = word, []
        else:
            values.append(word)


def differing(a: Provenance, b: Provenance) -> list[tuple[str, str, str]]:
    """List what was set otherwise: what, and its value in each; a step that one lacks is a line."""
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
    """List the keys that both have, with other values."""
    return [key for key in a if key in b and a[key] != b[key]]
