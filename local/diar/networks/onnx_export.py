"""Networks from torch to ONNX."""

from __future__ import annotations

import io
import warnings

import onnx
import torch
from torch import Tensor, nn

OPSET = 17


def to_onnx(
    net: nn.Module,
    example: Tensor,
    input_name: str = "features",
    output_name: str = "embedding",
    free: int = 2,
    said: dict[str, str] | None = None,
) -> bytes:
    """Export a network in evaluation mode, by default from features to an embedding for each window.

    Args:
        example: (batch, time, ...) input.
        input_name, output_name: what the model calls them.
        free: how many of the first axes of the input may be of another length than those of the example.
        said: what the model's metadata say.
    """
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # A constant of the padding stays in the model: onnxruntime folds it. Instances are normalised by
        # their own statistics, as ever. And the batch of an LSTM is free where the example's is 1.
        for message in ("Constant folding", "ONNX export mode", "Exporting a model to ONNX"):
            warnings.filterwarnings("ignore", message, UserWarning)
        torch.onnx.export(
            net,
            (example,),
            buffer,  # type: ignore[arg-type]  # the exporter without dynamo takes a stream, too
            dynamo=False,  # the other exporter needs another package
            opset_version=OPSET,
            input_names=[input_name],
            output_names=[output_name],
            dynamic_axes={
                input_name: dict(enumerate(("batch", "time")[:free])),
                output_name: {0: "batch"},
            },
        )
    if not said:
        return buffer.getvalue()
    model = onnx.load_model_from_string(buffer.getvalue())
    onnx.helper.set_model_props(model, said)
    return model.SerializeToString()
