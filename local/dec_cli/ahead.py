"""Work on the next item while the result of the last one is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

from dec_cli import survival

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


def one_ahead(make: Callable[[_Item], _Made], items: Sequence[_Item]) -> Iterator[_Made]:
    """Yield ``make(item)`` for each item; the next one is made by a thread while the caller uses the last.

    So at most one result waits, and memory does not grow with the number of items. After a crash of native code,
    each waits for the use of the one before: then it is clear which one crashes (``survival``).
    """
    if len(items) < 2 or not survival.may_work_ahead():
        yield from map(make, items)
        return
    coming = _begin(make, items[0])
    for item in items[1:]:
        made = coming.result()
        coming = _begin(make, item)
        yield made
    yield coming.result()


def _begin(make: Callable[[_Item], _Made], item: _Item) -> Future[_Made]:
    """Make it in a thread that does not keep an interrupted program from ending, as those of an executor do."""
    made: Future[_Made] = Future()

    def work() -> None:
        try:
            made.set_result(make(item))
        except BaseException as error:  # the caller gets it
            made.set_exception(error)

    Thread(target=work, daemon=True).start()
    return made
