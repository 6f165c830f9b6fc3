"""Profiles select what they say, and a run goes on where it stopped."""

import json
import math
import re
from types import SimpleNamespace

import pytest
from asv.benchmarks import Benchmarks

from measure import __main__ as measure
from measure.profiles import PROFILES

PARAMS = [["'cupy'", "'numba'", "'numpy'"], ["'float32'", "'float64'"], ["10", "100000000"]]
BENCHMARKS = {
    "warm.Logsumexp.track_time": PARAMS,
    "limits.EmptyCall.track_time": [],
    "limits.Read.track_time": PARAMS[1:],
    "imports.Imports.timeraw_import": PARAMS[:1],
}


@pytest.fixture
def conf(tmp_path):
    listed = {
        name: {"name": name, "params": params, "version": "1", "param_names": []}
        for name, params in BENCHMARKS.items()
    }
    (tmp_path / "benchmarks.json").write_text(json.dumps({**listed, "version": 2}))
    return SimpleNamespace(results_dir=str(tmp_path), benchmark_dir="")


def select(conf, profile, only=None, absent=frozenset(), many=False):
    selection = PROFILES[profile].many if many else PROFILES[profile].one
    return measure.combinations(conf, selection, only, set(absent))


def test_quick_starts_with_what_matters_most(conf):
    found = select(conf, "quick")
    assert found[0] == ("warm.Logsumexp.track_time", ("'cupy'", "'float64'", "10"))
    assert ("limits.EmptyCall.track_time", ()) in found
    assert not any("'float32'" in key or "100000000" in key for _, key in found)


def test_full_is_everything_but_huge(conf):
    full, huge = select(conf, "full"), select(conf, "huge")
    assert not any("100000000" in key for _, key in full)
    assert all("100000000" in key for _, key in huge)
    assert len(full) == len(set(full)) == 3 * 2 + 1 + 2 + 3


def test_backends_that_are_absent_are_left_out(conf):
    found = select(conf, "full", absent={"cupy"})
    assert found
    assert not any("'cupy'" in key for _, key in found)


def test_all_cores_run_only_parallel_backends(conf):
    found = select(conf, "full", many=True)
    assert {name for name, _ in found} == {"limits.Read.track_time"}, "by two threads"
    assert "numba_parallel" in PROFILES["full"].many[0]
    assert "'numba'" not in PROFILES["full"].many[0]


def test_expression_for_a_part_selects_exactly_that_part(conf):
    found = select(conf, "full")
    for _, keys in measure._parts(found):
        chosen = Benchmarks.load(conf, measure._regex(keys))
        again = [
            (name, tuple(measure.product(*b["params"]))[i])
            for name, b in chosen.items()
            for i in chosen.benchmark_selection[name] or [0]
        ]
        assert [(n, k if b else ()) for (n, k), b in zip(again, keys, strict=True)] == keys


def test_parts_are_small(conf):
    keys = [("a", (str(i),)) for i in range(150)] + [("b", ())]
    parts = list(measure._parts(keys))
    assert [len(part) for _, part in parts] == [60, 60, 30, 1]
    assert [key for _, part in parts for key in part] == keys


def stored(folder, values, version):
    """Write a result file as asv does."""
    results = {
        "commit_hash": "0" * 40,
        "env_name": "e",
        "date": 0,
        "params": {"machine": "m"},
        "python": "3",
        "requirements": {},
        "env_vars": {},
        "durations": {},
        "version": 2,
        "result_columns": ["result", "params", "version"],
        "results": {"warm.Logsumexp.track_time": [values, PARAMS, version]},
    }
    (folder / "m").mkdir()
    (folder / "m/00000000-e.json").write_text(json.dumps(results))


def test_only_values_count_as_measured(conf, tmp_path):
    """nan is n/a or never run; null is failed: both are run again."""
    env = SimpleNamespace(name="e")
    assert measure.measured(conf, "m", "0" * 40, env) == set()
    stored(tmp_path, [1.0, math.nan, None] + [math.nan] * 9, "1")
    found = measure.measured(conf, "m", "0" * 40, env)
    assert found == {("warm.Logsumexp.track_time", ("'cupy'", "'float32'", "10"))}


def test_a_result_of_another_version_of_the_suite_does_not_count(conf, tmp_path):
    stored(tmp_path, [1.0] * 12, "0")
    assert measure.measured(conf, "m", "0" * 40, SimpleNamespace(name="e")) == set()


def test_help_lists_profiles_and_exit_codes(capsys):
    with pytest.raises(SystemExit):
        measure._parser().parse_args(["--help"])
    text = capsys.readouterr().out
    assert all(re.search(rf"^  {name} ", text, re.M) for name in PROFILES)
    assert "exit codes: 0" in text
