// kern/kern_int_tiled.h -- products of many rows in tiles of the matrix unit (AMX); part of
// kern_int_body.h for sets that define KERN_INT_TILED.
//
// A panel's bytes are what tdpbsud wants as its second operand: steps of four columns by 16 rows of
// weights. Groups with scales of their own are unpacked first, once for all rows, to signed bytes
// (tdpbssd), whose sums start at 0. The first operand is up to 16 activation rows by the columns
// that share a weight scale, and one instruction makes 16 x 16 sums of those; they go to the first
// cache, from where they are added up as ever.
//
//   T1  tiles are configured within one product only: no thread keeps any, nothing else meets them
//   T2  nothing beyond the caller's rows is read: all tiles of a call have the same height, and
//       the last ones overlap those before, whose sums are left out
//   T3  sums, and the order in which they are added, are those of kern_int_body.h

enum { HEIGHT = 16, RUN = 4 };  // rows of a tile; groups

// Sums of a group: by half (int8 has one for all of it) and by vector of outputs.
typedef int32_t sums[2][2][HEIGHT][KERN_LANES];

// What some groups of a panel are multiplied from: weights as bytes, and their scales.
typedef struct tiled_run {
    _Alignas(KERN_ALIGN) sums part[RUN];
    _Alignas(KERN_ALIGN) uint8_t unpacked[RUN][KERN_INT8_GROUP];
    _Alignas(KERN_ALIGN) float scale[RUN][2][2][KERN_LANES];
    const uint8_t *bytes;  // group after group
    size_t groups;
} tiled_run;

static size_t tile_height(size_t rows) {
    size_t tiles = (rows + HEIGHT - 1) / HEIGHT;
    return (rows + tiles - 1) / tiles;
}

// Tiles 0 to 3 hold sums, 4 and 5 activations, 6 and 7 weights.
static void tiled_begin(size_t rows, kern_type t) {
    struct {
        uint8_t palette, start, zero[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } config = {.palette = 1};
    size_t columns = t == KERN_INT8 ? KERN_GROUP : KERN_INT_COLUMNS;
    for (size_t i = 0; i < 8; i++) {
        config.row_bytes[i] = (uint16_t)(i == 4 || i == 5 ? columns : 64);
        config.rows[i] = (uint8_t)(i < 6 ? tile_height(rows) : columns / 4);
    }
    __asm__ volatile("ldtilecfg %0" : : "m"(config));  // gcc's builtin reads eight bytes
}

static void tiled_end(void) {
    _tile_release();
}

// Sums of weights at w in the tiles c0 and c1, by way of the tile a: constants, all.
#define TILED_SUMS(dot, c0, c1, a, sum, q, ld, w)                                                  \
    do {                                                                                           \
        _tile_loadd(6, (w), KERN_INT_STEP);                                                        \
        _tile_loadd(a, (q), (ld));                                                                 \
        _tile_loadd(7, (w) + KERN_INT_STEP / 2, KERN_INT_STEP);                                    \
        _tile_zero(c0);                                                                            \
        _tile_zero(c1);                                                                            \
        dot(c0, a, 6);                                                                             \
        dot(c1, a, 7);                                                                             \
        _tile_stored(c0, (sum)[0], sizeof(sum)[0][0]);                                             \
        _tile_stored(c1, (sum)[1], sizeof(sum)[1][0]);                                             \
    } while (0)

INLINE void tiled_sums(tiled_run *u, const int8_t *q, size_t ld, const kern_type t) {
    const uint8_t *w = u->bytes;
    for (size_t g = 0; g < u->groups; g++, q += KERN_GROUP, w += KERN_INT8_GROUP) {
        const int8_t *q2 = q + KERN_INT_COLUMNS;
        const uint8_t *w2 = w + KERN_INT8_GROUP / 2;
        if (t != KERN_INT8) {
            TILED_SUMS(_tile_dpbssd, 0, 1, 4, u->part[g][0], q, ld, w);
            TILED_SUMS(_tile_dpbssd, 2, 3, 5, u->part[g][1], q2, ld, w2);
        } else if (g % 2) {
            TILED_SUMS(_tile_dpbsud, 2, 3, 5, u->part[g][0], q, ld, w);
        } else {
            TILED_SUMS(_tile_dpbsud, 0, 1, 4, u->part[g][0], q, ld, w);
        }
    }
}

// What the 16 values of four bits stand for.
INLINE __m512i tiled_values(const kern_type t) {
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)kern__int_values[t]);
    return _mm512_broadcast_i32x4(_mm_xor_si128(v, _mm_set1_epi8(-128)));
}

INLINE void tiled_scales(tiled_run *u, size_t g, const uint8_t *w, const kern_type t) {
    for (int half = 0; half < 2; half++) {
        vec d[2];
        scales(d, w, t, half);
        v_store(u->scale[g][half][0], d[0]);
        v_store(u->scale[g][half][1], d[1]);
    }
}

