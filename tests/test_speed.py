"""The table of `make speed`: what it compares exists, and it judges right."""

import ast

import pytest

from lsekernels import kernels, registry
from measure import speed

TIMES = {"a": 3.0, "b": 2.0}


@pytest.mark.parametrize(
    ("target", "verdict"),
    [("<= 1.5", "met"), ("<= 1.49", "not met"), (">= 1.5", "met"), (">= 2 x", "not met")],
)
def test_verdict(target, verdict):
    assert speed.Check("a / b", target, speed._ratio("a", "b")).judge(TIMES) == (1.5, verdict)


def test_what_stands_in_the_way_is_named():
    check = speed.Check("a", "<= 1", lambda t: t["a"], ("the limit", speed._ratio("a", "b")))
    assert check.judge(TIMES) == (3.0, "not met: 1.50 x the limit")
    assert speed.Check("a", "none", lambda t: t["a"]).judge(TIMES) == (3.0, "")


def test_every_call_and_check_has_what_it_needs(root):
    tree = ast.parse((root / "benchmarks/_process.py").read_text())
    kinds = {
        key.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and node.target.id in ("CALLS", "VALUES")
        for key in node.value.keys
    }
    for group in speed.groups():
        for kind, *arguments in group.calls.values():
            assert kind in kinds
            if kind == "backend":
                name, kernel, _, size = arguments
                assert kernel in registry.declaration(name).kernels()
                assert isinstance(size, int) or size in kernels.load(kernel).SIZES
        times = dict.fromkeys(group.calls, 1.0)
        assert all(isinstance(check.judge(times)[0], float) for check in group.checks)


def test_lines_are_told_apart():
    lines = [check.what for group in speed.groups() for check in group.checks]
    assert len(set(lines)) == len(lines) > 40
