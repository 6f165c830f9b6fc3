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


@pytest.mark.parametrize("backend", registry.names())
def test_no_index_is_said_to_have_this_package(backend, monkeypatch):
    """It is on none, and who took its name there could be anybody."""
    declared = registry.declaration(backend)
    monkeypatch.setattr(declared, "requires", ("no_such_library",))
    for text in (declared.missing(), declared.broken(OSError("boom"))):
        assert "lsekernels[" not in text
        assert "pip install lsekernels" not in text
        assert ("'.[" not in text) or ("in a clone of lsekernels" in text)
    monkeypatch.setattr(declared, "requires", ("lsekernels._compiled.gone",))
    advice = declared.broken(OSError("boom"))
    assert "pip install --force-reinstall . in a clone of lsekernels" in advice


def test_unbuilt_extension_says_so(monkeypatch):
    missing = "lsekernels._compiled.never_built"
    monkeypatch.setattr(registry.declaration("pythran"), "requires", (missing,))
    assert registry.declaration("pythran").missing().startswith(f"{missing} was not built")


def test_backends_of_an_unknown_kernel():
    assert set(lsekernels.backends("softmax_rows")) < set(lsekernels.backends("logsumexp"))
    with pytest.raises(ValueError, match="'fft' is not known. Known: hypot, log10, "):
        lsekernels.backends("fft")
