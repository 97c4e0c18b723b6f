// kern/kern_int_zmm.h -- kern_int_body.h's virtual vector as a zmm register, for
// kern_int_avx512.c, kern_int_avx512vnni.c and kern_int_amx.c, which add i_dot.
#ifndef KERN_INT_ZMM_H
#define KERN_INT_ZMM_H

#include <immintrin.h>
#include <string.h>

#include "kern/kern_int.h"

typedef __m512 vec;
typedef __m512i ivec, bytes;

static inline vec v_load(const float *p) {
    return _mm512_loadu_ps(p);
}
static inline void v_store(float *p, vec x) {
    _mm512_storeu_ps(p, x);
}
static inline vec v_set(float x) {
    return _mm512_set1_ps(x);
}
static inline vec v_mul(vec x, vec y) {
    return _mm512_mul_ps(x, y);
}
static inline vec v_fma(vec x, vec y, vec z) {
    return _mm512_fmadd_ps(x, y, z);
}
static inline vec v_int(ivec x) {
    return _mm512_cvtepi32_ps(x);
}
static inline vec v_bf16(const void *p, int high) {
    __m512i x = _mm512_loadu_si512(p), mask = _mm512_set1_epi32(-65536);
    return _mm512_castsi512_ps(high ? _mm512_and_si512(x, mask) : _mm512_slli_epi32(x, 16));
}

static inline vec v_f16(const uint16_t *p) {
    return _mm512_cvtph_ps(_mm256_lddqu_si256((const __m256i *)(const void *)p));
}
static inline vec v_e8m0(const uint8_t *p) {
    __m512i e = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
    __m512i least = _mm512_set1_epi32(0x00400000);  // e = 0: subnormal
    return _mm512_castsi512_ps(_mm512_max_epi32(_mm512_slli_epi32(e, 23), least));
}

static inline ivec i_set(int32_t x) {
    return _mm512_set1_epi32(x);
}
static inline ivec i_four(const int8_t *q) {
    int32_t x;
    memcpy(&x, q, sizeof x);
    return _mm512_set1_epi32(x);
}
static inline bytes b_load(const uint8_t *p) {
    return _mm512_loadu_si512(p);
}
static inline bytes b_low(bytes b) {
    return _mm512_and_si512(b, _mm512_set1_epi8(15));
}
static inline bytes b_high(bytes b) {
    return b_low(_mm512_srli_epi16(b, 4));
}
static inline bytes b_value(bytes b, const uint8_t *values) {
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)values);
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(v), b);
}

static inline ivec v_round(vec x) {
    return _mm512_cvtps_epi32(x);
}
static inline ivec i_abs_bits(vec x) {
    return _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(0x7FFFFFFF));
}
static inline ivec i_max(ivec x, ivec y) {
    return _mm512_max_epi32(x, y);
}
static inline ivec i_add(ivec x, ivec y) {
    return _mm512_add_epi32(x, y);
}
static inline int32_t i_top(ivec x) {
    return _mm512_reduce_max_epi32(x);
}
static inline int32_t i_sum(ivec x) {
    return _mm512_reduce_add_epi32(x);
}
static inline void i_store_low(int8_t *p, ivec x) {
    _mm_storeu_si128((__m128i *)p, _mm512_cvtepi32_epi8(x));
}

#endif
