"""OpenCL through PyOpenCL, on the CPU: a reduction in two stages, each one pass over its data.

Source: of the pairs (m, s): M. Milakov and N. Gimelshein, "Online normalizer calculation for
softmax", arXiv:1805.02867 (2018); of `join_group`: M. Harris, "Optimizing parallel reduction in
CUDA" (2007).
"""

import math
from dataclasses import dataclass
from threading import RLock
from typing import Any, ClassVar

from ..backend import Array as HostArray
from ..backend import Backend, HostResult, Unavailable, one_line
from ._known_failures import LOSES_TINY_TERMS

SOURCE = """
#pragma OPENCL EXTENSION cl_khr_fp64 : enable

// Numbers are reduced to (m, s) with s = sum(exp(x - m)), in double for both dtypes. m is finite,
// also where no number or an infinite one is the largest: then s becomes 0, inf or nan by itself.
double2 join(double2 a, double2 b) {
    double m = fmax(a.x, b.x);
    return (double2)(m, a.y * exp(a.x - m) + b.y * exp(b.x - m));
}

// All items of the work-group; the result is item 0's.
double2 join_group(double2 mine, local double2 *all) {
    uint item = get_local_id(0);
    all[item] = mine;
    for (uint joined = get_local_size(0) / 2; joined > 0; joined /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (item < joined) all[item] = join(all[item], all[item + joined]);
    }
    return all[0];
}

double2 reduce(global const T *x, ulong n, local double2 *all) {
    T m = -MAX, lane[8];
    double sum_of_lane[8];
    double8 sum = 0;
    for (ulong i = 8 * get_local_id(0); i < n; i += 8 * get_local_size(0)) {
        T8 v;
        if (i + 8 <= n) {
            v = vload8(0, x + i);
        } else {
            for (int k = 0; k < 8; k++) lane[k] = i + k < n ? x[i + k] : -INFINITY;
            v = vload8(0, lane);
        }
        if (any(v > m)) {  // rare after the first few
            T before = m;
            vstore8(v, 0, lane);
            for (int k = 0; k < 8; k++) m = fmax(m, lane[k]);
            m = fmin(m, (T)MAX);
            sum *= exp((double)before - m);
        }
        sum += convert_double8(exp(v - m));
    }
    vstore8(sum, 0, sum_of_lane);
    for (int k = 1; k < 8; k++) sum_of_lane[0] += sum_of_lane[k];
    return join_group((double2)(m, sum_of_lane[0]), all);
}

// One work-group a row of n numbers.
kernel void rows(global const T *x, ulong n, global T *out, local double2 *all) {
    double2 row = reduce(x + n * get_group_id(0), n, all);
    if (get_local_id(0) == 0) out[get_group_id(0)] = row.x + log(row.y);
}

// One work-group a part; merge() takes what they leave.
kernel void parts(global const T *x, ulong n, ulong part, global double2 *out,
                  local double2 *all) {
    ulong first = part * get_group_id(0);
    double2 reduced = reduce(x + first, min(part, n - first), all);
    if (get_local_id(0) == 0) out[get_group_id(0)] = reduced;
}

kernel void merge(global const double2 *parts, ulong n, global T *out, local double2 *all) {
    double2 mine = (double2)(-MAX, 0);
    for (ulong i = get_local_id(0); i < n; i += get_local_size(0)) mine = join(mine, parts[i]);
    double2 whole = join_group(mine, all);
    if (get_local_id(0) == 0) out[0] = whole.x + log(whole.y);
}
"""

TRIAL = """
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
kernel void trial(global double *x) { x[0] = 1; }
"""
"""As small as can be; PoCL takes 0.5 s for it, and 0.02 s once it is in its cache."""


@dataclass
class Array:
    """A Vector, a Matrix or a Scalar (shape ()) on the device."""

    buffer: Any
    shape: tuple[int, ...]
    dtype: Any


