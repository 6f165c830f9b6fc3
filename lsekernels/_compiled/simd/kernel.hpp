// log(sum(exp(x))) in one pass over the data, and softmax in two, for one instruction set.
//
// An array is summed as  sum(exp(x)) = s * 2^k  with an integer-valued k that starts at 0: ordinary
// data need no maximum. Only where the sum of a block leaves the safe range is k moved to the
// block's maximum and the block done again. Terms are 2^(x*log2(e) - k), clamped so that each is a
// normal number: nothing overflows, and no denormal slows the loop down.
//
// Source: of carrying (exponent, sum) instead of subtracting the maximum: M. Dukhan and
// A. Ablavatski, "The two-pass softmax algorithm", arXiv:2001.04438 (2020); of exp's two parts of
// ln(2): W. J. Cody and W. Waite, "Software manual for the elementary functions" (1980).

#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <xsimd/xsimd.hpp>

#include "variant.hpp"

// Everything lives in an unnamed namespace: this file is compiled once for each instruction set,
// and the linker must never take another set's copy of a function.
namespace {

template <class T>
struct Real;

// Coefficients of 2^f on [-1/2, 1/2], minimax in relative error (Remez in 40 digits, then rounded):
// 2e-16 for degree 10, 2e-9 for degree 6.
template <>
struct Real<double> {
  using Integer = int64_t;
  static constexpr int mantissa = 52, bias = 1023;
  static constexpr double magic = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to integer
  static constexpr double span = 1000, small = 0x1p-900, big = 0x1p900, far = 0x1p20;
  static constexpr int lift = 100;  // keeps what ends as a denormal number normal until then
  static constexpr double ln2_high = LN2_HIGH, ln2_low = LN2_LOW;
  static constexpr double exp2[] = {
      1.0, 0.6931471805599497, 0.24022650695908768, 0.05550410866445883, 0.00961812910803459,
      0.0013333558228561476, 0.00015403529961135955, 1.5252658116561384e-05,
      1.3215662831846104e-06, 1.0208537904552164e-07, 7.037279530582804e-09};
};

template <>
struct Real<float> {
  using Integer = int32_t;
  static constexpr int mantissa = 23, bias = 127;
  static constexpr float magic = 12582912.0f;  // 1.5 * 2^23
  static constexpr double span = 120, small = 0x1p-60, big = 0x1p90, far = 0x1p14;
  static constexpr int lift = 30;
  static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
  static constexpr float exp2[] = {1.0f,          0.6931472057f,  0.2402264689f, 0.0555032878f,
                                   0.0096184890f, 0.00133999312f, 0.000153458122f};
};

template <class A>
constexpr bool is_emulated = false;
#if XSIMD_VERSION_MAJOR >= 13  // older Pythrans bring older headers
template <size_t N>
constexpr bool is_emulated<xsimd::emulated<N>> = true;
#endif

template <class A, class T>
struct Kernel {
  using R = Real<T>;
  using V = xsimd::batch<T, A>;
  static constexpr size_t WIDTH = V::size;
  static constexpr size_t UNROLL = 4;
  static constexpr size_t STEP = UNROLL * WIDTH;
  // A lane adds 32 terms before its sum moves on to double precision.
  static constexpr size_t CHUNK = 32 * STEP;
  static constexpr int DEGREE = sizeof(R::exp2) / sizeof(T) - 1;

  // -- exp ---------------------------------------------------------------------------------------

  static V polynomial(V f) {
    V p(R::exp2[DEGREE]);
    for (int i = DEGREE - 1; i >= 0; --i) p = xsimd::fma(p, f, V(R::exp2[i]));
    return p;
  }

  // 2^j, where `t` is j + bias + magic.
  static V power(V t) {
    using Integer = typename R::Integer;
    return xsimd::bitwise_cast<T>(xsimd::bitwise_cast<Integer>(t) << R::mantissa);
  }

  // Without a fused multiply-add, x*log2(e) would be rounded before the integer is taken off.
  static constexpr bool FUSED = !std::is_same_v<A, xsimd::sse2> && !is_emulated<A>;

  // x - k*ln(2)
  static V remainder(V x, V k) {
    return xsimd::fnma(k, V(R::ln2_low), xsimd::fnma(k, V(R::ln2_high), x));
  }

  // exp(x) * 2^-k. Where fused, it is base^x, with a base near e: see Functions::excess.
  struct Terms {
    V low, high, magic;

