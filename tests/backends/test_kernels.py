"""Every backend's every kernel, in every form, on every case, against the kernel's reference.

logsumexp, which also has rules for its input, is in test_logsumexp.py.
"""

import copy
from functools import cache

import numpy as np
import pytest

from lsekernels import kernels, registry
from lsekernels.kernels._case import EXACT_CASES_ERROR, WELL

CONTRACT = [
    "TITLE",
    "UNIT",
    "MAX_ERROR",
    "DTYPES",
    "SIZES",
    "CASES",
    "PROBES",
    "make_data",
    "reference",
    "error",
]
CONTRACT += ["bytes_moved", "flops"]
OTHERS = [name for name in kernels.names() if name != "logsumexp"]
IMPLEMENTED = [(k, i) for k in OTHERS for i in registry.implementations(k)]
COMBINATIONS = [
    pytest.param(kernel, name, dtype, case, id=f"{name}-{kernel}-{dtype}-{case}")
    for kernel, name in IMPLEMENTED
    for dtype in kernels.load(kernel).DTYPES
    if dtype in registry.declaration(registry.split(name, kernel)[0]).dtypes
    for case in kernels.load(kernel).CASES
]


@cache
def reference(kernel, dtype, case):
    """Return the true value; 50 digits take longer than all backends together."""
    truth = kernels.load(kernel)
    return truth.reference(*truth.CASES[case].arguments(dtype))


@pytest.mark.filterwarnings("ignore:Diagonal number")  # SciPy says so of singular matrices
@pytest.mark.filterwarnings(
    "ignore:(divide by zero|invalid value|overflow) encountered"
)  # so do ufuncs
@pytest.mark.parametrize(("kernel", "implementation", "dtype", "case"), COMBINATIONS)
def test_right(request, load, kernel, implementation, dtype, case):
    name, method = registry.split(implementation, kernel)
    backend, truth = load(name), kernels.load(kernel)
    known, keys = backend.known_failures, [(m, case) for m in (kernel, method)]
    reasons = [known[key] for k in keys for key in (k, (*k, dtype)) if key in known]
    if reasons:
        wrong = AssertionError, OverflowError
        request.applymarker(pytest.mark.xfail(reason=reasons[0], raises=wrong))
    judged = truth.CASES[case]
    arguments = judged.arguments(dtype)
    before = copy.deepcopy(arguments)
    result = backend.fetch(backend.prepare(method, *arguments)())
    error = truth.error(result, reference(kernel, dtype, case), dtype)
    bound = backend.max_error.get(method) or backend.max_error[kernel]
    assert error <= (bound if judged.kind == WELL else EXACT_CASES_ERROR)
    for now, then in zip(arguments, before, strict=True):
        np.testing.assert_array_equal(now, then, err_msg="the input was written to")


@pytest.mark.parametrize("kernel", kernels.names())
def test_kernel_is_complete(kernel):
    truth = kernels.load(kernel)
    assert not [name for name in CONTRACT if not hasattr(truth, name)]
    assert set(truth.PROBES) <= set(truth.CASES)
    for method, probes in getattr(truth, "FORM_PROBES", {}).items():
        assert method.removeprefix(f"{kernel}_") in truth.FORMS
        assert set(probes) <= set(truth.CASES)
    assert set(truth.DTYPES) <= {"float32", "float64"}
    small = truth.make_data(truth.SIZES[0], truth.DTYPES[0])
    assert isinstance(small, tuple)
    assert truth.bytes_moved(truth.SIZES[0], truth.DTYPES[0]) >= 0
    assert truth.flops(truth.SIZES[0]) >= 0
    assert registry.implementations(kernel), "a kernel without a backend"


@pytest.mark.parametrize(("kernel", "implementation"), IMPLEMENTED)
def test_every_form_is_explained(kernel, implementation):
    form = implementation.partition(":")[2]
    assert not form or form in kernels.load(kernel).FORMS


def test_methods_belong_to_the_longest_kernel_name():
    assert kernels.of("logsumexp") == "logsumexp"
    assert kernels.of("logsumexp_rows") == "logsumexp_rows"
    assert kernels.of("logsumexp_form") == "logsumexp"
    assert kernels.of("load") is None
    assert registry.split("numpy:form", "logsumexp") == ("numpy", "logsumexp_form")
