// Many rows in tiles of the matrix unit (AMX, kern_int_tiled.h); all else as in
// kern_int_avx512vnni.c.
//
// Rejected: tiles for fewer rows. Weights come from memory then, and VNNI is a sixth faster at 8;
// at 16 tiles are (products of SmolLM2-135M, one core, int8 319 to 283 GOP/s, int4 356 to 313), but
// not with q8_0 (228 to 258), whose bytes are copied.

#if defined(__x86_64__)

#include "kern/kern_int_zmm.h"

#define ROWS              12
#define KERN_INT_NAME(f)  kern__int_##f##_amx
#define KERN_INT_TILED(t) ((t) == KERN_Q8_0 ? 32 : 12)  // rows

static inline ivec i_dot(ivec a, bytes w, const int8_t *q) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(a) : "v"(w), "v"(i_four(q)));
    return a;
}

#include "kern/kern_int_body.h"

#endif