    explicit Terms(double k)
        : low(T((k - R::span) / LOG2E)),
          high(T((k + R::span) / LOG2E)),
          magic(T(double(R::magic) + R::bias - k)) {}

    // A nan stays one, or becomes `high`, whichever operand xsimd's version prefers: never `low`.
    V clamp(V x) const { return xsimd::max(xsimd::min(x, high), low); }

    void add(V x, V& sum) const {
      const V t = xsimd::fma(x, V(T(LOG2E)), magic);
      V f;
      if constexpr (FUSED)
        f = xsimd::fms(x, V(T(LOG2E)), t - magic);
      else
        f = remainder(x, t - magic) * V(T(LOG2E));
      sum = xsimd::fma(polynomial(f), power(t), sum);
    }
  };

  // exp(d) * 2^lift for d <= 1, to the last digit; 0 where exp(d) is.
  static V lifted_exp(V d) {
    const V lowest(T(-(R::bias - 3 + R::lift) / LOG2E));
    const V magic(T(double(R::magic) + R::bias + R::lift));
    const V t = xsimd::fma(d, V(T(LOG2E)), magic);
    const V f = remainder(d, t - magic) * V(T(LOG2E));
    return xsimd::select(d < lowest, V(T(0)), polynomial(f) * power(t));
  }

  // What x - m lacks in d, its rounding (D. Knuth's TwoDiff): exp makes that 2^9 times as large.
  static V rounded_off(V x, V m, V d) {
    const V part = d - x, low = (x - (d - part)) - (m + part);
    // nan where one of them is infinite; of 1 and more where exp is 0, and shall not be negative.
    return xsimd::select(xsimd::abs(low) < V(T(1)), low, V(T(0)));
  }

  // Elements i to n of x, fewer than WIDTH of them, among lanes of -inf.
  static V tail(const T* x, size_t i, size_t n) {
    alignas(64) T full[WIDTH];
    if (n >= WIDTH) {  // the last vector, without what was there before
      for (size_t j = 0; j < WIDTH; ++j) full[j] = T(j);
      const auto before = V::load_aligned(full) < V(T(WIDTH - (n - i)));
      return xsimd::select(before, V(T(-INFINITY)), V::load_unaligned(x + n - WIDTH));
    }
    for (size_t j = 0; j < WIDTH; ++j) full[j] = i + j < n ? x[i + j] : T(-INFINITY);
    return V::load_aligned(full);
  }

  // -- one block -----------------------------------------------------------------------------------

  static double total(const V (&sum)[UNROLL]) {
    return xsimd::reduce_add((sum[0] + sum[1]) + (sum[2] + sum[3]));
  }

  static double add_up(const T* x, size_t n, double k) {
    const Terms terms(k);
    double s = 0;
    size_t i = 0;
    while (i + STEP <= n) {
      const size_t end = i + CHUNK <= n ? i + CHUNK : n - (n - i) % STEP;
      V sum[UNROLL] = {V(T(0)), V(T(0)), V(T(0)), V(T(0))};
      for (; i < end; i += STEP)
        for (size_t u = 0; u < UNROLL; ++u)
          terms.add(terms.clamp(V::load_unaligned(x + i + u * WIDTH)), sum[u]);
      s += total(sum);
    }
    V rest(T(0));
    for (; i + WIDTH <= n; i += WIDTH) terms.add(terms.clamp(V::load_unaligned(x + i)), rest);
    if (i < n) terms.add(terms.clamp(tail(x, i, n)), rest);
    return s + double(xsimd::reduce_add(rest));
  }

  // The largest element, or nan.
  static T maximum(const T* x, size_t n) {
    V top[UNROLL];
    for (auto& v : top) v = V(T(-INFINITY));
    xsimd::batch_bool<T, A> odd(false);
    const auto look = [&](V v, V& largest) {
      largest = xsimd::max(v, largest);
      odd = odd | (v != v);
    };
    size_t i = 0;
    for (; i + STEP <= n; i += STEP)
      for (size_t u = 0; u < UNROLL; ++u) look(V::load_unaligned(x + i + u * WIDTH), top[u]);
    for (; i + WIDTH <= n; i += WIDTH) look(V::load_unaligned(x + i), top[0]);
    if (i < n) look(tail(x, i, n), top[1]);
    if (xsimd::any(odd)) return std::numeric_limits<T>::quiet_NaN();
    return xsimd::reduce_max(xsimd::max(xsimd::max(top[0], top[1]), xsimd::max(top[2], top[3])));
  }

  // -- whole arrays ---------------------------------------------------------------------------------

