// 2 x 8 sums of a tile and 2 x 8 of a group fill the thirty-two registers; totals that the compiler
// keeps in memory cost little, since only each group needs them.

#if defined(__x86_64__)

#include "tensor/kern_int_zmm.h"

#define ROWS             8
#define KERN_INT_NAME(f) kern__int_##f##_avx512vnni

static inline ivec i_dot(ivec a, bytes w, const int8_t *q) {
    return _mm512_dpbusd_epi32(a, w, i_four(q));
}

#include "tensor/kern_int_body.h"

#endif
