"""The network in 8-bit integers, to see what that would cost."""

from __future__ import annotations

from pathlib import Path

import numpy as np


class Features:
    """What the ranges of the activations are taken from, as onnxruntime asks for it."""

    def __init__(self, features: np.ndarray, batch: int = 16):
        self.batches = iter(np.array_split(features, max(1, len(features) // batch)))

    def get_next(self) -> dict[str, np.ndarray] | None:
        batch = next(self.batches, None)
        return None if batch is None else {"features": batch}


def quantized(path: Path, features: np.ndarray, out: Path) -> Path:
    """Convolutions in 8 bits, weights by channel, ranges from ``features`` (n, frames, mels)."""
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = out.with_suffix(".prepared.onnx")
    quant_pre_process(str(path), str(prepared))
    quantize_static(
        str(prepared), str(out), Features(features), quant_format=QuantFormat.QDQ, per_channel=True,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, op_types_to_quantize=["Conv"],
    )  # fmt: skip
    prepared.unlink()
    return out
