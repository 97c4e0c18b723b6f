// 4 x 3 sums, a weight and three broadcasts fill the sixteen registers.

#if defined(__x86_64__)

#include "tensor/kern_int_ymm.h"

#define ROWS             3
#define KERN_INT_NAME(f) kern__int_##f##_avxvnni

static inline ivec i_dot(ivec a, bytes w, const int8_t *q) {
    __m256i x = i_four(q);
    return (ivec){_mm256_dpbusd_avx_epi32(a.a, w.a, x), _mm256_dpbusd_avx_epi32(a.b, w.b, x)};
}

#include "tensor/kern_int_body.h"

#endif
