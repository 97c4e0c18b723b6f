// Panels of f32, bf16 and f16, from rows of any type.
//
//   f32    [k][32]
//   f16    [k][32]           halves as they are: one instruction widens 16
//   bf16   [k / 2][32][2]    pairs of k: a shift and a mask widen 2 x 16; zero after an odd k
//
// A panel is filled block by block. Values that need no conversion are moved as they are, pairs of
// bf16 that lie side by side as one word. Rejected: converting through f32 always (bf16 to bf16:
// 1.1 ns a value instead of 0.7).
//
//   I1  f32 -> bf16 and f32 -> f16 round to nearest, ties to even, as PyTorch does; NaN stays NaN

#include "kern/kern_isa.h"

#include "os/cpu.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

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
F16C static void f16c_narrow(uint16_t *out, const float *x, size_t n) {
    for (size_t i = 0; i < n; i += 8)
        _mm_storeu_si128((__m128i *)(void *)(out + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
}
#endif

void kern__narrow_f16(uint16_t *out, const float *x, size_t n) {
#if defined(__x86_64__)
    if (os_cpu_features() & OS_CPU_AVX2) {
        f16c_narrow(out, x, n);
        return;
    }
#endif
    for (size_t i = 0; i < n; i++)
        out[i] = kern__f16_of(x[i]);
}

static void narrow(uint16_t *out, const float *x, size_t n, kern_type t) {
    if (t == KERN_F16) {
        kern__narrow_f16(out, x, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = bf16_of(x[i]);
}

// --- Tiles -------------------------------------------------------------------------------------

// Of values that stay as they are.
static bool same_type(kern_type t, const tensor_row row[KERN_PANEL]) {
    static const tensor_dtype same[] = {
        [KERN_F32] = TENSOR_F32, [KERN_BF16] = TENSOR_BF16, [KERN_F16] = TENSOR_F16};
    for (size_t r = 0; r < KERN_PANEL; r++)
        if (row[r].data && (row[r].dtype != same[t] || row[r].add != 0)) return false;
    return true;
}

// Each row's values lie side by side.
static bool is_dense(const tensor_row row[KERN_PANEL]) {
    for (size_t r = 0; r < KERN_PANEL; r++)
        if (row[r].data && row[r].step != 1) return false;
    return true;
}

// out[i][r] = column `at + i` of row r. At any address: safetensors promises no alignment.
#define MOVE(name, type)                                                                           \
    static void name(type(*out)[KERN_PANEL], const tensor_row row[KERN_PANEL], size_t at,          \
                     size_t len) {                                                                 \
        static const type zero;                                                                    \
        const char *run[KERN_PANEL];                                                               \
        size_t step[KERN_PANEL];                                                                   \
        for (size_t r = 0; r < KERN_PANEL; r++) {                                                  \
            run[r] = row[r].data ? kern__row_at(&row[r], at) : (const void *)&zero;                \
            step[r] = row[r].data ? row[r].step * sizeof(type) : 0;                                \
        }                                                                                          \
        for (size_t i = 0; i < len; i++)                                                           \
            for (size_t r = 0; r < KERN_PANEL; r++)                                                \
                memcpy(&out[i][r], run[r] + i * step[r], sizeof(type));                            \
    }
MOVE(move_f32, float)
MOVE(move_half, uint16_t)
MOVE(move_pair, uint32_t)  // two of 16 bits: `len` pairs of rows that are dense

static void read_turned(float (*out)[KERN_PANEL], const tensor_row row[KERN_PANEL], size_t at,
                        size_t len) {
    float line[KERN_PANEL][KERN_READ];
    kern__read(line, row, at, len);
    for (size_t i = 0; i < len; i++)
        for (size_t r = 0; r < KERN_PANEL; r++)
            out[i][r] = line[r][i];
}

// --- Panels ------------------------------------------------------------------------------------

static void pack_half(uint16_t *to, kern_type t, const tensor_row row[KERN_PANEL], size_t at,
                      size_t len) {
    uint16_t tile[KERN_READ][KERN_PANEL];
    if (t == KERN_BF16 && len % 2 == 0 && same_type(t, row) && is_dense(row)) {
        move_pair((uint32_t(*)[KERN_PANEL])(void *)to, row, at, len / 2);
        return;
    }
    if (same_type(t, row)) {
        move_half(tile, row, at, len);
    } else {
        float wide[KERN_READ][KERN_PANEL];
        read_turned(wide, row, at, len);
        narrow(tile[0], wide[0], len * KERN_PANEL, t);
    }
    if (t == KERN_F16) {
        memcpy(to, tile, len * sizeof *tile);
        return;
    }
    if (len % 2) memset(tile[len], 0, sizeof *tile);
    for (size_t i = 0; i < len; i += 2)
        for (size_t r = 0; r < KERN_PANEL; r++) {
            *to++ = tile[i][r];
            *to++ = tile[i + 1][r];
        }
}

void kern__float_pack(void *panel, kern_type t, const tensor_row row[KERN_PANEL], size_t k) {
    for (size_t at = 0; at < k; at += KERN_READ) {
        size_t len = min_size(KERN_READ, k - at);
        float(*to)[KERN_PANEL] = (float(*)[KERN_PANEL])panel + at;
        if (t != KERN_F32)
            pack_half((uint16_t *)panel + at * KERN_PANEL, t, row, at, len);
        else
            (same_type(t, row) ? move_f32 : read_turned)(to, row, at, len);
    }
}

static float wide(uint16_t half, tensor_dtype t) {
    float x;
    tensor_to_f32(&x, &(tensor){t, 1, {1}, &half});
    return x;
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
            out[i] = wide(h[i * KERN_PANEL + r], TENSOR_F16);
        else
            out[i] = wide(h[(i & ~(size_t)1) * KERN_PANEL + 2 * r + i % 2], TENSOR_BF16);
}
