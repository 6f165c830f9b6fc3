"""The tables of `make speed` and `make claims`: what they compare exists, and they judge right."""

import ast
import re
from types import SimpleNamespace

import pytest

import lsekernels
from lsebench.records.stored import Claim, Target
from lsebench.run import claims, side_by_side, table, targets
from lsebench.run.table import Check, Group, Value
from lsekernels import kernels, registry

RATIO = Value("a", "b")
RUNS = [{"a": a, "b": 2.0} for a in (3.2, 2.8, 3.0, 2.9, 3.1)]
"""Ratios from 1.4 to 1.6, in the middle 1.5."""


@pytest.mark.parametrize(
    ("target", "verdict"),
    [
        ("<= 1.6", "met"),
        ("<= 1.5", "undecided"),
        ("<= 1.4", "undecided"),
        ("<= 1.39", "not met"),
        (">= 1.4", "met"),
        (">= 1.41", "undecided"),
        (">= 2 x", "not met"),
        ("none", ""),
    ],
)
def test_verdict(target, verdict):
    judged = Check("a / b", target, RATIO).judge(RUNS)
    assert (judged.value, judged.low, judged.high, judged.verdict) == (1.5, 1.4, 1.6, verdict)


@pytest.mark.parametrize(
    ("target", "verdict"),
    [
        ("about 1.5", "holds"),
        ("about 2.05", "holds"),
        ("about 2.2", "undecided"),
        ("about 2.39", "undecided"),
        ("about 2.5", "does not hold: less than said"),
        ("about 1.0", "undecided"),
        ("about 1.08", "holds"),
        ("about 0.9", "does not hold: the other way round"),
        (">= 1.4", "holds"),
        (">= 1.5", "undecided"),
        (">= 1.7 x", "does not hold"),
        ("none", ""),
    ],
)
def test_verdict_of_a_claim(target, verdict):
    assert Check("a / b", target, RATIO, source="s").judge(RUNS).verdict == verdict


def test_more_than_said():
    check = Check("a", "about 1.5", Value("a"), source="s")
    assert check.judge(RUNS).verdict == "does not hold: more than said"


@pytest.mark.parametrize(
    ("middle", "target", "scatter", "verdict"),
    [
        (1.002, ">= 1", 0.04, table.UNTOLD),
        (1.017, ">= 1", 0.04, table.UNTOLD),
        (1.053, ">= 1", 0.04, table.UNTOLD),
        (0.953, ">= 1", 0.04, table.UNTOLD),
        (1.053, ">= 1", 0.01, "holds"),
        (0.953, ">= 1", 0.01, "does not hold"),
        (1.12, ">= 1", None, table.UNTOLD),  # 5 % where nobody has measured it
        (1.2, ">= 1", None, "holds"),
        (1.02, "about 1.08", 0.04, table.UNTOLD),
        (1.3, "about 1.08", 0.04, "holds"),
        (1.02, ">= 2", 0.04, "does not hold"),
        (2.05, ">= 2", 0.04, "undecided"),
    ],
)
def test_what_the_noise_of_the_machine_hides_is_undecided(middle, target, scatter, verdict):
    runs = [{"a": middle * factor} for factor in (0.995, 0.998, 1.0, 1.002, 1.005)]
    check = Check("a", target, Value("a"), source="s", quantity="times as fast")
    judged = check.judge(runs, scatter=scatter)
    assert judged.verdict == verdict
    assert judged.low == pytest.approx(0.995 * middle), "what is stored is what was measured"
    other = Check("a", ">= 1", Value("a"), source="s", quantity="ulp")
    assert other.judge(runs, scatter=scatter).verdict == (
        "holds" if middle * 0.995 > 1 else "does not hold"
        if middle * 1.005 < 1 else "undecided"
    )  # fmt: skip


def test_what_never_wins_does_not_begin_to_at_some_size():
    check = Check("a", ">= 10", Value("a", sizes=(1, 10)), source="s", quantity="elements")
    won, lost = {"a 1": 0.5, "a 10": 2.0}, {"a 1": 0.5, "a 10": 0.5}
    assert check.judge([won] * 5).verdict == "holds"
    assert check.judge([lost] * 5).verdict == "does not hold"
    assert check.judge([won, *[lost] * 4]).verdict == "undecided"
    assert table.shown(check.judge([lost] * 5).value) == "never"


@pytest.mark.parametrize("count", [1, 4])
def test_fewer_than_five_processes_make_no_interval_and_no_verdict(count):
    judged = Check("a / b", ">= 1", RATIO).judge(RUNS[:count])
    assert (judged.low, judged.high) == (None, None)
    assert judged.verdict == "no verdict: fewer than 5 processes"
    assert Check("a / b", "none", RATIO).judge(RUNS[:count]).verdict == ""


