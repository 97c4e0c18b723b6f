// Panels of f32, bf16 and f16, from tensors of any float type and either orientation.
//
//   f32    [k][32]
//   f16    [k][32]           halves as they are: one instruction widens 16
//   bf16   [k / 2][32][2]    pairs of k: a shift and a mask widen 2 x 16; zero after an odd k
//
// A panel is filled block by block through a tile of BLOCK x 32 values that stays in the first
// cache. Values that need no conversion are moved as they are. Rejected: converting through f32
// always (bf16 to bf16: 1.1 ns a value instead of 0.7).
//
//   I1  f32 -> bf16 and f32 -> f16 round to nearest, ties to even, as PyTorch does; NaN stays NaN
//   I2  columns of rows that the matrix does not have are zero

#include "kern/kern_isa.h"

#include "os/cpu.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { BLOCK = 64 };  // of k

static bool is_half(kern_type t) {
    return t == KERN_BF16 || t == KERN_F16;
}

size_t kern__float_panel_bytes(kern_type t, size_t k) {
    CHECK(t == KERN_F32 || is_half(t));
    if (t == KERN_F32) return k * KERN_PANEL * sizeof(float);
    return (t == KERN_BF16 ? align_up(k, 2) : k) * KERN_PANEL * sizeof(uint16_t);
}

// --- Narrowing ---------------------------------------------------------------------------------