class OpenCL(Backend):
    title = "OpenCL"
    tier = "all"
    requires = ("pyopencl",)
    distribution = "pyopencl"
    extra = ("pyopencl[pocl]>=2025.1",)
    thread_variables = ("POCL_MAX_PTHREAD_COUNT",)
    compiled = "jit"
    cache = "POCL_CACHE_DIR"  # PoCL's; PyOpenCL leaves caching to it
    parallel = True
    forks = False
    max_error = {"logsumexp": 4.0, "logsumexp_rows": 4.0}
    known_failures = LOSES_TINY_TERMS

    hint: ClassVar[str] = "apt install pocl-opencl-icd; PoCL writes to POCL_CACHE_DIR, or HOME"
    """What brings a platform, and what it needs."""
    items: ClassVar[int] = 1
    """Work-items of a group: on a CPU one, whose vectors fill a core."""
    part = 32_768
    """Elements of a group; also bounds how long a sum runs."""

    def load(self) -> None:
        import numpy
        import pyopencl as cl

        self.cl, self.np = cl, numpy
        self.flags = cl.mem_flags.READ_WRITE
        self.chosen, self.context, self.queue = self._working()
        self.shared = cl.LocalMemory(16 * self.items)
        self.built: dict[Any, tuple[Any, Any, Any]] = {}
        self.lock = RLock()  # a kernel keeps its arguments until it is enqueued

    def _working(self) -> tuple[Any, Any, Any]:
        """Return the first device that builds and runs a program, its context and its queue.

        A platform may list a device that its compiler is too old for; another may do.
        """
        cl, kind, reasons = self.cl, self.device.upper(), []
        try:
            devices = [
                device
                for platform in cl.get_platforms()
                for device in platform.get_devices(getattr(cl.device_type, kind))
            ]
        except cl.Error as error:
            raise Unavailable(f"no OpenCL platform: {one_line(error)} ({self.hint})") from error
        for device in devices:
            try:
                return device, *self._tried(device)
            except Exception as error:
                platform = device.platform.name.strip()
                reasons.append(f"{platform} {device.driver_version}: {_compiler_says(error)}")
        why = "; ".join(reasons) or "no device on any platform"
        raise Unavailable(f"OpenCL computes on no {kind} here: {why} ({self.hint})")

    def _tried(self, device: Any) -> tuple[Any, Any]:
        if "cl_khr_fp64" not in device.extensions.split():
            raise Unavailable("no float64")
        context = self.cl.Context([device])
        queue = self.cl.CommandQueue(context)
        program = self.cl.Program(context, TRIAL).build(["-w"])
        program.trial(queue, (1,), (1,), self.cl.Buffer(context, self.flags, 8))
        queue.finish()
        return context, queue

    def version(self) -> str:
        platform = self.chosen.platform.name
        return f"{self.cl.VERSION_TEXT} ({platform} {self.chosen.driver_version})"

    # -- data -----------------------------------------------------------------------------------

    def to_device(self, array: HostArray) -> Array:
        device = self._new(array.shape, array.dtype)
        if array.size:
            self.cl.enqueue_copy(self.queue, device.buffer, array)
        return device

    def synchronize(self, result: Array) -> Array:
        self.queue.finish()
        return result

    def to_host(self, result: Array) -> HostResult:
        array = self.np.empty(result.shape, result.dtype)
        self.cl.enqueue_copy(self.queue, array, result.buffer)
        return array[()]

    def _new(self, shape: tuple[int, ...], dtype: Any) -> Array:
        size = max(1, math.prod(shape)) * dtype.itemsize  # no buffer may be empty
        return Array(self.cl.Buffer(self.context, self.flags, size), shape, dtype)

    # -- kernels --------------------------------------------------------------------------------

    def _kernels(self, dtype: Any) -> tuple[Any, Any, Any]:
        """Return the kernels (rows, parts, merge) for `dtype`, compiled by the first call."""
        if dtype not in self.built:
            name, largest = ("float", "FLT_MAX") if dtype.itemsize == 4 else ("double", "DBL_MAX")
            # -w: it warns of the ABI of vectors wider than the CPU's; all calls are inlined.
            options = ["-w", f"-DT={name}", f"-DT8={name}8", f"-DMAX={largest}"]
            program = self.cl.Program(self.context, SOURCE).build(options)
            rows, parts, merge = program.rows, program.parts, program.merge
            rows.set_scalar_arg_dtypes([None, self.np.uint64, None, None])
            parts.set_scalar_arg_dtypes([None, self.np.uint64, self.np.uint64, None, None])
            merge.set_scalar_arg_dtypes([None, self.np.uint64, None, None])
            self.built[dtype] = rows, parts, merge
        return self.built[dtype]

    def logsumexp(self, x: Array) -> Array:
        with self.lock:
            rows, parts, merge = self._kernels(x.dtype)
            out = self._new((), x.dtype)
            (n,), group = x.shape, (self.items,)
            count = -(-n // self.part)
            if count <= 1:
                rows(self.queue, group, group, x.buffer, n, out.buffer, self.shared)
                return out
            reduced = self.cl.Buffer(self.context, self.flags, 16 * count)
            total = (count * self.items,)
            parts(self.queue, total, group, x.buffer, n, self.part, reduced, self.shared)
            merge(self.queue, group, group, reduced, count, out.buffer, self.shared)
            return out

    def logsumexp_rows(self, x: Array) -> Array:
        with self.lock:
            rows, _, _ = self._kernels(x.dtype)
            (m, n), group = x.shape, (self.items,)
            out = self._new((m,), x.dtype)
            rows(self.queue, (m * self.items,), group, x.buffer, n, out.buffer, self.shared)
            return out


def _compiler_says(error: Exception) -> str:
    """Return the first error that the compiler reports, or else what the library does."""
    lines = [line.strip() for line in str(error).splitlines()]
    if isinstance(error, Unavailable):
        return str(error)
    return next((line for line in lines if line.startswith("error:")), one_line(error))
