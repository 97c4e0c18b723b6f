// A virtual vector is one zmm register; 2 x 12 accumulators, two weights and a broadcast fit the
// thirty-two there are.

#if defined(__x86_64__)

#include "kern/kern_x86.h"

#include <stdint.h>

#define ROWS 12
#define VECS 2

typedef __m512 vec;

static inline vec v_load(const float *p) {
    return _mm512_loadu_ps(p);
}
static inline vec v_load_f16(const uint16_t *p) {
    return _mm512_cvtph_ps(v_load256(p));
}
static inline void v_load_bf16(const uint16_t *p, vec *even, vec *odd) {
    __m512i h = _mm512_loadu_si512(p);
    *even = _mm512_castsi512_ps(_mm512_slli_epi32(h, 16));
    *odd = _mm512_castsi512_ps(_mm512_and_si512(h, _mm512_set1_epi32((int)0xffff0000U)));
}
static inline void v_store(float *p, vec x) {
    _mm512_storeu_ps(p, x);
}
static inline vec v_set(float x) {
    return _mm512_set1_ps(x);
}
static inline vec v_add(vec x, vec y) {
    return _mm512_add_ps(x, y);
}
static inline vec v_sub(vec x, vec y) {
    return _mm512_sub_ps(x, y);
}
static inline vec v_mul(vec x, vec y) {
    return _mm512_mul_ps(x, y);
}
static inline vec v_div(vec x, vec y) {
    return _mm512_div_ps(x, y);
}
static inline vec v_max(vec x, vec y) {
    return _mm512_max_ps(x, y);
}
static inline vec v_min(vec x, vec y) {
    return _mm512_min_ps(x, y);
}
static inline vec v_fma(vec x, vec y, vec z) {
    return _mm512_fmadd_ps(x, y, z);
}
static inline vec v_zero_below(vec x, vec y, vec z) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(y, z, _CMP_NLT_UQ), x);
}
static inline vec v_pow2(vec p, vec t) {
    __m512i n = _mm512_slli_epi32(_mm512_castps_si512(t), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p), n));
}
static inline float v_sum(vec x) {
    return v8_sum(_mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1)));
}
static inline float v_top(vec x) {
    return v8_top(_mm256_max_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1)));
}

#include "kern/kern_body.h"

KERN_TABLE(avx512);
KERN_TABLE(avx512vnni);
KERN_TABLE(amx);

#endif
