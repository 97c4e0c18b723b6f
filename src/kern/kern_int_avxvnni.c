// 4 x 3 sums, four weights and broadcasts fit the sixteen registers, nearly.

#if defined(__x86_64__)

#include "kern/kern_int_ymm.h"

#define ROWS             3
#define KERN_INT_NAME(f) kern__int_##f##_avxvnni

// As in kern_int_avx512vnni.c, not the builtin.
static inline __m256i dot_half(__m256i a, __m256i w, __m256i q) {
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(a) : "x"(w), "x"(q));
    return a;
}

static inline ivec i_dot(ivec a, bytes w, const int8_t *q) {
    __m256i x = i_four(q);
    return (ivec){dot_half(a.a, w.a, x), dot_half(a.b, w.b, x)};
}

#include "kern/kern_int_body.h"

#endif
