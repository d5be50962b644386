"""Configuration: a frozen dataclass per arrow, read from YAML, with unknown keys refused by name.

Defaults live in the dataclass and nowhere else; a YAML file states what differs from them, or
repeats them for the reader (a test keeps the two equal).
"""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import yaml

from diar.base.errors import DataError

T = TypeVar("T")


def load(cls: type[T], path: str | Path | None = None, overrides: Iterable[str] = ()) -> T:
    """Read ``path`` (YAML) into the dataclass ``cls``; then apply ``key=value`` overrides.

    Nested dataclasses are nested mappings in the file and dotted keys in overrides.

    Raises:
        DataError: unreadable file, unknown key (the nearest known one is suggested), wrong type.
    """
    where = str(path) if path is not None else "defaults"
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (FileNotFoundError, IsADirectoryError):
            raise DataError("no such configuration file", path) from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise DataError(f"not valid YAML: {' '.join(str(error).split())}", path) from None
        values = {} if values is None else values  # an empty file asks for nothing but defaults
        if not isinstance(values, dict):
            raise DataError("expected 'key: value' lines", path)
    for item in overrides:
        key, sep, text = item.partition("=")
        if not sep:
            raise DataError(f"override {item!r} is not of the form key=value")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            raise DataError(f"override {item!r}: the value is not valid YAML") from None
        _put(values, key.split("."), value)
    return _build(cls, values, where)


def build(cls: type[T], values: dict[str, Any], where: str) -> T:
    """The dataclass ``cls`` from plain values, which ``where`` names in errors.

    Raises:
        DataError: unknown key, wrong type.
    """
    return _build(cls, values, where)


def as_dict(config: Any) -> dict[str, Any]:
    """The configuration as plain values, ready for YAML."""
    return dataclasses.asdict(config)


def dump(config: Any) -> str:
    """YAML text that ``load`` reads back into an equal object."""
    return yaml.safe_dump(_plain(as_dict(config)), sort_keys=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value


def _put(values: dict[str, Any], keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        if values.get(key) is None:
            values[key] = {}
        values = values[key]
        if not isinstance(values, dict):
            raise DataError(f"override {'.'.join(keys)!r}: {key!r} has no keys below it")
    values[keys[-1]] = value


def _build(
    cls: type[T], values: dict[str, Any], where: str, prefix: str = "", base: T | None = None
) -> T:
    """``base``, or the defaults of ``cls``, with ``values`` instead of what they name."""
    hints = typing.get_type_hints(cls)
    known = [f.name for f in dataclasses.fields(cls)]
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
            raise DataError(f"unknown key {prefix + str(key)!r}; {hint}", where)
    fields = {}
    for key, value in values.items():
        if dataclasses.is_dataclass(hints[key]) and isinstance(value, dict):
            inner = _default(cls, key) if base is None else getattr(base, key)
            fields[key] = _build(hints[key], value, where, f"{prefix}{key}.", inner)
        else:
            fields[key] = _convert(value, hints[key], where, prefix + key)
    try:
        return cls(**fields) if base is None else dataclasses.replace(base, **fields)
    except (TypeError, ValueError) as error:
        raise DataError(str(error), where) from None


def _default(cls: type, name: str) -> Any:
    """The default of a field of a dataclass, None where it has none."""
    (spec,) = (f for f in dataclasses.fields(cls) if f.name == name)
    if spec.default_factory is not dataclasses.MISSING:
        return spec.default_factory()
    return None if spec.default is dataclasses.MISSING else spec.default


def _convert(value: Any, hint: Any, where: str, key: str) -> Any:
    """Check one YAML value against a type hint; ints are fine where floats are asked."""
    if isinstance(hint, (types.UnionType,)) or typing.get_origin(hint) is typing.Union:
        options = typing.get_args(hint)
        if value is None and type(None) in options:
            return None
        for option in options:
            if option is not type(None):
                try:
                    return _convert(value, option, where, key)
                except DataError:
                    continue
    elif dataclasses.is_dataclass(hint):
        if isinstance(value, dict):
            return _build(hint, value, where, key + ".")
    elif typing.get_origin(hint) is typing.Literal:
        if value in typing.get_args(hint):
            return value
        choices = ", ".join(map(str, typing.get_args(hint)))
        raise DataError(f"{key} is {value!r}; it must be one of: {choices}", where)
    elif typing.get_origin(hint) is tuple:
        items = typing.get_args(hint)
        if isinstance(value, (list, tuple)):
            if items[-1] is Ellipsis:
                items = items[:1] * len(value)
            if len(items) != len(value):
                raise DataError(f"{key} is {value!r}; expected {len(items)} values", where)
            return tuple(_convert(v, i, where, key) for v, i in zip(value, items, strict=True))
    elif typing.get_origin(hint) is dict:
        if isinstance(value, dict):
            item = typing.get_args(hint)[1]
            return {str(k): _convert(v, item, where, f"{key}.{k}") for k, v in value.items()}
    elif hint is float:
        if isinstance(value, str):  # YAML reads 1e-3 as a string
            try:
                return float(value)
            except ValueError:
                pass
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
    elif hint is Any or (isinstance(value, hint) and not (hint is int and isinstance(value, bool))):
        return value
    name = getattr(hint, "__name__", str(hint))
    raise DataError(f"{key} is {value!r}; expected {name}", where)