  static constexpr size_t BLOCK = 65536 / sizeof(T);  // elements; read twice, it comes from cache

  static void extend(const T* x, size_t n, Sum& sum) {
    for (size_t i = 0; i < n && !sum.far; i += BLOCK) {
      const size_t length = n - i < BLOCK ? n - i : BLOCK;
      if (sum.special == 0) {
        const double b = add_up(x + i, length, sum.k);
        if (b <= R::big && sum.total.s + b >= R::small) {
          sum.total.add(b);
          continue;
        }
      }
      extend_rarely(x + i, length, sum);
    }
  }

  // The block has a term out of range, or all that came so far lies far below 2^k.
  [[gnu::noinline]] static void extend_rarely(const T* x, size_t n, Sum& sum) {
    const double m = maximum(x, n);
    if (!(m < INFINITY)) {  // nan stays nan, whatever comes later
      if (sum.special == sum.special) sum.special = m;
    } else if (sum.special == 0 && m > -INFINITY) {
      const double k = std::nearbyint(m * LOG2E);
      if (std::fabs(k) > R::far) {
        sum.far = true;
      } else {
        sum.move(k);
        sum.total.add(add_up(x, n, k));
      }
    }
  }

  static void extend_rest(const T* x, size_t n, Rest& rest) {
    for (size_t i = 0; i < n; i += BLOCK) {
      const size_t length = n - i < BLOCK ? n - i : BLOCK;
      const T m = maximum(x + i, length);
      if (!(m <= T(rest.m))) rest.move(double(m));  // also for nan, which stays
      if (std::isfinite(rest.m)) add_rest(x + i, length, rest);
    }
  }

  static void add_rest(const T* x, size_t n, Rest& rest) {
    const V m(T(rest.m)), zero(T(0)), one(T(1));
    const auto add = [&](V v, V& sum, V& ties) {
      const V d = v - m;
      const auto tie = d == zero;
      const V e = lifted_exp(d);
      sum += xsimd::select(tie, zero, xsimd::fma(e, rounded_off(v, m, d), e));
      ties += xsimd::select(tie, one, zero);
    };
    for (size_t i = 0; i < n; i += CHUNK / UNROLL) {
      const size_t end = i + CHUNK / UNROLL < n ? i + CHUNK / UNROLL : n;
      V sum = zero, ties = zero;
      size_t j = i;
      for (; j + WIDTH <= end; j += WIDTH) add(V::load_unaligned(x + j), sum, ties);
      if (j < end) add(tail(x, j, end), sum, ties);
      rest.total.add(std::ldexp(double(xsimd::reduce_add(sum)), Rest::LIFT - R::lift));
      rest.ties += double(xsimd::reduce_add(ties));
    }
  }

  // f of each vector of x, to out.
  template <class F>
  static void map(const T* x, size_t n, T* out, F f) {
    size_t i = 0;
    for (; i + STEP <= n; i += STEP)
      for (size_t u = 0; u < UNROLL; ++u)
        f(V::load_unaligned(x + i + u * WIDTH)).store_unaligned(out + i + u * WIDTH);
    for (; i + WIDTH <= n; i += WIDTH) f(V::load_unaligned(x + i)).store_unaligned(out + i);
    if (i < n && n >= WIDTH) {  // the last vector, some of it once more
      f(V::load_unaligned(x + n - WIDTH)).store_unaligned(out + n - WIDTH);
    } else if (i < n) {
      alignas(64) T full[WIDTH];
      f(tail(x, i, n)).store_aligned(full);
      for (size_t j = 0; i + j < n; ++j) out[i + j] = full[j];
    }
  }

