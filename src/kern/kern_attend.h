// kern/kern_attend.h -- attention over pages, written once over 16 virtual lanes.
//
// Included by kern_body.h, whose rules and vectors it uses. Positions go in blocks of BLOCK, from
// 0: after each a row has its largest score so far, and the sum of exponentials and the sum of
// values weighted with them, both relative to that score (Milakov and Gimelshein 2018).
//
// Rows go in tiles: a block's keys and values come into the cache once for TILE rows, and into
// registers once for ROWS, VECS vectors at a time. A few rows, as heads that share keys have them
// in decoding, take the same steps with more vectors. Keys and values in f16 are widened on the
// way: `half` is a constant where functions are inlined.
//
//   A1  a score is one FMA chain over the head's columns; lanes are the positions of a page
//   A2  a row's sum of exponentials has 16 lanes, which take a block's pages in order
//   A3  an output is one FMA chain over a block's positions in order, from the scaled sum so far
//   A4  positions that a row does not see, behind its own or before its window, are in none of its
//       chains: its bits depend on its own query and positions, whoever shares the tile
//   A5  a largest score of -infinity counts as the lowest number: exponentials are then 0, not
//       infinity less infinity. Where all scores are -infinity the result is 0 / 0
//   A6  a sink is a score without a value, seen before all others

enum {
    BLOCK_PAGES = 4,
    BLOCK = BLOCK_PAGES * KERN_PAGE,
    TILE = 24,
    WIDE_MAX = 4,  // vectors side by side; BLOCK_PAGES is a multiple of VECS
};

typedef struct attend_tile {
    const kern_kv *kv;
    size_t head, rows;
    float softcap;
    size_t begin[TILE], end[TILE];         // positions that a row sees, both ascending
    float *out[TILE];                      // sums of values so far
    _Alignas(KERN_ALIGN) float max[TILE];  // scores so far
    _Alignas(KERN_ALIGN) float sum[TILE][KERN_LANES];
    _Alignas(KERN_ALIGN) float p[TILE][BLOCK];           // scores, then exponentials, of a block
    _Alignas(KERN_ALIGN) float q[KERN_HEAD_MAX * TILE];  // [head][rows], scaled
} attend_tile;

// Some rows of a tile at a block.
typedef struct attend_group {
    attend_tile *t;
    size_t r0, at;
    size_t lo[ROWS], hi[ROWS];                      // positions of the block that a row sees
    _Alignas(KERN_ALIGN) float factor[KERN_LANES];  // of the sums so far
} attend_group;

// Where 16 keys or values lie, and what they are.
INLINE const char *lanes_at(const char *page, size_t at, const bool half) {
    return page + at * (half ? sizeof(uint16_t) : sizeof(float));
}
INLINE vec lanes_load(const char *page, size_t at, const bool half) {
    const void *p = lanes_at(page, at, half);
    return half ? v_load_f16(p) : v_load(p);
}

// Keys at [0], values KERN_PAGE * head behind. Beyond the pages that the group sees: the nearest.
INLINE const char *page_of(const attend_group *g, size_t page, const int rows) {
    const attend_tile *t = g->t;
    size_t first = t->begin[g->r0] / KERN_PAGE;
    size_t last = (t->end[g->r0 + (size_t)rows - 1] - 1) / KERN_PAGE;
    size_t at = t->kv->page[max_size(first, min_size(page, last))] * t->kv->stride;
    return (const char *)(t->kv->base + at);
}

// acc[r][c] += a[r * row + i * step] * w[c][i * ld] for i < k. What the next block will need is
// asked for: pages lie anywhere (prefill of 512 with AVX-512: 101 GFLOP/s without, 110 with).
INLINE void fma_steps(vec (*acc)[WIDE_MAX], const float *a, size_t row, size_t step,
                      const char *const *w, const char *const *next, size_t ld, size_t k,
                      const int rows, const int wide, const bool half) {
    for (size_t i = 0; i < k; i++) {
        vec b[WIDE_MAX];
        UNROLL for (int c = 0; c < wide; c++) {
            b[c] = lanes_load(w[c], i * ld, half);
            __builtin_prefetch(lanes_at(next[c], i * ld, half), 0, 2);
        }
        UNROLL for (int r = 0; r < rows; r++) {
            vec x = v_set(a[(size_t)r * row + i * step]);
            UNROLL for (int c = 0; c < wide; c++) acc[r][c] = v_fma(x, b[c], acc[r][c]);
        }
    }
}

