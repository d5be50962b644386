"""Configuration: a frozen dataclass per stage, read from YAML; unknown keys are refused by name.

Defaults are defined only in the dataclass; a YAML file states differences from them, or repeats them for
the reader (a test keeps the two equal).
"""

# No library converts the values, because none makes this shorter. Measured: with cattrs 26.2 the same
# checks and messages take 100 lines instead of the 70 from _build on (each kind of value needs a hook
# to be strict, and its errors must be translated), and the import of this module takes 60 ms instead
# of 28. msgspec 0.22 ignores unknown keys of dataclasses, does not keep the values of a nested default,
# and names neither the choices of a Literal nor the key of a mapping.

from __future__ import annotations

import dataclasses
import difflib
import re
import sys
import typing
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import yaml

from diar.base.errors import DataError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

_PACKAGE = Path(__file__).resolve().parents[1]
# The configurations: of the checkout, or, in an installed package, those that came with it (setup.py).
CONF = _PACKAGE / "conf" if (_PACKAGE / "conf").is_dir() else _PACKAGE.parents[1] / "conf"


def load(cls: type[T], path: str | Path | None = None, overrides: Iterable[str] = ()) -> T:
    """Read ``path`` (YAML) into the dataclass ``cls``; then apply ``key=value`` overrides.

    Nested dataclasses are nested mappings in the file and dotted keys in overrides.

    Raises:
        DataError: unreadable file, duplicate or unknown key (the nearest known one is suggested), wrong
            type.
    """
    values = {} if path is None else _read(path)
    for item in overrides:
        key, sep, text = item.partition("=")
        if not sep:
            raise DataError(f"override {item!r} is not of the form key=value")
        try:
            value = _parse(text)
        except yaml.YAMLError as error:
            raise DataError(
                f"override {_shown(item)}: the value is not valid YAML: {error}"
            ) from None
        _put(values, key.split("."), value)
    return build(cls, values, "defaults" if path is None else str(path))


def build(cls: type[T], values: dict[str, Any], where: str) -> T:
    """Make the dataclass ``cls`` from plain values; ``where`` names their source in errors.

    Raises:
        DataError: unknown key, wrong type.
    """
    try:
        return _build(cls, values)
    except ValueError as error:
        raise DataError(str(error), where) from None


def dump(config: DataclassInstance) -> str:
    """Write YAML text that ``load`` reads back into an equal object."""
    return yaml.safe_dump(dataclasses.asdict(config), sort_keys=False)


def read_flat(path: str | Path) -> dict[str, str]:
    """Read a configuration of any class as dotted keys and the text of their values.

    Raises:
        DataError: unreadable file.
    """
    return _flat(_read(path))


def changes(path: str | Path, config: DataclassInstance) -> list[str]:
    """List differences between a configuration and a dumped one: 'refine.niter was 60, is 80'.

    Raises:
        DataError: unreadable file.
    """
    before, now = read_flat(path), _flat(dataclasses.asdict(config))
    return [
        f"{key} was {before.get(key, 'not set')}, is {now.get(key, 'not set')}"
        for key in before | now
        if before.get(key) != now.get(key)
    ]


def _flat(values: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}

    def add(prefix: str, value: Any) -> None:
        if isinstance(value, dict) and value:
            for key, below in value.items():
                add(f"{prefix}.{key}" if prefix else str(key), below)
        else:
            found[prefix] = yaml.safe_dump(value, default_flow_style=True, width=sys.maxsize)
            found[prefix] = found[prefix].removesuffix("\n").removesuffix("\n...")

    add("", values)
    return found


def _read(path: str | Path) -> dict[str, Any]:
    try:
        values = _parse(Path(path).read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        raise DataError("no such configuration file", path) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"not valid YAML: {error}", path) from None
    if values is None:  # an empty file means defaults
        return {}
    if not isinstance(values, dict):
        raise DataError("expected 'key: value' lines", path)
    return values


class _Loader(yaml.SafeLoader):
    """YAML of a configuration.

    Dates are strings. Refuses YAML that nobody intends: duplicate keys, of which one would be lost; aliases,
    which can expand a few lines to gigabytes; numbers of thousands of digits; nesting deeper than DEPTH.
    """

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise _fault(f"alias *{event.anchor}: write out its value", event)
        self.depth += 1
        if self.depth > DEPTH:
            raise _fault(TOO_DEEP, self.peek_event())
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep)
            if isinstance(value, int):
                str(
                    value
                )  # Python does not write what is too long, as it may be where 0x or 1:00 begin it
        except (yaml.YAMLError, RecursionError):
            raise
        except Exception:  # anything that Python raises for such a text
            raise _fault("not a valid number, date or boolean, or too long", node) from None
        return value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(self.construct_object(key, deep=True))
            if name in seen:
                raise _fault(f"duplicate key {_shown(name)}: remove one of them", key)
            seen.add(name)
        return super().construct_mapping(node, deep)


