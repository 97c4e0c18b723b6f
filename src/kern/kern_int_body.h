// kern/kern_int_body.h -- products with integer weights, written once over 16 virtual lanes.
//
// Included by kern_int_SET.c, which define KERN_INT_NAME(function), ROWS (activation rows whose
// sums fit the registers), `vec` (16 floats), `ivec` (16 int32_t), `bytes` (16 x 4 bytes), and on
// them
//
//   v_load, v_store, v_set, v_mul, v_fma      as kern_body.h's
//   v_int(ivec)                               to floats: exact here
//   v_bf16(const void *, int high)            floats from the low or high halves of 16 words
//   v_f16(const uint16_t *), v_e8m0(const uint8_t *)
//                                             16 scales; of E8M0 e 2^(e - 127), 0xFF infinity
//   i_set(int32_t)
//   i_dot(ivec, bytes w, const int8_t *q)     + w.q: four unsigned by four signed bytes a lane
//                                             (KERN_INT_SIGNED: of w - 128)
//   b_load(const uint8_t *)
//   b_low, b_high(bytes)                      the low, high four bits of each byte
//   b_value(bytes, const uint8_t values[16])  values of those
//   v_round(vec)                              to the nearest integers, halves to even
//   i_abs_bits(vec)                           its bits without the sign, as integers
//   i_max, i_add, i_top, i_sum                lanes; the largest lane, the sum of all lanes
//   i_store_low(int8_t *, ivec)               the low byte of each lane
//
// A set with a matrix unit defines KERN_INT_TILED(type), the rows from which on it takes that
// (kern_int_tiled.h).
//
// Rejected: unpacking int4 to bytes before several tiles read it (with AVX-VNNI a fifth faster from
// 32 rows on; with AVX-512 no faster from caches and, 16 rows from memory, a third slower).
//
//   I1  all that integers do is exact, in any order; a float sum over k runs group after group,
//       each one v_fma, whatever the machine, the rows, the block or the task
//   I2  sums below 2^24: 64 x 255 x 127, so v_int never rounds

#include "kern/kern_int.h"

#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

enum {
    STEPS = KERN_GROUP / 4,  // of four columns, in a group
    BLOCK = 16,              // groups: 32 KB of bytes
    NEAR = 8192,             // bytes to read ahead
};

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

// What a row's sum over the columns of one weight scale starts at. Weights of q4_0 are -8 and not
// -128 below what is multiplied.
INLINE int32_t start(const int32_t *sum, const kern_type t, const int half) {
#ifdef KERN_INT_SIGNED
    (void)sum, (void)t, (void)half;
    return 0;
#else
    int32_t of = t == KERN_INT8 ? sum[0] : half ? sum[1] : sum[0] - sum[1];
    return t == KERN_Q4_0 ? of / 16 : of;
#endif
}

INLINE bytes value(bytes small, const kern_type t) {
#ifndef KERN_INT_SIGNED
    if (t == KERN_Q4_0) return small;
#endif
    return b_value(small, kern__int_values[t]);
}

// Two vectors of byte weights of four columns.
INLINE void weights(bytes w[2], const uint8_t *from, const kern_type t) {
    bytes first = b_load(from);
    bool small = kern__int_is_small(t);
    w[0] = small ? value(b_low(first), t) : first;
    w[1] = small ? value(b_high(first), t) : b_load(from + KERN_INT_STEP / 2);
}

// The scales of two vectors of sums over half a group. E8M0's are of doubled values; infinity
// becomes NaN.
INLINE void scales(vec s[2], const uint8_t *from, const kern_type t, const int half) {
    for (int i = 0; i < 2; i++) {
        int at = half * KERN_PANEL + i * KERN_LANES;
        if (t == KERN_INT4)
            s[i] = v_bf16(from + i * KERN_INT_STEP / 2, half);
        else if (t == KERN_MXFP4)
            s[i] = v_mul(v_e8m0(from + at), v_set(0.5F));
        else
            s[i] = v_f16((const uint16_t *)(const void *)from + at);
        if (t == KERN_MXFP4) s[i] = v_fma(s[i], v_set(0), s[i]);
    }
}

