// exp of a vector of numbers, for one instruction set: what the other loops are made of.
//
// Source: of exp's two parts of ln(2): W. J. Cody and W. Waite, "Software manual for the elementary
// functions" (1980).

#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <type_traits>

#include <xsimd/xsimd.hpp>

#include "variant.hpp"

// Everything lives in an unnamed namespace: this file is compiled once for each instruction set,
// and the linker must never take another set's copy of a function.
namespace {

template <class T>
struct Real;

template <>
struct Real<double> {
  using Integer = int64_t;
  static constexpr int mantissa = 52, bias = 1023;
  static constexpr double magic = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to integer
  static constexpr double span = 1000;
  static constexpr double far = 0x1p20, far_if_fused = 0x1p40;
  // The sum of a block is in this range, or its reference moves: the argument of exp, rounded, is
  // never so large that the digits lost count.
  static constexpr double small = 0x1p-40, big = 0x1p60;
  static constexpr int lift = 100;  // keeps what ends as a denormal number normal until then
  static constexpr double log2e_low = 2.0355273740931033e-17;  // of log2(e), beside its rounding
  static constexpr double ln2_high = LN2_HIGH, ln2_low = LN2_LOW;
};

template <>
struct Real<float> {
  using Integer = int32_t;
  static constexpr int mantissa = 23, bias = 127;
  static constexpr float magic = 12582912.0f;  // 1.5 * 2^23
  static constexpr double span = 120;
  static constexpr double far = 0x1p14, far_if_fused = 0x1p18;
  static constexpr double small = 0x1p-20, big = 0x1p40;
  static constexpr int lift = 30;
  static constexpr float log2e_low = 1.925963e-08f;
  static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
};

constexpr double multiplied_out(int exponent) {
  double power = 1;
  while (exponent--) power *= 2;
  return power;
}
template <int EXPONENT>
constexpr double power_of_two = multiplied_out(EXPONENT);

template <class A>
constexpr bool is_emulated = false;
#if XSIMD_VERSION_MAJOR >= 13  // older Pythrans bring older headers
template <size_t N>
constexpr bool is_emulated<xsimd::emulated<N>> = true;
#endif

template <class A>
constexpr bool is_fused = !std::is_same_v<A, xsimd::sse2> && !is_emulated<A>;

// The larger of both, and nan where x is: of which operand xsimd::max takes it differs.
template <class A, class T>
xsimd::batch<T, A> at_least(xsimd::batch<T, A> x, xsimd::batch<T, A> low) {
#if X86_64
  if constexpr (std::is_same_v<A, xsimd::sse2>) {
    if constexpr (sizeof(T) == 8)
      return _mm_max_pd(low, x);
    else
      return _mm_max_ps(low, x);
  }
#ifdef __AVX2__
  if constexpr (sizeof(low) == sizeof(__m256) && !is_emulated<A>) {
    if constexpr (sizeof(T) == 8)
      return _mm256_max_pd(low, x);
    else
      return _mm256_max_ps(low, x);
  }
#endif
#endif
  return xsimd::max(x, low);
}

// 2^t = 2^j * 2^f with an integer j. Another instruction set that does better has a specialization of
// its own, with the same members, as of `Exp`.
template <class A, class T>
struct Steps {
  static constexpr int bits = 0;  // a step is 2^-bits
  // Coefficients of 2^f on half a step either way, minimax in relative error (Remez in 40 digits,
  // then rounded): 2e-16 for degree 10, 2e-9 for degree 6.
  static constexpr auto exp2 = [] {
    if constexpr (sizeof(T) == 8)
      return std::array{1.0, 0.6931471805599497, 0.24022650695908768, 0.05550410866445883,
                        0.00961812910803459, 0.0013333558228561476, 0.00015403529961135955,
                        1.5252658116561384e-05, 1.3215662831846104e-06, 1.0208537904552164e-07,
                        7.037279530582804e-09};
    else
      return std::array{1.0f, 0.6931472057f, 0.2402264689f, 0.0555032878f, 0.0096184890f,
                        0.00133999312f, 0.000153458122f};
  }();

  // 2^j, where `t` is j + bias + magic, in steps.
  static xsimd::batch<T, A> power(xsimd::batch<T, A> t) {
    return xsimd::bitwise_cast<T>(xsimd::bitwise_cast<typename Real<T>::Integer>(t)
                                  << Real<T>::mantissa);
  }
};

// What any instruction set can do.
template <class A, class T>
struct Exp {
  using R = Real<T>;
  using S = Steps<A, T>;
  using V = xsimd::batch<T, A>;
  static constexpr double MAGIC = double(R::magic) / (1 << S::bits);  // adding it leaves steps

  // Whether terms of any x are right: inf, or 0, where it is out of range.
  static constexpr bool SATURATES = false;
  // Without a fused multiply-add, x*log2(e) would be rounded before the integer is taken off.
  static constexpr bool FUSED = is_fused<A>;

  // While there is one, what would be denormal is 0.
  struct Flush {
    Flush() {}
  };

