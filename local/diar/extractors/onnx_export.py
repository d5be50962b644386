"""Networks from torch to ONNX."""

from __future__ import annotations

import io
import warnings

import torch
from torch import Tensor, nn

OPSET = 17


def to_onnx(net: nn.Module, example: Tensor) -> bytes:
    """Export a network in evaluation mode, 'features' (batch, time, mels) to 'embedding' (batch, dim).

    Args:
        example: (batch, time, mels) features; batch and time of the model may differ from theirs.
    """
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # A constant of the padding stays in the model: onnxruntime folds it.
        warnings.filterwarnings("ignore", "Constant folding", UserWarning)
        torch.onnx.export(
            net,
            (example,),
            buffer,  # type: ignore[arg-type]  # the exporter without dynamo takes a stream, too
            dynamo=False,  # the other exporter needs another package
            opset_version=OPSET,
            input_names=["features"],
            output_names=["embedding"],
            dynamic_axes={"features": {0: "batch", 1: "time"}, "embedding": {0: "batch"}},
        )
    return buffer.getvalue()
