"""A device that is not there: tensors say that they are on it, and compute on the CPU.

Within ``Elsewhere()`` everything that is made on, or moved to, the device 'meta' becomes a ``Remote``,
which holds its values as an accelerator would. As there, an operation on tensors of both places is an
error, and so is ``numpy()`` of a remote one. Single numbers of the CPU may go with anything.
"""

from __future__ import annotations

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

DEVICE = torch.device("meta")


class Remote(torch.Tensor):
    """A tensor elsewhere, with its values in ``here``."""

    @staticmethod
    def __new__(cls, here):
        remote = torch.Tensor._make_wrapper_subclass(
            cls, here.shape, strides=here.stride(), dtype=here.dtype, device=DEVICE
        )
        remote.here = here
        return remote

    def __repr__(self):
        return f"Remote({self.here})"

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return perform(func, args, kwargs or {})


class Elsewhere(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return perform(func, args, kwargs or {})


def perform(func, args, kwargs):
    tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
    remote = [t for t in tensors if isinstance(t, Remote)]
    near = [t for t in tensors if not isinstance(t, Remote) and t.dim()]
    moved = func in (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)
    indexed = func in (torch.ops.aten.index.Tensor,)  # by indices of the CPU, as CUDA allows
    if remote and near and not moved and not indexed:
        raise RuntimeError(f"{func}: tensors on two devices, {[tuple(t.shape) for t in near]} here")
    target = kwargs.get("device")
    there = bool(remote) if target is None else torch.device(target) == DEVICE
    if target is not None:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    inner_args, inner_kwargs = tree_map_only(Remote, lambda t: t.here, (args, kwargs))
    found = func(*inner_args, **inner_kwargs)
    if func._schema.is_mutable:  # in place: the same object
        changed = {id(t.here): t for t in remote}
        return tree_map_only(torch.Tensor, lambda t: changed.get(id(t), t), found)
    return tree_map_only(torch.Tensor, Remote, found) if there else found


def remote_module(module):
    """A module whose parameters and buffers are elsewhere."""
    for part in module.modules():
        for name, value in part._parameters.items():
            if value is not None:
                part._parameters[name] = torch.nn.Parameter(Remote(value.detach().clone()))
        for name, value in part._buffers.items():
            part._buffers[name] = Remote(value.clone())
    return module
