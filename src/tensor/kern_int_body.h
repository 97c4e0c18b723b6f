// tensor/kern_int_body.h -- products with integer weights, written once over 16 virtual lanes.
//
// Included by kern_int_SET.c, which define KERN_INT_NAME(function), ROWS (activation rows whose sums fit the
// registers), `vec` (16 floats), `ivec` (16 int32_t), `bytes` (16 x 4 bytes) and on them
//
//   v_load, v_store, v_set, v_mul, v_fma      as kern_body.h's
//   v_int(ivec)                               to floats: exact here
//   v_bf16_low, v_bf16_high(const void *)     16 floats from the halves of 16 words of memory
//   i_set(int32_t)
//   i_dot(ivec, bytes w, const int8_t *q)     + w.q: four unsigned by four signed bytes a lane
//                                             (KERN_INT_SIGNED: of w - 128)
//   b_load(const uint8_t *), b_store(uint8_t *, bytes)
//   b_low, b_high(bytes)                      kern__int4[] at the low, high four bits of each byte
//   v_round(vec)                              to the nearest integers, halves to even
//   i_abs_bits(vec)                           its bits without the sign, as integers
//   i_max, i_add, i_top, i_sum                lanes; the largest lane, the sum of all lanes
//   i_store_low(int8_t *, ivec)               the low byte of each lane
//
//   I1  all that integers do is exact, in any order; a float sum over k runs group after group,
//       each one v_fma, whatever the machine, the rows, the block or the task
//   I2  sums below 2^24: 64 x 255 x 127, so v_int never rounds

#include "tensor/kern_int.h"

#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

enum {
    STEPS = KERN_GROUP / 4,                            // of four columns, in a group
    BLOCK = 16,                                        // groups: 32 KB of bytes
    PLAIN_GROUP = KERN_INT4_SCALES + KERN_INT8_GROUP,  // int4 with a byte per weight
    NEAR = 8192,                                       // bytes to read ahead
};

// What a stream of weights holds.
typedef enum form {
    BYTES,    // int8
    PLAIN,    // int4, a byte per weight
    NIBBLES,  // int4
} form;

// The q side of some rows, from some group on.
typedef struct part {
    const int8_t *q;
    const float *scale;
    const int32_t *sum;
    size_t ld_q;
} part;

static part part_at(const kern_rows *x, size_t row, size_t group) {
    return (part){x->q + row * x->ld_q + group * KERN_GROUP,
                  x->scale + row * (x->ld_q / KERN_GROUP) + group,
                  x->sum + row * (x->ld_q / 32) + group * 2, x->ld_q};
}

// --- Tiles -----------------------------------------------------------------------------------

// a[r] += w . q over `steps` times four columns. Returns the next weights.
INLINE const uint8_t *dots(ivec (*a)[2], const int8_t *q, size_t ld_q, const uint8_t *w,
                           const int steps, size_t ahead, const form f, const int rows) {
    const size_t bytes_of_step = f == NIBBLES ? KERN_INT_STEP / 2 : KERN_INT_STEP;
    for (int s = 0; s < steps; s++, w += bytes_of_step) {
        bytes w0 = b_load(w), w1 = f == NIBBLES ? b_high(w0) : b_load(w + KERN_INT_STEP / 2);
        if (f == NIBBLES) w0 = b_low(w0);
        for (size_t i = 0; i < bytes_of_step; i += CACHE_LINE)
            __builtin_prefetch(w + ahead + i, 0, 2);
        UNROLL for (int r = 0; r < rows; r++) {
            const int8_t *four = q + (size_t)r * ld_q + s * 4;
            a[r][0] = i_dot(a[r][0], w0, four);
            a[r][1] = i_dot(a[r][1], w1, four);
        }
    }
    return w;
}

// What a row's sum over the columns of one weight scale starts at.
INLINE int32_t start(const int32_t *sum, const form f, const int half) {
#ifdef KERN_INT_SIGNED
    (void)sum, (void)f, (void)half;
    return 0;
#else
    return f == BYTES ? sum[0] : half ? sum[1] : sum[0] - sum[1];
#endif
}

