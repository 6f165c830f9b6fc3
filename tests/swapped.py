"""A plugin of pytest that runs anybody's tests with our functions in the place of SciPy's.

    PYTHONPATH=tests python -m pytest -p swapped --pyargs scipy.special.tests.test_logsumexp

`SWAPPED=no` leaves SciPy's where they are. `SWAPPED_REPORT` names a file for the outcome of each
test, and for how often each of our functions was called.
"""

import functools
import json
import os
import sys
from collections import Counter

import pytest
import scipy.special
from scipy._lib._array_api import xp_capabilities_table

import lsekernels

NAMES = "logsumexp", "softmax", "log_softmax"
CALLS = Counter()
OUTCOMES = {}


def counted(function):
    @functools.wraps(function)
    def call(*args, **options):
        CALLS[function.__name__] += 1
        return function(*args, **options)

    return call


OURS = {name: counted(getattr(lsekernels, name)) for name in NAMES}


def replacements():
    """Yield each function whose place is taken, and what takes it."""
    for name, ours in OURS.items():
        yield getattr(scipy.special, name), ours
    if "sklearn.utils.extmath" in sys.modules:  # it has copies of its own
        from sklearn.utils import _array_api, extmath

        yield (
            _array_api._logsumexp,
            lambda array, axis=None, xp=None: OURS["logsumexp"](array, axis),
        )
        yield extmath.softmax, lambda X, copy=True: OURS["softmax"](X, 1)  # noqa: N803


def swap():
    """Replace the functions in all modules, whatever name they were imported under."""
    places = {id(theirs): (theirs, ours) for theirs, ours in replacements()}
    for theirs, ours in places.values():
        if theirs in xp_capabilities_table:  # SciPy's tests look there what to test
            xp_capabilities_table[ours] = xp_capabilities_table[theirs]
    for module in list(sys.modules.values()):
        for name, value in list(getattr(module, "__dict__", {}).items()):
            if id(value) in places:
                setattr(module, name, places[id(value)][1])


if os.environ.get("SWAPPED") != "no":
    swap()  # before a test module takes its own copy

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish():
        swap()  # what was imported since


def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        OUTCOMES[report.nodeid] = report.outcome


def pytest_sessionfinish():
    with open(os.environ["SWAPPED_REPORT"], "w") as file:
        json.dump({"calls": CALLS, "outcomes": OUTCOMES}, file)
