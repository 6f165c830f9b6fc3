// sum(w * exp(x)) in twice the precision of a double, where products can be had exactly: where terms
// of both signs cancel, and near log(1) = 0, many digits of a sum count.
//
// Source: of exact sums and products of two numbers: T. J. Dekker, "A floating-point technique for
// extending the available precision", Numer. Math. 18 (1971); of the table: that of avx512.hpp.

#pragma once

#include <cstddef>
#include <cstdint>

#include "exp.hpp"

namespace {

template <class A>
struct Weighted {
  using V = xsimd::batch<double, A>;
  using I = xsimd::batch<int64_t, A>;
  using R = Real<double>;
  using E = Exp<A, double>;
  static constexpr size_t WIDTH = V::size;

  // 2^(j/16), and what its rounding lacks.
  alignas(64) static constexpr double HIGH[] = {
      1.0, 1.0442737824274138, 1.0905077326652577, 1.1387886347566916,
      1.189207115002721, 1.241857812073484, 1.2968395546510096, 1.3542555469368927,
      1.4142135623730951, 1.4768261459394993, 1.5422108254079407, 1.6104903319492543,
      1.681792830507429, 1.7562521603732995, 1.8340080864093424, 1.9152065613971474};
  alignas(64) static constexpr double LOW[] = {
      0.0, 8.551889705537965e-17, -3.046782079812471e-17, 8.912812676025408e-17,
      3.982015231465646e-17, 4.658027591836937e-17, 2.5382502794888315e-17, 7.70094837980299e-17,
      -9.667293313452913e-17, -3.483994556892796e-17, 7.949834809697621e-17, 2.4707192569797888e-17,
      8.199010020581497e-17, 2.960140695448873e-17, 3.283107224245627e-17, -1.0619946056195963e-16};

  // (e^r - 1 - r) / r^2 for |r| < ln(2) / 32: Taylor's, 2e-17.
  static V polynomial(V r) {
    V p(1. / 40320);
    for (double c : {1. / 5040, 1. / 720, 1. / 120, 1. / 24, 1. / 6, 1. / 2})
      p = xsimd::fma(p, r, V(c));
    return p;
  }

  // Adds w * exp(x) * 2^-k of lanes to a sum of theirs: to 2^-62, by a sum of two doubles.
  struct Lanes {
    const double k;
    V lowest{(k - 1020) / LOG2E};
    V sum{0.}, low{0.}, sizes{0.}, weights{0.};

    void add(V x, V w) {
      const V magic(0x1.8p48), one(1.);
      x = xsimd::max(x, lowest);
      const V b = xsimd::fma(x, V(LOG2E), magic), j = b - magic;
      // x - j*ln(2) = r + rest
      const V near = xsimd::fnma(j, V(LN2_HIGH), x), part = j * V(LN2_LOW);
      const V r = near - part;
      const V rest = ((near - r) - part) - xsimd::fms(j, V(LN2_LOW), part);
      // exp of that - 1 = u + more
      const V t = xsimd::fma(r * r, polynomial(r), rest), u = r + t, more = (r - u) + t;
      const I bits = xsimd::bitwise_cast<int64_t>(b), step = bits & I(15);
      const V high = E::one_of_16(HIGH, step), of_low = E::one_of_16(LOW, step);
      const V product = high * u, e = high + product;
      V e_low = xsimd::fma(high, more, xsimd::fms(high, u, product));
      e_low = xsimd::fma(of_low, u, e_low + of_low) + ((high - e) + product);
      // The power of two goes to the weight; -k is in it.
      const I exponent = ((bits - step) >> 4) + I(R::bias - int64_t(k));
      const V scaled = w * xsimd::bitwise_cast<double>(exponent << R::mantissa);
      const V term = scaled * e, term_low = xsimd::fma(scaled, e_low, xsimd::fms(scaled, e, term));
      const V total = sum + term, added = total - sum;
      low += ((sum - (total - added)) + (term - added)) + term_low;
      sum = total;
      sizes += xsimd::abs(term);
      weights += xsimd::abs(w);
    }
  };

  static void add_up(const double* x, const double* w, size_t n, double k, SignedSum& sum) {
    Lanes lanes{k}, others{k};
    size_t i = 0;
    for (; i + 2 * WIDTH <= n; i += 2 * WIDTH) {
      lanes.add(V::load_unaligned(x + i), V::load_unaligned(w + i));
      others.add(V::load_unaligned(x + i + WIDTH), V::load_unaligned(w + i + WIDTH));
    }
    for (; i < n; i += WIDTH) {
      const size_t count = n - i < WIDTH ? n - i : WIDTH;
      alignas(64) double weight[WIDTH] = {};  // of -inf, in the lanes behind, too
      for (size_t j = 0; j < count; ++j) weight[j] = w[i + j];
      lanes.add(E::load_part(x + i, count), V::load_aligned(weight));
    }
    alignas(64) double each[4][WIDTH];
    for (const Lanes& l : {lanes, others}) {
      l.sum.store_aligned(each[0]);
      l.low.store_aligned(each[1]);
      l.sizes.store_aligned(each[2]);
      l.weights.store_aligned(each[3]);
      for (size_t j = 0; j < WIDTH; ++j) {
        sum.total.add(each[0][j]);
        sum.total.low += each[1][j];
        sum.size += each[2][j];
        sum.weights += each[3][j];
      }
    }
  }
};

}  // namespace
