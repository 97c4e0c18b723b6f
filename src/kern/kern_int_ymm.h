// kern/kern_int_ymm.h -- kern_int_body.h's virtual vector as two ymm registers, for
// kern_int_avx2.c and kern_int_avxvnni.c, which add i_dot.
#ifndef KERN_INT_YMM_H
#define KERN_INT_YMM_H

#include <immintrin.h>
#include <string.h>

#include "kern/kern_int.h"

typedef struct vec {
    __m256 a, b;
} vec;
typedef struct ivec {
    __m256i a, b;
} ivec, bytes;

static inline vec v_load(const float *p) {
    return (vec){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}
static inline void v_store(float *p, vec x) {
    _mm256_storeu_ps(p, x.a);
    _mm256_storeu_ps(p + 8, x.b);
}
static inline vec v_set(float x) {
    return (vec){_mm256_set1_ps(x), _mm256_set1_ps(x)};
}
static inline vec v_mul(vec x, vec y) {
    return (vec){_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)};
}
static inline vec v_fma(vec x, vec y, vec z) {
    return (vec){_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
}
static inline vec v_int(ivec x) {
    return (vec){_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)};
}

static inline ivec i_set(int32_t x) {
    return (ivec){_mm256_set1_epi32(x), _mm256_set1_epi32(x)};
}
static inline __m256i i_four(const int8_t *q) {
    int32_t x;
    memcpy(&x, q, sizeof x);
    return _mm256_set1_epi32(x);
}
static inline bytes b_load(const void *p) {
    const __m256i *from = p;
    return (bytes){_mm256_loadu_si256(from), _mm256_loadu_si256(from + 1)};
}
static inline bytes b_low(bytes b) {
    __m256i mask = _mm256_set1_epi8(15);
    return (bytes){_mm256_and_si256(b.a, mask), _mm256_and_si256(b.b, mask)};
}
static inline bytes b_high(bytes b) {
    return b_low((bytes){_mm256_srli_epi16(b.a, 4), _mm256_srli_epi16(b.b, 4)});
}
static inline bytes b_value(bytes b, const uint8_t *values) {
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)values);
    __m256i both = _mm256_broadcastsi128_si256(v);
    return (bytes){_mm256_shuffle_epi8(both, b.a), _mm256_shuffle_epi8(both, b.b)};
}
static inline __m256 bf16_half(__m256i x, int high) {
    __m256i mask = _mm256_set1_epi32(-65536);
    return _mm256_castsi256_ps(high ? _mm256_and_si256(x, mask) : _mm256_slli_epi32(x, 16));
}
static inline vec v_bf16(const void *p, int high) {
    ivec x = b_load(p);
    return (vec){bf16_half(x.a, high), bf16_half(x.b, high)};
}

static inline vec v_f16(const uint16_t *p) {
    const __m128i *from = (const __m128i *)(const void *)p;
    return (vec){_mm256_cvtph_ps(_mm_loadu_si128(from)),
                 _mm256_cvtph_ps(_mm_loadu_si128(from + 1))};
}
static inline __m256 e8m0_half(__m128i p) {
    __m256i least = _mm256_set1_epi32(0x00400000);  // e = 0: subnormal
    __m256i e = _mm256_slli_epi32(_mm256_cvtepu8_epi32(p), 23);
    return _mm256_castsi256_ps(_mm256_max_epi32(e, least));
}
static inline vec v_e8m0(const uint8_t *p) {
    __m128i e = _mm_loadu_si128((const __m128i *)(const void *)p);
    return (vec){e8m0_half(e), e8m0_half(_mm_unpackhi_epi64(e, e))};
}

static inline ivec v_round(vec x) {
    return (ivec){_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b)};
}
static inline ivec i_abs_bits(vec x) {
    __m256i mask = _mm256_set1_epi32(0x7FFFFFFF);
    return (ivec){_mm256_and_si256(_mm256_castps_si256(x.a), mask),
                  _mm256_and_si256(_mm256_castps_si256(x.b), mask)};
}
static inline ivec i_max(ivec x, ivec y) {
    return (ivec){_mm256_max_epi32(x.a, y.a), _mm256_max_epi32(x.b, y.b)};
}
static inline ivec i_add(ivec x, ivec y) {
    return (ivec){_mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b)};
}
static inline int32_t i_top(ivec x) {
    __m256i h = _mm256_max_epi32(x.a, x.b);
    __m128i q = _mm_max_epi32(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1));
    q = _mm_max_epi32(q, _mm_shuffle_epi32(q, 0x4E));
    return _mm_cvtsi128_si32(_mm_max_epi32(q, _mm_shuffle_epi32(q, 0xB1)));
}
static inline int32_t i_sum(ivec x) {
    __m256i h = _mm256_add_epi32(x.a, x.b);
    __m128i q = _mm_add_epi32(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1));
    q = _mm_add_epi32(q, _mm_shuffle_epi32(q, 0x4E));
    return _mm_cvtsi128_si32(_mm_add_epi32(q, _mm_shuffle_epi32(q, 0xB1)));
}
static inline void i_store_low(int8_t *p, ivec x) {
    __m256i h = _mm256_permute4x64_epi64(_mm256_packs_epi32(x.a, x.b), 0xD8);
    __m128i q = _mm_packs_epi16(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1));
    _mm_storeu_si128((__m128i *)(void *)p, q);
}

#endif
