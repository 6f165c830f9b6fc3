"""The tables of `make speed` and `make claims`: what they compare exists, and they judge right."""

import ast

import pytest

from lsebench.run import claims, side_by_side, targets
from lsekernels import kernels, registry

TIMES = {"a": 3.0, "b": 2.0}


@pytest.mark.parametrize(
    ("target", "verdict"),
    [("<= 1.5", "met"), ("<= 1.49", "not met"), (">= 1.5", "met"), (">= 2 x", "not met")],
)
def test_verdict(target, verdict):
    assert side_by_side.Check("a / b", target, side_by_side.ratio("a", "b")).judge(TIMES) == (
        1.5,
        verdict,
    )


def test_what_stands_in_the_way_is_named():
    check = side_by_side.Check(
        "a", "<= 1", lambda t: t["a"], ("the limit", side_by_side.ratio("a", "b"))
    )
    assert check.judge(TIMES) == (3.0, "not met: 1.50 x the limit")
    assert side_by_side.Check("a", "none", lambda t: t["a"]).judge(TIMES) == (3.0, "")


@pytest.mark.parametrize("module", [targets, claims])
def test_every_call_and_check_has_what_it_needs(root, module):
    tree = ast.parse((root / "benchmarks/_process.py").read_text())
    kinds = {
        key.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and node.target.id in ("CALLS", "VALUES")
        for key in node.value.keys
    }
    for group in module.groups():
        for kind, *arguments in group.calls.values():
            assert kind in kinds
            if kind in ("backend", "error"):
                name, method, dtype, size = arguments
                kernel = kernels.of(method)
                assert method in registry.declaration(name).methods(kernel)
                assert dtype in kernels.load(kernel).DTYPES
                assert isinstance(size, int) or size in kernels.load(kernel).SIZES
        times = dict.fromkeys(group.calls, 1.0)
        assert all(isinstance(check.judge(times)[0], float) for check in group.checks)


@pytest.mark.parametrize(("module", "number"), [(targets, 40), (claims, 25)])
def test_lines_are_told_apart(module, number):
    lines = [check.what for group in module.groups() for check in group.checks]
    assert len(set(lines)) == len(lines) > number


@pytest.mark.parametrize(
    ("target", "verdict"),
    [
        ("about 1.5", "holds"),
        ("about 2.2", "holds"),
        ("about 2.3", "less than said"),
        ("about 1.01", "holds"),
        ("about 0.9", "the other way round"),
        (">= 1.4", "holds"),
        (">= 1.6 x", "does not hold"),
        ("none", ""),
    ],
)
def test_verdict_of_a_claim(target, verdict):
    claim = side_by_side.Claim("a / b", target, side_by_side.ratio("a", "b"))
    assert claim.judge(TIMES) == (1.5, verdict)


def test_what_is_absent_is_said_and_not_a_failure():
    group = side_by_side.Group(
        {"one": side_by_side.call("cupy", 10)}, (side_by_side.Check("x", ">= 1", len),)
    )
    (line,) = side_by_side._lines(None, group, list(group.checks), {"cupy": "no CUDA device"})
    assert line["verdict"] == "not measured here: cupy: no CUDA device"
    assert "measured" not in line
