// kern/kern_matmul.h -- products with f32, bf16 and f16 weights; part of kern_body.h.
//
// A tile keeps the sums of a few activation rows and one panel's columns in registers. 16-bit
// weights are widened, which is exact, and then take the same path: a bf16 matrix gives the bits of
// the f32 matrix of its values.
//
//   I1  a sum is bias, then blocks of K_BLOCK products in order, each one FMA chain from zero:
//       shorter chains lose less, and the order depends on k alone
//   I2  lane = output column: no sum crosses lanes, rows or panels
//
// Beside kern_body.h's operations the including file defines
//   v_load_f16(p)            16 halves, widened
//   v_load_bf16(p, &e, &o)   16 pairs of bf16, the first of each into e
//   ROWS, VECS               the largest tile: ROWS rows of VECS vectors. VECS is 2, a panel, where
//                            weights of any type can be widened in registers; 1, half a panel,
//                            where registers are few: then blocks are widened in memory, for more
//                            than two rows
//
// Rejected: vdpbf16ps. It adds pairs and flushes subnormals, so bits would depend on the machine;
// and it runs at half rate on the Xeon that the figures are from.

// One code for each number of rows.
#if ROWS == 12
#define FOR_EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12)
#elif ROWS == 6
#define FOR_EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#elif ROWS == 2
#define FOR_EACH_ROWS(X) X(1) X(2)
#endif

enum {
    K_BLOCK = 256,
    // How far ahead of a stream to ask for lines. Near, because hardware follows a stream within
    // its page by itself (Xeon, one core: 15.6 GB/s without, 20.1 at 768, 15.5 at 8 KB). Further
    // for more rows, whose steps take longer (8 rows, two cores: 23 GB/s at 768, 27 at 2 KB).
    AHEAD = 768,
    AHEAD_ROWS = 2048,
};

// Bytes of one k of a panel.
INLINE size_t w_bytes(const kern_type t) {
    return KERN_PANEL * (t == KERN_F32 ? sizeof(float) : sizeof(uint16_t));
}

// The weights of k and k + 1, k even.
INLINE void w_pair(vec w[2][2], const char *p, const kern_type t) {
    const float *f = (const float *)(const void *)p;
    const uint16_t *h = (const uint16_t *)(const void *)p;
    UNROLL for (int c = 0; c < 2; c++) {
        size_t at = (size_t)c * KERN_LANES;
        if (t == KERN_BF16) {
            v_load_bf16(h + 2 * at, &w[0][c], &w[1][c]);
        } else {
            w[0][c] = t == KERN_F32 ? v_load(f + at) : v_load_f16(h + at);
            w[1][c] = t == KERN_F32 ? v_load(f + KERN_PANEL + at) : v_load_f16(h + KERN_PANEL + at);
        }
    }
}

// The weights of a last k that has no partner. A bf16 panel has room for it, filled with zeros.
INLINE void w_last(vec w[2], const char *p, const kern_type t) {
    const float *f = (const float *)(const void *)p;
    const uint16_t *h = (const uint16_t *)(const void *)p;
    vec none;
    UNROLL for (int c = 0; c < 2; c++) {
        size_t at = (size_t)c * KERN_LANES;
        if (t == KERN_BF16)
            v_load_bf16(h + 2 * at, &w[c], &none);
        else
            w[c] = t == KERN_F32 ? v_load(f + at) : v_load_f16(h + at);
    }
}

// What a tile reads. Meanwhile it asks for other lines, `next_step` bytes further each k; every
// other one where `is_thin`, the hardware bringing lines by pairs.
typedef struct tile_in {
    const float *x;
    size_t ldx;
    const char *w, *next;
    size_t k, next_step;
    bool is_thin;
} tile_in;

// The sums of a tile: columns from `sum` of rows KERN_PANEL apart.
typedef struct tile {
    vec v[ROWS][2];
} tile;

INLINE void tile_fma(tile *a, const float *x, size_t ldx, const vec *w, const int rows,
                     const int vecs) {
    UNROLL for (int r = 0; r < rows; r++) {
        vec b = v_set(x[(size_t)r * ldx]);
        UNROLL for (int c = 0; c < vecs; c++) a->v[r][c] = v_fma(b, w[c], a->v[r][c]);
    }
}

