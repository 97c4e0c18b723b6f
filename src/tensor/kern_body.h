// tensor/kern_body.h -- the kernels, written once over 16 virtual lanes.
//
// Included by kern_{scalar,avx2,avx512,neon}.c, which define `vec` (16 floats), the operations on
// it (v_load, v_store, v_set, v_add, v_sub, v_mul, v_div, v_fma, v_max, v_min, v_zero_below,
// v_pow2, v_sum, v_top) and ROWS, the number of activation rows whose accumulators fit the
// registers.
//
//   I1  every operation rounds as IEEE says and v_fma rounds once: lanes have the same bits
//       whatever the machine's vector length (-ffp-contract=off keeps compilers out of it)
//   I2  a matmul sum is bias, then blocks of K_BLOCK products in order, each one FMA chain from
//       zero: shorter chains lose less, and the order depends on k alone
//   I3  sums across lanes add halves: i and i+8, then i+4, i+2, i+1

#include "tensor/kern_int.h"
#include "tensor/kern_isa.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

enum { K_BLOCK = 256 };

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

// --- Matrix products -------------------------------------------------------------------------

// tile[r] += the products of k steps. `rows` is a constant where this is inlined. The next block of
// weights is asked for meanwhile: with many rows the hardware sees its stream too seldom to help
// (16 rows, AVX-512: 137 GFLOP/s without, 232 with).
INLINE void tile_add(float (*tile)[KERN_PANEL], const float *x, size_t ldx, const float *w,
                     size_t k, const int rows) {
    vec a[ROWS][2];
    UNROLL for (int r = 0; r < rows; r++) a[r][0] = a[r][1] = v_set(0);
    const size_t ahead = rows < 4 ? 64 : K_BLOCK;
    for (size_t i = 0; i < k; i++) {
        vec w0 = v_load(w + i * KERN_PANEL), w1 = v_load(w + i * KERN_PANEL + KERN_LANES);
        __builtin_prefetch(w + (i + ahead) * KERN_PANEL, 0, 2);
        __builtin_prefetch(w + (i + ahead) * KERN_PANEL + KERN_LANES, 0, 2);
        UNROLL for (int r = 0; r < rows; r++) {
            vec b = v_set(x[(size_t)r * ldx + i]);
            a[r][0] = v_fma(b, w0, a[r][0]);
            a[r][1] = v_fma(b, w1, a[r][1]);
        }
    }
    UNROLL for (int r = 0; r < rows; r++) {
        v_store(tile[r], v_add(v_load(tile[r]), a[r][0]));
        v_store(tile[r] + KERN_LANES, v_add(v_load(tile[r] + KERN_LANES), a[r][1]));
    }
}

static void tile_add_rows(float (*tile)[KERN_PANEL], const float *x, size_t ldx, size_t rows,
                          const float *w, size_t k) {
    size_t r = 0;
    for (; r + ROWS <= rows; r += ROWS)
        tile_add(tile + r, x + r * ldx, ldx, w, k, ROWS);
#if ROWS > 8
    for (; r + 8 <= rows; r += 8)
        tile_add(tile + r, x + r * ldx, ldx, w, k, 8);
#endif
#if ROWS > 4
    for (; r + 4 <= rows; r += 4)
        tile_add(tile + r, x + r * ldx, ldx, w, k, 4);
#endif
#if ROWS > 2
    for (; r + 2 <= rows; r += 2)
        tile_add(tile + r, x + r * ldx, ldx, w, k, 2);
#endif
    for (; r < rows; r++)
        tile_add(tile + r, x + r * ldx, ldx, w, k, 1);
}

static void finish_row(float *y, float *sum, size_t n, kern_store how) {
    if (how == KERN_GELU)
        for (size_t i = 0; i < KERN_PANEL; i += KERN_LANES)
            v_store(sum + i, gelu_vec(v_load(sum + i)));
    if (how == KERN_ADD)
        for (size_t i = 0; i < n; i++)
            y[i] += sum[i];
    else
        memcpy(y, sum, n * sizeof *y);
}

static void matmul(float *y, size_t ldy, const kern_rows *x, size_t rows, const kern_mat *w,
                   size_t p0, size_t p1, kern_store how) {
    _Alignas(KERN_ALIGN) float tile[KERN_ROWS_MAX][KERN_PANEL];
    ASSERT(rows <= KERN_ROWS_MAX && p1 <= kern_panels(w->n));
    ASSERT(w->type == KERN_F32);
    for (size_t p = p0; p < p1; p++) {
        size_t col = p * KERN_PANEL, n = min_size(KERN_PANEL, w->n - col);
        for (size_t r = 0; r < rows; r++)
            w->bias ? memcpy(tile[r], w->bias + col, sizeof tile[r])
                    : memset(tile[r], 0, sizeof tile[r]);
        const float *panel = (const float *)w->panels + col * w->k;
        for (size_t k = 0; k < w->k; k += K_BLOCK)  // I2
            tile_add_rows(tile, x->x + k, x->ld, rows, panel + k * KERN_PANEL,
                          min_size(K_BLOCK, w->k - k));
        for (size_t r = 0; r < rows; r++)
            finish_row(y + r * ldy + col, tile[r], n, how);
    }
}

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

#include "tensor/kern_attend.h"

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
