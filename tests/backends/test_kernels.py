"""Every backend's every kernel, in every form, on every case, against the kernel's reference.

logsumexp, which also has rules for its input, is in test_logsumexp.py.
"""

import pytest

from lsekernels import kernels, registry

from .. import matrix

COMBINATIONS = [
    pytest.param(kernel, name, dtype, id=f"{name}-{kernel}-{dtype}")
    for kernel in kernels.names()
    if kernel != "logsumexp"
    for name in registry.implementations(kernel)
    for dtype in kernels.load(kernel).DTYPES
    if dtype in registry.declaration(registry.split(name, kernel)[0]).dtypes
]


@pytest.mark.filterwarnings("ignore:Diagonal number")  # SciPy says so of singular matrices
@pytest.mark.filterwarnings(
    "ignore:(divide by zero|invalid value|overflow) encountered"
)  # so do ufuncs
@pytest.mark.parametrize(("kernel", "implementation", "dtype"), COMBINATIONS)
def test_right(load, kernel, implementation, dtype):
    name, method = registry.split(implementation, kernel)
    backend = load(name)

    def compute(*arguments):
        return backend.fetch(backend.prepare(method, *arguments)())

    matrix.check_backend(backend, kernel, method, dtype, compute)