INLINE void prefetch(const char *next, const size_t bytes, bool is_thin) {
    __builtin_prefetch(next, 0, 2);
    if (is_thin) return;
    UNROLL for (size_t at = CACHE_LINE; at < bytes; at += CACHE_LINE)
        __builtin_prefetch(next + at, 0, 2);
}

// Sums of k products. f32 takes one k at a time, which leaves more registers; the others two, which
// is what one load of bf16 holds.
INLINE void tile_block(tile *a, const tile_in *in, const int rows, const int vecs,
                       const kern_type t) {
    const float *x = in->x;
    const char *p = in->w, *next = in->next;
    const size_t ldx = in->ldx, step = w_bytes(t), next_step = in->next_step, last = in->k % 2;
    vec w[2][2];
    if (t == KERN_F32) {
        for (const float *end = x + in->k; x < end; x++, p += step, next += next_step) {
            prefetch(next, step * (size_t)vecs / 2, in->is_thin);
            UNROLL for (int c = 0; c < vecs; c++) w[0][c] =
                v_load((const float *)(const void *)p + c * KERN_LANES);
            tile_fma(a, x, ldx, w[0], rows, vecs);
        }
        return;
    }
    for (const float *end = x + in->k - last; x < end; x += 2) {
        prefetch(next, 2 * step, in->is_thin);
        w_pair(w, p, t);
        tile_fma(a, x, ldx, w[0], rows, vecs);
        tile_fma(a, x + 1, ldx, w[1], rows, vecs);
        p += 2 * step;
        next += 2 * next_step;
    }
    if (last) {
        w_last(w[0], p, t);
        tile_fma(a, x, ldx, w[0], rows, vecs);
    }
}

// sum[r] += a block's products. `rows`, `vecs` and `t` are constants where this is inlined.
INLINE void tile_add(float *sum, const tile_in *in, const int rows, const int vecs,
                     const kern_type t) {
    tile a;
    UNROLL for (int r = 0; r < rows; r++) UNROLL for (int c = 0; c < vecs; c++) a.v[r][c] =
        v_set(0);
    tile_block(&a, in, rows, vecs, t);
    UNROLL for (int r = 0; r < rows; r++) UNROLL for (int c = 0; c < vecs; c++) {
        float *to = sum + r * KERN_PANEL + c * KERN_LANES;
        v_store(to, v_add(v_load(to), a.v[r][c]));
    }
}

#define TILE_CASE(n)                                                                               \
    case n:                                                                                        \
        tile_add(sum, in, n, vecs, t);                                                             \
        break;
INLINE void tile_rows(float *sum, const tile_in *in, size_t rows, const int vecs,
                      const kern_type t) {
    switch (rows) { FOR_EACH_ROWS(TILE_CASE) }
}

// A block by whole panels; `rows` at most ROWS, or 2 with VECS 1.
#if VECS == 2
#define WHOLE_ROWS ROWS
#define whole_rows tile_rows
#else
#define WHOLE_ROWS 2
INLINE void whole_rows(float *sum, const tile_in *in, size_t rows, const int vecs,
                       const kern_type t) {
    if (rows == 1)
        tile_add(sum, in, 1, vecs, t);
    else
        tile_add(sum, in, 2, vecs, t);
}
#endif

typedef void block_fn(float *sum, const tile_in *in, size_t rows);

static void whole_f32(float *sum, const tile_in *in, size_t rows) {
    whole_rows(sum, in, rows, 2, KERN_F32);
}
static void whole_bf16(float *sum, const tile_in *in, size_t rows) {
    whole_rows(sum, in, rows, 2, KERN_BF16);
}
static void whole_f16(float *sum, const tile_in *in, size_t rows) {
    whole_rows(sum, in, rows, 2, KERN_F16);
}
static block_fn *const whole[] = {
    [KERN_F32] = whole_f32, [KERN_BF16] = whole_bf16, [KERN_F16] = whole_f16};

#if VECS == 1
// A block of f32 by the halves of a panel.
static void half_f32(float *sum, const tile_in *in, size_t rows) {
    tile_in second = *in;
    second.w += KERN_LANES * sizeof(float);
    tile_rows(sum, in, rows, 1, KERN_F32);
    tile_rows(sum + KERN_LANES, &second, rows, 1, KERN_F32);
}