def test_what_is_the_same_in_every_process_needs_one():
    judged = Check("a / b", "<= 1.6", RATIO).judge(RUNS[:1], exact=True)
    assert (judged.low, judged.high, judged.verdict) == (1.6, 1.6, "met")


def test_what_stands_in_the_way_is_named():
    check = Check("a", "<= 1", Value("a"), "the limit", RATIO)
    assert check.judge(RUNS).verdict == "not met: 1.50 x the limit"


def test_the_fastest_of_several_counts():
    assert Value(("a", "c"), "b").of({"a": 6.0, "b": 2.0, "c": 3.0}) == 1.5


def test_values():
    times = {"a": 6.0, "b": 2.0, "c": 3.0, "empty": 1.0}
    assert Value("a").of(times) == 6
    assert Value("a", ("b", "c")).of(times) == 2
    assert Value("a", "b", minus="empty", per=0.5).of(times) == 5


@pytest.mark.parametrize(
    ("ratios", "size"),
    [((2, 2, 2), 1), ((0.5, 2, 2), 10), ((2, 0.5, 2), 100), ((2, 2, 0.5), 1e9), ((1, 1, 1), 1e9)],
)
def test_from_which_size_on(ratios, size):
    sizes = (1, 10, 100)
    times = {f"a {n}": ratio for n, ratio in zip(sizes, ratios, strict=True)}
    assert Value("a", "b", sizes=sizes).of(times | {f"b {n}": 1.0 for n in sizes}) == size


def load(tmp_path, text):
    (tmp_path / "table.toml").write_text(text)
    return table.load(tmp_path / "table.toml")


def test_each_is_multiplied_out(tmp_path):
    (one, *others) = load(
        tmp_path,
        """
        source = "s"
        [[group]]
        each = [{ dtype = ["float64", "float32"], size = 10 }, { dtype = "float64", size = 100 }]
        backends = ["numpy"]
        size = "{size}"
        dtype = "{dtype}"
        calls = { read = ["read", "{size}"] }
        [[group.check]]
        each = { name = ["numpy", "read"] }
        what = "{name}, {dtype}, {size:.0e}"
        target = "<= 1"
        above = "{name}"
        """,
    )
    assert one == Group(
        {"numpy": ["backend", "numpy", "logsumexp", "float64", 10], "read": ["read", 10]},
        (
            Check("numpy, float64, 1e+01", "<= 1", Value("numpy"), source="s"),
            Check("read, float64, 1e+01", "<= 1", Value("read"), source="s"),
        ),
    )
    assert [group.checks[0].what for group in others] == [
        "numpy, float32, 1e+01",
        "numpy, float64, 1e+02",
    ]


def test_several_dtypes_sizes_and_shapes_end_the_names_of_calls(tmp_path):
    tuned, public = load(
        tmp_path,
        """
        [shapes.usual]
        "10 numbers" = [[10], 0, "float64"]
        "2 x 3" = [[2, 3], 1, "float32"]
        [[group]]
        backends = ["numpy", "numba"]
        dtype = ["float64", "float32"]
        size = [10, 100]
        needs = "avx2"
        [[group.check]]
        each = { dtype = ["float64", "float32"], size = [10, 100] }
        what = "{dtype}, {size}"
        target = ">= 1"
        above = "numpy {dtype} {size}"
        below = "numba {dtype} {size}"
        [[group]]
        function = "softmax"
        shapes = "usual"
        libraries = ["lsekernels", "scipy", "torch"]
        [[group.check]]
        what = "{shape}"
        target = ">= 1"
        above = ["scipy {shape}", "torch {shape}"]
        below = "lsekernels {shape}"
        """,
    )
    assert len(tuned.calls) == 8
    assert tuned.calls["numba float32 100"] == ["backend", "numba", "logsumexp", "float32", 100]
    assert tuned.checks[3].value == Value("numpy float32 100", "numba float32 100")
    assert tuned.needs == "avx2"
    assert public.calls["scipy 2 x 3"] == ["public", "scipy", "softmax", [2, 3], 1, "float32"]
    assert [check.what for check in public.checks] == ["10 numbers", "2 x 3"]
    assert public.checks[1].value == Value(("scipy 2 x 3", "torch 2 x 3"), "lsekernels 2 x 3")


@pytest.mark.parametrize("wrong", ["group.thread = 1", "below_ = 'b'", "held_by = { what = 'x' }"])
def test_a_slip_in_a_table_is_an_error(tmp_path, wrong):
    check = "what = 'w'\ntarget = 'none'\nabove = 'a'"
    text = f"[[group]]\ncalls = {{ a = ['empty'] }}\n[[group.check]]\n{check}\n"
    assert len(load(tmp_path, text)) == 1
    text = (
        f"{text}{wrong}\n"
        if "group." not in wrong
        else text.replace("[[group]]\n", f"[[group]]\n{wrong.removeprefix('group.')}\n")
    )
    with pytest.raises((TypeError, KeyError)):
        load(tmp_path, text)