// tile[r] += scales * (w . q) over some groups. `f` and `rows` are constants where this is inlined.
INLINE void tile_add(float (*tile)[KERN_PANEL], part x, const uint8_t *w, size_t groups,
                     size_t ahead, const form f, const int rows) {
    const int halves = f == BYTES ? 1 : 2;
    vec total[ROWS][2];
    ivec a[ROWS][2];
    UNROLL for (int r = 0; r < rows; r++) {
        total[r][0] = v_load(tile[r]);
        total[r][1] = v_load(tile[r] + KERN_LANES);
    }
    for (size_t g = 0; g < groups; g++) {
        const uint8_t *scales = w;
        w += f == BYTES ? 0 : KERN_INT4_SCALES;
        UNROLL for (int h = 0; h < halves; h++) {
            UNROLL for (int r = 0; r < rows; r++) a[r][0] = a[r][1] =
                i_set(start(x.sum + (size_t)r * (x.ld_q / 32) + g * 2, f, h));
            w = dots(a, x.q + g * KERN_GROUP + h * 32, x.ld_q, w, STEPS / halves, ahead, f, rows);
            UNROLL for (int r = 0; r < rows; r++) {
                vec s = v_set(x.scale[(size_t)r * (x.ld_q / KERN_GROUP) + g]), s0 = s, s1 = s;
                if (f != BYTES) {
                    s0 = v_mul(s, h ? v_bf16_high(scales) : v_bf16_low(scales));
                    scales += KERN_INT4_SCALES / 2;
                    s1 = v_mul(s, h ? v_bf16_high(scales) : v_bf16_low(scales));
                    scales -= KERN_INT4_SCALES / 2;
                }
                total[r][0] = v_fma(v_int(a[r][0]), s0, total[r][0]);  // I1
                total[r][1] = v_fma(v_int(a[r][1]), s1, total[r][1]);
            }
        }
    }
    UNROLL for (int r = 0; r < rows; r++) {
        v_store(tile[r], total[r][0]);
        v_store(tile[r] + KERN_LANES, total[r][1]);
    }
}

INLINE void add_rows(float (*tile)[KERN_PANEL], const kern_rows *x, size_t rows, size_t group,
                     const uint8_t *w, size_t groups, size_t ahead, const form f) {
    size_t r = 0;
    for (; r + ROWS <= rows; r += ROWS)
        tile_add(tile + r, part_at(x, r, group), w, groups, ahead, f, ROWS);
#if ROWS > 4
    for (; r + 4 <= rows; r += 4)
        tile_add(tile + r, part_at(x, r, group), w, groups, ahead, f, 4);
#endif
#if ROWS > 2
    for (; r + 2 <= rows; r += 2)
        tile_add(tile + r, part_at(x, r, group), w, groups, ahead, f, 2);
#endif
    for (; r < rows; r++)
        tile_add(tile + r, part_at(x, r, group), w, groups, ahead, f, 1);
}

// --- Panels ----------------------------------------------------------------------------------

static void unpack_groups(uint8_t *to, const uint8_t *w, size_t groups) {
    for (size_t g = 0; g < groups; g++) {
        memcpy(to, w, KERN_INT4_SCALES);
        to += KERN_INT4_SCALES;
        w += KERN_INT4_SCALES;
        for (size_t s = 0; s < STEPS; s++, w += KERN_INT_STEP / 2, to += KERN_INT_STEP) {
            bytes b = b_load(w);
            b_store(to, b_low(b));
            b_store(to + KERN_INT_STEP / 2, b_high(b));
        }
    }
}

static void panel_int8(float (*tile)[KERN_PANEL], const kern_rows *x, size_t rows, const uint8_t *w,
                       size_t groups) {
    size_t ahead = rows <= ROWS ? NEAR : BLOCK * KERN_INT8_GROUP;
    for (size_t g = 0; g < groups; g += BLOCK)
        add_rows(tile, x, rows, g, w + g * KERN_INT8_GROUP, min_size(BLOCK, groups - g), ahead,
                 BYTES);
}

// Several tiles read the same weights: they are unpacked first.
static void panel_int4(float (*tile)[KERN_PANEL], const kern_rows *x, size_t rows, const uint8_t *w,
                       size_t groups) {
    _Alignas(KERN_ALIGN) uint8_t plain[BLOCK * PLAIN_GROUP];
    for (size_t g = 0; g < groups; g += BLOCK, w += BLOCK * KERN_INT4_GROUP) {
        size_t n = min_size(BLOCK, groups - g);
        if (rows > ROWS) {
            unpack_groups(plain, w, n);
            add_rows(tile, x, rows, g, plain, n, 0, PLAIN);
        } else {
            add_rows(tile, x, rows, g, w, n, NEAR / 2, NIBBLES);
        }
    }
}

