// kern/kern_x86.h -- what kern_avx2.c and kern_avx512.c share: loads, ends of sums across lanes.
#ifndef KERN_X86_H
#define KERN_X86_H

#include <immintrin.h>

// 32 bytes, in one instruction: at this baseline clang 14 splits any other unaligned load in two,
// and takes halves of f16 apart word by word (one row, AVX-512: 7 GFLOP/s then, 51 so).
static inline __m256i v_load256(const void *p) {
    return _mm256_lddqu_si256((const __m256i *)p);
}

// --- The last steps of sums across lanes -------------------------------------------------------

static inline float v8_sum(__m256 h) {
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
}
static inline float v8_top(__m256 h) {
    __m128 q = _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    q = _mm_max_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_max_ss(q, _mm_movehdup_ps(q)));
}

#endif
