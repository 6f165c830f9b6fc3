"""OpenGL compute shaders through ModernGL, on the CPU (Mesa's llvmpipe): a two-stage reduction.

Source: of the pairs (m, s): M. Milakov and N. Gimelshein, "Online normalizer calculation for
softmax", arXiv:1805.02867 (2018); of `join_group`: M. Harris, "Optimizing parallel reduction in
CUDA" (2007); of exp's two parts of log(2): W. J. Cody and W. Waite, "Software manual for the
elementary functions" (1980).
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

from ..backend import Array as HostArray
from ..backend import Backend, HostResult, Unavailable
from ._known_failures import LOSES_TINY_TERMS
from .opencl import Array

SOURCE = """
layout(local_size_x = 64) in;
shared dvec2 all_items[64];

// GLSL need not know nan and infinity, so their bits are looked at.
bool is_nan(float v) { return (floatBitsToUint(v) & 0x7fffffffu) > 0x7f800000u; }
bool is_nan(double v) {
    uvec2 bits = unpackDouble2x32(v);
    return (bits.y & 0x7fffffffu) + uint(bits.x != 0u) > 0x7ff00000u;
}
bool is_inf(double v) {
    uvec2 bits = unpackDouble2x32(v);
    return (bits.y & 0x7fffffffu) == 0x7ff00000u && bits.x == 0u;
}
double minus_inf() { return packDouble2x32(uvec2(0u, 0xfff00000u)); }

// GLSL has neither function for double. exp_ is for x up to about 0: 2**k times exp of what is
// left, at most log(2)/2 in size, by its Taylor series. Below -708 it stays at a normal number.
double exp_(double x) {
    x = max(x, -708.0lf);
    double k = roundEven(x * 1.4426950408889634074lf);
    double r = x - k * 0.693147180369123816490lf - k * 1.90821492927058770002e-10lf;
    double p = 1.0lf / 6227020800.0lf;
    p = p * r + 1.0lf / 479001600.0lf;
    p = p * r + 1.0lf / 39916800.0lf;
    p = p * r + 1.0lf / 3628800.0lf;
    p = p * r + 1.0lf / 362880.0lf;
    p = p * r + 1.0lf / 40320.0lf;
    p = p * r + 1.0lf / 5040.0lf;
    p = p * r + 1.0lf / 720.0lf;
    p = p * r + 1.0lf / 120.0lf;
    p = p * r + 1.0lf / 24.0lf;
    p = p * r + 1.0lf / 6.0lf;
    p = p * r + 0.5lf;
    p = p * r + 1.0lf;
    p = p * r + 1.0lf;
    return p * packDouble2x32(uvec2(0u, uint(int(k) + 1023) << 20));
}
double log_(double x) {
    double y = log(float(x));  // two steps of Newton's method double its digits twice
    y += x * exp_(-y) - 1.0lf;
    return y + (x * exp_(-y) - 1.0lf);
}
float exp_(float x) { return exp(max(x, -80.0)); }

// Numbers are reduced to (m, s), their maximum and sum(exp(x - m)); s is -1 where there is a nan,
// and any other number where m is infinite.
dvec2 join(dvec2 a, dvec2 b) {
    double m = max(a.x, b.x);
    double p = a.x == m ? 1.0lf : exp_(a.x - m), q = b.x == m ? 1.0lf : exp_(b.x - m);
    return dvec2(m, min(a.y, b.y) < 0.0lf ? -1.0lf : a.y * p + b.y * q);
}

// All items of the work-group; the result is item 0's.
dvec2 join_group(dvec2 mine) {
    uint item = gl_LocalInvocationIndex;
    all_items[item] = mine;
    for (uint joined = 32u; joined > 0u; joined /= 2u) {
        barrier();
        if (item < joined) all_items[item] = join(all_items[item], all_items[item + joined]);
    }
    return all_items[0];
}

T result(dvec2 reduced) {
    if (reduced.y < 0.0lf) return NAN;
    return T(is_inf(reduced.x) ? reduced.x : reduced.x + log_(reduced.y));
}

