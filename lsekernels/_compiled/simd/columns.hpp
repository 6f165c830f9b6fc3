// logsumexp, softmax and log_softmax of columns, each in a lane of its own. Columns lie beside each
// other in memory, or were laid so: rows too short for a vector.
//
// The largest element is found first, and kept apart: log(sum(exp(x))) = m + log1p(ties - 1 + rest),
// where `rest` is the sum of exp(x - m) of all that is smaller. So each digit is right, also where m
// is near 0 and the rest tiny.
//
// Source: that of module.cpp; of a maximum that moves from chunk to chunk: M. Milakov and
// N. Gimelshein, "Online normalizer calculation for softmax", arXiv:1805.02867 (2018).

#pragma once

#include <cmath>
#include <cstddef>
#include <limits>

#include "exp.hpp"

namespace {

template <class A, class T>
struct Columns {
  using E = Exp<A, T>;
  using V = xsimd::batch<T, A>;
  using Bool = xsimd::batch_bool<T, A>;
  static constexpr size_t WIDTH = V::size;
  // What is lifted by so much is 0 again at a distance, where it is as small as exp(-inf).
  static constexpr int LIFT = sizeof(T) == 8 ? 100 : 60;
  using Lifted = typename E::template Lifted<LIFT>;
  static constexpr size_t ROWS = 32;  // that are added up in one lane before rounding is looked at

  static V load(const T* x, size_t lanes) {
    return lanes == WIDTH ? V::load_unaligned(x) : E::load_part(x, lanes);
  }
  static void store(V v, T* out, size_t lanes) {
    lanes == WIDTH ? v.store_unaligned(out) : E::store_part(v, out, lanes);
  }
  static V lifted_exp(const Lifted& lifted, V d) {
    const auto exp = lifted(xsimd::max(d, lifted.lowest));
    return V(exp.polynomial) * V(exp.power);
  }

  // A sum of a few numbers: each part has a quarter of the roundings.
  struct Parts {
    V a{T(0)}, b{T(0)}, c{T(0)}, d{T(0)};

    void add(V v) {
      const V sum = a + v;
      a = b, b = c, c = d, d = sum;
    }
    V value() const { return (a + b) + (c + d); }
  };

  // s + low, as exact as two numbers are.
  struct Pair {
    V s{T(0)}, low{T(0)};

    void add(V b) {
      const V t = s + b, part = t - s;
      low += (s - (t - part)) + (b - part);
      s = t;
    }
    V value() const { return s + low; }
  };

  // What the elements of columns have come to: sum(exp(x)) = exp(m) * (ties + rest * 2^-LIFT).
  struct State {
    V m{T(-INFINITY)}, ties{T(0)};
    Pair rest;

    // EXACT: with what the differences round off, where log1p(rest) alone is a result.
    template <bool EXACT>
    void extend(const Lifted& lifted, const T* x, size_t n, size_t stride, size_t lanes) {
      const V zero(T(0)), one(T(1)), unlift(T(1 / power_of_two<LIFT>));
      V row[ROWS];  // rows that lie a power of two apart are in each other's way in cache
      V top = m;
      Bool odd = m != m;
      for (size_t j = 0; j < n; ++j) {
        row[j] = load(x + j * stride, lanes);
        odd = odd | (row[j] != row[j]);
        top = xsimd::max(row[j], top);
      }
      top = xsimd::select(odd, V(std::numeric_limits<T>::quiet_NaN()), top);
      const Bool stays = top == m;
      if (!xsimd::all(stays)) {
        const V moved = lifted_exp(lifted, m - top) * xsimd::fma(rest.value(), unlift, ties);
        rest.s = xsimd::select(stays, rest.s, moved);
        rest.low = xsimd::select(stays, rest.low, zero);
        ties = xsimd::select(stays, ties, zero);
        m = top;
      }
      Parts sum;
      for (size_t j = 0; j < n; ++j) {
        const Bool tie = row[j] == top;
        ties += xsimd::select(tie, one, zero);
        const V d = row[j] - top, e = lifted_exp(lifted, d);
        const V term = EXACT ? xsimd::fma(e, rounded_off(row[j], top, d), e) : e;
        sum.add(xsimd::select(tie, zero, term));
      }
      rest.add(sum.value());
    }

