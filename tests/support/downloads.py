"""What the tests take from elsewhere, and can do without."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from diar.base.errors import DataError

T = TypeVar("T")


def fetch_or_skip(get: Callable[[], T]) -> T:
    """Return what ``get`` returns; skip the test when it can only be downloaded, and cannot."""
    try:
        return get()
    except DataError as error:
        if "cannot download" not in str(error):
            raise
        pytest.skip(f"neither in the cache nor to be had: {error}")
