"""A library must not change the arithmetic of everything that runs after it."""

import pytest

from lsekernels import registry

CHECK = """
import numpy, sys, warnings
import lsekernels
from lsekernels import Unavailable, registry, threads

def mode():
    tiny = numpy.array([5e-324, 1e-310])
    third = numpy.float64(1) / numpy.float64(3)
    return ((tiny * 1.0).tolist(), (tiny / 2).tolist(), third.hex(), (-third).hex(),
            float(numpy.float64(1) + 2.0**-53).hex(), numpy.geterr())

before = mode()
try:
    registry.load(sys.argv[1])
except Unavailable as error:
    print(f"unavailable: {error}")
    sys.exit()
lsekernels.logsumexp(numpy.array([0.0, -740.0]), backend=sys.argv[1])
lsekernels.logsumexp(numpy.ones(100_000, "f4"), backend=sys.argv[1])
assert mode() == before, (before, mode())
print("unchanged")
"""


@pytest.mark.parametrize("name", registry.names("logsumexp"))
def test_leaves_the_floating_point_mode_alone(backend, python):
    """Loading or calling a backend neither flushes denormals nor changes rounding."""
    assert python(CHECK, backend.name) == "unchanged"


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
