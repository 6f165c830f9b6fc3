// log(sum(exp(x))) in one pass over the data, and softmax in two, for one instruction set.
//
// An array is summed as  sum(exp(x)) = s * 2^k  with an integer-valued k that starts at 0: ordinary
// data need no maximum. Only where the sum of a block leaves the safe range is k moved to the
// block's maximum and the block done again. Terms are 2^(x*log2(e) - k), clamped below so that each is
// a normal number: no denormal slows the loop down. One that overflows makes the sum infinite.
//
// Source: of carrying (exponent, sum) instead of subtracting the maximum: M. Dukhan and
// A. Ablavatski, "The two-pass softmax algorithm", arXiv:2001.04438 (2020); of what a difference
// lacks: D. E. Knuth, "The art of computer programming", vol. 2, section 4.2.2.

#pragma once

#include <cmath>
#include <cstddef>
#include <limits>

#include "exp.hpp"
#ifdef __AVX512DQ__
#include "avx512.hpp"
#endif
#ifdef __AVX2__
#include "avx2.hpp"
#endif
#include "columns.hpp"

namespace {

template <class A, class T>
struct Kernel {
  using R = Real<T>;
  using E = Exp<A, T>;
  using Terms = typename E::Terms;
  using Lifted = typename E::template Lifted<R::lift>;
  using V = xsimd::batch<T, A>;
  static constexpr size_t WIDTH = V::size;
  static constexpr size_t UNROLL = 4;
  static constexpr size_t STEP = UNROLL * WIDTH;
  static constexpr size_t LINE = 64 / sizeof(T);  // elements of a line of cache
  static constexpr size_t VECTORS = LINE / WIDTH;
  // A lane adds 32 terms before its sum moves on to double precision.
  static constexpr size_t CHUNK = 64 * LINE;

  static V fma(typename E::Factors exp, V sum) {
    return xsimd::fma(V(exp.polynomial), V(exp.power), sum);
  }
  static V product(typename E::Factors exp) { return V(exp.polynomial) * V(exp.power); }

  // Elements i to n of x, fewer than WIDTH of them, among lanes of -inf.
  static V tail(const T* x, size_t i, size_t n) {
    if (E::SATURATES || n < WIDTH) return E::load_part(x + i, n - i);
    alignas(64) T lane[WIDTH];  // the last vector, without what was there before
    for (size_t j = 0; j < WIDTH; ++j) lane[j] = T(j);
    const auto before = V::load_aligned(lane) < V(T(WIDTH - (n - i)));
    return xsimd::select(before, V(T(-INFINITY)), V::load_unaligned(x + n - WIDTH));
  }

  // -- one block -----------------------------------------------------------------------------------