// A group as signed bytes.
INLINE void tiled_bytes(uint8_t *to, const uint8_t *w, const kern_type t) {
    const bool small = kern__int_is_small(t);
    const __m512i values = tiled_values(t), sign = _mm512_set1_epi8(-128);
    for (size_t s = 0; s < STEPS * (small ? 1 : 2); s++, w += CACHE_LINE) {
        bytes b = b_load(w);
        if (small) {
            _mm512_store_si512(to, _mm512_shuffle_epi8(values, b_low(b)));
            to += CACHE_LINE;
            _mm512_store_si512(to, _mm512_shuffle_epi8(values, b_high(b)));
        } else {
            _mm512_store_si512(to, _mm512_xor_si512(b, sign));
        }
        to += CACHE_LINE;
    }
}

INLINE void tiled_unpack(tiled_run *u, const uint8_t *w, size_t groups, const kern_type t) {
    u->groups = groups;
    u->bytes = t == KERN_INT8 ? w : u->unpacked[0];
    for (size_t g = 0; g < groups && t != KERN_INT8; g++, w += kern__int_group(t)) {
        tiled_scales(u, g, w, t);
        tiled_bytes(u->unpacked[g], w + kern__int_scales(t), t);
    }
}

// y + scale * (start + sums of row `r`)
INLINE vec tiled_fma(vec y, const tiled_run *u, size_t g, int half, size_t r, int v, vec scale,
                     const int32_t *sum, const kern_type t) {
    ivec a = _mm512_load_si512(u->part[g][half][v][r]);
    if (t == KERN_INT8)
        a = i_add(a, i_set(start(sum, t, half)));
    else
        scale = v_mul(scale, v_load(u->scale[g][half][v]));
    return v_fma(v_int(a), scale, y);
}

// That of all groups, one after another. Asks for `lines` at `next` in each.
INLINE void tiled_row(float *to, const tiled_run *u, size_t r, part x, const uint8_t *next,
                      size_t lines, const kern_type t) {
    vec y0 = v_load(to), y1 = v_load(to + KERN_LANES);
    for (size_t g = 0; g < u->groups; g++, x.sum += 2) {
        for (size_t i = 0; i < lines; i++, next += CACHE_LINE)
            __builtin_prefetch(next, 0, 2);
        vec s = v_set(x.scale[g]);
        y0 = tiled_fma(y0, u, g, 0, r, 0, s, x.sum, t);
        y1 = tiled_fma(y1, u, g, 0, r, 1, s, x.sum, t);
        if (t == KERN_INT8) continue;
        y0 = tiled_fma(y0, u, g, 1, r, 0, s, x.sum, t);
        y1 = tiled_fma(y1, u, g, 1, r, 1, s, x.sum, t);
    }
    v_store(to, y0);
    v_store(to + KERN_LANES, y1);
}

// What add_panel does, for KERN_INT_TILED(t) rows or more. While the first rows are added up, what
// comes RUN groups later is asked for, a few lines at a time.
INLINE void tiled_panel(float (*tile)[KERN_PANEL], const kern_rows *x, size_t rows,
                        const uint8_t *w, size_t groups, const kern_type t) {
    tiled_run u;
    size_t height = tile_height(rows), size = kern__int_group(t), n;
    size_t runs = (groups + RUN - 1) / RUN;
    size_t lines = (size / CACHE_LINE + height - 1) / height;
    for (size_t g = 0; g < groups; g += n, w += n * size, runs--) {
        n = (groups - g + runs - 1) / runs;
        tiled_unpack(&u, w, n, t);
        for (size_t done = 0; done < rows;) {
            size_t from = min_size(done, rows - height);  // T2
            tiled_sums(&u, part_at(x, from, g).q, x->ld_q, t);
            for (; done < from + height; done++)
                tiled_row(tile[done], &u, done - from, part_at(x, done, g),
                          w + RUN * size + done * n * lines * CACHE_LINE, done < height ? lines : 0,
                          t);
        }
    }
}

#define TILED_PANEL(t)                                                                             \
    static                                                                                         \
        __attribute__((noinline)) void tiled_##t(float(*tile)[KERN_PANEL], const kern_rows *x,     \
                                                 size_t rows, const uint8_t *w, size_t groups) {   \
        tiled_panel(tile, x, rows, w, groups, KERN_##t);                                           \
    }
TILED_PANEL(INT8)
TILED_PANEL(INT4)
TILED_PANEL(Q8_0)
TILED_PANEL(Q4_0)
TILED_PANEL(MXFP4)

static void tiled_add(float (*tile)[KERN_PANEL], const kern_rows *x, size_t rows, const uint8_t *w,
                      size_t groups, kern_type t) {
    static void (*const of[KERN_TYPES])(float(*)[KERN_PANEL], const kern_rows *, size_t,
                                        const uint8_t *, size_t) = {
        [KERN_INT8] = tiled_INT8, [KERN_INT4] = tiled_INT4,   [KERN_Q8_0] = tiled_Q8_0,
        [KERN_Q4_0] = tiled_Q4_0, [KERN_MXFP4] = tiled_MXFP4,
    };
    of[t](tile, x, rows, w, groups);
}
