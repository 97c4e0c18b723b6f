// lm/pass.h -- what the files of a forward pass share: forward.c, mix.c, experts.c.
//
//   Owner     a pass lives as long as lm__forward runs
//   Threads   the phases below are called on the pass's thread and spread over its pool
#ifndef LM_PASS_H
#define LM_PASS_H

#include "lm/forward.h"

enum {
    LM_PART_ROWS = 32,  // of a segment in a task of attention
    LM_FEW_ROWS = 8,    // not worth waking threads for
};

// Rows of a segment that attend together.
typedef struct lm_span {
    size_t seg, row, n;
    bool puts;  // the segment's only one, which writes keys and values itself
} lm_span;

typedef struct lm_pass {
    lm_work *w;
    const lm_model *m;
    os_pool *pool;
    lm_segment *segs;
    size_t n_segs, n_rows;
    size_t layer;
    size_t row_of[LM_ROWS_MAX];   // first row of a segment
    size_t seg_of[LM_ROWS_MAX];   // a row's segment
    size_t last_of[LM_ROWS_MAX];  // rows whose logits are wanted
    size_t n_last;
    lm_span spans[LM_ROWS_MAX];
    size_t n_spans;
    size_t cut[LM_ROWS_MAX / LM_PART_ROWS];  // segments of several spans
    size_t n_cut;
} lm_pass;

static inline const lm_layer *lm__layer(const lm_pass *p) {
    return &p->m->layers[p->layer];
}
static inline const lm_layer_spec *lm__layer_spec(const lm_pass *p) {
    return &p->m->spec.layer[p->layer];
}

// body(p, i) for rows or the like, n of them.
static inline void lm__for_rows(lm_pass *p, size_t n, void (*body)(void *, size_t)) {
    os_pool_for(n < LM_FEW_ROWS ? NULL : p->pool, n, body, p);
}

// Panels in a task: at least 64 KB of weights, where that leaves enough tasks to share out evenly;
// of a few tasks each thread gets as many.
static inline size_t lm__chunk(const lm_pass *p, const kern_mat *w, size_t mats) {
    size_t panels = kern_panels(w->n), share = (size_t)os_pool_threads(p->pool) + 1;
    size_t big = 65536 / kern_panel_bytes(w->type, w->k);
    size_t n = max_size(1, min_size(big, panels * mats / (4 * share)));
    if (panels * mats > 16 * share * n) return n;
    while (n > 1 && (panels + n - 1) / n * mats % share)
        n--;
    return n;
}

void lm__count_product(lm_work *w, const kern_mat *mat, size_t rows);

// The norm of one row; y may be x.
void lm__norm(const lm_model *m, float *y, const float *x, const lm_norm *norm, size_t n);

// How sums of product `up` are stored.
kern_store lm__store_of(const lm_spec *s);

// Attention: Q, K and V of all rows are in w->in; leaves w->mixed (mix.c).
void lm__attend(lm_pass *p);
// A short convolution: B, C and x are in w->in; leaves w->mixed.
void lm__convolve(lm_pass *p);

// The layer's experts: w->norm and its q side in, w->x += out, or with `into_y` w->y = out.
void lm__experts(lm_pass *p, bool into_y);

#endif
