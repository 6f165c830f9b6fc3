"""The ruler of the matrix: it sees what is wrong, case by case, and nothing else."""

import re
import warnings

import numpy as np
import pytest

from lsekernels.kernels import hypot

from .. import matrix

CASE, OTHER = list(hypot.CASES)[:2]


def is_case(x, case):
    return np.array_equal(x, hypot.CASES[case].arguments("float64")[0], equal_nan=True)


def check(compute, expected=None):
    with np.errstate(all="ignore"):
        matrix.check("hypot", "hypot", "float64", compute, lambda case: 1.0, expected)


def altered(how, case=CASE):
    """Return a right hypot that does something else in one case."""

    def compute(x, y):
        return how(x, y) if is_case(x, case) else np.hypot(x, y)

    return compute


def wrong(x, y):
    return np.hypot(x, y) * 1.001


def raises(error):
    def compute(x, y):
        raise error

    return compute


def warns(x, y):
    warnings.warn("of something", RuntimeWarning, stacklevel=1)
    return np.hypot(x, y)


def writes(x, y):
    result = np.hypot(x, y)
    x[0] = 7 if x[0] != 7 else 8
    return result


def test_right_is_right():
    check(np.hypot)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (wrong, "error .*, bound 1"),
        (lambda x, y: np.full(len(x), np.nan), "error .*, bound 1"),
        (lambda x, y: np.hypot(x, y)[:-1], "error inf, bound 1"),
        (raises(OverflowError("too large")), "OverflowError"),
        (raises(ZeroDivisionError("no")), "ZeroDivisionError"),
        (warns, "RuntimeWarning"),
        (writes, "the input was written to"),
    ],
)
def test_what_is_wrong_is_said_with_its_case(how, said):
    with pytest.raises(AssertionError, match=rf"(?s)1 of \d+ cases.*\n  {CASE}: {said}"):
        check(altered(how))


@pytest.mark.parametrize("how", [wrong, raises(OverflowError()), raises(AssertionError())])
def test_a_known_failure_must_fail(how):
    check(altered(how), {CASE: "known"})
    passes = re.escape(f"  {CASE}: passes, but is declared to fail: known")
    with pytest.raises(AssertionError, match=passes):
        check(np.hypot, {CASE: "known"})
    with pytest.raises(AssertionError, match=rf"(?s)2 of .*{OTHER}: error.*{passes}"):
        check(altered(how if how is wrong else wrong, OTHER), {CASE: "known"})


@pytest.mark.parametrize("how", [raises(ZeroDivisionError()), warns, writes])
def test_a_known_failure_may_only_be_a_wrong_number(how):
    with pytest.raises(AssertionError, match=rf"  {CASE}: "):
        check(altered(how), {CASE: "known"})


def test_known_failures_are_those_of_the_kernel_the_form_and_the_dtype():
    class Declared:
        known_failures = {
            ("hypot", CASE): "both dtypes",
            ("hypot_form", OTHER, "float32"): "of a form",
            ("log10", CASE): "of another",
        }

    assert matrix.known(Declared, "hypot", "hypot", "float32") == {CASE: "both dtypes"}
    both = {CASE: "both dtypes", OTHER: "of a form"}
    assert matrix.known(Declared, "hypot", "hypot_form", "float32") == both
    assert matrix.known(Declared, "hypot", "hypot_form", "float64") == {CASE: "both dtypes"}
