// A virtual vector is two ymm registers; 6 x 2 accumulators, two weights and a broadcast fit the
// sixteen there are. Rejected: 3 rows of a whole panel, as many sums: clang 14 spills them (16
// rows, one core: 60 GFLOP/s, 101 so; the peak is 106).

#if defined(__x86_64__)

#include "kern/kern_x86.h"

#include <stdint.h>

#define ROWS 6
#define VECS 1

typedef struct vec {
    __m256 a, b;
} vec;

#define V_OP(name, op)                                                                             \
    static inline vec name(vec x, vec y) {                                                         \
        return (vec){op(x.a, y.a), op(x.b, y.b)};                                                  \
    }
V_OP(v_add, _mm256_add_ps)
V_OP(v_sub, _mm256_sub_ps)
V_OP(v_mul, _mm256_mul_ps)
V_OP(v_div, _mm256_div_ps)
V_OP(v_max, _mm256_max_ps)
V_OP(v_min, _mm256_min_ps)

static inline vec v_load(const float *p) {
    return (vec){_mm256_castsi256_ps(v_load256(p)), _mm256_castsi256_ps(v_load256(p + 8))};
}
static inline vec v_load_f16(const uint16_t *p) {
    const __m128i *h = (const __m128i *)(const void *)p;
    return (vec){_mm256_cvtph_ps(_mm_loadu_si128(h)), _mm256_cvtph_ps(_mm_loadu_si128(h + 1))};
}
static inline __m256 bf16_even(__m256i h) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(h, 16));
}
static inline __m256 bf16_odd(__m256i h) {
    return _mm256_castsi256_ps(_mm256_and_si256(h, _mm256_set1_epi32((int)0xffff0000U)));
}
static inline void v_load_bf16(const uint16_t *p, vec *even, vec *odd) {
    __m256i a = v_load256(p), b = v_load256(p + 16);
    *even = (vec){bf16_even(a), bf16_even(b)};
    *odd = (vec){bf16_odd(a), bf16_odd(b)};
}
static inline void v_store(float *p, vec x) {
    _mm256_storeu_ps(p, x.a);
    _mm256_storeu_ps(p + 8, x.b);
}
static inline vec v_set(float x) {
    return (vec){_mm256_set1_ps(x), _mm256_set1_ps(x)};
}
static inline vec v_fma(vec x, vec y, vec z) {
    return (vec){_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
}
static inline vec v_zero_below(vec x, vec y, vec z) {
    return (vec){_mm256_andnot_ps(_mm256_cmp_ps(y.a, z.a, _CMP_LT_OQ), x.a),
                 _mm256_andnot_ps(_mm256_cmp_ps(y.b, z.b, _CMP_LT_OQ), x.b)};
}
static inline __m256 pow2_half(__m256 p, __m256 t) {
    __m256i n = _mm256_slli_epi32(_mm256_castps_si256(t), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), n));
}
static inline vec v_pow2(vec p, vec t) {
    return (vec){pow2_half(p.a, t.a), pow2_half(p.b, t.b)};
}
static inline float v_sum(vec x) {
    return v8_sum(_mm256_add_ps(x.a, x.b));
}
static inline float v_top(vec x) {
    return v8_top(_mm256_max_ps(x.a, x.b));
}

#include "kern/kern_body.h"

KERN_TABLE(avx2);
KERN_TABLE(avxvnni);

#endif
