"""The published functions on whole data sets: a directory with one RTTM per recording."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from pyannote.core import Annotation, Segment
from tqdm import tqdm

from diar.base import arguments
from diar.base.errors import DataError
from diar.base.regions import merge_turns
from diar.base.seeds import seed_for
from diar.base.types import Bounds, Subsegments, Turn
from diar.kaldi.rttm import write_rttm
from diar.published.dataset import DiarizationDataset
from diar.xvectors.grid import SILENCE, turns_from_cells

log = logging.getLogger(__name__)

Labeller = Callable[[np.ndarray, Subsegments, Bounds, int], np.ndarray]


def make_rttm(
    out_dir: str | Path,
    name: str,
    labels: np.ndarray,
    win_step: float,
    *,
    duration: float | None = None,
) -> str:
    """Write ``<out_dir>/<name>.rttm`` from one label per window; return its path.

    Args:
        labels: (n,) ints, -1 for no speaker; window i represents
            [(i - 0.5) win_step, (i + 0.5) win_step), clipped to the recording.
        win_step: milliseconds.
        duration: of the recording, seconds; None for n win_step.

    Raises:
        TypeError, ValueError: an invalid argument.
        DataError: a name that is impossible in an RTTM or a file name, a step that is not a whole number of
            samples, more labels than windows in the recording, a directory that cannot be created.
    """
    out_dir = _directory("out_dir", out_dir)
    arguments.text("name", name, "the name of a recording")
    if "/" in name or name.split() != [name]:
        raise DataError(
            f"name: {name!r} is not a valid recording id: it must not contain blanks or '/'"
        )
    labels = arguments.labels("labels", labels, least=SILENCE)
    step = arguments.number("win_step", win_step, 10, unit="(milliseconds)") / 1000
    if duration is None:
        duration = len(labels) * step
    turns = turns_from_cells(name, labels, step, arguments.number("duration", duration))
    path = out_dir / f"{name}.rttm"
    write_rttm(path, [Turn(name, t.start, t.duration, f"spk{t.speaker}") for t in turns])
    return str(path)


def annotation(name: str, turns: Sequence[Turn]) -> Annotation:
    """Turn one recording's turns into a pyannote.core annotation; overlapping turns of a speaker are merged."""
    result = Annotation(uri=name)
    for i, turn in enumerate(merge_turns(turns)[0]):
        result[Segment(turn.start, turn.end), i] = turn.speaker
    return result


def diarize_dataset(
    dataset: DiarizationDataset,
    hypothesis_dir: str | Path | None,
    label: Labeller,
    bounds: Bounds | None = None,
) -> str:
    """Label the speech windows of every recording; return the directory of the RTTMs.

    ``label(x, windows, bounds, seed)`` receives x-vectors (n, d) of the speech windows, the windows, and
    the bounds on the number of speakers: ``bounds``, or if it is None the number in the reference.
    Recordings with too few windows for it are listed in the log.

    Raises:
        TypeError: not a data set. DataError: the directory cannot be created; some recordings failed, the
            others are done.
    """
    check_dataset(dataset)
    given = "./rttm_output/" if hypothesis_dir is None else hypothesis_dir
    out_dir = _directory("hypothesis_dir", given)
    failed: dict[str, DataError] = {}
    for i in tqdm(range(len(dataset)), disable=None, unit="rec"):
        name = dataset.names[i]
        try:
            segments, reference, speech, _ = dataset[i]
            rows = np.flatnonzero(speech.numpy())
            labels = np.full(len(speech), SILENCE)
            if len(rows):
                x = _vectors(segments, len(speech))[rows]
                known = bounds or exact_bounds(reference.shape[1])
                labels[rows] = label(x, dataset.windows(name, rows), known, seed_for(0, name))
                if shortfall := known.shortfall(len(set(labels[rows]))):
                    log.warning("%s: %s", name, shortfall)
            make_rttm(out_dir, name, labels, dataset.win_step, duration=dataset.duration(name))
        except DataError as error:
            log.error("%s: %s", name, error)
            failed[name] = error
    if failed:
        first = next(iter(failed.values()))
        raise DataError(
            f"{len(failed)} recording(s) failed: {' '.join(failed)}; the first: {first}"
        )
    return str(out_dir)


def check_dataset(dataset: object) -> None:
    """Check that the argument is a ``DiarizationDataset``.

    Raises:
        TypeError: it is not.
    """
    hint = ": DiarizationDataset(data_dir=...) makes one"
    arguments.instance("audio_dataset", dataset, DiarizationDataset, hint)


def _directory(name: str, value: object) -> Path:
    directory = arguments.path(name, value)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"{name}: cannot make this directory: {error.strerror}", directory
        ) from None
    return directory


def _vectors(segments: object, count: int) -> np.ndarray:
    """Return the x-vectors (n, d) of an item, possibly after a transform."""
    wanted = f"x-vectors ({count}, d)"
    made = arguments.array("what transform returns", segments, wanted)
    if made.ndim != 2 or len(made) != count:
        raise arguments.wrong_value("what transform returns", wanted, segments)
    return made


def exact_bounds(speakers: int) -> Bounds:
    """Return the bounds for a known number.

    Raises:
        DataError: the number is 0, for example if a recording has no reference.
    """
    if speakers < 1:
        raise DataError(f"{speakers} speakers: the oracle needs a reference that names some")
    return Bounds(speakers)
