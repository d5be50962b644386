"""The device that networks run on."""

from __future__ import annotations

from diar.base.errors import DataError


def device_of(name: str) -> str:
    """Return the device of a name: 'cpu', 'cuda', 'cuda:1'; 'auto' is 'cuda' if there is one.

    Raises:
        DataError: no such device; the message says why, and what to do.
    """
    if name == "cpu":
        return name  # without importing PyTorch: 1.3 s of CPU in every job of stage 2
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise DataError(f"device {name!r}: must be cpu, cuda, cuda:1 or the like, or auto")
    if device.type == "cpu":
        return "cpu"
    if torch.version.cuda is None and torch.version.hip is None:
        raise DataError(
            f"device {name!r}: this PyTorch ({torch.__version__}) is built for CPUs: install a CUDA"
            f" build of {torch.__version__.split('+')[0]} into .venv (https://pytorch.org/get-started)"
        )
    if (device.index or 0) >= torch.cuda.device_count():
        raise DataError(
            f"device {name!r}: PyTorch finds {torch.cuda.device_count()} GPUs: check nvidia-smi and"
            " CUDA_VISIBLE_DEVICES, which may hide them"
        )
    return str(device)
