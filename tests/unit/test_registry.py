"""The contract of backends, and that one file is all it takes to add one."""

import shutil
import subprocess
import sys

import pytest

from lsekernels import kernels, registry
from lsekernels.backend import Backend

NEW = """
from ..backend import Backend
import math

class Extra(Backend):
    title = "Extra"
    max_error = {"logsumexp": 8.0}

    def version(self):
        return "1"

    def logsumexp(self, x):
        return float(__import__("numpy").logaddexp.reduce(x))
"""


def test_declarations_are_complete(name):
    declared = registry.declaration(name)
    assert issubclass(declared, Backend)
    assert declared.name == name
    assert declared.__module__.endswith(f".{name}")
    assert declared.title
    assert declared.device in ("cpu", "gpu")
    assert declared.compiled in ("no", "jit", "ahead")
    assert set(declared.dtypes) <= {"float32", "float64"}
    assert declared.kernels(), "a backend without a kernel"
    for kernel in declared.kernels():
        assert declared.max_error[kernel] > 0
    for kernel, case, *_dtype in declared.known_failures:
        assert case in kernels.load(kernels.of(kernel)).CASES
    assert all("https://" in reason for reason in declared.known_failures.values())


def test_titles_are_unique():
    titles = [registry.declaration(name).title for name in registry.names()]
    assert len(set(titles)) == len(titles)


def test_version_is_of_the_library_loaded(backend):
    assert backend.version()[0].isdigit()


def test_load_returns_one_object(backend):
    assert registry.load(backend.name) is backend


def test_prepared_call_waits_for_the_result():
    waited = []

    class Lazy(Backend):
        title = "Lazy"

        def logsumexp(self, x):
            return ("promise", x)

        def synchronize(self, result):
            waited.append(result)
            return result

    call = Lazy().prepare("logsumexp", 7)
    assert len(waited) == 1, "one warm-up call"
    assert call() == ("promise", 7)
    assert len(waited) == 2


@pytest.mark.parametrize("name", registry.names("logsumexp"))
def test_prepared_call_of_a_synchronous_backend_has_no_wrapper(backend):
    import numpy as np

    call = backend.prepare("logsumexp", np.ones(3))
    if type(backend).synchronize is Backend.synchronize:
        assert type(call).__name__ == "partial", "a Python frame would be timed with short calls"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arrays_of_its_own_return_unchanged(backend, dtype):
    import numpy as np

    if backend.in_process and backend.moves_data() and dtype in backend.dtypes:
        for x in (np.random.RandomState(0).standard_normal(1000), np.eye(3, 5)):
            x = x.astype(dtype)
            back = backend.to_host(backend.synchronize(backend.to_device(x)))
            assert isinstance(back, np.ndarray)
            np.testing.assert_array_equal(back, x)


@pytest.fixture
def copy(root, tmp_path):
    """Copy the Python sources, so that a file can be dropped in."""
    for folder in ("lsekernels", "benchmarks", "tests"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(root / folder, tmp_path / folder, ignore=ignore)
    shutil.copy(root / "pyproject.toml", tmp_path)
    return tmp_path


def test_a_new_backend_is_one_new_file(copy):
    def ask(code, *more):
        # -S and the path by hand: the editable install would answer for the repository.
        paths = [str(copy), *[p for p in sys.path if p.endswith("site-packages")]]
        code = f"import sys; sys.path[:0] = {paths!r}\n{code}"
        command = [sys.executable, "-S", "-c", code, *more]
        done = subprocess.run(command, capture_output=True, text=True, cwd=copy)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    suites = (
        "import benchmarks.warm, benchmarks.imports\n"
        "print(benchmarks.warm.Logsumexp.params[0], benchmarks.imports.Imports.params[0])"
    )
    collect = "import pytest; pytest.main(['--collect-only', '-q', '-p', 'no:cacheprovider'])"
    registered = "import lsekernels; print(lsekernels.backends('logsumexp'))"
    assert "extra" not in ask(registered) + ask(suites) + ask(collect)
    (copy / "lsekernels/backends/extra.py").write_text(NEW)
    assert "'extra'" in ask(registered)
    assert ask(suites).count("'extra'") == 2
    ids = ask(collect)
    assert "test_right[extra-float64-length_7]" in ids
    assert "test_leaves_the_floating_point_mode_alone[extra]" in ids


def test_sources_that_were_not_built_are_not_taken_for_extensions(copy):
    """Pythran's would run as plain Python, and be timed as Pythran."""
    code = (
        f"import sys; sys.path[:0] = {[str(copy), *map(str, sys.path)]!r}\n"
        "from lsekernels import registry\n"
        "print(registry.declaration('pythran').missing())"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True)
    assert "logsumexp_pythran was not built" in done.stdout, done.stderr
