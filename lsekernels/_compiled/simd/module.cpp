// The Python module: picks the instruction set when it is loaded, cuts arrays into parts (for
// threads where compiled with OpenMP), and puts the partial results together.
//
// Source: of log1p of all but the largest elements: P. Blanchard, D. J. Higham and N. J. Higham,
// "Accurately computing the log-sum-exp and softmax functions", IMA J. Numer. Anal. 41 (2021).

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define NPY_NO_DEPRECATED_API NPY_1_7_API_VERSION
#include <numpy/arrayobject.h>

#include <algorithm>
#include <cmath>
#include <cstring>
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
  const double r = sum.k * LN2_HIGH + (std::log(sum.total.value()) + sum.k * LN2_LOW);
  // Near zero the digits of the terms beside the largest one count.
  return std::fabs(r) < 1 ? careful_logsumexp(x, n) : r;
}

constexpr size_t SHORT = 16384;  // elements that stay in the second level of cache, with the result

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
  constexpr size_t BLOCK = 65536 / sizeof(T);
  for (size_t i = 0; i < n; i += BLOCK) {
    const size_t length = std::min(BLOCK, n - i);
    const double m = functions<T>().maximum(x + i, length);
    if (!(m <= top.m)) top.m = m;
    functions<T>().extend(x + i, length, top.sum);
  }
}

// For the logarithm: relative to the largest element, or its digits would be lost in the sum's.
template <class T>
Normalizer log_normalizer(const T* x, size_t n) {
  Top top = partial(extend_top<T>, x, n);
  Sum& sum = top.sum;
  if (!sum.far) {
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
  if (sum.far) return careful_normalizer(x, n);
  if (!(sum.special == 0)) return {sum.special, NAN, 0};
  if (sum.total.s == 0) return {-INFINITY, NAN, 0};
  if (n <= SHORT) return careful_normalizer(x, n);
  // exp(x - shift) must neither vanish nor overflow where exp(x) / s does not.
  const int exponent = std::ilogb(sum.total.s);
  if (sum.k != 0 || exponent < -1 || exponent > 60) sum.move(sum.k + exponent);
  const double s = sum.total.value(), k_ln2 = sum.k * LN2_HIGH;
  const double shift = T(k_ln2 + sum.k * LN2_LOW);
  const double rounded =
      (shift - k_ln2) - sum.k * LN2_LOW + functions<T>().excess * (k_ln2 + std::log(s));
  return {shift, std::exp(rounded) / s, std::log(s) - rounded};
}

template <class T>
using Map = void (*)(const T*, size_t, T*, double, double);

// Backwards, a block at a time: the end of x is what is still in cache.
template <class T>
void map_backwards(Map<T> map, const T* x, size_t n, T* out, double shift, double second) {
  constexpr size_t BLOCK = 65536;
  for (size_t end = n; end > 0;) {
    const size_t begin = end > BLOCK ? end - BLOCK : 0;
    map(x + begin, end - begin, out + begin, shift, second);
    end = begin;
  }
}

template <class T>
void softmax_row(const T* x, size_t n, T* out, bool logarithm) {
  const auto& f = functions<T>();
  double s;
  if (!logarithm && n <= SHORT && f.exp_row(x, n, out, s)) {
    f.divide(out, n, s);  // both have the same excess
    return;
  }
  const Normalizer by = logarithm ? log_normalizer(x, n) : normalizer(x, n);
  const double second = logarithm ? by.logarithm : by.factor;
  if (!logarithm && std::isnan(by.factor)) {
    for (size_t i = 0; i < n; ++i) out[i] = NAN;
    return;
  }
  in_parts(n, parts_of(n), [&](size_t begin, size_t end, size_t) {
    map_backwards<T>(logarithm ? f.log_softmax : f.softmax, x + begin, end - begin, out + begin,
                     by.shift, second);
  });
}

// f(row) for all rows: on threads by rows, or within each row where there are fewer rows.
template <class F>
void for_rows(size_t rows, size_t columns, F f) {
  const size_t parts = parts_of(rows * columns);
  if (rows < parts) {
    for (size_t i = 0; i < rows; ++i) f(i);
    return;
  }
  in_parts(rows, parts, [&](size_t begin, size_t end, size_t) {
    for (size_t i = begin; i < end; ++i) f(i);
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
  if (sum.far) {
    PyErr_SetString(PyExc_OverflowError, "x is too far from zero for an integer exponent");
    return nullptr;
  }
  return Py_BuildValue("di", sum.total.value(), int(sum.k));
}

PyObject* py_logsumexp_rows(PyObject*, PyObject* x) {
  PyArrayObject* a = array_of(x, 2);
  if (!a) return nullptr;
  const size_t m = size_t(PyArray_DIM(a, 0)), n = size_t(PyArray_DIM(a, 1));
  PyObject* out = PyArray_SimpleNew(1, PyArray_DIMS(a), PyArray_TYPE(a));
  if (!out) return nullptr;
  void* to = PyArray_DATA(reinterpret_cast<PyArrayObject*>(out));
  compute(a, [&](auto* data) {
    using T = std::remove_const_t<std::remove_pointer_t<decltype(data)>>;
    for_rows(m, n, [&](size_t i) { static_cast<T*>(to)[i] = T(logsumexp(data + i * n, n)); });
  });
  return out;
}

PyObject* softmax_rows(PyObject* x, bool logarithm) {
  PyArrayObject* a = array_of(x, 2);
  if (!a) return nullptr;
  const size_t m = size_t(PyArray_DIM(a, 0)), n = size_t(PyArray_DIM(a, 1));
  PyObject* out = PyArray_SimpleNew(2, PyArray_DIMS(a), PyArray_TYPE(a));
  if (!out) return nullptr;
  void* to = PyArray_DATA(reinterpret_cast<PyArrayObject*>(out));
  compute(a, [&](auto* data) {
    using T = std::remove_const_t<std::remove_pointer_t<decltype(data)>>;
    for_rows(m, n, [&](size_t i) {
      softmax_row(data + i * n, n, static_cast<T*>(to) + i * n, logarithm);
    });
  });
  return out;
}

PyObject* py_softmax_rows(PyObject*, PyObject* x) { return softmax_rows(x, false); }
PyObject* py_log_softmax_rows(PyObject*, PyObject* x) { return softmax_rows(x, true); }

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

PyMethodDef methods[] = {
    {"logsumexp", py_logsumexp, METH_O, "log(sum(exp(x))) of x, shape (n,)."},
    {"sum_exp", py_sum_exp, METH_O, "(s, k) with s * 2**k = sum(exp(x)), of x, shape (n,)."},
    {"logsumexp_rows", py_logsumexp_rows, METH_O, "logsumexp of each row of x, shape (m, n)."},
    {"softmax_rows", py_softmax_rows, METH_O, "softmax of each row of x, shape (m, n)."},
    {"log_softmax_rows", py_log_softmax_rows, METH_O, "Its logarithm."},
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