// A1
INLINE void score_pages(attend_group *g, size_t page, const int rows, const int wide,
                        const bool half) {
    attend_tile *t = g->t;
    vec acc[ROWS][WIDE_MAX];
    const char *keys[WIDE_MAX], *next[WIDE_MAX];
    UNROLL for (int c = 0; c < wide; c++) {
        size_t at = g->at / KERN_PAGE + page + (size_t)c;
        keys[c] = page_of(g, at, rows);
        next[c] = page_of(g, at + BLOCK_PAGES, rows);
        UNROLL for (int r = 0; r < rows; r++) acc[r][c] = v_set(0);
    }
    fma_steps(acc, t->q + g->r0, 1, t->rows, keys, next, KERN_PAGE, t->head, rows, wide, half);
    UNROLL for (int r = 0; r < rows; r++) {
        float *p = t->p[g->r0 + (size_t)r] + page * KERN_PAGE;
        UNROLL for (int c = 0; c < wide; c++) v_store(p + c * KERN_PAGE, acc[r][c]);
    }
}

// The largest of `max` and the scores [lo, hi); others in their pages go.
INLINE float top_of(float *p, size_t lo, size_t hi, float max) {
    for (size_t i = lo; i % KERN_PAGE; i--)
        p[i - 1] = -INFINITY;
    for (size_t i = hi; i % KERN_PAGE; i++)
        p[i] = -INFINITY;
    vec top = v_set(max);
    for (size_t at = lo & ~(size_t)(KERN_PAGE - 1); at < hi; at += KERN_PAGE)
        top = v_max(v_load(p + at), top);
    return v_top(top);
}

INLINE void cap_scores(attend_group *g, const int rows) {
    attend_tile *t = g->t;
    for (int r = 0; r < rows; r++) {
        float *p = t->p[g->r0 + (size_t)r];
        for (size_t at = g->lo[r] & ~(size_t)(KERN_PAGE - 1); at < g->hi[r]; at += KERN_PAGE)
            v_store(p + at, cap_vec(v_load(p + at), v_set(t->softcap)));
    }
}

// Scores become exponentials.
INLINE void soften_rows(attend_group *g, const int rows) {
    attend_tile *t = g->t;
    _Alignas(KERN_ALIGN) float was[KERN_LANES] = {0}, now[KERN_LANES] = {0};
    if (t->softcap != 0) cap_scores(g, rows);
    for (int r = 0; r < rows; r++) {
        size_t row = g->r0 + (size_t)r;
        was[r] = t->max[row];
        t->max[row] = top_of(t->p[row], g->lo[r], g->hi[r], was[r]);
        now[r] = fmaxf(t->max[row], -FLT_MAX);  // A5
    }
    v_store(g->factor, soft_exp_vec(v_sub(v_load(was), v_load(now))));
    for (int r = 0; r < rows; r++) {
        size_t row = g->r0 + (size_t)r;
        vec max = v_set(now[r]), sum = v_mul(v_load(t->sum[row]), v_set(g->factor[r]));
        size_t at = g->lo[r] & ~(size_t)(KERN_PAGE - 1);
        for (; at < g->hi[r]; at += KERN_PAGE)  // A2
            sum = v_add(sum, soften(t->p[row] + at, max));
        v_store(t->sum[row], sum);
    }
}

// One row's values of positions [from, to) of the block.
INLINE void add_alone(vec *acc, const attend_group *g, int r, size_t from, size_t to, size_t behind,
                      const int rows, const int wide, const bool half) {
    const float *p = g->t->p[g->r0 + (size_t)r];
    for (size_t i = from; i < to; i++) {
        const char *page = page_of(g, (g->at + i) / KERN_PAGE, rows);
        size_t at = behind + i % KERN_PAGE * g->t->head;
        vec x = v_set(p[i]);
        UNROLL for (int c = 0; c < wide; c++) acc[c] =
            v_fma(x, lanes_load(page, at + (size_t)c * KERN_LANES, half), acc[c]);
    }
}

// A3: what only the first rows see, what all see together, then the rest of each (A4).
INLINE void add_values(attend_group *g, size_t col, const int rows, const int wide,
                       const bool half) {
    attend_tile *t = g->t;
    const float *p = t->p[g->r0];
    vec acc[ROWS][WIDE_MAX];
    size_t ld = t->head, behind = KERN_PAGE * ld + col, from = g->lo[rows - 1], to = g->hi[0];
    UNROLL for (int r = 0; r < rows; r++) {
        vec factor = v_set(g->factor[r]);
        UNROLL for (int c = 0; c < wide; c++) acc[r][c] =
            v_mul(v_load(t->out[g->r0 + (size_t)r] + col + c * KERN_LANES), factor);
        add_alone(acc[r], g, r, g->lo[r], min_size(from, g->hi[r]), behind, rows, wide, half);
    }
    for (size_t at = from, n; at < to; at += n) {
        size_t page = (g->at + at) / KERN_PAGE, skip = at % KERN_PAGE * ld + behind;
        const char *values = page_of(g, page, rows);
        const char *ahead = page_of(g, page + BLOCK_PAGES, rows), *w[WIDE_MAX], *next[WIDE_MAX];
        n = min_size(KERN_PAGE - at % KERN_PAGE, to - at);
        UNROLL for (int c = 0; c < wide; c++) {
            w[c] = lanes_at(values, skip + (size_t)c * KERN_LANES, half);
            next[c] = lanes_at(ahead, skip + (size_t)c * KERN_LANES, half);
        }
        fma_steps(acc, p + at, BLOCK, 1, w, next, ld, n, rows, wide, half);
    }
    UNROLL for (int r = 0; r < rows; r++) {
        add_alone(acc[r], g, r, max_size(from, to), g->hi[r], behind, rows, wide, half);
        UNROLL for (int c = 0; c < wide; c++)
            v_store(t->out[g->r0 + (size_t)r] + col + c * KERN_LANES, acc[r][c]);
    }
}

