"""Libraries that are compared with `simd` under AVX2 use no better instruction set themselves."""

import subprocess
import sys

import pytest

from lsebench.run import table

ANSWERS = {
    "numpy": """
from lsekernels.backends import _cpu
import numpy
print("AVX512_SKX" in _cpu.features(), _cpu.numpy_vectorizes_exp())
""",
    "torch": """
import torch
print(torch.backends.cpu.get_cpu_capability() not in ("DEFAULT", "AVX2"), False)
""",
    "jax": """
import os, re, subprocess, tempfile
from pathlib import Path
folder = Path(tempfile.mkdtemp(dir="."))
os.environ["XLA_FLAGS"] += f" --xla_dump_to={folder}"
import jax
jax.jit(jax.nn.softmax)(jax.numpy.ones(1000, "f4")).block_until_ready()
code = [subprocess.check_output(["objdump", "-d", o], text=True) for o in folder.glob("*.o")]
print(not code, any(re.search("%zmm|%k[1-7]", text) for text in code))
""",
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.backend(name)) for name in ANSWERS]
)
def test_the_variables_are_those_that_a_library_heeds(name, monkeypatch, tmp_path):
    """On a CPU without a better set there is nothing to hold, but a wrong name is an error."""
    for variable, value in table.HELD["avx2"].items():
        monkeypatch.setenv(variable, value)
    command = [sys.executable, "-c", ANSWERS[name]]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert (done.stdout.split()[-2:], done.returncode) == (["False"] * 2, 0), done.stderr
