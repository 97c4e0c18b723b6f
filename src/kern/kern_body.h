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

// --- exp and gelu ----------------------------------------------------------------------------

// e^x within 2 ulp on [-86, 88], clamped outside; NaN stays NaN. Cephes' polynomial after
// x = n ln2 + r, |r| <= ln2 / 2.
INLINE vec exp_vec(vec x) {
    x = v_min(v_set(88.0F), v_max(v_set(-86.0F), x));
    vec shift = v_set(12582912.0F);  // 1.5 * 2^23: adding it rounds to an integer in the low bits
    vec t = v_fma(x, v_set(1.44269504088896341F), shift);
    vec n = v_sub(t, shift);
    vec r = v_fma(n, v_set(-0.693359375F), x);
    r = v_fma(n, v_set(2.12194440e-4F), r);
    vec p = v_set(1.9875691500e-4F);
    p = v_fma(p, r, v_set(1.3981999507e-3F));
    p = v_fma(p, r, v_set(8.3334519073e-3F));
    p = v_fma(p, r, v_set(4.1665795894e-2F));
    p = v_fma(p, r, v_set(1.6666665459e-1F));
    p = v_fma(p, r, v_set(5.0000001201e-1F));
    p = v_fma(v_mul(p, r), r, v_add(r, v_set(1.0F)));
    return v_pow2(p, t);
}

// For weights of a softmax: 0 below -86, so that -infinity takes part in nothing.
INLINE vec soft_exp_vec(vec x) {
    return v_zero_below(exp_vec(x), x, v_set(-86.0F));
}

// x/2 (1 + tanh u) is x / (1 + e^-2u), with u = sqrt(2/pi) (x + 0.044715 x^3).
INLINE vec gelu_vec(vec x) {
    vec cubic = v_fma(v_mul(v_mul(x, x), x), v_set(0.044715F), x);
    vec e = exp_vec(v_mul(cubic, v_set(-1.5957691216057308F)));
    return v_div(x, v_add(v_set(1.0F), e));
}

#include "kern/kern_matmul.h"

// --- Layer norm ------------------------------------------------------------------------------

static void layernorm(float *y, const float *x, const float *gain, const float *bias, size_t n) {
    vec sum = v_set(0), square = v_set(0);
    for (size_t i = 0; i < n; i += KERN_LANES)
        sum = v_add(sum, v_load(x + i));
    vec mean = v_set(v_sum(sum) / (float)n);
    for (size_t i = 0; i < n; i += KERN_LANES) {
        vec d = v_sub(v_load(x + i), mean);
        square = v_fma(d, d, square);
    }
    vec scale = v_set(1.0F / sqrtf(v_sum(square) / (float)n + 1e-5F));
    for (size_t i = 0; i < n; i += KERN_LANES) {
        vec d = v_mul(v_sub(v_load(x + i), mean), scale);
        v_store(y + i, v_fma(d, v_load(gain + i), v_load(bias + i)));
    }
}

// --- Softmax ---------------------------------------------------------------------------------

INLINE vec soften(float *p, vec max) {
    vec e = soft_exp_vec(v_sub(v_load(p), max));
    v_store(p, e);
    return e;
}

// Four vectors at a time, each with a largest and a sum of its own: one chain of maxima, then of
// additions, would take half as long again.
static float exp_sum(float *p, size_t n) {
    enum { STEP = 4 * KERN_LANES };
    vec top[4], sum[4];
    size_t i = 0, j = 0;
    UNROLL for (int c = 0; c < 4; c++) {
        top[c] = v_set(-FLT_MAX);
        sum[c] = v_set(0);
    }
    for (; i + STEP <= n; i += STEP)
        UNROLL for (int c = 0; c < 4; c++) top[c] = v_max(v_load(p + i + c * KERN_LANES), top[c]);
    for (; i < n; i += KERN_LANES)
        top[0] = v_max(v_load(p + i), top[0]);
    vec max = v_set(v_top(v_max(v_max(top[0], top[2]), v_max(top[1], top[3]))));
    for (; j + STEP <= n; j += STEP)
        UNROLL for (int c = 0; c < 4; c++) sum[c] =
            v_add(sum[c], soften(p + j + c * KERN_LANES, max));
    for (; j < n; j += KERN_LANES)
        sum[0] = v_add(sum[0], soften(p + j, max));
    return v_sum(v_add(v_add(sum[0], sum[2]), v_add(sum[1], sum[3])));
}

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
    const kern kern_##set = {#set,      matmul_##set, kern__int_quantise_##set,                    \
                             layernorm, attend,       exp_sum}
