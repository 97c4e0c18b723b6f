// Rows of int8 weights in tiles of the matrix unit (AMX); all else as in kern_int_avx512vnni.c.
//
// A panel's bytes are what tdpbsud wants as its second operand: 16 steps of four columns by 16
// rows of weights. Its first operand is up to 16 activation rows by 64 columns, and one instruction
// makes 16 x 16 sums of a group; they go to the L1 cache, from where they are added up as ever.
//
//   I1  tiles are configured within one product only: no thread keeps any, nothing else meets them
//   I2  nothing beyond the caller's rows is read: all tiles of a call have the same height, and
//       the last ones overlap those before, whose sums are left out
//
// Rejected: tiles for fewer rows. Weights come from memory then, and VNNI is as fast at 16 rows, a
// fifth faster at 8.

#if defined(__x86_64__)

#include "kern/kern_int_zmm.h"

#define ROWS             12
#define KERN_INT_NAME(f) kern__int_##f##_amx
#define KERN_INT_TILED   32  // rows

static inline ivec i_dot(ivec a, bytes w, const int8_t *q) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(a) : "v"(w), "v"(i_four(q)));
    return a;
}

enum { HEIGHT = 16, RUN = 8 };  // rows of a tile; groups

typedef int32_t sums[2][HEIGHT][KERN_LANES];  // of a group

static size_t tile_height(size_t rows) {
    size_t tiles = (rows + HEIGHT - 1) / HEIGHT;
    return (rows + tiles - 1) / tiles;
}

// Tiles 0 to 3 hold sums, 4 and 5 activations, 6 and 7 weights.
static void tiled_begin(size_t rows) {
    struct {
        uint8_t palette, start, zero[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } config = {.palette = 1};
    for (size_t i = 0; i < 8; i++) {
        config.row_bytes[i] = 64;
        config.rows[i] = (uint8_t)(i < 6 ? tile_height(rows) : KERN_GROUP / 4);
    }
    __asm__ volatile("ldtilecfg %0" : : "m"(config));  // gcc's builtin reads eight bytes
}

static void tiled_end(void) {
    _tile_release();
}

// Sums of a group at w in the tiles c0 and c1, by way of the tile a: constants, all.
#define TILED_GROUP(c0, c1, a, sum, q, ld, w)                                                      \
    do {                                                                                           \
        _tile_loadd(6, (w), KERN_INT_STEP);                                                        \
        _tile_loadd(a, (q), (ld));                                                                 \
        _tile_loadd(7, (w) + KERN_INT_STEP / 2, KERN_INT_STEP);                                    \
        _tile_zero(c0);                                                                            \
        _tile_zero(c1);                                                                            \
        _tile_dpbsud(c0, a, 6);                                                                    \
        _tile_dpbsud(c1, a, 7);                                                                    \
        _tile_stored(c0, (sum)[0], sizeof(sum)[0][0]);                                             \
        _tile_stored(c1, (sum)[1], sizeof(sum)[1][0]);                                             \
    } while (0)

static void tiled_sums(sums *out, const int8_t *q, size_t ld, const uint8_t *w, size_t groups) {
    size_t g = 0;
    for (; g + 2 <= groups; g += 2, q += 2 * KERN_GROUP, w += 2 * KERN_INT8_GROUP) {
        TILED_GROUP(0, 1, 4, out[g], q, ld, w);
        TILED_GROUP(2, 3, 5, out[g + 1], q + KERN_GROUP, ld, w + KERN_INT8_GROUP);
    }
    if (g < groups) TILED_GROUP(0, 1, 4, out[g], q, ld, w);
}

// to += scale * (start + sums of row `r`), group after group. Asks for `lines` at `next` in each.
static void tiled_row(float *to, const sums *of, size_t r, const float *scale, const int32_t *start,
                      size_t groups, const uint8_t *next, size_t lines) {
    vec y0 = v_load(to), y1 = v_load(to + KERN_LANES);
    for (size_t g = 0; g < groups; g++) {
        for (size_t i = 0; i < lines; i++, next += CACHE_LINE)
            __builtin_prefetch(next, 0, 2);
        vec s = v_set(scale[g]);
        ivec from = i_set(start[2 * g]);
        y0 = v_fma(v_int(i_add(from, _mm512_load_si512(of[g][0][r]))), s, y0);
        y1 = v_fma(v_int(i_add(from, _mm512_load_si512(of[g][1][r]))), s, y1);
    }
    v_store(to, y0);
    v_store(to + KERN_LANES, y1);
}

// What add_panel of kern_int_body.h does with bytes, for KERN_INT_TILED rows or more. While the
// first rows are added up, the next run of weights is asked for, a few lines at a time.
static void tiled_add(float (*tile)[KERN_PANEL], const kern_rows *x, size_t rows, const uint8_t *w,
                      size_t groups) {
    _Alignas(KERN_ALIGN) sums part[RUN];
    size_t height = tile_height(rows), ld = x->ld_q;
    size_t lines = (KERN_INT8_GROUP / CACHE_LINE + height - 1) / height;
    for (size_t g = 0; g < groups; g += RUN, w += RUN * KERN_INT8_GROUP) {
        size_t n = min_size(RUN, groups - g);
        for (size_t done = 0; done < rows;) {
            size_t from = min_size(done, rows - height);  // I2
            tiled_sums(part, x->q + from * ld + g * KERN_GROUP, ld, w, n);
            for (; done < from + height; done++)
                tiled_row(tile[done], part, done - from, x->scale + done * (ld / KERN_GROUP) + g,
                          x->sum + done * (ld / 32) + g * 2, n,
                          w + RUN * KERN_INT8_GROUP + done * n * lines * CACHE_LINE,
                          done < height ? lines : 0);
        }
    }
}

#include "kern/kern_int_body.h"

#endif
