"""Networks in bfloat16 on a CPU, by OpenVINO: a quarter to a half of the time if the processor supports it."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from diar.base.errors import DataError
from diar.networks.runtime import DAMAGED, Network

log = logging.getLogger(__name__)

PRECISIONS = ("auto", "float32", "bfloat16")
CAPABLE = frozenset({"amx_bf16", "avx512_bf16"})  # processor flags
TOLERANCE = 0.1  # relative error on noise; that of bfloat16 stays below 0.05


class HalfNetwork:
    """A network with products in bfloat16 and sums in float32.

    It takes full batches of one shape: for any other shape OpenVINO would compile kernels again. It is compiled
    for the first batch, and compared with the exact network on noise: if a processor or a
    library computes something else, the exact one is used.

    Args:
        path: makes the ONNX file, with one input, whose first axis is the batch, and one output.
        exact: the network in float32, with the same inputs.
        batch: inputs at once; smaller batches are padded.
        worth: the number of inputs of one shape that justifies a second of compilation, see ``worth_of``.
        threads: the number that may call it at once; results do not depend on it.
        prepare: maps inputs of ``exact`` to those of the file, if they differ.
    """

    def __init__(
        self,
        path: Callable[[], Path],
        exact: Network,
        batch: int,
        worth: int,
        threads: int = 1,
        prepare: Callable[[np.ndarray], np.ndarray] = np.asarray,
    ) -> None:
        self.batch, self.worth = batch, worth
        self._path, self._exact, self._threads, self._prepare = path, exact, threads, prepare
        self._made: dict[tuple[int, ...], Network] = {}
        self._lock, self._local = threading.Lock(), threading.local()

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Map (b, ...) to (b, ...), with b up to ``batch``."""
        shape = inputs.shape[1:]
        with self._lock:
            if shape not in self._made:
                self._made[shape] = self._checked(shape)
        return self._made[shape](inputs)

    def _checked(self, shape: tuple[int, ...]) -> Network:
        network = self._compiled(shape)
        some = np.random.default_rng(0).standard_normal((2, *shape), np.float32)
        exact = self._exact(some)
        error = float(np.linalg.norm(network(some) - exact) / np.linalg.norm(exact))
        if error <= TOLERANCE:
            log.info("%s: bfloat16", self._path().stem)
            return network
        log.warning(
            "%s: bfloat16 has a relative error of %.2g on this processor: float32 is used",
            self._path(), error,
        )  # fmt: skip
        return self._exact

    def _compiled(self, shape: tuple[int, ...]) -> Network:
        import openvino

        options = {
            "INFERENCE_PRECISION_HINT": "bf16",
            "INFERENCE_NUM_THREADS": self._threads,
            "NUM_STREAMS": self._threads,  # a thread for each call: results do not depend on their number
            # A thread bound to a core would share it with threads of other jobs.
            "ENABLE_CPU_PINNING": False,
        }
        core = openvino.Core()
        whole = self._prepare(np.zeros((self.batch, *shape), np.float32)).shape
        try:
            model = core.read_model(self._path())
            model.reshape(list(whole))
            compiled = core.compile_model(model, "CPU", options)
        except RuntimeError:
            raise DataError(DAMAGED, self._path()) from None

        def run(inputs: np.ndarray) -> np.ndarray:
            requests: dict[Any, Any] = self._local.__dict__
            if shape not in requests:
                requests[shape] = compiled.create_infer_request()
            full = np.zeros(whole, np.float32)
            full[: len(inputs)] = self._prepare(inputs)
            return requests[shape].infer({0: full})[0][: len(inputs)].copy()

        return run


def worth_of(precision: str, usual: int) -> int:
    """Return from how many inputs of one shape on bfloat16 is used: 0 never, 1 if requested, ``usual`` with 'auto'.

    Raises:
        DataError: an unknown precision; bfloat16 is requested, but not available.
    """
    if precision not in PRECISIONS:
        raise DataError(f"precision is {precision!r}; expected one of {', '.join(PRECISIONS)}")
    if precision == "float32":
        return 0
    missing = _missing()
    if missing and precision == "bfloat16":
        raise DataError(f"precision bfloat16: {missing}")
    if missing:
        return 0
    return 1 if precision == "bfloat16" else usual


def _missing() -> str:
    """Describe why bfloat16 is not available here, '' if it is."""
    if not CAPABLE & _processor_flags():
        return "this processor does not support it; use float32"
    if find_spec("openvino") is None:
        return "OpenVINO is missing: 'pip install openvino' in the environment of the recipe"
    return ""


@functools.cache
def _processor_flags() -> frozenset[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:  # not Linux
        return frozenset()
    return frozenset(next((x for x in text.splitlines() if x.startswith("flags")), "").split())