  // sum(exp(x)) * 2^-k. A line of cache at a time: one stream of addresses is what the CPU's own
  // prefetching follows best. Beyond the cache it is asked for AHEAD bytes before.
  template <bool CLAMPED, size_t AHEAD>
  [[gnu::noinline]] static double add_up(const T* x, size_t n, double k) {
    Terms terms(k);
    const auto add = [&](V v, V sum) { return fma(terms(CLAMPED ? terms.clamp(v) : v), sum); };
    const V zero(T(0));
    V lanes = zero;  // sums: of all that are doubles, of the last few that are not
    double s = 0;
    size_t i = 0;
    while (i + LINE <= n) {
      const size_t end = i + CHUNK <= n ? i + CHUNK : n - (n - i) % LINE;
      V now[VECTORS], next[VECTORS];  // sums: of every other line
      for (size_t u = 0; u < VECTORS; ++u) now[u] = next[u] = zero;
#pragma GCC unroll 1
      for (; i < end; i += LINE) {
        if constexpr (AHEAD != 0) __builtin_prefetch(x + i + AHEAD / sizeof(T));
        for (size_t u = 0; u < VECTORS; ++u) {
          const V sum = add(V::load_unaligned(x + i + u * WIDTH), now[u]);
          now[u] = next[u];
          next[u] = sum;
        }
      }
      for (size_t u = 1; u < VECTORS; ++u) now[0] += now[u], next[0] += next[u];
      if (sizeof(T) == 8 || i + LINE > n)
        lanes += now[0] + next[0];
      else
        s += double(xsimd::reduce_add(now[0] + next[0]));
    }
    for (; i + WIDTH <= n; i += WIDTH) lanes = add(V::load_unaligned(x + i), lanes);
    if (i < n) lanes = add(tail(x, i, n), lanes);
    return CLAMPED && terms.left() ? INFINITY : s + double(xsimd::reduce_add(lanes));
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
  static constexpr size_t FEW = 256;  // elements that are not worth a change of the CPU's mode
  static constexpr size_t AHEAD = 16384;  // 6 KiB cost a quarter more of 1e7 floats, 24 no less

  static void extend(const T* x, size_t n, Sum& sum) {
    if (n < FEW) return extend_by<add_up<true, 0>>(x, n, sum);
    const typename E::Flush flush;
    if (n <= BLOCK) return extend_by<add_up<!E::SATURATES, 0>>(x, n, sum);
    extend_by<add_up<!E::SATURATES, AHEAD>>(x, n, sum);
  }

  template <double (*ADD_UP)(const T*, size_t, double)>
  static void extend_by(const T* x, size_t n, Sum& sum) {
    for (size_t i = 0; i < n && !sum.far; i += BLOCK) {
      const size_t length = n - i < BLOCK ? n - i : BLOCK;
      if (sum.special == 0) {
        const double b = ADD_UP(x + i, length, sum.k);
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
      if (std::fabs(k) > (E::FUSED ? R::far_if_fused : R::far)) {
        sum.far = true;
      } else {
        sum.move(k);
        sum.total.add(add_up<true, 0>(x, n, k));
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
    const Lifted lifted;
    const V m(T(rest.m)), zero(T(0)), one(T(1));
    const auto add = [&](V v, V& sum, V& ties) {
      const V d = v - m;
      const auto tie = d == zero;
      const V e = product(lifted(xsimd::max(d, lifted.lowest)));
      const V term = xsimd::fma(e, rounded_off(v, m, d), e);
      sum += xsimd::select(tie | (d < lifted.lowest), zero, term);
      ties += xsimd::select(tie, one, zero);
    };
    constexpr size_t PART = 32 * WIDTH;
    for (size_t i = 0; i < n; i += PART) {
      const size_t end = i + PART < n ? i + PART : n;
      V sum = zero, ties = zero;
      size_t j = i;
      for (; j + WIDTH <= end; j += WIDTH) add(V::load_unaligned(x + j), sum, ties);
      if (j < end) add(tail(x, j, end), sum, ties);
      rest.total.add(std::ldexp(double(xsimd::reduce_add(sum)), Rest::LIFT - R::lift));
      rest.ties += double(xsimd::reduce_add(ties));
    }
  }

  // f of each vector of x, to out. Where `far` from what is in cache, out is written past it.
  template <class F>
  static void map(const T* x, size_t n, T* out, F f, bool far = false) {
    size_t i = 0;
    if (far) {
      const size_t odd = (-reinterpret_cast<uintptr_t>(out)) % 64 / sizeof(T);
      for (; i < odd && i < n; i += WIDTH) {
        const size_t count = odd - i < WIDTH ? odd - i : WIDTH;
        E::store_part(f(E::load_part(x + i, count)), out + i, count);
      }
      i = odd;
      for (; i + WIDTH <= n; i += WIDTH) E::stream(f(V::load_unaligned(x + i)), out + i);
      E::streamed();
    }
    for (; i + STEP <= n; i += STEP)
      for (size_t u = 0; u < UNROLL; ++u)
        f(V::load_unaligned(x + i + u * WIDTH)).store_unaligned(out + i + u * WIDTH);
    for (; i + WIDTH <= n; i += WIDTH) f(V::load_unaligned(x + i)).store_unaligned(out + i);
    if (i < n) E::store_part(f(E::load_part(x + i, n - i)), out + i, n - i);
  }

  // out = exp(x) * 2^lift and its sum; exp is taken only once. False where that would overflow, or
  // vanish in what exp(x) / sum does not.
  static bool exp_row(const T* x, size_t n, T* out, double& s) {
    const Lifted lifted;
    const V zero(T(0));
    const auto term = [&](V v) {
      if constexpr (!E::SATURATES) v = xsimd::min(v, lifted.highest);
      return product(lifted(xsimd::max(v, lifted.lowest)));
    };
    V now = zero, next = zero;
    Total total;
    size_t i = 0;
    while (i + WIDTH <= n) {
      const size_t left = (n - i) / WIDTH, end = i + (left < 64 ? left : 64) * WIDTH;
#pragma GCC unroll 1
      for (; i < end; i += WIDTH) {
        const V e = term(V::load_unaligned(x + i));
        e.store_unaligned(out + i);
        const V sum = now + e;
        now = next;
        next = sum;
      }
      total.add(double(xsimd::reduce_add(now + next)));
      now = next = zero;
    }
    if (i < n) {
      const V e = term(E::load_part(x + i, n - i));
      E::store_part(e, out + i, n - i);
      total.add(double(xsimd::reduce_add(e)));
    }
    s = std::ldexp(total.value(), -R::lift);
    // Beyond the clamp one term alone is as large as that.
    return s >= 0.5 && s <= power_of_two<R::bias - 12 - R::lift>;
  }

  // A quotient, not a product with 1 / sum: of equal elements it is exact where 1 / n is.
  static void divide(const T* exp, size_t n, double sum, T* out, bool far) {
    const T divisor = T(std::ldexp(sum, R::lift));
    const V s{divisor}, inverse{1 / divisor}, one(T(1));
    map(exp, n, out, [&](V v) { return xsimd::min(one, quotient(v, s, inverse)); }, far);
  }

  static void softmax(const T* x, size_t n, T* out, double shift, double factor, bool far) {
    const Lifted lifted;
    const V c{T(shift)}, g{T(std::ldexp(factor, -R::lift))}, one(T(1));
    const auto p = [&](V v) {  // g makes 0 of what is as low as that
      return xsimd::min(one, product(lifted(xsimd::max(v, lifted.lowest))) * g);
    };
    if (shift == 0) return map(x, n, out, p, far);
    map(x, n, out, [&](V v) {
      const V d = v - c, e = product(lifted(xsimd::max(d, lifted.lowest)));
      return xsimd::min(one, xsimd::fma(e, rounded_off(v, c, d), e) * g);
    }, far);
  }

  static void log_softmax(const T* x, size_t n, T* out, double shift, double logarithm, bool far) {
    const V c{T(shift)}, l{T(logarithm)};
    map(x, n, out, [&](V v) {
      const V logarithm_of_p = (v - c) - l;
      return xsimd::select(logarithm_of_p > V(T(0)), V(T(0)), logarithm_of_p);
    }, far);
  }

  // -- several rows --------------------------------------------------------------------------------

  // sum(exp(row)) of each row, to be looked at: inf, nan, or out of range, where it is not right.
  static void add_rows_up(const T* x, size_t rows, size_t n, double* sums) {
    if (n < FEW) {
      for (size_t i = 0; i < rows; ++i) sums[i] = add_up<true, 0>(x + i * n, n, 0);
      return;
    }
    const typename E::Flush flush;
    for (size_t i = 0; i < rows; ++i) sums[i] = add_up<!E::SATURATES, AHEAD>(x + i * n, n, 0);
  }

  // log of positive numbers.
  static void logarithms(double* numbers, size_t n) {
    Kernel<A, double>::map(numbers, n, numbers, [](auto v) { return xsimd::log(v); });
  }

  // -- limits: what no implementation for this instruction set can beat ----------------------------

  static double read(const T* x, size_t n) {
    return n <= BLOCK ? read_by<0>(x, n) : read_by<AHEAD>(x, n);
  }

  template <size_t AHEAD_BY>
  static double read_by(const T* x, size_t n) {
    constexpr size_t LINES = 4;
    V sum[LINES * VECTORS];
    for (V& each : sum) each = V(T(0));
    size_t i = 0;
    for (; i + LINES * LINE <= n; i += LINES * LINE)
      for (size_t u = 0; u < LINES * VECTORS; ++u) {
        if (AHEAD_BY && u % VECTORS == 0)
          __builtin_prefetch(x + i + u * WIDTH + AHEAD_BY / sizeof(T));
        sum[u] += V::load_unaligned(x + i + u * WIDTH);
      }
    for (size_t u = 1; u < LINES * VECTORS; ++u) sum[0] += sum[u];
    double s = xsimd::reduce_add(sum[0]);
    for (; i < n; ++i) s += double(x[i]);
    return s;
  }

  // As many terms as asked for, of x that stays in cache; nothing is checked or clamped.
  static double exp(const T* x, size_t n, size_t terms) {
    double s = 0;
    for (size_t done = 0; done < terms; done += n)
      s += add_up<false, 0>(x, terms - done < n ? terms - done : n, 0);
    return s;
  }

  static constexpr Functions<T> functions() {
    // ln(2^T(log2(e))) - 1, for the two roundings of log2(e).
    constexpr double excess = sizeof(T) == 8 ? -1.410920060305e-17 : -1.334975817162e-8;
    return {extend,      extend_rest,          maximum,
            exp_row,     divide,               softmax,
            log_softmax, add_rows_up,          logarithms,
            Columns<A, T>::logsumexp,          Columns<A, T>::softmax,
            Columns<A, T>::log_softmax,        read,
            exp,         E::FUSED ? excess : 0.0,        R::small,
            R::big,      E::SATURATES};
  }
};

}  // namespace
