"""How many pairs at a time."""

import pytest

from lsebench.records.stored import Tuning
from lsebench.run import jobs


def check(alone, beside):
    kernel = {"within": 0.01, "between": 0.01}
    kernel |= {name: v for name, v in (("paired", alone), ("beside", beside)) if v is not None}
    noise = {"kernels": {"loop": kernel, "exp": kernel, "read": kernel}}
    return Tuning(checked="2026-01-01T00:00:00+00:00", checks=[], noise=noise)


@pytest.mark.parametrize(
    ("cores", "alone", "beside", "best"),
    [
        (2, 0.05, 0.05, 1),  # the third is for all else
        (4, 0.05, 0.06, 2),  # twice as many pairs: 1.4 times as good
        (4, 0.05, 0.08, 1),
        (4, 0.05, None, 1),  # nobody looked
        (64, 0.01, 0.01, 2),
    ],
)
def test_as_many_as_tell_most_in_the_same_minutes(
    tmp_path, monkeypatch, cores, alone, beside, best
):
    monkeypatch.setattr(jobs, "cores", lambda: list(range(cores)))
    assert jobs.best(tmp_path) == 1, "nobody has checked this machine"
    check(alone, beside).append(tmp_path)
    assert jobs.best(tmp_path) == best


def test_siblings_are_one_core_and_the_first_is_left(monkeypatch):
    monkeypatch.setattr(jobs.os, "sched_getaffinity", lambda pid: range(8))
    monkeypatch.setattr(jobs.Path, "exists", lambda path: True)
    monkeypatch.setattr(
        jobs.Path, "read_text", lambda path: str(int(path.parts[5].removeprefix("cpu")) % 4)
    )
    assert jobs.cores() == [4, 5, 6, 7]
    assert jobs.processors(2) == [6, 7]
    assert jobs.room() == 2
    assert jobs.room(9) == 3