  // Of exp: they are multiplied, or multiplied and added.
  struct Factors {
    V polynomial, power;
  };

  static V polynomial(V f) {
    constexpr int degree = std::size(S::exp2) - 1;
    V p(S::exp2[degree]);
    for (int i = degree - 1; i >= 0; --i) p = xsimd::fma(p, f, V(S::exp2[i]));
    return p;
  }

  // (x - k*ln(2)) * log2(e)
  static V remainder(V x, V k) {
    const V r = xsimd::fnma(k, V(R::ln2_low), xsimd::fnma(k, V(R::ln2_high), x));
    return r * V(T(LOG2E));
  }

  // exp(x) * 2^-k, quickly. Where fused, it is base^x, with a base near e: see Functions::excess.
  struct Terms {
    using Bits = xsimd::batch<typename R::Integer, A>;
    V low, magic;
    Bits seen{0};  // in the steps of any term

    explicit Terms(double k) : low(T((k - R::span) / LOG2E)), magic(T(MAGIC + R::bias - k)) {}

    // What is below the range counts as its limit.
    V clamp(V x) const { return at_least(x, low); }

    // Whether one was above the range, or nan: others leave all bits above the exponent's alone. It
    // takes less than a clamp there, for any unit of the CPU can do it.
    bool left() const {
      const Bits same = xsimd::bitwise_cast<typename R::Integer>(V(T(MAGIC)));
      constexpr int exponent = sizeof(T) * 8 - 1 - R::mantissa;  // bits of it
      return xsimd::any(((seen | same) ^ same) >> (S::bits + exponent) != Bits(0));
    }

    Factors operator()(V x) {
      const V t = xsimd::fma(x, V(T(LOG2E)), magic);
      seen = seen | xsimd::bitwise_cast<typename R::Integer>(t);
      V f;
      if constexpr (FUSED)
        f = xsimd::fms(x, V(T(LOG2E)), t - magic);
      else
        f = remainder(x, t - magic);
      return {polynomial(f), S::power(t)};
    }
  };

  // exp(d) * 2^LIFT to the last digit, for d from `lowest` to `highest`. Of `lowest` it is normal,
  // and 0 once the lift is taken off.
  template <int LIFT>
  struct Lifted {
    V magic{T(MAGIC + R::bias + LIFT)};
    V lowest{T(-(R::bias - 3 + LIFT) / LOG2E)}, highest{T((R::bias - 3 - LIFT) / LOG2E)};

    Factors operator()(V d) const {
      const V t = xsimd::fma(d, V(T(LOG2E)), magic), k = t - magic;
      V f;
      if constexpr (FUSED)
        f = xsimd::fma(d, V(R::log2e_low), xsimd::fms(d, V(T(LOG2E)), k));
      else
        f = remainder(d, k);
      return {polynomial(f), S::power(t)};
    }
  };

  // The first `count` of a vector, and -inf in the other lanes.
  static V load_part(const T* x, size_t count) {
    alignas(64) T full[V::size];
    for (size_t j = 0; j < V::size; ++j) full[j] = j < count ? x[j] : T(-INFINITY);
    return V::load_aligned(full);
  }

  static void store_part(V v, T* out, size_t count) {
    alignas(64) T full[V::size];
    v.store_aligned(full);
    for (size_t j = 0; j < count; ++j) out[j] = full[j];
  }

  static V one_of_16(const double* table, xsimd::batch<int64_t, A> index) {
    return V::gather(table, index);
  }

  // To aligned memory, past the cache where that can be said; then `streamed`, once.
  static void stream(V v, T* out) {
#ifdef __AVX2__  // with -march=native also of the set without it
    if constexpr (sizeof(v) == sizeof(__m256d) && std::is_same_v<T, double>)
      return _mm256_stream_pd(out, v);
    else if constexpr (sizeof(v) == sizeof(__m256))
      return _mm256_stream_ps(out, v);
#endif
    v.store_aligned(out);
  }
  static void streamed() {
#ifdef __AVX2__
    _mm_sfence();
#endif
  }
};

// v / s, rounded as a division is, which takes several times as long. Where v / s is not normal the
// last bit may differ.
//
// Source: P. Markstein, "Computation of elementary functions on the IBM RISC System/6000 processor",
// IBM J. Res. Dev. 34 (1990).
template <class A, class T>
xsimd::batch<T, A> quotient(xsimd::batch<T, A> v, xsimd::batch<T, A> s, xsimd::batch<T, A> inverse) {
  if constexpr (!is_fused<A>) return v / s;
  const auto q = v * inverse;
  return xsimd::fma(xsimd::fnma(q, s, v), inverse, q);
}

// What x - m lacks in d, its rounding: exp makes that 2^9 times as large.
template <class V>
V rounded_off(V x, V m, V d) {
  using T = typename V::value_type;
  const V part = d - x, low = (x - (d - part)) - (m + part);
  // nan where one of them is infinite; of 1 and more where exp is 0, and shall not be negative.
  return xsimd::select(xsimd::abs(low) < V(T(1)), low, V(T(0)));
}

}  // namespace
