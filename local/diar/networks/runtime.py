"""Running networks.

On a CPU with onnxruntime, or OpenVINO in half precision; on a GPU with torch, or onnxruntime's CUDA build
if there is only an ONNX file.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from diar.base.errors import DataError
from diar.base.files import cache_dir, open_whole, sweep_once

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from torch import nn

log = logging.getLogger(__name__)

Network = Callable[[np.ndarray], np.ndarray]  # (b, frames, mels) float32 to (b, dim) float32

PRECISIONS = ("float32", "bfloat16")
GPU_PROVIDER = "CUDAExecutionProvider"
DAMAGED = "damaged model: delete it to have it made again"


def network(path: Path, precision: str, threads: int = 1) -> Network:
    """Load a model of the cache (``onnx_model``) as a function from its only input to its only output.

    It runs on the CPU, on the thread that calls it.

    Args:
        precision: 'float32', or 'bfloat16' with sums in float32, which takes half the time on processors
            that support it. Its vectors differ: see benchmarks/extractor.
        threads: how many may call it at once.

    Raises:
        DataError: another precision; OpenVINO is not installed; the file is damaged.
    """
    if precision not in PRECISIONS:
        raise DataError(f"precision is {precision!r}; expected {' or '.join(PRECISIONS)}")
    if precision == "bfloat16":
        return _half(path, threads)
    try:
        model = session(path)
    except ValueError:
        raise DataError(DAMAGED, path) from None
    name = model.get_inputs()[0].name
    return lambda features: model.run(None, {name: features})[0]


def torch_network(module: nn.Module, device: str) -> Network:
    """Put a torch module, in evaluation mode, on a device: GPUs need no other package."""
    import torch

    module = module.to(device)

    def run(features: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return module(torch.from_numpy(features).to(device)).cpu().numpy()

    return run


def session(path: Path, device: str = "cpu") -> InferenceSession:
    """Open a model file in onnxruntime, on one thread of the CPU or on a GPU.

    Recordings run in parallel, not the network, so the order of sums is the same on every machine.

    Raises:
        DataError: this build of onnxruntime does not support GPUs.
        ValueError: not a model; the message is onnxruntime's.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only, which are also raised
    provider: str | tuple[str, dict[str, str]] = "CPUExecutionProvider"
    if device != "cpu":
        if GPU_PROVIDER not in onnxruntime.get_available_providers():
            raise DataError(
                f"device {device}: this onnxruntime is built for CPUs: 'pip uninstall onnxruntime' and"
                " 'pip install onnxruntime-gpu' into .venv"
            )
        provider = (GPU_PROVIDER, {"device_id": device.partition(":")[2] or "0"})
    try:
        return onnxruntime.InferenceSession(str(path), options, [provider])
    except Exception as error:  # onnxruntime's exceptions have no common base of their own
        raise ValueError(" ".join(str(error).split())) from None


def _half(path: Path, threads: int) -> Network:
    """Load the network in bfloat16 with OpenVINO."""
    try:
        import openvino
    except ModuleNotFoundError:
        raise DataError(
            "precision bfloat16 needs OpenVINO: 'pip install openvino' in the environment of the recipe"
        ) from None

    core = openvino.Core()
    options = {
        "INFERENCE_PRECISION_HINT": "bf16",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": threads,  # one thread per call, so results do not depend on their number
        # Pinned threads would share cores with those of other jobs.
        "ENABLE_CPU_PINNING": False,
    }
    try:
        model = core.compile_model(core.read_model(path), "CPU", options)
    except RuntimeError:
        raise DataError(DAMAGED, path) from None
    local = threading.local()

    def run(features: np.ndarray) -> np.ndarray:
        if not hasattr(local, "request"):
            local.request = model.create_infer_request()
        return local.request.infer({0: features})[0].copy()

    return run


def onnx_model(name: str, weights: str, code: Path, make: Callable[[], bytes]) -> Path:
    """Return the ONNX model models/<name>-<key>.onnx in the cache; ``make`` it if it is missing.

    The key covers the ``weights`` (their sha256), the ``code`` of the network, and that of the export.
    """
    files = (code, Path(__file__).with_name("onnx_export.py"))
    content = b"".join(file.read_bytes() for file in files)
    key = hashlib.sha256(weights.encode() + content).hexdigest()[:16]
    path = cache_dir() / "models" / f"{name}-{key}.onnx"
    sweep_once(path.parent)
    if not path.exists():
        log.info("exporting %s to %s, once", name, path)
        data = make()
        with open_whole(path, "wb") as stream:
            stream.write(data)
    return path
