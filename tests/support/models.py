"""Small networks of random weights in the layouts that others publish."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from diar.extractors.ecapa_net import EcapaTdnn

SMALL = dict(channels=32, wide=48, squeeze=8, attention=8)


def ecapa_state(seed: int = 0, **sizes) -> OrderedDict:
    """Random weights, and statistics of normalisations that are not trivial, as SpeechBrain names them."""
    torch.manual_seed(seed)
    state = OrderedDict()
    for key, value in EcapaTdnn(**sizes).state_dict().items():
        module, _, parameter = key.rpartition(".")
        wrapped = "norm" if module.endswith(("norm", "asp_bn")) else "conv"
        if parameter in ("running_var", "weight") and wrapped == "norm":
            value = 0.5 + torch.rand_like(value)
        elif wrapped == "norm" and parameter != "num_batches_tracked":
            value = 0.2 * torch.randn_like(value)
        state[f"{module}.{wrapped}.{parameter}"] = value
    return state


def save_ecapa(folder: Path, seed: int = 0, **sizes) -> Path:
    """A folder as in the repository: weights, and the mean of the training's embeddings."""
    folder.mkdir(parents=True, exist_ok=True)
    state = ecapa_state(seed, **sizes)
    torch.save(state, folder / "embedding_model.ckpt")
    mean = torch.randn(state["fc.conv.weight"].shape[0])
    statistics = {"count": 7, "glob_mean": mean, "glob_std": torch.ones(1), "spk_dict_mean": {}}
    torch.save(statistics, folder / "mean_var_norm_emb.ckpt")
    return folder


def pooling_matrix(mels: int = 80, dim: int = 24) -> np.ndarray:
    """(mels, dim) float32, what ``save_pooling`` multiplies by."""
    return np.random.default_rng(3).normal(size=(mels, dim)).astype(np.float32) / mels


def save_pooling(
    path: Path,
    mels: int = 80,
    dim: int = 24,
    shape: tuple = ("batch", "frames"),
    extra: bool = False,
    kind: int = TensorProto.FLOAT,
) -> Path:
    """An ONNX model: mean of tanh(features @ matrix) over the frames; ``extra``: the frames, too."""
    nodes = [
        helper.make_node("MatMul", ["feats", "matrix"], ["projected"]),
        helper.make_node("Tanh", ["projected"], ["frames"]),
        helper.make_node("ReduceMean", ["frames"], ["embs"], axes=[1], keepdims=0),
        helper.make_node("Neg", ["embs"], ["negative"]),
    ]
    outputs = [helper.make_tensor_value_info("embs", kind, ["batch", dim])]
    if extra:
        outputs.insert(0, helper.make_tensor_value_info("frames", kind, ["batch", "t", dim]))
    graph = helper.make_graph(
        nodes,
        "pooling",
        [helper.make_tensor_value_info("feats", kind, [*shape, mels])],
        outputs,
        [numpy_helper.from_array(pooling_matrix(mels, dim), "matrix")],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path
