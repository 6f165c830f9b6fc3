// The Python module: picks the instruction set when it is loaded, cuts arrays into parts (for
// threads where compiled with OpenMP), and puts the partial results together.
//
// Source: of log1p of all but the largest elements: P. Blanchard, D. J. Higham and N. J. Higham,
// "Accurately computing the log-sum-exp and softmax functions", IMA J. Numer. Anal. 41 (2021).

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define NPY_NO_DEPRECATED_API NPY_1_7_API_VERSION
#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include <xsimd/xsimd.hpp>
#ifdef _OPENMP
#include <omp.h>
#endif

#include "variant.hpp"

#define DECLARE(name) extern const Variant variant_##name;
VARIANTS(DECLARE)

namespace {

// -- the instruction set -----------------------------------------------------------------------

const Variant* variant;

bool runs([[maybe_unused]] const char* name) {
#if X86_64
  const auto cpu = xsimd::available_architectures();
  if (!std::strcmp(name, "avx512")) return cpu.avx512bw;
  if (!std::strcmp(name, "avx2")) return cpu.fma3_avx2;
#endif
  return true;  // part of every CPU that the package is built for
}

// Best first.
std::vector<const Variant*> variants() {
  std::vector<const Variant*> found;
#define APPEND(name) \
  if (runs(#name)) found.push_back(&variant_##name);
  VARIANTS(APPEND)
  return found;
}

template <class T>
const Functions<T>& functions() {
  if constexpr (sizeof(T) == 8)
    return variant->f64;
  else
    return variant->f32;
}

// -- parts -------------------------------------------------------------------------------------

constexpr size_t PART = 1 << 19;  // elements; below that a second thread costs more than it gives

size_t parts_of([[maybe_unused]] size_t elements) {
#ifdef _OPENMP
  const size_t threads = size_t(omp_get_max_threads());
  return std::max<size_t>(1, std::min(elements / PART, threads));
#else
  return 1;
#endif
}

// f(begin, end, part) for equal parts of n.
template <class F>
void in_parts(size_t n, size_t parts, F f) {
  if (parts == 1) return f(size_t(0), n, size_t(0));
#ifdef _OPENMP
#pragma omp parallel for schedule(static) num_threads(int(parts))
  for (size_t p = 0; p < parts; ++p) f(n * p / parts, n * (p + 1) / parts, p);
#endif
}

void merge(Sum& sum, Sum part) {
  if (!(part.special == 0)) {
    if (sum.special == sum.special) sum.special = part.special;
  }
  sum.far = sum.far || part.far;
  if (part.total.s == 0) return;
  if (sum.total.s == 0 || part.k > sum.k) sum.move(part.k);
  part.move(sum.k);
  sum.total.add(part.total.s);
  sum.total.low += part.total.low;
}

void merge(Rest& rest, Rest part) {
  if (!(part.m <= rest.m)) rest.move(part.m);
  if (!std::isfinite(rest.m) || part.m == -INFINITY) return;
  if (part.m < rest.m) part.move(rest.m);
  rest.ties += part.ties;
  rest.total.add(part.total.s);
  rest.total.low += part.total.low;
}

template <class Partial, class T>
Partial partial(void (*extend)(const T*, size_t, Partial&), const T* x, size_t n) {
  const size_t parts = parts_of(n);
  Partial whole;
  if (parts == 1) {
    extend(x, n, whole);
    return whole;
  }
  std::vector<Partial> each(parts);
  in_parts(n, parts, [&](size_t begin, size_t end, size_t p) {
    Partial part;  // on the thread's own stack: neighbours share no cache line
    extend(x + begin, end - begin, part);
    each[p] = part;
  });
  for (const Partial& part : each) merge(whole, part);
  return whole;
}

// -- logsumexp and softmax ---------------------------------------------------------------------

// exp(x) / sum(exp(x)) = exp(x - shift) * factor = exp((x - shift) - logarithm)
struct Normalizer {
  double shift, factor, logarithm;
};

// The largest elements are counted, not added: nothing is rounded where there are no others.
template <class T>
Normalizer careful_normalizer(const T* x, size_t n) {
  const Rest rest = partial(functions<T>().extend_rest, x, n);
  // Divided before it is scaled down: the quotient is rounded to a denormal number once.
  const double below = std::ldexp(rest.total.value() / rest.ties, -Rest::LIFT);
  return {rest.m, std::isfinite(rest.m) ? 1 / (rest.ties * (1 + below)) : NAN,
          std::log(rest.ties) + std::log1p(below)};
}

template <class T>
double careful_logsumexp(const T* x, size_t n) {
  const Normalizer by = careful_normalizer(x, n);
  return std::isfinite(by.shift) ? by.shift + by.logarithm : by.shift;
}

template <class T>
double logsumexp(const T* x, size_t n) {
  const Sum sum = partial(functions<T>().extend, x, n);
  if (!(sum.special == 0)) return sum.special;
  if (sum.far) return careful_logsumexp(x, n);
  if (sum.total.s == 0) return -INFINITY;
  const double rest = std::log(sum.total.value()) + sum.k * LN2_LOW;
  if (!sum.exact()) return std::fma(sum.k, LN2_HIGH, rest);
  const double r = sum.k * LN2_HIGH + rest;
  // Near zero the digits of the terms beside the largest one count.
  return std::fabs(r) < 1 ? careful_logsumexp(x, n) : r;
}

// Elements of a row that stays in the second level of cache, with the result.
template <class T>
constexpr size_t SHORT = (size_t(1) << 18) / sizeof(T);
constexpr size_t FAR = size_t(1) << 25;  // bytes of a result that is not to drive all else from cache

// A sum and the largest element, a block at a time: it is in cache then.
struct Top {
  Sum sum;
  double m = -INFINITY;
};

void merge(Top& top, Top part) {
  merge(top.sum, part.sum);
  if (!(part.m <= top.m)) top.m = part.m;
}

template <class T>
void extend_top(const T* x, size_t n, Top& top) {
  for (size_t i = 0; i < n; i += SHORT<T>) {
    const size_t length = std::min(SHORT<T>, n - i);
    functions<T>().extend(x + i, length, top.sum);  // asks for memory ahead, as `maximum` does not
    const double m = functions<T>().maximum(x + i, length);
    if (!(m <= top.m)) top.m = m;
  }
}

// For the logarithm: relative to the largest element, or its digits would be lost in the sum's.
template <class T>
Normalizer log_normalizer(const T* x, size_t n) {
  Top top = partial(extend_top<T>, x, n);
  Sum& sum = top.sum;
  if (sum.exact()) {
    if (!(sum.special == 0)) return {sum.special, NAN, 0};
    if (sum.total.s == 0) return {-INFINITY, NAN, 0};
    sum.move(std::nearbyint(top.m * LOG2E));
    const double log_s = std::log(sum.total.value()), k_ln2 = sum.k * LN2_HIGH;
    const double excess = functions<T>().excess * (k_ln2 + log_s);
    const double logarithm = log_s + ((k_ln2 - top.m) + (sum.k * LN2_LOW - excess));
    if (logarithm >= 1) return {top.m, NAN, logarithm};
  }
  return careful_normalizer(x, n);  // one element is more than a third of the sum
}

template <class T>
Normalizer normalizer(const T* x, size_t n) {
  Sum sum = partial(functions<T>().extend, x, n);
  if (!sum.exact()) return careful_normalizer(x, n);
  if (!(sum.special == 0)) return {sum.special, NAN, 0};
  if (sum.total.s == 0) return {-INFINITY, NAN, 0};
  if (n <= SHORT<T>) return careful_normalizer(x, n);
  // exp(x - shift) must neither vanish nor overflow where exp(x) / s does not.
  const int exponent = std::ilogb(sum.total.s);
  if (sum.k != 0 || exponent < -1 || exponent > 60) sum.move(sum.k + exponent);
  const double s = sum.total.value(), k_ln2 = sum.k * LN2_HIGH;
  const double shift = T(k_ln2 + sum.k * LN2_LOW);
  const double rounded =
      (shift - k_ln2) - sum.k * LN2_LOW + functions<T>().excess * (k_ln2 + std::log(s));
  return {shift, std::exp(rounded) / s, std::log(s) - rounded};
}

// Backwards, a block at a time: the end of x is what is still in cache.
template <class T, class Map>
void map_backwards(const T* x, size_t n, T* out, Map map) {
  constexpr size_t BLOCK = 65536;
  for (size_t end = n; end > 0;) {
    const size_t begin = end > BLOCK ? end - BLOCK : 0;
    map(x + begin, end - begin, out + begin);
    end = begin;
  }
}

// `far`: what is written is not to stay in cache.
template <class T>
void softmax_row(const T* x, size_t n, T* out, bool logarithm, bool far) {
  const auto& f = functions<T>();
  double s;
  if (!logarithm && n <= SHORT<T>) {
    thread_local std::vector<T> scratch;
    if (far && scratch.size() < n) scratch.resize(n);
    T* exp = far ? scratch.data() : out;
    if (f.exp_row(x, n, exp, s)) return f.divide(exp, n, s, out, far);
  } else if (!logarithm && !f.exp_is_cheap && parts_of(n) == 1 && f.exp_row(x, n, out, s)) {
    return map_backwards(out, n, out, [&](const T* exp, size_t n, T* out) {
      f.divide(exp, n, s, out, false);
    });
  }
  const Normalizer by = logarithm ? log_normalizer(x, n) : normalizer(x, n);
  if (!logarithm && std::isnan(by.factor)) {
    std::fill(out, out + n, T(NAN));
    return;
  }
  in_parts(n, parts_of(n), [&](size_t begin, size_t end, size_t) {
    map_backwards(x + begin, end - begin, out + begin, [&](const T* x, size_t n, T* out) {
      if (logarithm)
        f.log_softmax(x, n, out, by.shift, by.logarithm, far);
      else
        f.softmax(x, n, out, by.shift, by.factor, far);
    });
  });
}

// -- weights -------------------------------------------------------------------------------------

struct Signed {
  double logarithm = 0, sign = 0;
  bool sure = false;  // to the last digit of T, or nearly
};

// log|sum(w * exp(x))|, where that can be had so: nothing infinite, or far from all else, or cancels.
Signed weighted(const double* x, const double* w, size_t n, double precision) {
  if (!variant->add_up_weighted) return {};
  const double m = functions<double>().maximum(x, n);
  if (!(std::fabs(m) < 1e5)) return {};
  const double k = std::nearbyint(m * LOG2E);
  SignedSum sum;
  variant->add_up_weighted(x, w, n, k, sum);
  using Long = long double;
  const Long s = Long(sum.total.s) + sum.total.low, size = std::fabs(s);
  // Infinite, nan, or not far above what is added for exp(x) * 2^-k that vanishes.
  if (!(size > sum.weights * 0x1p-900 && size > 0x1p-800 && sum.size < 0x1p1000)) return {};
  const Long ln2 = 0.693147180559945309417232121458176568L;
  // s, rounded to 64 bits, is not as near to 1 as it was.
  const Long above = (std::fabs(sum.total.s) - 1) + std::copysign(Long(1), s) * sum.total.low;
  const Long log = std::fabs(above) < 0.5 ? std::log1p(above) : std::log(size);
  const double logarithm = double(k * ln2 + log);
  const double lost = double(sum.size / size) * 0x1p-63 +
                      double(std::numeric_limits<Long>::epsilon()) * (std::fabs(k) + 1);
  if (!(lost < precision * std::fabs(logarithm))) return {};
  return {logarithm, double(std::copysign(1, s)), true};
}

// -- along an axis -------------------------------------------------------------------------------

enum Kind { LOGSUMEXP, SOFTMAX, LOG_SOFTMAX };

// x[o][j][i]: over j, for each o and i.
struct Shape {
  size_t outer, n, inner;
};

constexpr size_t LANES = 64;        // columns that short ones are laid beside each other for
constexpr size_t SHORT_ROW = 16;    // elements
constexpr size_t SHORT_COLUMN = 64;
constexpr size_t FEW_COLUMNS = 16;
constexpr size_t BATCH = 32;  // rows whose logarithms are taken together

template <class T>
void columns(Kind kind, const T* x, size_t n, size_t stride, size_t count, T* out) {
  const auto& f = functions<T>();
  const auto of_kind = kind == LOGSUMEXP ? f.logsumexp_columns
                       : kind == SOFTMAX ? f.softmax_columns
                                         : f.log_softmax_columns;
  of_kind(x, n, stride, count, out);
}

// Columns `begin` to `end`, counted through all o and i, laid beside each other.
template <class T>
void short_columns(Kind kind, const T* x, Shape shape, T* out, size_t begin, size_t end) {
  alignas(64) T laid[SHORT_COLUMN * LANES], result[SHORT_COLUMN * LANES];
  const auto [outer, n, inner] = shape;
  for (size_t first = begin; first < end; first += LANES) {
    const size_t count = std::min(LANES, end - first);
    const auto for_runs = [&](auto f) {  // f(where laid, where in x, columns that lie so there, too)
      size_t o = first / inner, i = first % inner;
      for (size_t c = 0; c < count; i = 0, ++o) {
        const size_t run = std::min(inner - i, count - c);
        for (size_t j = 0; j < n; ++j) f(j * LANES + c, (o * n + j) * inner + i, run);
        c += run;
      }
    };
    const auto copy = [](const T* from, size_t run, T* to) {
      run == 1 ? void(*to = *from) : void(std::copy_n(from, run, to));  // not a call for each
    };
    for_runs([&](size_t to, size_t from, size_t run) { copy(x + from, run, laid + to); });
    if (kind == LOGSUMEXP) {
      columns(kind, laid, n, LANES, count, out + first);
    } else {
      columns(kind, laid, n, LANES, count, result);
      for_runs([&](size_t from, size_t to, size_t run) { copy(result + from, run, out + to); });
    }
  }
}

// No more than BATCH rows.
template <class T>
void logsumexp_of_rows(const T* x, size_t rows, size_t n, T* out) {
  const auto& f = functions<T>();
  double sums[BATCH], logs[BATCH];
  f.add_rows_up(x, rows, n, sums);
  std::copy(sums, sums + rows, logs);
  f.logarithms(logs, rows);
  for (size_t i = 0; i < rows; ++i) {
    // Otherwise out of range, nan, or a result near zero.
    const bool plain = (sums[i] > 3 && sums[i] <= f.largest_sum) ||
                       (sums[i] < 1. / 3 && sums[i] >= f.smallest_sum);
    out[i] = T(plain ? logs[i] : logsumexp(x + i * n, n));
  }
}

template <class T>
void log_softmax_of_rows(const T* x, size_t rows, size_t n, T* out, bool far) {
  const auto& f = functions<T>();
  double sums[BATCH], logs[BATCH], tops[BATCH];
  f.add_rows_up(x, rows, n, sums);
  for (size_t i = 0; i < rows; ++i) {
    tops[i] = f.maximum(x + i * n, n);
    logs[i] = sums[i] * std::exp2(-std::nearbyint(tops[i] * LOG2E));
  }
  f.logarithms(logs, rows);
  for (size_t i = 0; i < rows; ++i) {
    const double k = std::nearbyint(tops[i] * LOG2E), k_ln2 = k * LN2_HIGH;
    const double excess = f.excess * (k_ln2 + logs[i]);
    const double logarithm = logs[i] + ((k_ln2 - tops[i]) + (k * LN2_LOW - excess));
    if (sums[i] > f.smallest_sum && sums[i] < f.largest_sum && logarithm >= 1)
      f.log_softmax(x + i * n, n, out + i * n, tops[i], logarithm, far);
    else
      softmax_row(x + i * n, n, out + i * n, true, far);
  }
}

template <class T>
void rows(Kind kind, const T* x, size_t n, T* out, size_t begin, size_t end, bool far) {
  if (kind == SOFTMAX || n > SHORT<T> / 4) {
    for (size_t i = begin; i < end; ++i) {
      if (kind == LOGSUMEXP)
        out[i] = T(logsumexp(x + i * n, n));
      else
        softmax_row(x + i * n, n, out + i * n, kind == LOG_SOFTMAX, far);
    }
    return;
  }
  const size_t batch = std::max<size_t>(1, std::min(BATCH, SHORT<T> / 8 / n));
  for (size_t i = begin; i < end; i += batch) {
    const size_t count = std::min(batch, end - i);
    if (kind == LOGSUMEXP)
      logsumexp_of_rows(x + i * n, count, n, out + i);
    else
      log_softmax_of_rows(x + i * n, count, n, out + i * n, far);
  }
}

// On threads by what is computed apart from each other, or within each row where those are fewer.
template <class T>
void along(Kind kind, const T* x, Shape shape, T* out) {
  const auto [outer, n, inner] = shape;
  const size_t parts = parts_of(outer * n * inner);
  if (inner == 1 && n > SHORT_ROW) {
    const bool far = kind != LOGSUMEXP && outer * n * sizeof(T) >= FAR;
    if (outer < parts) return rows(kind, x, n, out, 0, outer, far);
    return in_parts(outer, parts, [&](size_t begin, size_t end, size_t) {
      rows(kind, x, n, out, begin, end, far);
    });
  }
  // Many rows that are written to, too, may be in each other's way in cache.
  const bool many = kind != LOGSUMEXP && n > 8;
  if (n <= SHORT_COLUMN && (many || (inner < FEW_COLUMNS && outer > 1)))
    return in_parts(outer * inner, parts, [&](size_t begin, size_t end, size_t) {
      short_columns(kind, x, {outer, n, inner}, out, begin, end);
    });
  const size_t blocks = (inner + COLUMNS - 1) / COLUMNS;
  in_parts(outer * blocks, parts, [&](size_t begin, size_t end, size_t) {
    for (size_t job = begin; job < end; ++job) {
      const size_t o = job / blocks, i = job % blocks * COLUMNS, at = o * n * inner + i;
      columns(kind, x + at, n, inner, std::min(COLUMNS, inner - i),
              out + (kind == LOGSUMEXP ? o * inner + i : at));
    }
  });
}

// -- Python ------------------------------------------------------------------------------------

constexpr npy_intp LONG = 100'000;  // elements from which on other Python threads may run

// `x` as an array of `ndim` dimensions, or null with a TypeError.
PyArrayObject* array_of(PyObject* x, int ndim) {
  if (PyArray_Check(x)) {
    auto* a = reinterpret_cast<PyArrayObject*>(x);
    const int type = PyArray_TYPE(a);
    if (PyArray_NDIM(a) == ndim && (type == NPY_DOUBLE || type == NPY_FLOAT) &&
        PyArray_ISCARRAY_RO(a))
      return a;
  }
  PyErr_Format(PyExc_TypeError,
               "x must be a C-contiguous, aligned, native %d-D array of float32 or float64", ndim);
  return nullptr;
}

template <class F>
auto compute(PyArrayObject* a, F f) {
  const npy_intp n = PyArray_SIZE(a);
  PyThreadState* state = n >= LONG ? PyEval_SaveThread() : nullptr;
  struct Restore {
    PyThreadState* state;
    ~Restore() {
      if (state) PyEval_RestoreThread(state);
    }
  } restore{state};
  if (PyArray_TYPE(a) == NPY_DOUBLE) return f(static_cast<const double*>(PyArray_DATA(a)));
  return f(static_cast<const float*>(PyArray_DATA(a)));
}

PyObject* py_logsumexp(PyObject*, PyObject* x) {
  PyArrayObject* a = array_of(x, 1);
  if (!a) return nullptr;
  const size_t n = size_t(PyArray_SIZE(a));
  return PyFloat_FromDouble(compute(a, [&](auto* data) { return logsumexp(data, n); }));
}

PyObject* py_sum_exp(PyObject*, PyObject* x) {
  PyArrayObject* a = array_of(x, 1);
  if (!a) return nullptr;
  const size_t n = size_t(PyArray_SIZE(a));
  const Sum sum = compute(a, [&](auto* data) {
    using T = std::remove_const_t<std::remove_pointer_t<decltype(data)>>;
    return partial(functions<T>().extend, data, n);
  });
  if (!(sum.special == 0)) return Py_BuildValue("di", sum.special, 0);
  if (!sum.exact()) {
    PyErr_SetString(PyExc_OverflowError, "x is too far from zero for an integer exponent");
    return nullptr;
  }
  return Py_BuildValue("di", sum.total.value(), int(sum.k));
}

template <class T>
PyObject* scalar(T value) {
  if constexpr (sizeof(T) == 8) {
    PyObject* made = PyArrayScalar_New(Double);
    if (made) PyArrayScalar_ASSIGN(made, Double, value);
    return made;
  } else {
    PyObject* made = PyArrayScalar_New(Float);
    if (made) PyArrayScalar_ASSIGN(made, Float, value);
    return made;
  }
}

// Of x over one axis, or over all of them where that is negative.
PyObject* along_axis(Kind kind, PyArrayObject* a, int axis) {
  const int ndim = PyArray_NDIM(a);
  npy_intp* dims = PyArray_DIMS(a);
  Shape shape{1, size_t(PyArray_SIZE(a)), 1};
  if (axis >= 0) {
    shape.n = size_t(dims[axis]);
    for (int i = 0; i < axis; ++i) shape.outer *= size_t(dims[i]);
    for (int i = axis + 1; i < ndim; ++i) shape.inner *= size_t(dims[i]);
  }
  if (kind == LOGSUMEXP && (axis < 0 || ndim == 1)) {
    const double r = compute(a, [&](auto* data) { return logsumexp(data, shape.n); });
    return PyArray_TYPE(a) == NPY_DOUBLE ? scalar(r) : scalar(float(r));
  }
  npy_intp kept[NPY_MAXDIMS];
  int count = 0;
  for (int i = 0; i < ndim; ++i)
    if (kind != LOGSUMEXP || i != axis) kept[count++] = dims[i];
  PyObject* out = PyArray_SimpleNew(count, kept, PyArray_TYPE(a));
  if (!out) return nullptr;
  void* to = PyArray_DATA(reinterpret_cast<PyArrayObject*>(out));
  compute(a, [&](auto* data) {
    using T = std::remove_const_t<std::remove_pointer_t<decltype(data)>>;
    along(kind, data, shape, static_cast<T*>(to));
  });
  return out;
}

// f(x, axis) of whatever lies in memory as it stands; of anything else NotImplemented.
template <Kind kind>
PyObject* py_along(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (count != 2) {
    PyErr_SetString(PyExc_TypeError, "x and axis are expected");
    return nullptr;
  }
  if (!PyArray_CheckExact(args[0])) Py_RETURN_NOTIMPLEMENTED;
  auto* a = reinterpret_cast<PyArrayObject*>(args[0]);
  const int type = PyArray_TYPE(a), ndim = PyArray_NDIM(a);
  if ((type != NPY_DOUBLE && type != NPY_FLOAT) || !PyArray_ISCARRAY_RO(a) || ndim == 0 ||
      PyArray_SIZE(a) == 0)
    Py_RETURN_NOTIMPLEMENTED;
  long axis = -1;
  if (args[1] != Py_None) {
    if (!PyLong_CheckExact(args[1])) Py_RETURN_NOTIMPLEMENTED;
    int beyond;
    axis = PyLong_AsLongAndOverflow(args[1], &beyond);
    if (beyond || axis < -ndim || axis >= ndim) Py_RETURN_NOTIMPLEMENTED;
    if (axis < 0) axis += ndim;
  }
  return along_axis(kind, a, int(axis));
}

template <Kind kind>
PyObject* py_rows(PyObject*, PyObject* x) {
  PyArrayObject* a = array_of(x, 2);
  return a ? along_axis(kind, a, 1) : nullptr;
}

PyObject* py_weighted_rows(PyObject*, PyObject* args) {
  PyObject *x, *w;
  double precision;
  if (!PyArg_ParseTuple(args, "OOd", &x, &w, &precision)) return nullptr;
  PyArrayObject *a = array_of(x, 2), *b = a ? array_of(w, 2) : nullptr;
  if (!b) return nullptr;
  if (PyArray_TYPE(a) != NPY_DOUBLE || PyArray_TYPE(b) != NPY_DOUBLE || !PyArray_SAMESHAPE(a, b)) {
    PyErr_SetString(PyExc_TypeError, "x and w must be of float64, and of one shape");
    return nullptr;
  }
  const size_t rows = size_t(PyArray_DIM(a, 0)), n = size_t(PyArray_DIM(a, 1));
  PyObject* found[3];
  for (int i = 0; i < 3; ++i) {
    found[i] = PyArray_SimpleNew(1, PyArray_DIMS(a), i < 2 ? NPY_DOUBLE : NPY_BOOL);
    if (!found[i]) {
      while (i) Py_DECREF(found[--i]);
      return nullptr;
    }
  }
  const auto data = [](PyObject* o) { return PyArray_DATA(reinterpret_cast<PyArrayObject*>(o)); };
  auto* logarithms = static_cast<double*>(data(found[0]));
  auto* signs = static_cast<double*>(data(found[1]));
  auto* sure = static_cast<npy_bool*>(data(found[2]));
  const auto* weights = static_cast<const double*>(PyArray_DATA(b));
  compute(a, [&](auto* of_x) {
    if constexpr (std::is_same_v<decltype(of_x), const double*>)
      for (size_t i = 0; i < rows; ++i) {
        const Signed row = weighted(of_x + i * n, weights + i * n, n, precision);
        logarithms[i] = row.logarithm, signs[i] = row.sign, sure[i] = row.sure;
      }
  });
  return Py_BuildValue("NNN", found[0], found[1], found[2]);
}

PyObject* py_read(PyObject*, PyObject* x) {
  PyArrayObject* a = array_of(x, 1);
  if (!a) return nullptr;
  const size_t n = size_t(PyArray_SIZE(a));
  return PyFloat_FromDouble(compute(a, [&](auto* data) {
    using T = std::remove_const_t<std::remove_pointer_t<decltype(data)>>;
    const size_t parts = parts_of(n);
    std::vector<double> sums(parts);
    in_parts(n, parts, [&](size_t begin, size_t end, size_t p) {
      sums[p] = functions<T>().read(data + begin, end - begin);
    });
    double sum = 0;
    for (double s : sums) sum += s;
    return sum;
  }));
}

PyObject* py_exp(PyObject*, PyObject* args) {
  PyObject* x;
  Py_ssize_t terms;
  if (!PyArg_ParseTuple(args, "On", &x, &terms)) return nullptr;
  PyArrayObject* a = array_of(x, 1);
  if (!a) return nullptr;
  const size_t n = size_t(PyArray_SIZE(a));
  if (n == 0 || terms < 0) {
    PyErr_SetString(PyExc_ValueError, "x must not be empty, terms not negative");
    return nullptr;
  }
  return PyFloat_FromDouble(compute(a, [&](auto* data) {
    using T = std::remove_const_t<std::remove_pointer_t<decltype(data)>>;
    return functions<T>().exp(data, n, size_t(terms));
  }));
}

PyObject* py_instruction_sets(PyObject*, PyObject*) {
  const auto found = variants();
  PyObject* names = PyTuple_New(Py_ssize_t(found.size()));
  for (size_t i = 0; names && i < found.size(); ++i)
    PyTuple_SET_ITEM(names, Py_ssize_t(i), PyUnicode_FromString(found[i]->name));
  return names;
}

PyObject* py_instruction_set(PyObject*, PyObject*) { return PyUnicode_FromString(variant->name); }

PyObject* py_use(PyObject*, PyObject* name) {
  const char* wanted = PyUnicode_AsUTF8(name);
  if (!wanted) return nullptr;
  for (const Variant* v : variants())
    if (!std::strcmp(v->name, wanted)) {
      variant = v;
      Py_RETURN_NONE;
    }
  return PyErr_Format(PyExc_ValueError, "this CPU, or this build, has no instruction set %R", name);
}

#define FAST(function) reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function))

PyMethodDef methods[] = {
    {"logsumexp", py_logsumexp, METH_O, "log(sum(exp(x))) of x, shape (n,)."},
    {"sum_exp", py_sum_exp, METH_O, "(s, k) with s * 2**k = sum(exp(x)), of x, shape (n,)."},
    {"logsumexp_rows", py_rows<LOGSUMEXP>, METH_O, "logsumexp of each row of x, shape (m, n)."},
    {"softmax_rows", py_rows<SOFTMAX>, METH_O, "softmax of each row of x, shape (m, n)."},
    {"log_softmax_rows", py_rows<LOG_SOFTMAX>, METH_O, "Its logarithm."},
    {"logsumexp_along", FAST(py_along<LOGSUMEXP>), METH_FASTCALL,
     "logsumexp_along(x, axis): of an array of any shape; NotImplemented if it lies otherwise."},
    {"softmax_along", FAST(py_along<SOFTMAX>), METH_FASTCALL, "softmax_along(x, axis)."},
    {"log_softmax_along", FAST(py_along<LOG_SOFTMAX>), METH_FASTCALL, "log_softmax_along(x, axis)."},
    {"weighted_rows", py_weighted_rows, METH_VARARGS,
     "weighted_rows(x, w, precision): log|sum(w * exp(x))| of each row, its sign, and whether both "
     "are sure."},
    {"read", py_read, METH_O, "The sum of x, as a limit: memory is read once."},
    {"exp", py_exp, METH_VARARGS, "exp(x, terms): as many exponentials, as a limit."},
    {"instruction_sets", py_instruction_sets, METH_NOARGS, "Those that run here, best first."},
    {"instruction_set", py_instruction_set, METH_NOARGS, "The one in use."},
    {"use", py_use, METH_O, "Use another one, for a test or a comparison."},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, MODULE_NAME, "logsumexp with explicit SIMD; see kernel.hpp.", -1, methods,
    nullptr, nullptr, nullptr, nullptr,
};

}  // namespace

#define INIT_OF(name) PyInit_##name
#define INIT(name) INIT_OF(name)
PyMODINIT_FUNC INIT(MODULE)() {
  import_array();
  variant = variants().front();
  return PyModule_Create(&definition);
}
