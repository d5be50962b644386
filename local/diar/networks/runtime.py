"""Running networks.

On a CPU with onnxruntime (``half``: OpenVINO, in half precision); on a GPU with torch, or onnxruntime's CUDA
build if there is only an ONNX file.
"""

from __future__ import annotations

import hashlib
import logging
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

GPU_PROVIDER = "CUDAExecutionProvider"
DAMAGED = "damaged model: delete it to have it made again"


def network(path: Path) -> Network:
    """Load a model of the cache (``onnx_model``) as a function from its only input to its only output.

    It runs on the CPU, on the thread that calls it.

    Raises:
        DataError: the file is damaged.
    """
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
    options.enable_cpu_mem_arena = False  # it would keep the memory of the largest batch
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
