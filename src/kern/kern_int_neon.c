// Products of bytes in 16 bits, added in pairs: two of them are at most 2 * 128 * 127.

#if defined(__aarch64__)

#include "kern/kern_int_neon.h"

#define KERN_INT_NAME(f) kern__int_##f##_neon

static inline int32x4_t dot_quarter(int32x4_t sum, int8x16_t w, int8x16_t q) {
    int16x8_t low = vmull_s8(vget_low_s8(w), vget_low_s8(q));
    return vpadalq_s16(sum, vpaddq_s16(low, vmull_high_s8(w, q)));
}

#include "kern/kern_int_body.h"

#endif
