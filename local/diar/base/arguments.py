"""Checks of arguments given by a user, with one-line messages.

Each function returns the argument in the requested type. It raises TypeError for a wrong type, ValueError for
an invalid value; the message names the argument, what is expected, and what was given.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

_LARGEST = 2**31 - 1  # accepted as a whole number by every library


def wrong_kind(name: str, expected: str, value: object) -> TypeError:
    """Return the error for an argument of the wrong type."""
    return TypeError(f"{name} must be {expected}, not {shown(value)}")


def wrong_value(name: str, expected: str, value: object) -> ValueError:
    """Return the error for an invalid value."""
    return ValueError(f"{name} must be {expected}, not {shown(value)}")


def shown(value: object) -> str:
    """Describe a given value briefly: small values literally, others by type and shape."""
    if value is None or isinstance(
        value, (bool, int, float, complex, str, os.PathLike, np.generic)
    ):
        text = repr(value.item() if isinstance(value, np.generic) else value)
        return text if len(text) <= 80 else f"{text[:80]}..."
    kind = f"{type(value).__module__.split('.')[0]}.{type(value).__name__}"
    kind = kind.removeprefix("builtins.")
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return f"a {kind} of shape {tuple(shape)}, {getattr(value, 'dtype', '')}".rstrip(", ")
    if isinstance(value, (list, tuple)) and len(repr(value)) <= 80:
        return repr(value)
    return f"a {kind}"


def whole(name: str, value: object, least: int, most: int = _LARGEST, or_else: str = "") -> int:
    """Take a whole number from ``least`` to ``most``; ``or_else`` names alternatives."""
    wanted = f"a whole number of at least {least}"
    if most != _LARGEST:
        wanted = f"a whole number from {least} to {most}"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise wrong_kind(name, wanted + or_else, value)
    if not least <= value <= most:
        beyond = f", and at most {most}" if value > most else ""
        raise wrong_value(name, wanted + beyond + or_else, value)
    return int(value)


def speakers(name: str, value: object, or_else: str = " or None") -> int | None:
    """Take a number of speakers, or None if it is not known."""
    return None if value is None else whole(name, value, 1, or_else=or_else)


def number(
    name: str, value: object, least: float = 0.0, most: float = math.inf, unit: str = ""
) -> float:
    """Take a finite number from ``least`` to ``most``."""
    wanted = f"a number of at least {least:g}{unit and ' ' + unit}"
    if most != math.inf:
        wanted = f"a number from {least:g} to {most:g}"
    if isinstance(value, (bool, np.bool_)) or not isinstance(
        value, (int, float, np.integer, np.floating)
    ):
        raise wrong_kind(name, wanted, value)
    if not (math.isfinite(value) and least <= value <= most):
        raise wrong_value(name, wanted, value)
    return float(value)


def truth(name: str, value: object) -> bool:
    """Take True or False, also as 1 or 0."""
    if not isinstance(value, (bool, int, np.bool_, np.integer)):
        raise wrong_kind(name, "True or False", value)
    if value not in (0, 1):
        raise wrong_value(name, "True or False", value)
    return bool(value)


def text(name: str, value: object, what: str = "a string") -> str:
    """Take a string that is not empty."""
    if not isinstance(value, str):
        raise wrong_kind(name, what, value)
    if not value:
        raise wrong_value(name, what, value)
    return value


def choice(name: str, value: object, known: Collection[str]) -> str:
    """Take one of these strings."""
    wanted = " or ".join(repr(k) for k in known)
    if not isinstance(value, str):
        raise wrong_kind(name, wanted, value)
    if value not in known:
        raise wrong_value(name, wanted, value)
    return value


def path(name: str, value: object, or_else: str = "") -> Path:
    """Take a path: a string or a ``pathlib.Path``."""
    wanted = f"a path (a string or pathlib.Path){or_else}"
    if not isinstance(value, (str, os.PathLike)) or isinstance(os.fspath(value), bytes):
        raise wrong_kind(name, wanted, value)
    if not os.fspath(value) or "\0" in os.fspath(value):
        raise wrong_value(name, wanted, value)
    return Path(value)


def instance(name: str, value: object, kind: type[T], hint: str = "") -> T:
    """Take an object of this class."""
    if not isinstance(value, kind):
        raise wrong_kind(name, f"a {kind.__name__}{hint}", value)
    return value


def array(name: str, value: Any, wanted: str = "an array of numbers") -> np.ndarray:
    """Take real numbers: a numpy array, a tensor on any device, or nested lists."""
    given = value
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    try:
        made = np.asarray(value)
    except (TypeError, ValueError):  # lists of unlike lengths, numbers that numpy does not have
        raise wrong_kind(name, wanted, given) from None
    if made.dtype.kind not in "biuf" and made.size:
        raise wrong_kind(name, wanted, given)
    return made


def matrix(name: str, value: Any, square: bool = False) -> np.ndarray:
    """Take finite numbers (n, d) as float64, n and d at least 1; ``square``: n = d."""
    wanted = "a square matrix (n, n) of numbers" if square else "a matrix (n, d) of numbers, n >= 1"
    made = array(name, value, wanted)
    if made.ndim != 2 or not made.size or (square and len(made) != made.shape[1]):
        raise wrong_value(name, wanted, value)
    made = made.astype(np.float64, copy=False)
    if not np.isfinite(made).all():
        raise ValueError(f"{name} contains NaN or infinity: {shown(value)}")
    return made


def labels(name: str, value: Any, count: int | None = None, least: int = 0) -> np.ndarray:
    """Take whole numbers (n,) of at least ``least``; ``count``: n, if known.

    Floats are accepted if they are whole.
    """
    size = "n" if count is None else count
    wanted = f"whole numbers ({size},) of at least {least}"
    made = array(name, value, wanted)
    if made.ndim != 1 or (count is not None and len(made) != count):
        raise wrong_value(name, wanted, value)
    bad = ~np.isfinite(made) | (made < least) | (made != np.floor(made)) | (made > _LARGEST)
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise ValueError(f"{name} must be {wanted}: number {first} is {made[first].item()}")
    return made.astype(int)
