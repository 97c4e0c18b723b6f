// As kern_int_neon.c, with the instruction that adds four products to a lane.

#if defined(__aarch64__)

#include "kern/kern_int_neon.h"

#define KERN_INT_NAME(f) kern__int_##f##_neondot

static inline int32x4_t dot_quarter(int32x4_t sum, int8x16_t w, int8x16_t q) {
    return vdotq_s32(sum, w, q);
}

#include "kern/kern_int_body.h"

#endif