// tile[r] += scales * (w . q) over some groups. `t` and `rows` are constants where this is inlined.
INLINE void tile_add(float (*tile)[KERN_PANEL], part x, const uint8_t *w, size_t groups,
                     size_t ahead, const kern_type t, const int rows) {
    const int halves = t == KERN_INT8 ? 1 : 2;
    const int step = KERN_INT_STEP / (kern__int_is_small(t) ? 2 : 1);
    const size_t ld = x.ld_q, ld3 = 3 * ld;
    for (size_t g = 0; g < groups; g++, x.sum += 2, x.scale++) {
        const uint8_t *of_group = w;
        w += kern__int_scales(t);
        UNROLL for (int h = 0; h < halves; h++) {
            ivec a[ROWS][2];
            UNROLL for (int r = 0; r < rows; r++) a[r][0] = a[r][1] =
                i_set(start(x.sum + (size_t)r * (ld / 32), t, h));
            for (int s = 0; s < STEPS / halves; s++, w += step, x.q += 4) {
                bytes b[2];
                weights(b, w, t);
                for (int i = 0; i < step; i += CACHE_LINE)
                    __builtin_prefetch(w + ahead + i, 0, 2);
                UNROLL for (int r = 0; r < rows; r++) {  // base + 0..3 ld: an address has room
                    const int8_t *q = x.q + (size_t)(r & ~3) * ld;
                    q += r % 4 == 3 ? ld3 : (size_t)(r % 4) * ld;
                    a[r][0] = i_dot(a[r][0], b[0], q);
                    a[r][1] = i_dot(a[r][1], b[1], q);
                }
            }
            vec d[2];
            if (t != KERN_INT8) scales(d, of_group, t, h);
            UNROLL for (int r = 0; r < rows; r++) {
                vec scale = v_set(x.scale[(size_t)r * (ld / KERN_GROUP)]);
                for (int i = 0; i < 2; i++) {  // I1
                    float *to = tile[r] + i * KERN_LANES;
                    vec s = t == KERN_INT8 ? scale : v_mul(scale, d[i]);
                    v_store(to, v_fma(v_int(a[r][i]), s, v_load(to)));
                }
            }
        }
    }
}