  // A row that fits into cache: out = exp(x) * 2^lift and its sum; exp is taken only once. False
  // where that would overflow, or vanish in what exp(x) / sum does not.
  static bool exp_row(const T* x, size_t n, T* out, double& s) {
    const Terms terms(-R::lift);
    const V lowest(T(-(R::bias - 3 + R::lift) / LOG2E)), none(T(0));
    V sum[2] = {none, none};
    const auto term = [&](V v, V& into) {
      V e = none;
      terms.add(xsimd::max(xsimd::min(v, terms.high), lowest), e);
      into += e;
      return e;
    };
    double long_sum = 0;
    size_t i = 0;
    while (i + 2 * WIDTH <= n) {
      const size_t end = i + CHUNK <= n ? i + CHUNK : n - (n - i) % (2 * WIDTH);
      for (; i < end; i += 2 * WIDTH) {
        term(V::load_unaligned(x + i), sum[0]).store_unaligned(out + i);
        term(V::load_unaligned(x + i + WIDTH), sum[1]).store_unaligned(out + i + WIDTH);
      }
      long_sum += double(xsimd::reduce_add(sum[0] + sum[1]));
      sum[0] = sum[1] = none;
    }
    for (; i + WIDTH <= n; i += WIDTH)
      term(V::load_unaligned(x + i), sum[0]).store_unaligned(out + i);
    if (i < n) {
      alignas(64) T full[WIDTH];
      const V e = term(tail(x, i, n), sum[1]);
      e.store_aligned(full);
      const size_t first = n >= WIDTH ? WIDTH - (n - i) : 0;
      for (size_t j = 0; i + j < n; ++j) out[i + j] = full[first + j];
    }
    s = std::ldexp(long_sum + double(xsimd::reduce_add(sum[0] + sum[1])), -R::lift);
    return s >= 0.5 && s <= R::big / 256;  // one clamped term alone makes R::big
  }

  // A quotient, not a product with 1 / sum: of equal elements it is exact where 1 / n is.
  static void divide(T* out, size_t n, double sum) {
    const V s{T(std::ldexp(sum, R::lift))}, one(T(1));
    const auto divided = [&](V v) { return xsimd::min(one, v / s); };
    size_t i = 0;
    for (; i + WIDTH <= n; i += WIDTH)
      divided(V::load_unaligned(out + i)).store_unaligned(out + i);
    for (; i < n; ++i) out[i] = divided(V(out[i])).get(0);
  }

  static void softmax(const T* x, size_t n, T* out, double shift, double factor) {
    const V c{T(shift)}, g{T(std::ldexp(factor, -R::lift))}, one(T(1));
    const V lowest(T(-(R::bias - 3 + R::lift) / LOG2E));
    const V magic(T(double(R::magic) + R::bias + R::lift));
    map(x, n, out, [&](V v) {
      const V exact = v - c, d = xsimd::max(exact, lowest);  // g makes 0 of what is as low as that
      const V t = xsimd::fma(d, V(T(LOG2E)), magic), k = t - magic;
      const V f = remainder(d, k) * V(T(LOG2E));
      const V e = polynomial(f) * power(t);
      return xsimd::min(one, xsimd::fma(e, rounded_off(v, c, exact), e) * g);
    });
  }

  static void log_softmax(const T* x, size_t n, T* out, double shift, double logarithm) {
    const V c{T(shift)}, l{T(logarithm)};
    map(x, n, out, [&](V v) {
      const V logarithm_of_p = (v - c) - l;
      return xsimd::select(logarithm_of_p > V(T(0)), V(T(0)), logarithm_of_p);
    });
  }

  // -- limits: what no implementation for this instruction set can beat ----------------------------

  static double read(const T* x, size_t n) {
    V sum[UNROLL] = {V(T(0)), V(T(0)), V(T(0)), V(T(0))};
    size_t i = 0;
    for (; i + STEP <= n; i += STEP)
      for (size_t u = 0; u < UNROLL; ++u) sum[u] += V::load_unaligned(x + i + u * WIDTH);
    double s = total(sum);
    for (; i < n; ++i) s += double(x[i]);
    return s;
  }

  // As many terms as asked for, of x that stays in cache; nothing is checked or clamped.
  static double exp(const T* x, size_t n, size_t terms) {
    const Terms term(0);
    V sum[UNROLL] = {V(T(0)), V(T(0)), V(T(0)), V(T(0))};
    while (terms) {
      const size_t part = terms < n ? terms : n;
      size_t i = 0;
      for (; i + STEP <= part; i += STEP)
        for (size_t u = 0; u < UNROLL; ++u) term.add(V::load_unaligned(x + i + u * WIDTH), sum[u]);
      for (; i + WIDTH <= part; i += WIDTH) term.add(V::load_unaligned(x + i), sum[0]);
      if (i < part) term.add(term.clamp(tail(x, i, part)), sum[1]);
      terms -= part;
    }
    return total(sum);
  }

  static constexpr Functions<T> functions() {
    // ln(2^T(log2(e))) - 1, for the two roundings of log2(e).
    constexpr double excess = sizeof(T) == 8 ? -1.410920060305e-17 : -1.334975817162e-8;
    return {extend, extend_rest, maximum, exp_row, divide, softmax, log_softmax, read, exp, FUSED ? excess : 0.0};
  }
};

}  // namespace
