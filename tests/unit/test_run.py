"""Profiles select what they say, and a run goes on where it stopped."""

import math
import re
from itertools import product
from types import SimpleNamespace

import pytest
from asv.benchmarks import Benchmarks
from asv.results import Results
from asv.runner import BenchmarkResult

from lsebench.run import run as measure
from lsebench.run.profiles import PROFILES

PARAMS = [["'cupy'", "'numba'", "'numpy'"], ["'float32'", "'float64'"], ["10", "100000000"]]
BENCHMARKS = {
    "warm.Logsumexp.track_time": PARAMS,
    "limits.EmptyCall.track_time": [],
    "limits.Read.track_time": PARAMS[1:],
    "imports.Imports.timeraw_import": PARAMS[:1],
}


@pytest.fixture
def conf(tmp_path):
    return SimpleNamespace(results_dir=str(tmp_path), benchmark_dir="")


@pytest.fixture
def listed(conf):
    rows = [
        {"name": name, "params": params, "version": "1", "param_names": []}
        for name, params in BENCHMARKS.items()
    ]
    return Benchmarks(conf, rows)


def groups(listed, profile, only=None, absent=frozenset(), many=False):
    selection = PROFILES[profile].many if many else PROFILES[profile].one
    return measure.combinations(listed, selection, only, set(absent))


def select(*arguments, **more):
    return [key for group in groups(*arguments, **more) for key in group]


def test_quick_starts_with_what_matters_most(listed):
    found = select(listed, "quick")
    assert found[0] == ("warm.Logsumexp.track_time", ("'cupy'", "'float64'", "10"))
    assert ("limits.EmptyCall.track_time", ()) in found
    assert not any("'float32'" in key or "100000000" in key for _, key in found)


def test_full_is_everything_but_huge(listed):
    full, huge = select(listed, "full"), select(listed, "huge")
    assert not any("100000000" in key for _, key in full)
    assert all("100000000" in key for _, key in huge)
    assert len(full) == len(set(full)) == 3 * 2 + 1 + 2 + 3


@pytest.mark.parametrize("profile", PROFILES)
def test_nothing_is_in_two_parts(listed, profile):
    found = select(listed, profile)
    assert len(found) == len(set(found))
    assert len(groups(listed, profile)) == len(PROFILES[profile].one)


def test_backends_that_are_absent_are_left_out(listed):
    found = select(listed, "full", absent={"cupy"})
    assert found
    assert not any("'cupy'" in key for _, key in found)


def test_only_what_matches_is_left(listed):
    found = select(listed, "full", only="'numba'.*, 10")
    assert {key[0] for _, key in found} == {"'numba'"}


def test_all_cores_run_only_parallel_backends(listed):
    found = select(listed, "full", many=True)
    assert {name for name, _ in found} == {"limits.Read.track_time"}, "by two threads"
    assert "numba_parallel" in PROFILES["full"].many[0]
    assert "'numba'" not in PROFILES["full"].many[0]


def test_expression_for_a_benchmark_selects_exactly_what_is_asked_for(conf, listed):
    asked = [key for key in select(listed, "full") if "'numpy'" not in key[1]]
    for name in listed:
        keys = [key for key in asked if key[0] == name]
        chosen = Benchmarks(conf, [listed[name]], measure.expression(keys))
        assert list(chosen) == [name]
        every = list(product(*listed[name]["params"]))
        again = [(name, every[i]) for i in chosen.benchmark_selection[name] or [0]]
        assert again == keys


def stored(listed, values, version="1"):
    """Return results as asv loads them."""
    found = Results({"machine": "m"}, {}, "0" * 40, 0, "3", "e", {})
    suite = {**listed["warm.Logsumexp.track_time"], "version": version}
    none = [None] * len(values)
    found.add_result(suite, BenchmarkResult(values, none, none, 0, "", None))
    return found


def test_only_values_count_as_measured(listed):
    """nan is n/a or never run; null is failed: both are run again."""
    assert (
        measure.measured(Results({"machine": "m"}, {}, "0" * 40, 0, "3", "e", {}), listed) == set()
    )
    found = measure.measured(stored(listed, [1.0, math.nan, None] + [math.nan] * 9), listed)
    assert found == {("warm.Logsumexp.track_time", ("'cupy'", "'float32'", "10"))}


def test_a_result_of_another_version_of_the_suite_does_not_count(listed):
    assert measure.measured(stored(listed, [1.0] * 12, "0"), listed) == set()


def test_help_lists_profiles_and_exit_codes(capsys):
    with pytest.raises(SystemExit):
        measure._parser().parse_args(["--help"])
    text = capsys.readouterr().out
    assert all(re.search(rf"^  {name} ", text, re.M) for name in PROFILES)
    assert "exit codes: 0" in text
