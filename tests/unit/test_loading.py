"""Whatever goes wrong when a backend is loaded is said in a sentence, and stops nothing else."""

import importlib.machinery
import importlib.metadata
import json
import sys
import threading
import time
import types

import numpy as np
import pytest

import lsekernels
from lsekernels import Unavailable, __main__, registry
from lsekernels.backend import Backend

RAISED = {
    "ImportError": "ImportError('libboom.so.1: cannot open shared object file')",
    "OSError": "OSError('libboom.so.1: cannot open shared object file')",
    "RuntimeError": "RuntimeError('boom:\\n\\n  compiled for another NumPy\\n')",
    "AttributeError": "AttributeError('boom')",
    "SystemError": "SystemError('boom')",
    "SystemExit": "SystemExit('boom')",
    "MemoryError": "MemoryError('boom')",
}
OURS = [n for n in registry.names() if registry.declaration(n).compiled == "ahead"]
THEIRS = [n for n in registry.names() if registry.declaration(n).requires and n not in OURS]


@pytest.fixture
def libraries(tmp_path, monkeypatch):
    """Put libraries of our own in front of all others, for one test."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)

    def write(source, *names):
        for name in names:
            monkeypatch.delitem(sys.modules, name, raising=False)
            (tmp_path / f"{name}.py").write_text(source)
        importlib.invalidate_caches()
        registry.forget()

    yield write
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
    registry.forget()


def reason(name):
    with pytest.raises(Unavailable) as caught:
        registry.load(name)
    text = str(caught.value)
    assert text.startswith(f"backend {name!r} is not available: ")
    assert "\n" not in text
    return text


@pytest.mark.parametrize("name", THEIRS)
def test_a_library_that_does_not_import(name, libraries, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda program: f"/usr/bin/{program}")
    for kind, error in RAISED.items():
        libraries(f"raise {error}", *registry.declaration(name).requires)
        text = reason(name)
        assert kind in text
        assert "boom" in text
        assert "pip install --force-reinstall" in text
        row = __main__.describe(name)
        assert (row["version"], row["unavailable"]) == (None, text.partition("available: ")[2])


def test_the_message_of_a_library_becomes_one_line_of_bearable_length(libraries):
    libraries("raise RuntimeError('boom:\\n\\n  ' + 'no ' * 1000)", "greenlet")
    text = reason("greenlet")
    assert "greenlet does not load: RuntimeError: boom: no no" in text
    assert len(text) < 400


def test_a_folder_that_cannot_be_written_to_is_no_fault_of_the_installation(libraries):
    libraries("open('/dev/null/cache', 'w')", "torch")
    assert "let it write there, or set TORCHINDUCTOR_CACHE_DIR to another" in reason(
        "torch_compile"
    )


def test_an_interrupt_is_none_of_the_library(libraries):
    libraries("raise KeyboardInterrupt", "greenlet")
    with pytest.raises(KeyboardInterrupt):
        registry.load("greenlet")


@pytest.mark.parametrize("name", THEIRS)
def test_a_library_that_cannot_be_looked_for(name, monkeypatch):
    registry.forget()
    library = registry.declaration(name).requires[0]
    monkeypatch.setitem(sys.modules, library, types.ModuleType(library))  # it has no __spec__
    if name != "stackless":  # what Python lacks it, says the same whatever the reason
        assert "ValueError" in registry.declaration(name).missing()
        assert "ValueError" in reason(name)
    registry.forget()


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("content", [b"", b"not an ELF file", b"\x7fELF\x02\x01\x01"], ids=len)
def test_a_damaged_extension(name, content, tmp_path, monkeypatch):
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    (tmp_path / f"damaged_extension{suffix}").write_bytes(content)
    monkeypatch.syspath_prepend(tmp_path)
    declared = registry.declaration(name)
    monkeypatch.setattr(declared, "requires", ("damaged_extension", *declared.requires))
    monkeypatch.setattr(declared, "builds", {}, raising=False)
    registry.forget()
    text = reason(name)
    assert f"{declared.title} does not load: ImportError" in text
    assert "damaged_extension" in text
    assert "lsekernels)" in text
    registry.forget()


@pytest.mark.parametrize("name", OURS)
def test_an_extension_of_another_build(name, libraries, monkeypatch):
    libraries("", "empty_extension")
    monkeypatch.setattr(registry.declaration(name), "requires", ("empty_extension",))
    monkeypatch.setattr(registry.declaration(name), "builds", {}, raising=False)
    assert "ImportError: empty_extension has no log" in reason(name)


# -- what else there is ----------------------------------------------------------------------------


def preferred():
    return [n for n in registry.names() if registry.declaration(n).preference > 1]


@pytest.mark.parametrize("error", RAISED.values(), ids=RAISED)
def test_the_public_functions_take_the_next_best(error, libraries, monkeypatch):
    libraries(f"raise {error}", "broken_library")
    order = sorted(preferred(), key=lambda n: -registry.declaration(n).preference)
    assert len(order) > 1
    for broken, following in zip(order, [*order[1:], "numpy"], strict=True):
        monkeypatch.setattr(registry.declaration(broken), "requires", ("broken_library",))
        monkeypatch.setattr(registry.declaration(broken), "builds", {}, raising=False)
        registry.forget()
        assert registry.best().name == following
        with pytest.raises(Unavailable, match="broken_library"):
            lsekernels.logsumexp([0.0], backend=broken)
    assert lsekernels.logsumexp([0.0, 0.0]) == np.log(2)
    assert lsekernels.softmax([0.0, 0.0]).tolist() == [0.5, 0.5]
    assert lsekernels.log_softmax([0.0, -1000.0]).tolist() == [0.0, -1000.0]


def test_the_table_has_all_rows(libraries, monkeypatch, capsys):
    libraries("print('hello'); raise SystemError('boom')", "greenlet", "numexpr")
    monkeypatch.setattr(registry, "names", lambda: ("greenlet", "numexpr", "numpy", "python"))
    monkeypatch.setattr(__main__.threads, "limit", int)
    monkeypatch.setattr(sys, "argv", ["lsekernels", "--json"])
    __main__.main()
    rows = json.loads(capsys.readouterr().out)["backends"]
    assert [bool(row["unavailable"]) for row in rows] == [True, True, False, False]
    monkeypatch.setattr(sys, "argv", ["lsekernels"])
    __main__.main()
    assert capsys.readouterr().out.count("SystemError: boom") == 2


# -- versions --------------------------------------------------------------------------------------


def without_metadata(name):
    raise importlib.metadata.PackageNotFoundError(name)


@pytest.mark.parametrize("name", ["numpy", "scipy", "numba", "numpy_blocked", "numba_tuned"])
def test_a_library_without_metadata_says_its_version_itself(backend, monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", without_metadata)
    assert backend.version() == sys.modules[backend.distribution].__version__
    assert __main__.describe(backend.name)["unavailable"] is None


def test_a_library_without_any_version(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", without_metadata)
    library = types.ModuleType("library")
    monkeypatch.setitem(sys.modules, "library", library)

    class Nameless(Backend):
        requires = ("library",)
        distribution = "library"

    assert Nameless().version() == "unknown"
    library.__version__ = 2
    assert Nameless().version() == "2"


def test_a_version_that_cannot_be_told_hides_no_backend(monkeypatch):
    def version(self):
        raise OSError("boom")

    monkeypatch.setattr(registry.declaration("numpy"), "version", version)
    row = __main__.describe("numpy")
    assert row["version"] == "unknown (OSError: boom)"
    assert row["unavailable"] is None


# -- OpenCL: of several devices one that computes --------------------------------------------------


class Device:
    extensions = "cl_khr_fp64 cl_khr_icd"
    driver_version = "3.0"

    def __init__(self, fault=""):
        self.platform, self.fault = types.SimpleNamespace(name="Portable CL"), fault


@pytest.fixture(params=["opencl", "opencl_gpu"])
def opencl(request, monkeypatch):
    """Load the backend from a PyOpenCL with the given devices."""
    cl = types.ModuleType("pyopencl")
    cl.__spec__ = importlib.machinery.ModuleSpec("pyopencl", None)
    cl.Error = type("Error", (Exception,), {})
    cl.device_type = types.SimpleNamespace(CPU="cpu", GPU="gpu")
    cl.mem_flags = types.SimpleNamespace(READ_WRITE=1)
    cl.Context = lambda devices: devices[0]
    cl.CommandQueue = lambda context: types.SimpleNamespace(finish=lambda: None)
    cl.Buffer = cl.LocalMemory = lambda *_: None

    class Program:
        def __init__(self, context, source):
            self.device = context

        def build(self, options):
            if self.device.fault:
                raise cl.Error(self.device.fault)
            return self

        def trial(self, *_):
            pass

    cl.Program = Program
    monkeypatch.setitem(sys.modules, "pyopencl", cl)
    kind = request.param.partition("_")[2] or "cpu"

    def load(*platforms):
        found = [
            types.SimpleNamespace(get_devices=lambda wanted, p=p: p if wanted == kind else [])
            for p in platforms
        ]
        cl.get_platforms = lambda: found
        registry.forget()
        return registry.load(request.param)

    yield load
    registry.forget()


OLD = """clBuildProgram failed: BUILD_PROGRAM_FAILURE

