// 2 x 12 sums, two weights and a broadcast fit the thirty-two registers.
//
// Rejected: the builtin of vpdpbusd. gcc 12 copies its first operand around it and spills sums in
// the inner loop (16 rows: 340 GOP/s on one core, 530 without).

#if defined(__x86_64__)

#include "kern/kern_int_zmm.h"

#define ROWS             12
#define KERN_INT_NAME(f) kern__int_##f##_avx512vnni

static inline ivec i_dot(ivec a, bytes w, const int8_t *q) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(a) : "v"(w), "v"(i_four(q)));
    return a;
}

#include "kern/kern_int_body.h"

#endif