DEPTH = 50
TOO_DEEP = f"nested deeper than {DEPTH} levels"
_Loader.yaml_implicit_resolvers = {
    first: [(tag, words) for tag, words in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _fault(problem: str, place: yaml.Node | yaml.Event) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, place.start_mark)  # type: ignore[arg-type]


def _parse(text: str) -> Any:
    """Read YAML.

    Raises:
        yaml.YAMLError: not valid YAML; the message is one line.
    """
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, RecursionError) as error:
        reason = re.sub(r'\s+in "<unicode string>"', "", str(error))
        raise yaml.YAMLError(" ".join(reason.split())) from None


def _shown(value: Any) -> str:
    """Format a value for a message, only its beginning if it is long."""
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


def _put(values: dict[str, Any], keys: list[str], value: Any) -> None:
    if len(keys) > DEPTH:
        raise DataError(f"override {_shown('.'.join(keys))}: {TOO_DEEP}")
    for key in keys[:-1]:
        if values.get(key) is None:
            values[key] = {}
        values = values[key]
        if not isinstance(values, dict):
            raise DataError(f"override {'.'.join(keys)!r}: {key!r} has no keys below it")
    values[keys[-1]] = value


def _build(cls: type[T], values: dict[str, Any], prefix: str = "", base: T | None = None) -> T:
    """Make a ``cls`` from ``base``, or from its defaults, with ``values`` replaced.

    Raises:
        ValueError: unknown key, wrong type, or a value that ``cls`` itself refuses.
    """
    hints = typing.get_type_hints(cls)
    specs = {spec.name: spec for spec in dataclasses.fields(cls)}
    for key in values:
        if key not in specs:
            near = difflib.get_close_matches(str(key), specs, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(specs)}"
            raise ValueError(f"unknown key {_shown(prefix + str(key))}; {hint}")
    fields = {}
    for key, value in values.items():
        default = _default(specs[key]) if base is None else getattr(base, key)
        fields[key] = _convert(value, hints[key], prefix + key, default)
    try:
        return cls(**fields) if base is None else dataclasses.replace(base, **fields)
    except TypeError as error:  # a key is missing
        raise ValueError(str(error)) from None


def _default(spec: dataclasses.Field[Any]) -> Any:
    if spec.default_factory is not dataclasses.MISSING:
        return spec.default_factory()
    return None if spec.default is dataclasses.MISSING else spec.default


def _convert(value: Any, hint: Any, key: str, default: Any = None) -> Any:
    """Convert a value of YAML to the type of its field.

    Args:
        hint: a dataclass, float, int, str, bool, tuple, dict, Literal, Any; or one of them or None.
        key: the full dotted key, for errors.
        default: a nested dataclass keeps its fields that ``value`` does not set.

    Raises:
        ValueError: wrong type; the message has the key, the value, and the expected type.
    """
    kind, arguments = typing.get_origin(hint) or hint, typing.get_args(hint)
    if type(None) in arguments:
        return None if value is None else _convert(value, arguments[0], key, default)
    if kind is Literal:
        if value not in arguments:
            choices = ", ".join(map(str, arguments))
            raise ValueError(f"{key} is {_shown(value)}; it must be one of: {choices}")
        return value
    if kind is tuple and isinstance(value, (list, tuple)):
        return _convert_items(value, arguments, key)
    if kind is dict and isinstance(value, dict):
        return {str(k): _convert(v, arguments[1], f"{key}.{k}") for k, v in value.items()}
    if dataclasses.is_dataclass(kind) and isinstance(value, dict):
        return _build(hint, value, f"{key}.", default)
    if kind is float and type(value) in (int, float, str):  # YAML reads 1e-3 as a string
        with suppress(ValueError, OverflowError):
            return float(value)
    elif kind is int and type(value) is int and abs(value) >= 1 << 63:
        raise ValueError(f"{key} is {_shown(value)}; expected an int of 64 bits")
    elif hint is Any or type(value) is kind:  # so that no bool passes for an int
        return value
    raise ValueError(f"{key} is {_shown(value)}; expected {getattr(hint, '__name__', hint)}")


def _convert_items(
    values: typing.Sequence[Any], hints: tuple[Any, ...], key: str
) -> tuple[Any, ...]:
    if hints[-1] is Ellipsis:
        hints = hints[:1] * len(values)
    if len(hints) != len(values):
        raise ValueError(f"{key} is {_shown(values)}; expected {len(hints)} values")
    return tuple(_convert(v, hint, key) for v, hint in zip(values, hints, strict=True))
