"""Recordings are shared among jobs, each once and fairly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diar.jobs.share import share

sizes = st.lists(st.floats(0, 1e6), max_size=40)


@given(sizes, st.integers(1, 8))
def test_each_item_goes_to_one_job_and_keeps_its_order(sizes, jobs):
    items = [f"rec{i:02d}" for i in range(len(sizes))]
    shares = [share(items, sizes, job, jobs) for job in range(1, jobs + 1)]
    assert sorted(item for mine in shares for item in mine) == items
    assert all(mine == sorted(mine) for mine in shares)


@given(sizes, st.integers(1, 8))
def test_loads_differ_by_no_more_than_the_largest_item(sizes, jobs):
    loads = [
        sum(sizes[i] for i in share(range(len(sizes)), sizes, job, jobs))
        for job in range(1, jobs + 1)
    ]
    assert max(loads) - min(loads) <= max(sizes, default=0) + 1e-6


def test_largest_first():
    assert share("abcd", [1, 5, 3, 3], 1, 2) == ["a", "b"]
    assert share("abcd", [1, 5, 3, 3], 2, 2) == ["c", "d"]


@pytest.mark.parametrize("job", [0, 3, -1])
def test_jobs_that_do_not_exist(job):
    with pytest.raises(ValueError, match=f"job {job} of 2"):
        share("ab", [1, 1], job, 2)
