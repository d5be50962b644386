"""Work on the next item while the last one is used."""

from __future__ import annotations

import threading

import pytest

from dec_cli.ahead import one_ahead


def test_one_is_made_ahead_and_no_more():
    begun = [threading.Event() for _ in range(4)]

    def make(item: int) -> int:
        begun[item].set()
        return 10 * item

    for number, made in enumerate(one_ahead(make, range(4))):
        assert made == 10 * number
        if number < 3:
            assert begun[number + 1].wait(10)  # while this one is used
        assert not any(event.is_set() for event in begun[number + 2 :])


@pytest.mark.parametrize("items", [[], [1], [1, 2, 3]])
def test_all_in_order(items):
    assert list(one_ahead(lambda item: -item, items)) == [-item for item in items]


def test_what_fails_is_raised_in_its_turn():
    made = one_ahead(lambda item: 1 // item, [1, 0, 1])
    assert next(made) == 1
    with pytest.raises(ZeroDivisionError):
        next(made)
