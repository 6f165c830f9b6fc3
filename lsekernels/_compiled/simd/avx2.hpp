// Powers of two for AVX2, by a table of 8 steps that lies in registers: a permutation of 32 bits
// reads it, so that of doubles takes two. The polynomial needs three multiplications fewer for it,
// and those are what a loop waits for.
//
// Source: of the table: that of avx512.hpp.

#pragma once

#include <immintrin.h>

#include "exp.hpp"

namespace {

// 2^t = 2^(j/8) * 2^f, where f, from -1/16 to 1/16, has a polynomial whose constant is 1 (through the
// nodes of Chebyshev, in 50 digits, then rounded): 6e-18. The table holds the mantissas of 2^(j/8),
// less j/8: that is what t's lowest bits add to them, where the rest of t makes the exponent.
template <>
struct Steps<xsimd::fma3<xsimd::avx2>, double> {
  static constexpr int bits = 3;
  static constexpr double exp2[] = {
      1.0, 0.6931471805599453, 0.24022650695910933, 0.05550410866482224, 0.009618129089983302,
      0.0013333558132838856, 0.00015404433819347582, 1.525342958649691e-05};

  static __m256d power(__m256d t) {
    const __m256i low = _mm256_setr_epi32(0, 0x3c7d517b, 0x0a31b715, 0xd5362a27,
                                          0x667f3bcd, 0x422aa0db, 0x995ad3ad, 0xdcfba487);
    const __m256i high = _mm256_setr_epi32(0, 0xffff72b8, 0xffff06fe, 0xfffebfda,
                                           0xfffea09e, 0xfffeace5, 0xfffee89f, 0xffff5818);
    const __m256i j = _mm256_castpd_si256(t);
    const __m256i step = _mm256_blend_epi32(
        _mm256_permutevar8x32_epi32(low, j),
        _mm256_permutevar8x32_epi32(high, _mm256_slli_epi64(j, 32)), 0b10101010);
    return _mm256_castsi256_pd(_mm256_add_epi64(step, _mm256_slli_epi64(j, 52 - bits)));
  }
};

// The same with degree 4: 3e-10.
template <>
struct Steps<xsimd::fma3<xsimd::avx2>, float> {
  static constexpr int bits = 3;
  static constexpr float exp2[] = {1.0f, 0.6931472f, 0.2402265f, 0.055509318f, 0.009618731f};

  static __m256 power(__m256 t) {
    const __m256i steps = _mm256_setr_epi32(0, 0xfffb95c2, 0xfff837f0, 0xfff5fed7,
                                            0xfff504f3, 0xfff5672a, 0xfff744fd, 0xfffac0c7);
    const __m256i j = _mm256_castps_si256(t), step = _mm256_permutevar8x32_epi32(steps, j);
    return _mm256_castsi256_ps(_mm256_add_epi32(step, _mm256_slli_epi32(j, 23 - bits)));
  }
};

}  // namespace