    // log(sum(exp(x - m)))
    V logarithm() const {
      const V u = xsimd::fma(rest.value(), V(T(1 / power_of_two<LIFT>)), ties - V(T(1)));
      return xsimd::log1p(u);
    }
  };

  // f(chunk of x, its rows, first column, lanes, index of the vector) for all of some columns. They
  // take turns, so that memory is read in the order in which it lies.
  template <class F>
  static void for_chunks(const T* x, size_t n, size_t stride, size_t count, F f) {
    for (size_t i = 0; i < n; i += ROWS)
      for (size_t c = 0; c < count; c += WIDTH)
        f(i * stride + c, n - i < ROWS ? n - i : ROWS, count - c < WIDTH ? count - c : WIDTH,
          c / WIDTH);
  }

  template <bool EXACT>
  static void find_states(const T* x, size_t n, size_t stride, size_t count, State* states) {
    const Lifted lifted;
    for_chunks(x, n, stride, count, [&](size_t at, size_t rows, size_t lanes, size_t v) {
      states[v].template extend<EXACT>(lifted, x + at, rows, stride, lanes);
    });
  }

  static void logsumexp(const T* x, size_t n, size_t stride, size_t count, T* out) {
    State states[COLUMNS / WIDTH];
    find_states<false>(x, n, stride, count, states);
    for (size_t c = 0; c < count; c += WIDTH) {
      const State& state = states[c / WIDTH];
      store(state.m + state.logarithm(), out + c, count - c < WIDTH ? count - c : WIDTH);
    }
  }

  static void log_softmax(const T* x, size_t n, size_t stride, size_t count, T* out) {
    State states[COLUMNS / WIDTH];
    find_states<true>(x, n, stride, count, states);
    for (size_t c = 0; c < count; c += WIDTH) states[c / WIDTH].ties = states[c / WIDTH].logarithm();
    for_chunks(x, n, stride, count, [&](size_t at, size_t rows, size_t lanes, size_t v) {
      const V zero(T(0)), m = states[v].m, logarithm = states[v].ties;
      for (size_t j = 0; j < rows; ++j) {
        const V p = (load(x + at + j * stride, lanes) - m) - logarithm;
        store(xsimd::select(p > zero, zero, p), out + at + j * stride, lanes);
      }
    });
  }

  static void softmax(const T* x, size_t n, size_t stride, size_t count, T* out) {
    const Lifted lifted;
    V tops[COLUMNS / WIDTH];
    Pair sums[COLUMNS / WIDTH];
    for (size_t v = 0; v * WIDTH < count; ++v) tops[v] = V(T(-INFINITY)), sums[v] = Pair();
    for_chunks(x, n, stride, count, [&](size_t at, size_t rows, size_t lanes, size_t v) {
      V top = tops[v];
      Bool odd = top != top;
      for (size_t j = 0; j < rows; ++j) {
        const V row = load(x + at + j * stride, lanes);
        odd = odd | (row != row);
        top = xsimd::max(row, top);
      }
      tops[v] = xsimd::select(odd, V(std::numeric_limits<T>::quiet_NaN()), top);
    });
    for_chunks(x, n, stride, count, [&](size_t at, size_t rows, size_t lanes, size_t v) {
      const V top = tops[v];
      Parts sum;
      for (size_t j = 0; j < rows; ++j) {
        const V row = load(x + at + j * stride, lanes), d = row - top, e = lifted_exp(lifted, d);
        const V term = xsimd::fma(e, rounded_off(row, top, d), e);
        store(term, out + at + j * stride, lanes);
        sum.add(term);
      }
      sums[v].add(sum.value());
    });
    for (size_t v = 0; v * WIDTH < count; ++v) {
      const Bool finite = xsimd::abs(tops[v]) < V(T(INFINITY));
      const V nan(std::numeric_limits<T>::quiet_NaN());
      tops[v] = xsimd::select(finite, sums[v].value(), nan);
    }
    for_chunks(out, n, stride, count, [&](size_t at, size_t rows, size_t lanes, size_t v) {
      const V sum = tops[v], inverse = V(T(1)) / sum;
      T* to = out + at;
      for (size_t j = 0; j < rows; ++j, to += stride)
        store(quotient(load(to, lanes), sum, inverse), to, lanes);
    });
  }
};

}  // namespace