// k rows of a 16-bit panel as f32.
static void widen(float *out, const char *p, size_t k, kern_type t) {
    vec w[2][2];
    size_t pairs = k / 2, step = 2 * w_bytes(t);
    for (size_t i = 0; i < pairs; i++, p += step, out += 2 * KERN_PANEL) {
        t == KERN_BF16 ? w_pair(w, p, KERN_BF16) : w_pair(w, p, KERN_F16);
        for (int j = 0; j < 4; j++)
            v_store(out + j * KERN_LANES, w[j / 2][j % 2]);
    }
    if (k % 2) {
        w_last(w[0], p, t);
        v_store(out, w[0][0]);
        v_store(out + KERN_LANES, w[0][1]);
    }
}
#endif

// A block for more rows than a tile holds: in groups of nearly the same size. All groups together
// ask for the next block once, by every other line: so 16 rows pass through GPT-2's weights 52
// times a second on two cores; with all lines 48 times; with lines 2 KB ahead in the first group
// only, 42.
static void by_groups(float *sum, const tile_in *in, size_t rows, block_fn *block) {
    size_t groups = (rows + ROWS - 1) / ROWS;
    tile_in part = *in;
    part.next_step /= groups;
    for (; groups > 0; groups--) {
        size_t n = (rows + groups - 1) / groups;
        block(sum, &part, n);
        sum += n * KERN_PANEL;
        rows -= n;
        part.x += n * part.ldx;
        part.next += part.next_step * part.k;
    }
}

static void add_block(float *sum, tile_in *in, size_t rows, kern_type t) {
    if (rows <= WHOLE_ROWS) {
        whole[t](sum, in, rows);
        return;
    }
    if (rows > ROWS) {
        in->next = in->w + in->k * w_bytes(t);
        in->is_thin = true;
    }
#if VECS == 2
    by_groups(sum, in, rows, whole[t]);
#else
    _Alignas(KERN_ALIGN) float wide[K_BLOCK * KERN_PANEL];
    if (t != KERN_F32) {
        widen(wide, in->w, in->k, t);
        in->w = (const char *)wide;
    }
    by_groups(sum, in, rows, half_f32);
#endif
}

static void finish_row(float *y, float *sum, size_t n, kern_store how) {
    const float *up = sum + KERN_LANES;
    if (how >= KERN_SWIGLU)
        v_store(sum, gate_vec(v_load(sum), v_load(up), how));
    else if (how >= KERN_GELU)
        for (size_t i = 0; i < KERN_PANEL; i += KERN_LANES) {
            vec x = v_load(sum + i);
            v_store(sum + i, how == KERN_GELU ? gelu_vec(x) : gelu_erf_vec(x));
        }
    if (how == KERN_ADD)
        for (size_t i = 0; i < n; i++)
            y[i] += sum[i];
    else
        memcpy(y, sum, n * sizeof *y);
}

static void matmul(float *y, size_t ldy, const kern_rows *x, size_t rows, const kern_mat *w,
                   size_t p0, size_t p1, kern_store how) {
    _Alignas(KERN_ALIGN) float sum[KERN_ROWS_MAX][KERN_PANEL];
    ASSERT(rows <= KERN_ROWS_MAX && p1 <= kern_panels(w->n) && !kern_type_is_int(w->type));
    size_t panel_bytes = kern_panel_bytes(w->type, w->k), step = w_bytes(w->type);
    size_t ahead = rows <= 2 ? AHEAD : AHEAD_ROWS;
    size_t width = kern_store_width(how), columns = w->n * width / KERN_PANEL;
    for (size_t p = p0; p < p1; p++) {
        size_t col = p * width, n = min_size(width, columns - col);
        for (size_t r = 0; r < rows; r++)
            w->bias ? memcpy(sum[r], w->bias + p * KERN_PANEL, sizeof sum[r])
                    : memset(sum[r], 0, sizeof sum[r]);
        const char *panel = (const char *)w->panels + p * panel_bytes;
        for (size_t k = 0; k < w->k; k += K_BLOCK) {  // I1
            const char *at = panel + k * step;
            tile_in in = {.x = x->x + k,
                          .ldx = x->ld,
                          .w = at,
                          .next = at + ahead,
                          .k = min_size(K_BLOCK, w->k - k),
                          .next_step = step};
            add_block(sum[0], &in, rows, w->type);
        }
        for (size_t r = 0; r < rows; r++)
            finish_row(y + r * ldy + col, sum[r], n, how);
    }
}
