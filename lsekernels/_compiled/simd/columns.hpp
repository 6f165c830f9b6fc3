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
  static constexpr size_t BLOCK = 256;  // columns; what they have come to stays in cache

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

  // s + low, as exact as two numbers are.
  struct Pair {
    V s, low;

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
    Pair rest{V(T(0)), V(T(0))};

    // EXACT: with what the differences round off, where log1p(rest) alone is a result.
    template <bool EXACT>
    void extend(const Lifted& lifted, const T* x, size_t n, size_t stride, size_t lanes) {
      const V zero(T(0)), one(T(1)), unlift(T(1 / power_of_two(LIFT)));
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
      V sum = zero;
      for (size_t j = 0; j < n; ++j) {
        const Bool tie = row[j] == top;
        ties += xsimd::select(tie, one, zero);
        const V d = row[j] - top, e = lifted_exp(lifted, d);
        const V term = EXACT ? xsimd::fma(e, rounded_off(row[j], top, d), e) : e;
        sum += xsimd::select(tie, zero, term);
      }
      rest.add(sum);
    }

    // log(sum(exp(x - m)))
    V logarithm() const {
      const V u = xsimd::fma(rest.value(), V(T(1 / power_of_two(LIFT))), ties - V(T(1)));
      return xsimd::log1p(u);
    }
  };

  // f(column, lanes, State of them) for all columns. Those of a block take turns, so that memory is
  // read once, and in the order in which it lies.
  template <bool EXACT, class F>
  static void for_states(const T* x, size_t n, size_t stride, size_t count, F f) {
    const Lifted lifted;
    State states[BLOCK / WIDTH];
    for (size_t begin = 0; begin < count; begin += BLOCK) {
      const size_t end = count - begin < BLOCK ? count : begin + BLOCK;
      for (State& state : states) state = State();
      for (size_t i = 0; i < n; i += ROWS)
        for (size_t c = begin; c < end; c += WIDTH)
          states[(c - begin) / WIDTH].template extend<EXACT>(
              lifted, x + i * stride + c, n - i < ROWS ? n - i : ROWS, stride,
              end - c < WIDTH ? end - c : WIDTH);
      for (size_t c = begin; c < end; c += WIDTH)
        f(c, end - c < WIDTH ? end - c : WIDTH, states[(c - begin) / WIDTH]);
    }
  }

  static void logsumexp(const T* x, size_t n, size_t stride, size_t count, T* out) {
    for_states<false>(x, n, stride, count, [&](size_t c, size_t lanes, const State& state) {
      store(state.m + state.logarithm(), out + c, lanes);
    });
  }

  static void log_softmax(const T* x, size_t n, size_t stride, size_t count, T* out) {
    for_states<true>(x, n, stride, count, [&](size_t c, size_t lanes, const State& state) {
      const V logarithm = state.logarithm(), zero(T(0));
      for (size_t j = 0; j < n; ++j) {
        const V p = (load(x + j * stride + c, lanes) - state.m) - logarithm;
        store(xsimd::select(p > zero, zero, p), out + j * stride + c, lanes);
      }
    });
  }

  static void softmax(const T* x, size_t n, size_t stride, size_t count, T* out) {
    const Lifted lifted;
    for (size_t c = 0; c < count; c += WIDTH)
      softmax_lanes(lifted, x + c, n, stride, count - c < WIDTH ? count - c : WIDTH, out + c);
  }

  static void softmax_lanes(const Lifted& lifted, const T* x, size_t n, size_t stride, size_t lanes,
                            T* out) {
    V top(T(-INFINITY));
    Bool odd(false);
    for (size_t j = 0; j < n; ++j) {
      const V v = load(x + j * stride, lanes);
      odd = odd | (v != v);
      top = xsimd::max(v, top);
    }
    Pair total{V(T(0)), V(T(0))};
    for (size_t i = 0; i < n; i += ROWS) {
      V sum(T(0));
      for (size_t j = i; j < i + ROWS && j < n; ++j) {
        const V v = load(x + j * stride, lanes), d = v - top, e = lifted_exp(lifted, d);
        const V term = xsimd::fma(e, rounded_off(v, top, d), e);
        store(term, out + j * stride, lanes);
        sum += term;
      }
      total.add(sum);
    }
    const Bool finite = xsimd::abs(top) < V(T(INFINITY)) & !odd;
    const V s = xsimd::select(finite, total.value(), V(std::numeric_limits<T>::quiet_NaN()));
    for (size_t j = 0; j < n; ++j)
      store(load(out + j * stride, lanes) / s, out + j * stride, lanes);
  }
};

}  // namespace
