"""External data of ONNX models: files beside a large model that hold its weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from diar.base.errors import DataError


def files_of(path: Path) -> list[Path]:
    """List the files that a model consists of: itself, then those of its external data, by name.

    If ``path`` is not a model, it is the only file.

    Raises:
        DataError: external data outside the folder of the model.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(path, "protobuf", load_external_data=False)
    except DecodeError:
        return [path]
    names = {
        entry.value
        for tensor in _external(model)
        for entry in tensor.external_data
        if entry.key == "location"
    }
    for name in names:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise DataError(f"its weights lie outside of its folder: {name[:200]!r}", path)
    return [path, *(path.parent / name for name in sorted(names))]


def _external(message: Any) -> Iterator[Any]:
    """Find all tensors with external data in a model."""
    for field, value in message.ListFields():
        if field.message_type is not None:
            parts = [value] if hasattr(value, "ListFields") else value
            for part in parts:
                yield from _external(part)
    if message.DESCRIPTOR.name == "TensorProto" and message.external_data:
        yield message
