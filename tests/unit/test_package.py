"""What the package says of backends that are unknown, unavailable or unbuilt."""

import pytest

import lsekernels
from lsekernels import registry


def test_unknown_backend_lists_the_known_ones():
    with pytest.raises(ValueError, match="did you mean 'numba'.*scipy") as caught:
        lsekernels.logsumexp([1.0], backend="numbaa")
    assert all(name in str(caught.value) for name in registry.names())


def test_unavailable_backend_says_why(monkeypatch):
    registry.forget()
    monkeypatch.setattr(registry.declaration("cupy"), "requires", ("no_such_library",))
    with pytest.raises(lsekernels.Unavailable, match=r"no_such_library is not installed \(pip"):
        lsekernels.logsumexp([1.0], backend="cupy")
    registry.forget()


def test_unbuilt_extension_says_so(monkeypatch):
    missing = "lsekernels._compiled.never_built"
    monkeypatch.setattr(registry.declaration("pythran"), "requires", (missing,))
    assert registry.declaration("pythran").missing().startswith(f"{missing} was not built")


def test_backends_of_an_unknown_kernel():
    assert set(lsekernels.backends("softmax_rows")) < set(lsekernels.backends("logsumexp"))
    with pytest.raises(ValueError, match="'fft' is not known. Known: hypot, log10, "):
        lsekernels.backends("fft")
