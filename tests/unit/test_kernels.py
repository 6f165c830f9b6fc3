"""What a kernel's file has to have, and how methods are named after kernels."""

import pytest

from lsekernels import kernels, registry

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
IMPLEMENTED = [
    (k, i) for k in kernels.names() if k != "logsumexp" for i in registry.implementations(k)
]


@pytest.mark.parametrize("kernel", kernels.names())
def test_kernel_is_complete(kernel):
    truth = kernels.load(kernel)
    assert not [name for name in CONTRACT if not hasattr(truth, name)]
    assert set(truth.PROBES) <= set(truth.CASES)
    for method, probes in getattr(truth, "FORM_PROBES", {}).items():
        assert method.removeprefix(f"{kernel}_") in truth.FORMS
        assert set(probes) <= set(truth.CASES)
    forms = set(getattr(truth, "FORMS", {}))
    assert set(getattr(truth, "UNSAFE_FORMS", {})) <= forms
    tasks = getattr(truth, "TASKS", {})
    told = [form for of_one in tasks.values() for form in of_one]
    assert sorted(told) == (sorted(forms) if tasks else []), "each form has one task"
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


def test_only_forms_of_one_task_are_compared():
    assert kernels.task("python_idioms", "sum_loop") == kernels.task("python_idioms", "sum_builtin")
    assert kernels.task("python_idioms", "sum_loop") != kernels.task("python_idioms", "len_called")
    assert kernels.task("power8", "power") == kernels.task("power8", "squarings") == ""


def test_a_form_that_loses_all_digits_is_unsafe():
    assert "loses all digits" in kernels.unsafe("lu", "unpivoted")
    assert kernels.unsafe("lu", "getrf") == kernels.unsafe("lu", "") == ""
    assert kernels.unsafe("logsumexp", "") == ""
