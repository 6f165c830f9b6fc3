"""A library must not change the arithmetic of everything that runs after it."""

import pytest

from lsekernels import registry

from .test_threads import POOLS


@pytest.mark.parametrize("name", registry.names("logsumexp"))
def test_leaves_the_floating_point_mode_alone(alone, name):
    """Loading or calling a backend neither flushes denormals nor changes rounding."""
    before, after = alone(name, "1", *(["1"] if name in POOLS else []))["modes"]
    assert before == after


def test_the_check_sees_a_flushing_library(python, tmp_path):
    """What -ffast-math does when it is given to the linker."""
    import shutil
    import subprocess

    compiler = shutil.which("cc") or shutil.which("gcc")
    assert compiler, "a C compiler is needed to build the package, too"
    (tmp_path / "f.c").write_text("int f(void) { return 0; }\n")
    library = tmp_path / "f.so"
    command = [compiler, "-shared", "-fPIC", "-ffast-math", "-O2", "f.c", "-o", str(library)]
    subprocess.run(command, check=True, cwd=tmp_path)
    code = (
        f"import ctypes, numpy; ctypes.CDLL({str(library)!r}); "
        "print((numpy.array([5e-324]) * 1.0)[0] == 0.0)"
    )
    version = subprocess.run([compiler, "-dumpversion"], capture_output=True, text=True).stdout
    if int(version.split(".")[0]) >= 13:
        pytest.skip("from gcc 13 on shared libraries no longer do this (gcc bug 55522)")
    assert python(code) == "True"