static uint32_t bits_of(float x) {
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static uint16_t bf16_of(float x) {
    uint32_t u = bits_of(x);
    uint32_t nan = u >> 16 | 0x40, number = (u + 0x7fff + (u >> 16 & 1)) >> 16;
    return (uint16_t)((u & 0x7fffffff) > 0x7f800000 ? nan : number);
}

// Numbers that are subnormal in f16 are rounded by adding 0.5, whose last bit is 2^-24.
uint16_t kern__f16_of(float x) {
    uint32_t u = bits_of(x), sign = u >> 16 & 0x8000, top = u & 0x7fffffff, half;
    if (top > 0x7f800000)
        half = 0x7e00 | (top >> 13 & 0x3ff);
    else if (top >= 0x47800000)  // 2^16 and infinity
        half = 0x7c00;
    else if (top < 0x38800000)  // below 2^-14
        half = bits_of((x < 0 ? -x : x) + 0.5F) - bits_of(0.5F);
    else
        half = (top + 0xfff + (top >> 13 & 1) - 0x38000000) >> 13;
    return (uint16_t)(sign | half);
}

#if defined(__x86_64__)
#define F16C __attribute__((target("avx,f16c")))
// n is a multiple of 8.
F16C static void f16c_narrow(uint16_t *out, const float *x, size_t n) {
    for (size_t i = 0; i < n; i += 8)
        _mm_storeu_si128((__m128i *)(void *)(out + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
}
F16C static void f16c_widen(float *out, const uint16_t *x, size_t n) {
    for (size_t i = 0; i + 8 <= n; i += 8)
        _mm256_storeu_ps(out + i,
                         _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(x + i))));
    tensor rest = {TENSOR_F16, 1, {(int64_t)(n % 8)}, x + n / 8 * 8};
    tensor_to_f32(out + n / 8 * 8, &rest);
}
#endif

static void narrow(uint16_t *out, const float *x, size_t n, kern_type t) {
    if (t == KERN_BF16) {
        for (size_t i = 0; i < n; i++)
            out[i] = bf16_of(x[i]);
        return;
    }
#if defined(__x86_64__)
    if (os_cpu_features() & OS_CPU_AVX2) {
        f16c_narrow(out, x, n);
        return;
    }
#endif
    for (size_t i = 0; i < n; i++)
        out[i] = kern__f16_of(x[i]);
}

static void widen(float *out, const void *x, size_t n, tensor_dtype t) {
#if defined(__x86_64__)
    if (t == TENSOR_F16 && (os_cpu_features() & OS_CPU_AVX2)) {
        f16c_widen(out, x, n);
        return;
    }
#endif
    tensor part = {t, 1, {(int64_t)n}, x};
    tensor_to_f32(out, &part);
}

// --- Tiles -------------------------------------------------------------------------------------

// The part of a matrix that one tile shows: k [at, at + len) of `rows` rows from `row`.
typedef struct window {
    const tensor *w;
    bool by_input;
    size_t row, rows, at, len;
} window;

// Where the run number `i` of a window begins: of one row, or by input of one k.
static const void *run_of(const window *v, size_t i) {
    size_t stride = (size_t)v->w->dim[1];
    size_t at = v->by_input ? (v->at + i) * stride + v->row : (v->row + i) * stride + v->at;
    return (const char *)v->w->data + at * tensor_elem_bytes(v->w->dtype);
}

static void tile_f32(float (*tile)[KERN_PANEL], const window *v) {
    tensor_dtype t = v->w->dtype;
    if (v->by_input) {
        for (size_t i = 0; i < v->len; i++)
            widen(tile[i], run_of(v, i), v->rows, t);
        return;
    }
    float line[KERN_PANEL][BLOCK];
    for (size_t r = 0; r < v->rows; r++)
        widen(line[r], run_of(v, r), v->len, t);
    for (size_t i = 0; i < v->len; i++)
        for (size_t r = 0; r < v->rows; r++)
            tile[i][r] = line[r][i];
}

// The same of 16-bit values that stay as they are.
static void tile_half(uint16_t (*tile)[KERN_PANEL], const window *v) {
    const char *run[KERN_PANEL];  // at any address: safetensors promises no alignment
    if (v->by_input) {
        for (size_t i = 0; i < v->len; i++)
            memcpy(tile[i], run_of(v, i), v->rows * sizeof **tile);
        return;
    }
    for (size_t r = 0; r < v->rows; r++)
        run[r] = run_of(v, r);
    for (size_t i = 0; i < v->len; i++)
        for (size_t r = 0; r < v->rows; r++)
            memcpy(&tile[i][r], run[r] + i * sizeof **tile, sizeof **tile);
}

static bool same_type(kern_type t, tensor_dtype d) {
    return (t == KERN_BF16 && d == TENSOR_BF16) || (t == KERN_F16 && d == TENSOR_F16);
}

// --- Panels ------------------------------------------------------------------------------------

static void pack_f32(float *panel, const window *v) {
    float(*to)[KERN_PANEL] = (float(*)[KERN_PANEL])(panel + v->at * KERN_PANEL);
    if (v->rows < KERN_PANEL) memset(to, 0, v->len * sizeof *to);
    tile_f32(to, v);
}

static void pack_half(uint16_t *panel, kern_type t, const window *v) {
    uint16_t tile[BLOCK][KERN_PANEL];
    if (v->rows < KERN_PANEL || v->len < BLOCK) memset(tile, 0, sizeof tile);  // I2
    if (same_type(t, v->w->dtype)) {
        tile_half(tile, v);
    } else {
        float wide[BLOCK][KERN_PANEL];
        if (v->rows < KERN_PANEL) memset(wide, 0, sizeof wide);
        tile_f32(wide, v);
        narrow(tile[0], wide[0], v->len * KERN_PANEL, t);
    }
    uint16_t *to = panel + v->at * KERN_PANEL;
    if (t == KERN_F16) {
        memcpy(to, tile, v->len * sizeof *tile);
        return;
    }
    for (size_t i = 0; i < v->len; i += 2)
        for (size_t r = 0; r < KERN_PANEL; r++) {
            *to++ = tile[i][r];
            *to++ = tile[i + 1][r];
        }
}

void kern__float_pack(void *panels, kern_type t, size_t p, const tensor *w, bool by_input) {
    size_t n = (size_t)w->dim[by_input], k = (size_t)w->dim[!by_input];
    void *panel = (char *)panels + p * kern__float_panel_bytes(t, k);
    window v = {w, by_input, p * KERN_PANEL, min_size(KERN_PANEL, n - p * KERN_PANEL), 0, 0};
    for (; v.at < k; v.at += BLOCK) {
        v.len = min_size(BLOCK, k - v.at);
        t == KERN_F32 ? pack_f32(panel, &v) : pack_half(panel, t, &v);
    }
}

void kern__float_unpack_row(float *out, const kern_mat *w, size_t row) {
    const char *panel = w->panels;
    panel += row / KERN_PANEL * kern__float_panel_bytes(w->type, w->k);
    const float *f = (const float *)(const void *)panel;
    const uint16_t *h = (const uint16_t *)(const void *)panel;
    size_t r = row % KERN_PANEL;
    for (size_t i = 0; i < w->k; i++)
        if (w->type == KERN_F32)
            out[i] = f[i * KERN_PANEL + r];
        else if (w->type == KERN_F16)
            widen(out + i, h + i * KERN_PANEL + r, 1, TENSOR_F16);
        else
            widen(out + i, h + (i & ~(size_t)1) * KERN_PANEL + 2 * r + i % 2, 1, TENSOR_BF16);
}
