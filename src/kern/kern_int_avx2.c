// As kern_int_avx512.c: 16-bit halves of bytes, products that add in pairs without loss.

#if defined(__x86_64__)

#include "kern/kern_int_ymm.h"

#define ROWS             3
#define KERN_INT_NAME(f) kern__int_##f##_avx2

static inline __m256i dot_half(__m256i a, __m256i w, __m256i even, __m256i odd) {
    __m256i low = _mm256_and_si256(w, _mm256_set1_epi16(255));
    a = _mm256_add_epi32(a, _mm256_madd_epi16(low, even));
    return _mm256_add_epi32(a, _mm256_madd_epi16(_mm256_srli_epi16(w, 8), odd));
}

static inline ivec i_dot(ivec a, bytes w, const int8_t *q) {
    __m256i x = i_four(q), odd = _mm256_srai_epi16(x, 8);
    __m256i even = _mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8);
    return (ivec){dot_half(a.a, w.a, even, odd), dot_half(a.b, w.b, even, odd)};
}

#include "kern/kern_int_body.h"

#endif