INLINE void group_block(attend_tile *t, size_t r0, size_t at, const int rows, const int wide,
                        const bool half) {
    attend_group g = {.t = t, .r0 = r0, .at = at};
    bool any = false;
    for (size_t r = 0; r < (size_t)rows; r++) {
        g.hi[r] = min_size(BLOCK, t->end[r0 + r] - min_size(at, t->end[r0 + r]));
        g.lo[r] = min_size(g.hi[r], max_size(at, t->begin[r0 + r]) - at);
        any |= g.lo[r] < g.hi[r];
    }
    size_t end = g.hi[rows - 1], col = 0, page = g.lo[0] / KERN_PAGE;
    if (!any) return;
    for (page -= page % (size_t)wide; page * KERN_PAGE < end; page += (size_t)wide)
        score_pages(&g, page, rows, wide, half);
    soften_rows(&g, rows);
    for (; col + (size_t)wide * KERN_LANES <= t->head; col += (size_t)wide * KERN_LANES)
        add_values(&g, col, rows, wide, half);
    for (; col < t->head; col += KERN_LANES)
        add_values(&g, col, rows, 1, half);
}

enum { FEW_WIDE = VECS == 2 ? WIDE_MAX : 1 };  // vectors side by side of three rows

INLINE void attend_block(attend_tile *t, size_t at, const bool half) {
    size_t r = 0;
    for (; r + ROWS <= t->rows; r += ROWS)
        group_block(t, r, at, ROWS, VECS, half);
#if ROWS > 4
    for (; r + 4 <= t->rows; r += 4)
        group_block(t, r, at, 4, VECS, half);
#endif
#if ROWS > 2
    if (r + 3 == t->rows) {
        group_block(t, r, at, 3, FEW_WIDE, half);
        return;
    }
    for (; r + 2 <= t->rows; r += 2)
        group_block(t, r, at, 2, 2, half);
#endif
    for (; r < t->rows; r++)
        group_block(t, r, at, 1, WIDE_MAX, half);
}

static void block_f32(attend_tile *t, size_t at) {
    attend_block(t, at, false);
}
static void block_f16(attend_tile *t, size_t at) {
    attend_block(t, at, true);
}

// Rows [first, first + TILE) of `a`, as far as there are, with nothing seen yet but sinks.
static void tile_open(attend_tile *t, const kern_attend *a, size_t first) {
    float scale = a->scale != 0 ? a->scale : 1.0F / sqrtf((float)a->head);
    t->rows = min_size(TILE, a->rows - first);
    for (size_t r = 0; r < t->rows; r++) {
        size_t token = (first + r) / a->per, of = (first + r) % a->per, col = of * a->head;
        const float *q = a->q + token * a->ld_q + col;
        for (size_t i = 0; i < a->head; i++)
            t->q[i * t->rows + r] = q[i] * scale;
        t->end[r] = a->n + token;
        t->begin[r] = a->window ? t->end[r] - min_size(a->window, t->end[r]) : 0;
        t->max[r] = a->sinks ? a->sinks[of] : -INFINITY;  // A6
        t->out[r] = a->out + token * a->ld_out + col;
        memset(t->sum[r], 0, sizeof t->sum[r]);
        t->sum[r][0] = a->sinks ? 1 : 0;
        memset(t->out[r], 0, a->head * sizeof *t->out[r]);
    }
}

static void tile_close(const attend_tile *t) {
    for (size_t r = 0; r < t->rows; r++) {
        vec sum = v_set(v_sum(v_load(t->sum[r])));
        for (size_t i = 0; i < t->head; i += KERN_LANES)
            v_store(t->out[r] + i, v_div(v_load(t->out[r] + i), sum));
    }
}

static void attend(const kern_attend *a, const kern_kv *kv) {
    attend_tile t;
    ASSERT(a->head % KERN_LANES == 0 && a->head <= KERN_HEAD_MAX && a->n > 0);
    t.kv = kv;
    t.head = a->head;
    t.softcap = a->softcap;
    for (size_t first = 0; first < a->rows; first += t.rows) {
        tile_open(&t, a, first);
        size_t at = t.begin[0] & ~(size_t)(BLOCK - 1);
        for (; at < t.end[t.rows - 1]; at += BLOCK)
            (kv->type == KERN_F16 ? block_f16 : block_f32)(&t, at);
        tile_close(&t);
    }
}