// tile[r] = tile[r] * scale + bias; without a scale just + bias.
static void scale_rows(float (*tile)[KERN_PANEL], size_t rows, const float *scale,
                       const float *bias) {
    static const float zero[KERN_PANEL];
    for (size_t i = 0; i < KERN_PANEL; i += KERN_LANES) {
        vec s = scale ? v_load(scale + i) : v_set(1), b = v_load((bias ? bias : zero) + i);
        for (size_t r = 0; r < rows; r++)
            v_store(tile[r] + i, v_fma(v_load(tile[r] + i), s, b));
    }
}

void KERN_INT_NAME(matmul)(float *y, size_t ldy, const kern_rows *x, size_t rows, const kern_mat *w,
                           size_t p0, size_t p1, kern_store how, kern_finish *finish) {
    _Alignas(KERN_ALIGN) float tile[KERN_ROWS_MAX][KERN_PANEL];
    ASSERT(rows <= KERN_ROWS_MAX && p1 <= kern_panels(w->n));
    size_t groups = (w->k + KERN_GROUP - 1) / KERN_GROUP;
    size_t panel_bytes = kern__int_panel_bytes(w->type, w->k);
    for (size_t p = p0; p < p1; p++) {
        const char *panel = (const char *)w->panels + p * panel_bytes;
        const float *bias = w->bias ? w->bias + p * KERN_PANEL : NULL, *scale = NULL;
        memset(tile, 0, rows * sizeof *tile);
        if (w->type == KERN_INT8) {
            scale = (const float *)(const void *)panel;
            panel_int8(tile, x, rows, (const uint8_t *)(scale + KERN_PANEL), groups);
        } else {
            panel_int4(tile, x, rows, (const uint8_t *)panel, groups);
        }
        scale_rows(tile, rows, scale, bias);
        finish(y + p * KERN_PANEL, ldy, tile, rows, min_size(KERN_PANEL, w->n - p * KERN_PANEL),
               how);
    }
}

// --- Activations -----------------------------------------------------------------------------

// One group: q, scale, and what sums of it start at. Numbers that are not finite make the scale
// NaN, and so every sum.
static void quantise_group(int8_t *q, float *scale, int32_t *sum, const float *x) {
    ivec top = i_abs_bits(v_load(x)), half[2];
    for (size_t i = KERN_LANES; i < KERN_GROUP; i += KERN_LANES)
        top = i_max(top, i_abs_bits(v_load(x + i)));
    int32_t bits = i_top(top);
    float max;
    memcpy(&max, &bits, sizeof max);
    bool finite = bits < 0x7F800000, usable = finite && max >= KERN_INT_TINY;
    *scale = usable ? max / 127.0F : finite ? 0 : NAN;
    if (!usable) {
        memset(q, 0, KERN_GROUP);
        sum[0] = sum[1] = 0;
        return;
    }
    vec inverse = v_set(127.0F / max);
    for (size_t i = 0; i < KERN_GROUP; i += KERN_LANES) {
        ivec v = v_round(v_mul(v_load(x + i), inverse));
        i_store_low(q + i, v);
        half[i / 32] = i % 32 ? i_add(half[i / 32], v) : v;
    }
    sum[1] = -128 * i_sum(half[1]);
    sum[0] = sum[1] - 128 * i_sum(half[0]);
}

void KERN_INT_NAME(quantise)(const kern_rows *x, size_t row, size_t k) {
    const float *from = x->x + row * x->ld;
    int8_t *q = x->q + row * x->ld_q;
    float *scale = x->scale + row * (x->ld_q / KERN_GROUP);
    int32_t *sum = x->sum + row * (x->ld_q / 32);
    for (size_t at = 0; at < k; at += KERN_GROUP, q += KERN_GROUP, scale++, sum += 2) {
        float last[KERN_GROUP] = {0};
        if (k - at < KERN_GROUP) memcpy(last, from + at, (k - at) * sizeof *last);
        quantise_group(q, scale, sum, k - at < KERN_GROUP ? last : from + at);
    }
}