#if defined(ROWS) || defined(PARTS)
layout(std430, binding = 0) readonly buffer Input { T x[]; };

dvec2 reduce(uint first, uint end) {
    T m = T(minus_inf());
    bool nan = false;
    for (uint i = first + gl_LocalInvocationIndex; i < end; i += 64u) {
        m = max(m, x[i]);
        nan = nan || is_nan(x[i]);
    }
    double s = 0.0lf;
    if (is_inf(m)) end = first;
    for (uint i = first + gl_LocalInvocationIndex; i < end; i += 64u) s += exp_(x[i] - m);
    return join_group(dvec2(m, nan ? -1.0lf : s));
}
#endif

#ifdef ROWS  // one work-group a row of n numbers
layout(std430, binding = 1) writeonly buffer Output { T out_[]; };
uniform uint rows, n;
void main() {
    uint row = min(gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x, rows - 1u);
    dvec2 reduced = reduce(row * n, (row + 1u) * n);
    if (gl_LocalInvocationIndex == 0u) out_[row] = result(reduced);
}
#endif

#ifdef PARTS  // one work-group a part; MERGE takes what they leave
layout(std430, binding = 1) writeonly buffer Output { dvec2 out_[]; };
uniform uint begin, end, part, offset;
void main() {
    uint first = begin + part * gl_WorkGroupID.x;
    dvec2 reduced = reduce(first, min(first + part, end));
    if (gl_LocalInvocationIndex == 0u) out_[offset + gl_WorkGroupID.x] = reduced;
}
#endif

