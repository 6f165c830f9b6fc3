"""All cases of a kernel by one method and dtype: what fails is what is declared to fail."""

import copy
from functools import cache

import numpy as np

from lsekernels import kernels
from lsekernels.kernels._case import EXACT_CASES_ERROR, WELL

ALLOWED = AssertionError, OverflowError
"""What a known failure may raise; anything else is a failure of its own."""


@cache
def reference(kernel, dtype, case):
    """Return the true value; 50 digits take longer than all backends together."""
    truth = kernels.load(kernel)
    return truth.reference(*truth.CASES[case].arguments(dtype))


def known(declared, kernel, method, dtype):
    """Return the cases that a backend declares to fail: case -> reason."""
    failures = declared.known_failures
    cases = {
        case: [
            failures[key]
            for name in (kernel, method)
            for key in ((name, case), (name, case, dtype))
            if key in failures
        ]
        for case in kernels.load(kernel).CASES
    }
    return {case: reasons[0] for case, reasons in cases.items() if reasons}


def bound(declared, kernel, method, case):
    """Return the largest error allowed."""
    if kernels.load(kernel).CASES[case].kind != WELL:
        return EXACT_CASES_ERROR
    return declared.max_error.get(method) or declared.max_error[kernel]


def check_backend(backend, kernel, method, dtype, compute):
    """Hold what a backend computes to what it declares."""
    check(
        kernel,
        method,
        dtype,
        compute,
        lambda case: bound(backend, kernel, method, case),
        known(backend, kernel, method, dtype),
    )


def check(kernel, method, dtype, compute, bound, expected=None):
    """Hold `compute` (arguments -> result) against the reference of every case.

    Exactly the cases in `expected` (case -> reason) must fail, and only by an error that is larger
    than `bound(case)`, or by raising one of `ALLOWED`; no input may be written to.
    """
    truth, expected = kernels.load(kernel), expected or {}
    failed, odd = {}, {}
    for case, judged in truth.CASES.items():
        arguments = judged.arguments(dtype)
        before = copy.deepcopy(arguments)
        try:
            error = truth.error(compute(*arguments), reference(kernel, dtype, case), dtype)
            allowed = bound(case)
            if not error <= allowed:
                failed[case] = f"error {error:.6g}, bound {allowed:.6g}"
        except ALLOWED as raised:
            failed[case] = repr(raised)
        except Exception as raised:  # a warning, too
            odd[case] = repr(raised)
        for now, then in zip(arguments, before, strict=True):
            try:
                np.testing.assert_array_equal(now, then)
            except AssertionError:
                odd[case] = "the input was written to"
    wrong = {case: text for case, text in failed.items() if case not in expected} | odd
    wrong |= {
        case: f"passes, but is declared to fail: {reason}"
        for case, reason in expected.items()
        if case not in failed and case not in odd
    }
    listed = "\n".join(f"  {case}: {text}" for case, text in wrong.items())
    assert not wrong, f"{len(wrong)} of {len(truth.CASES)} cases of {method}, {dtype}:\n{listed}"
