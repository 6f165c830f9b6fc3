"""The public functions, and that importing them costs nothing."""

import json
import subprocess
import sys

import numpy as np
import pytest

import lsekernels
from lsekernels import registry

LIBRARIES = "numpy", "scipy", "numba", "cupy", "pythran", "Cython", "mpmath", "asv"


def test_import_and_declarations_load_no_numerical_library(python):
    code = (
        "import sys, lsekernels; from lsekernels import registry\n"
        "for n in lsekernels.backends(): registry.declaration(n).missing(), "
        "registry.declaration(n).kernels()\n"
        f"print([m for m in {LIBRARIES} if m in sys.modules])"
    )
    assert python(code) == "[]"


@pytest.mark.parametrize("name", registry.names("logsumexp"))
def test_result_is_a_numpy_scalar_of_the_dtype_of_the_input(backend):
    single = lsekernels.logsumexp(np.ones(3, "f4"), backend=backend.name)
    double = lsekernels.logsumexp(np.ones(3), backend=backend.name)
    assert (type(single), type(double)) == (np.float32, np.float64)


def test_unknown_backend_lists_the_known_ones():
    with pytest.raises(ValueError, match="did you mean 'numba'.*scipy") as caught:
        lsekernels.logsumexp([1.0], backend="numbaa")
    assert all(name in str(caught.value) for name in registry.names())


def test_unavailable_backend_says_why(monkeypatch):
    registry.load.cache_clear()
    monkeypatch.setattr(registry.declaration("cupy"), "requires", ("no_such_library",))
    with pytest.raises(lsekernels.Unavailable, match=r"no_such_library is not installed \(pip"):
        lsekernels.logsumexp([1.0], backend="cupy")
    registry.load.cache_clear()


def test_unbuilt_extension_says_so(monkeypatch):
    missing = "lsekernels._compiled.never_built"
    monkeypatch.setattr(registry.declaration("pythran"), "requires", (missing,))
    assert registry.declaration("pythran").missing().startswith(f"{missing} was not built")


def test_backends_of_an_unknown_kernel():
    assert set(lsekernels.backends("softmax_rows")) < set(lsekernels.backends("logsumexp"))
    with pytest.raises(ValueError, match="'fft' is not known. Known: hypot, log10, "):
        lsekernels.backends("fft")


def test_table_and_json_list_every_backend():
    command = [sys.executable, "-m", "lsekernels"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    facts = json.loads(subprocess.run([*command, "--json"], capture_output=True, check=True).stdout)
    assert [row["backend"] for row in facts["backends"]] == list(registry.names())
    for row in facts["backends"]:
        assert row["backend"] in text
        assert bool(row["version"]) != bool(row["unavailable"])
    assert facts["build"]["pythran"]
    assert facts["threads"] == 1
