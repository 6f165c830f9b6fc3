"""What every loaded backend keeps, beside being right."""

from importlib import import_module

import numpy as np
import pytest

from lsekernels import registry
from lsekernels.backend import Backend


def test_version_is_of_the_library_loaded(backend):
    assert backend.version()[0].isdigit()


def test_load_returns_one_object(backend):
    assert registry.load(backend.name) is backend


@pytest.mark.parametrize("name", registry.names("logsumexp"))
def test_prepared_call_of_a_synchronous_backend_has_no_wrapper(backend):
    call = backend.prepare("logsumexp", np.ones(3))
    if type(backend).synchronize is Backend.synchronize:
        assert type(call).__name__ == "partial", "a Python frame would be timed with short calls"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arrays_of_its_own_return_unchanged(backend, dtype):
    if backend.in_process and backend.moves_data() and dtype in backend.dtypes:
        for x in (np.random.RandomState(0).standard_normal(1000), np.eye(3, 5)):
            x = x.astype(dtype)
            back = backend.to_host(backend.synchronize(backend.to_device(x)))
            assert isinstance(back, np.ndarray)
            np.testing.assert_array_equal(back, x)


def test_compiled_sources_are_not_importable_as_python(backend):
    """An uncompiled Pythran file would run as plain NumPy, and be timed as Pythran."""
    if backend.compiled != "ahead":
        pytest.skip("not compiled ahead of time")
    modules = map(import_module, type(backend).requires)
    assert all(module.__file__.endswith((".so", ".pyd")) for module in modules)