#ifdef MERGE
layout(std430, binding = 0) readonly buffer Input { dvec2 parts[]; };
layout(std430, binding = 1) writeonly buffer Output { T out_[]; };
uniform uint n, row;
void main() {
    dvec2 mine = dvec2(minus_inf(), 0.0lf);
    for (uint i = gl_LocalInvocationIndex; i < n; i += 64u) mine = join(mine, parts[i]);
    dvec2 whole = join_group(mine);
    if (gl_LocalInvocationIndex == 0u) out_[row] = result(whole);
}
#endif
"""

NANS = {"float": "uintBitsToFloat(0x7fc00000u)", "double": "packDouble2x32(uvec2(0u, 0x7ff80000u))"}


class ModernGL(Backend):
    title = "OpenGL"
    tier = "all"
    requires = ("moderngl",)
    distribution = "moderngl"
    extra = ("moderngl>=5.10",)
    thread_variables = ("LP_NUM_THREADS",)  # of llvmpipe: OpenGL on the CPU
    compiled = "jit"
    cache = "MESA_SHADER_CACHE_DIR"
    parallel = True
    forks = False
    max_error = {"logsumexp": 4.0, "logsumexp_rows": 4.0}
    known_failures = LOSES_TINY_TERMS

    part = 16_384
    """Elements of a work-group: llvmpipe ends loops after 65,535 rounds; and no sum runs long."""

    def load(self) -> None:
        import moderngl
        import numpy

        self.np = numpy
        self.context = self._context(moderngl)
        # Buffers are released by _current(): a finalizer may run in another context.
        self.context.gc_mode = "context_gc"
        self.lock = RLock()
        self.release_thread = ctypes.CDLL("libEGL.so.1").eglReleaseThread
        self.release_thread()
        self.largest_block = self.context.info["GL_MAX_SHADER_STORAGE_BLOCK_SIZE"]
        self.shaders: dict[tuple[str, Any], Any] = {}

    def _context(self, moderngl: Any) -> Any:
        renderers, reason = [], ""
        for index in range(8):  # EGL's devices: GPUs, and Mesa's software renderer
            try:
                context = moderngl.create_context(
                    standalone=True,
                    require=430,
                    backend="egl",
                    device_index=index,
                    libegl="libEGL.so.1",
                    libgl="libGL.so.1",
                )
            except Exception as error:  # glcontext raises no other class
                reason = reason or str(error)
                continue
            renderer = context.info["GL_RENDERER"]
            if ("llvmpipe" in renderer) == (self.device == "cpu"):
                return context
            context.release()
            renderers.append(renderer)
        if renderers:
            raise Unavailable(f"OpenGL has no {self.device.upper()} here, only {renderers}")
        hint = "Debian: apt install libegl1 libgl1 libgl1-mesa-dri"
        raise Unavailable(f"no OpenGL 4.3 context through EGL: {reason} ({hint})")

    def version(self) -> str:
        with self._current() as context:
            driver = context.info["GL_VERSION"].rpartition(")")[2].strip()  # after the profile
        return f"{super().version()} ({driver})"

    @contextmanager
    def _current(self) -> Iterator[Any]:
        """Give the context, current in this thread alone: in two at a time it is in neither."""
        with self.lock:
            self.context.__enter__()
            try:
                self.context.gc()
                yield self.context
            finally:
                self.release_thread()

    # -- data -----------------------------------------------------------------------------------

    def to_device(self, array: HostArray) -> Array:
        with self._current() as context:
            # No buffer may be empty.
            buffer = context.buffer(array) if array.size else context.buffer(reserve=8)
        return Array(buffer, array.shape, array.dtype)

    def synchronize(self, result: Array) -> Array:
        with self._current() as context:
            context.finish()
        return result

    def to_host(self, result: Array) -> HostResult:
        with self._current():
            read = result.buffer.read()
        return self.np.frombuffer(read, result.dtype).reshape(result.shape)[()]

    # -- kernels --------------------------------------------------------------------------------

    def _shader(self, stage: str, dtype: Any) -> Any:
        """Return the shader of `stage` for `dtype`, compiled by the first call."""
        if (stage, dtype) not in self.shaders:
            name = "float" if dtype.itemsize == 4 else "double"
            head = f"#version 430\n#define {stage}\n#define T {name}\n#define NAN {NANS[name]}\n"
            self.shaders[stage, dtype] = self.context.compute_shader(head + SOURCE)
        return self.shaders[stage, dtype]

    def logsumexp(self, x: Array) -> Array:
        (n,) = x.shape
        return self._reduce(x, 1, n, ())

    def logsumexp_rows(self, x: Array) -> Array:
        m, n = x.shape
        return self._reduce(x, m, n, (m,))

    def _reduce(self, x: Array, m: int, n: int, shape: tuple[int, ...]) -> Array:
        with self._current() as context:
            out = Array(context.buffer(reserve=m * x.dtype.itemsize), shape, x.dtype)
            if n > self.part:
                for row in range(m):
                    self._long_row(context, x, row, n, out)
                return out
            rows = self._shader("ROWS", x.dtype)
            rows["rows"], rows["n"] = m, n
            x.buffer.bind_to_storage_buffer(0)
            out.buffer.bind_to_storage_buffer(1)
            columns = min(m, 65_535)  # of groups: no dimension may have more
            rows.run(columns, -(-m // columns))
            return out

    def _long_row(self, context: Any, x: Array, row: int, n: int, out: Array) -> None:
        itemsize = x.dtype.itemsize
        reduced = context.buffer(reserve=16 * -(-n // self.part))
        reduced.bind_to_storage_buffer(1)
        parts = self._shader("PARTS", x.dtype)
        parts["part"] = self.part
        at_once = (self.largest_block // itemsize // self.part - 1) * self.part
        for done in range(0, n, at_once):
            first, size = row * n + done, min(at_once, n - done)
            before = first % 64  # a block starts at a multiple of 256 bytes
            block = (first - before) * itemsize, (before + size) * itemsize
            x.buffer.bind_to_storage_buffer(0, *block)
            parts["begin"], parts["end"], parts["offset"] = before, before + size, done // self.part
            parts.run(-(-size // self.part))
        context.memory_barrier()
        reduced.bind_to_storage_buffer(0)
        out.buffer.bind_to_storage_buffer(1)
        merge = self._shader("MERGE", x.dtype)
        merge["n"], merge["row"] = reduced.size // 16, row
        merge.run()
