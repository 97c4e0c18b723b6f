// kern/kern_body.h -- the kernels, written once over 16 virtual lanes.
//
// Included by kern_{scalar,avx2,avx512,neon}.c, which define `vec` (16 floats), the operations on
// it (v_load, v_store, v_set, v_add, v_sub, v_mul, v_div, v_fma, v_max, v_min, v_zero_below,
// v_pow2, v_sum, v_top) and ROWS, the number of activation rows whose accumulators fit the
// registers.
//
//   I1  every operation rounds as IEEE says and v_fma rounds once: lanes have the same bits
//       whatever the machine's vector length (-ffp-contract=off keeps compilers out of it)
//   I2  sums across lanes add halves: i and i+8, then i+4, i+2, i+1

#include "kern/kern_int.h"
#include "kern/kern_isa.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#include "kern/kern_math.h"
#include "kern/kern_matmul.h"
#include "kern/kern_vector.h"

#include "kern/kern_attend.h"

// --- Tables ----------------------------------------------------------------------------------

static void finish(float *y, size_t ldy, float (*sum)[KERN_PANEL], size_t rows, size_t n,
                   kern_store how) {
    for (size_t r = 0; r < rows; r++)
        finish_row(y + r * ldy, sum[r], n, how);
}

// The kernels of this file with the integer products of kern_int_SET.c.
#define KERN_TABLE(set)                                                                            \
    static void matmul_##set(float *y, size_t ldy, const kern_rows *x, size_t rows,                \
                             const kern_mat *w, size_t p0, size_t p1, kern_store how) {            \
        if (kern_type_is_int(w->type))                                                             \
            kern__int_matmul_##set(y, ldy, x, rows, w, p0, p1, how, finish);                       \
        else                                                                                       \
            matmul(y, ldy, x, rows, w, p0, p1, how);                                               \
    }                                                                                              \
    const kern kern_##set = {.name = #set,                                                         \
                             .matmul = matmul_##set,                                               \
                             .quantise = kern__int_quantise_##set,                                 \
                             .layernorm = layernorm,                                               \
                             .rmsnorm = rmsnorm,                                                   \
                             .rope = rope,                                                         \
                             .softcap = softcap,                                                   \
                             .attend = attend,                                                     \
                             .exp_sum = exp_sum}
