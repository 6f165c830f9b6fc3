"""The C++ kernels on 64-bit Arm (NEON), under emulation: their digits, without Python."""

import shutil
import subprocess
from pathlib import Path

import pytest

import lsekernels

SOURCES = Path(lsekernels.__file__).parent / "_compiled" / "simd"
COMPILER, EMULATOR = "aarch64-linux-gnu-g++", "qemu-aarch64"
PROGRAM = r"""
#include <cstdio>
#include <random>
#include <vector>

#include "kernel.hpp"
#include "weighted.hpp"

using Long = long double;
int failures = 0;

template <class T>
void check(const char* what, Long found, Long expected, Long least, int ulp) {
  const Long size = std::max(std::fabs(expected), least);
  if (std::fabs(found - expected) <= ulp * size * std::numeric_limits<T>::epsilon()) return;
  ++failures;
  std::printf("%s: %.17g, not %.17g\n", what, double(found), double(expected));
}

template <class A, class T>
void run(const char* name) {
  std::printf("%s, %d lanes\n", name, int(xsimd::batch<T, A>::size));
  const auto f = Kernel<A, T>::functions();
  std::mt19937 random(1);
  std::normal_distribution<double> normal(0, 2);
  for (size_t n = 1; n <= 300; n += n < 70 ? 1 : 115) {
    for (double shift : {0., 30., -30.}) {
      std::vector<T> x(n * 9), out(n * 9), result(9);
      for (T& v : x) v = T(normal(random) + shift);
      Sum sum;
      f.extend(x.data(), n, sum);
      Long expected = 0;
      for (size_t i = 0; i < n; ++i) expected += std::exp(Long(x[i]));
      const Long log = sum.k * std::log(Long(2)) + std::log(Long(sum.total.value()));
      check<T>("logsumexp", log, std::log(expected), 1, 2 + n / 100);
      f.logsumexp_columns(x.data(), n, 9, 9, result.data());
      f.softmax_columns(x.data(), n, 9, 9, out.data());
      for (size_t c = 0; c < 9; ++c) {
        Long of_column = 0;
        for (size_t j = 0; j < n; ++j) of_column += std::exp(Long(x[j * 9 + c]));
        check<T>("columns", result[c], std::log(of_column), 1, 2);
        for (size_t j = 0; j < n; ++j)
          check<T>("softmax", out[j * 9 + c], std::exp(Long(x[j * 9 + c])) / of_column, 0, 24);
      }
    }
  }
}

int main() {
  using A = xsimd::default_arch;
  run<A, double>(A::name());
  run<A, float>(A::name());
  run<xsimd::emulated<128>, double>("plain");
  run<xsimd::emulated<128>, float>("plain");
  SignedSum sum;
  const double x[] = {1, 2, 3, 2, 1}, w[] = {1, -2, 0.5, 2, -1};
  Weighted<A>::add_up(x, w, 5, 0, sum);
  check<double>("weights", sum.total.value(), std::exp(Long(3)) / 2, 0, 1);
  return failures != 0;
}
"""


def test_digits_on_arm(tmp_path):
    for tool, package in ((COMPILER, "g++-aarch64-linux-gnu"), (EMULATOR, "qemu-user")):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed (apt install {package})")
    pythran = pytest.importorskip("pythran")
    (tmp_path / "main.cpp").write_text(PROGRAM)
    flags = ["-O2", "-std=c++17", "-static", "-DXSIMD_WITH_EMULATED=1", "-w", f"-I{SOURCES}"]
    command = [COMPILER, *flags, f"-I{pythran.get_include()}", "main.cpp", "-o", "program"]
    subprocess.run(command, check=True, cwd=tmp_path)
    done = subprocess.run([EMULATOR, "program"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "neon" in done.stdout