// Each in a function of its own: together they drown the compiler's allocation of registers.
#define TILE(t, rows)                                                                              \
    static __attribute__((noinline)) void tile_##t##_##rows(                                       \
        float(*tile)[KERN_PANEL], part x, const uint8_t *w, size_t groups, size_t ahead) {         \
        tile_add(tile, x, w, groups, ahead, KERN_##t, rows);                                       \
    }
#define TILES(rows)                                                                                \
    TILE(INT8, rows) TILE(INT4, rows) TILE(Q8_0, rows) TILE(Q4_0, rows) TILE(MXFP4, rows)

typedef void tile_fn(float (*tile)[KERN_PANEL], part x, const uint8_t *w, size_t groups,
                     size_t ahead);
typedef struct tile_kind {
    size_t rows;
    tile_fn *of[KERN_TYPES];
} tile_kind;
#define TILE_KIND(rows)                                                                            \
    {                                                                                              \
        rows, {                                                                                    \
            [KERN_INT8] = tile_INT8_##rows, [KERN_INT4] = tile_INT4_##rows,                        \
            [KERN_Q8_0] = tile_Q8_0_##rows, [KERN_Q4_0] = tile_Q4_0_##rows,                        \
            [KERN_MXFP4] = tile_MXFP4_##rows                                                       \
        }                                                                                          \
    }

TILES(1)
TILES(2)
#if ROWS > 2
TILES(3)
#endif
#if ROWS > 3
TILES(4)
#endif
#if ROWS > 4
TILES(6)
TILES(8)
#endif
#if ROWS > 8
TILES(12)
#endif

static const tile_kind tile_kinds[] = {
#if ROWS > 8
    TILE_KIND(12),
#endif
#if ROWS > 4
    TILE_KIND(8),  TILE_KIND(6),
#endif
#if ROWS > 3
    TILE_KIND(4),
#endif
#if ROWS > 2
    TILE_KIND(3),
#endif
    TILE_KIND(2),  TILE_KIND(1),
};

static void add_rows(float (*tile)[KERN_PANEL], const kern_rows *x, size_t rows, size_t group,
                     const uint8_t *w, size_t groups, size_t ahead, kern_type type) {
    const tile_kind *t = tile_kinds;
    for (size_t r = 0; r < rows; r += t->rows) {
        while (t->rows > rows - r)
            t++;
        t->of[type](tile + r, part_at(x, r, group), w, groups, ahead);
    }
}

#ifdef KERN_INT_TILED
#include "kern/kern_int_tiled.h"
#endif

// --- Panels ----------------------------------------------------------------------------------

// A block of weights stays in the L1 cache for all rows; the next one is asked for meanwhile.
static void add_panel(float (*tile)[KERN_PANEL], const kern_rows *x, size_t rows, const uint8_t *w,
                      size_t groups, kern_type t) {
    size_t bytes_of_group = kern__int_group(t);
    size_t ahead = rows <= ROWS ? NEAR : BLOCK * bytes_of_group;
    for (size_t g = 0; g < groups; g += BLOCK)
        add_rows(tile, x, rows, g, w + g * bytes_of_group, min_size(BLOCK, groups - g), ahead, t);
}

// y = tile * scale + bias, or y += that; without a scale tile + bias. Functions of sums and the
// columns of a last panel take the float kernels' way: through memory.
static void finish_panel(float *y, size_t ldy, float (*tile)[KERN_PANEL], size_t rows, size_t n,
                         const float *scale, const float *bias, kern_store how,
                         kern_finish *finish) {
    static const float zero[KERN_PANEL];
    bool direct = n == KERN_PANEL && how <= KERN_ADD;
    for (size_t i = 0; i < KERN_PANEL; i += KERN_LANES) {
        vec one = v_set(1), s = scale ? v_load(scale + i) : one,
            b = v_load((bias ? bias : zero) + i);
        for (size_t r = 0; r < rows; r++) {
            float *to = direct ? y + r * ldy + i : tile[r] + i;
            vec sum = v_fma(v_load(tile[r] + i), s, b);
            if (direct && how == KERN_ADD) sum = v_fma(sum, one, v_load(to));
            v_store(to, sum);
        }
    }
    if (!direct) finish(y, ldy, tile, rows, n, how);
}

void KERN_INT_NAME(matmul)(float *y, size_t ldy, const kern_rows *x, size_t rows, const kern_mat *w,
                           size_t p0, size_t p1, kern_store how, kern_finish *finish) {
    _Alignas(KERN_ALIGN) float tile[KERN_ROWS_MAX][KERN_PANEL];
    ASSERT(rows <= KERN_ROWS_MAX && p1 <= kern_panels(w->n));
    size_t groups = (w->k + KERN_GROUP - 1) / KERN_GROUP;
    size_t panel_bytes = kern__int_panel_bytes(w->type, w->k);
    size_t width = kern_store_width(how), columns = w->n * width / KERN_PANEL;
#ifdef KERN_INT_TILED
    bool tiled = rows >= KERN_INT_TILED(w->type);
    if (tiled) tiled_begin(rows, w->type);
#endif
    for (size_t p = p0; p < p1; p++) {
        const char *panel = (const char *)w->panels + p * panel_bytes;
        const float *bias = w->bias ? w->bias + p * KERN_PANEL : NULL;
        const float *scale = w->type == KERN_INT8 ? (const float *)(const void *)panel : NULL;
        const uint8_t *first = (const uint8_t *)panel + (scale ? KERN_PANEL * sizeof *scale : 0);
        memset(tile, 0, rows * sizeof *tile);
#ifdef KERN_INT_TILED
        if (tiled)
            tiled_add(tile, x, rows, first, groups, w->type);
        else
#endif
            add_panel(tile, x, rows, first, groups, w->type);
        finish_panel(y + p * width, ldy, tile, rows, min_size(width, columns - p * width), scale,
                     bias, how, finish);
    }
#ifdef KERN_INT_TILED
    if (tiled) tiled_end();
#endif
}

#include "kern/kern_int_quantise.h"