@pytest.mark.parametrize("module", [targets, claims])
def test_every_call_and_check_has_what_it_needs(root, module):
    tree = ast.parse((root / "benchmarks/_process.py").read_text())
    kinds = {
        key.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and node.target.id in ("CALLS", "VALUES")
        for key in node.value.keys
    }
    for group in table.load(module.TABLE):
        for kind, *arguments in group.calls.values():
            assert kind in kinds
            if kind in ("backend", "error"):
                name, method, dtype, size = arguments
                kernel = kernels.of(method)
                assert method in registry.declaration(name).methods(kernel)
                assert dtype in kernels.load(kernel).DTYPES
                assert isinstance(size, int) or re.fullmatch(r"\d+x\d+", size)
            if kind == "public":
                library, function, shape, axis, dtype, *_ = arguments
                assert library in ("lsekernels", *registry.names())
                assert function in lsekernels.__all__
                assert 0 <= axis < len(shape)
                assert dtype in ("float32", "float64")
        assert group.needs in ("", *table.SETS)
        times = {name: 2.0**-i for i, name in enumerate(group.calls)}
        for check in group.checks:
            assert "{" not in check.what + check.target + check.note
            assert isinstance(check.judge([times] * table.PROCESSES).value, float)
            assert check.distance is None or check.distance.of(times) > 0
            assert bool(check.source) == bool(check.quantity) == (module is claims)


@pytest.mark.parametrize(("module", "number"), [(targets, 40), (claims, 25)])
def test_lines_are_told_apart(module, number):
    lines = [check.what for group in table.load(module.TABLE) for check in group.checks]
    assert len(set(lines)) == len(lines) > number


def test_what_is_absent_is_said_and_not_a_failure():
    group = Group({"one": ["backend", "cupy", "logsumexp", "float64", 10]}, ())
    check = Check("x", ">= 1", Value("one"))
    absent = {"cupy": "no CUDA device"}
    (line,) = side_by_side.measure(None, group, [check], absent, Target, 5)
    assert line == Target(
        what="x", target=">= 1", verdict="not measured here: cupy: no CUDA device"
    )


@pytest.mark.parametrize(
    ("best", "lacks"),
    [
        ("avx512", {}),
        ("avx2", {"avx512": "this CPU has no AVX-512"}),
        ("sse2", {"avx2": "this CPU has no AVX2", "avx512": "this CPU has no AVX-512"}),
    ],
)
def test_an_instruction_set_that_is_not_there_is_said(best, lacks, monkeypatch):
    facts = {"backends": [{"backend": "simd", "instruction_set": best}]}
    assert side_by_side.lacking(facts) == lacks
    asked = []
    monkeypatch.setattr(
        side_by_side,
        "ask",
        lambda env, calls, environ: asked.append((calls, environ)) or {"one": 1.0},
    )
    group = Group({"one": ["empty"]}, (), exact=True, needs="avx512")
    check = Check("x", ">= 1", Value("one"))
    (line,) = side_by_side.measure(None, group, [check], lacks, Target, 5)
    if lacks:
        assert line.verdict == "not measured here: this CPU has no AVX-512"
        assert not asked
    else:
        assert line.verdict == "met"
        assert line.times == {"one": 1.0}
        calls = {"use": ["use", "avx512"], "one": ["empty"]}
        assert asked == [(calls, {"LSEKERNELS_THREADS": "1"})]


def test_what_others_use_is_held_to_the_same_instruction_set(monkeypatch):
    asked = []
    monkeypatch.setattr(
        side_by_side, "ask", lambda env, calls, environ: asked.append(environ) or {"one": 1.0}
    )
    group = Group({"one": ["empty"]}, (), exact=True, needs="avx2")
    list(side_by_side.measure(None, group, [Check("x", ">= 1", Value("one"))], {}, Target, 5))
    assert asked == [{"LSEKERNELS_THREADS": "1", **table.HELD["avx2"]}]


def test_a_line_has_the_interval_of_its_processes(monkeypatch):
    said = iter(RUNS)
    monkeypatch.setattr(side_by_side, "ask", lambda *_: next(said))
    check = Check("a / b", ">= 1", RATIO, source="s", note="n")
    group = Group({"a": ["empty"], "b": ["empty"]}, (check,))
    (line,) = side_by_side.measure(SimpleNamespace(), group, [check], {}, Claim, 5)
    assert line.to_json() == {
        "what": "a / b", "target": ">= 1", "source": "s", "note": "n", "measured": 1.5,
        "low": 1.4, "high": 1.6, "verdict": "holds", "times": {"a": 3.0, "b": 2.0},
    }  # fmt: skip