Build on <pyopencl.Device 'pthread' on 'Portable CL' at 0x1>:

error: unknown target CPU 'generic'
Device pthread failed to build the program
"""


def test_opencl_takes_a_device_that_builds(opencl):
    works, single = Device(), Device()
    single.extensions = ""
    assert opencl([Device(OLD)], [], [single, Device("out of memory"), works]).chosen is works


def test_opencl_says_what_its_compiler_says(opencl):
    with pytest.raises(Unavailable) as caught:
        opencl([Device(OLD)], [Device("out of memory")])
    text = str(caught.value)
    assert "Portable CL 3.0: error: unknown target CPU 'generic'; " in text
    assert "Portable CL 3.0: Error: out of memory (" in text
    assert "apt install pocl-opencl-icd" in text or "driver" in text


def test_opencl_without_a_device(opencl):
    with pytest.raises(Unavailable, match="no device on any platform"):
        opencl([], [])


# -- several threads -------------------------------------------------------------------------------


def test_threads_that_load_at_once_get_one_object(monkeypatch):
    loads = []

    def load(self):
        loads.append(self)
        time.sleep(0.05)

    monkeypatch.setattr(registry.declaration("python"), "load", load)
    registry.forget()
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(registry.load("python"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    registry.forget()
    assert len(loads) == 1
    assert found == loads * 8


def test_a_backend_that_loads_another_does_not_wait_for_itself(monkeypatch):
    registry.forget()
    assert registry.load("threads").reduce.keywords["backend"] == registry.best().name
