// What one instruction set offers, and the partial results that parts of an array are combined by.
//
// Source: of Total: D. E. Knuth, "The art of computer programming", vol. 2, section 4.2.2; of Sum:
// that of kernel.hpp; of Rest: that of module.cpp.

#pragma once

#include <cmath>
#include <cstddef>

// The instruction sets that variant.cpp is compiled for, best first; meson.build has their flags.
// `plain` are loops without vectors, what a CPU gets that xsimd does not know.
#if defined(__x86_64__) || defined(_M_X64)
#define X86_64 1
#define VARIANTS(DO) DO(avx512) DO(avx2) DO(sse2) DO(plain)
#else
#define VARIANTS(DO) DO(baseline)
#endif

constexpr double LOG2E = 1.4426950408889634;
constexpr double LN2_HIGH = 6.93147180369123816490e-01;  // 33 bits: k * LN2_HIGH is exact
constexpr double LN2_LOW = 1.90821492927058770002e-10;
constexpr double MOST_EXACT = 0x1p20;  // of k

// A sum and what its additions round off (TwoSum): the sums of blocks are many.
struct Total {
  double s = 0, low = 0;

  void add(double b) {
    const double t = s + b, part = t - s;
    low += (s - (t - part)) + (b - part);
    s = t;
  }
  void scale(double factor) {
    s *= factor;
    low *= factor;
  }
  void scale_by_power(double exponent) {
    const int e = int(std::fmin(std::fmax(exponent, -9999), 9999));
    s = std::ldexp(s, e);
    low = std::ldexp(low, e);
  }
  double value() const { return s + low; }
};

// sum(exp(x)) = total * 2^k, unless special (inf or nan) is the answer, or x is too far from zero
// for an integer k.
struct Sum {
  Total total;
  double k = 0, special = 0;
  bool far = false;

  // Whether log(sum) has digits enough to be taken off something as large.
  bool exact() const { return !far && std::fabs(k) <= MOST_EXACT; }

  void move(double to) {
    total.scale_by_power(k - to);
    k = to;
  }
};

// sum(exp(x)) = exp(m) * (ties + total * 2^-LIFT): the largest elements, and all others, apart. What
// is tiny beside 1 is not lost, and not denormal.
struct Rest {
  static constexpr int LIFT = 200;
  double m = -INFINITY, ties = 0;
  Total total;

  void move(double to) {
    if (!(m == m)) return;  // nan stays
    if (std::isfinite(m) && std::isfinite(to)) {
      const double half = std::exp((m - to) / 2);  // exp(m - to) itself may be denormal
      total.add(std::ldexp(ties, LIFT));
      total.scale(half);
      total.scale(half);
    } else {
      total = {};
    }
    ties = 0;
    m = to;
  }
};

// sum(w * exp(x)) * 2^-k, the sum of the sizes of all that was added, and that of the weights' own.
struct SignedSum {
  Total total;
  double size = 0, weights = 0;
};

constexpr size_t COLUMNS = 256;

template <class T>
struct Functions {
  void (*extend)(const T* x, size_t n, Sum&);
  void (*extend_rest)(const T* x, size_t n, Rest&);
  // The largest element, or nan.
  T (*maximum)(const T* x, size_t n);
  // exp = exp(x) * 2^lift and its sum, if that is in range; then out = exp / (sum * 2^lift). `far`:
  // what is written is not to stay in cache.
  bool (*exp_row)(const T* x, size_t n, T* exp, double& sum);
  void (*divide)(const T* exp, size_t n, double sum, T* out, bool far);
  // out = exp(x - shift) * factor; out = (x - shift) - logarithm
  void (*softmax)(const T* x, size_t n, T* out, double shift, double factor, bool far);
  void (*log_softmax)(const T* x, size_t n, T* out, double shift, double logarithm, bool far);
  // sum(exp(x)) of rows, where it is in range, and logarithms in place
  void (*add_rows_up)(const T* x, size_t rows, size_t n, double* sums);
  void (*logarithms)(double* numbers, size_t n);
  // Of COLUMNS columns and fewer, whose n elements lie `stride` apart: x[j * stride + c], c < count.
  void (*logsumexp_columns)(const T* x, size_t n, size_t stride, size_t count, T* out);
  void (*softmax_columns)(const T* x, size_t n, size_t stride, size_t count, T* out);
  void (*log_softmax_columns)(const T* x, size_t n, size_t stride, size_t count, T* out);
  double (*read)(const T* x, size_t n);
  double (*exp)(const T* x, size_t n, size_t terms);
  // `extend` adds up exp(x * (1 + excess)): for log(sum) that is below the rounding of the result,
  // and softmax makes up for it.
  double excess;
  double smallest_sum, largest_sum;  // of what `add_rows_up` says
  bool exp_is_cheap;                 // takes less time than writing its result, and reading it again
};

struct Variant {
  const char* name;
  Functions<double> f64;
  Functions<float> f32;
  // Null where there is no fused multiply-add, and with it no exact product.
  void (*add_up_weighted)(const double* x, const double* w, size_t n, double k, SignedSum&);
};
