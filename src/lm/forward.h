// lm/forward.h -- one batched pass through the model; for lm/ and its bench only.
//
//   Owner     lm_work owns scratch for LM_ROWS_MAX rows
//   Threads   one pass at a time per lm_work; the pass spreads over the pool it is given
//   Shapes    logits [n_vocab padded to KERN_LANES], the padding -INFINITY
#ifndef LM_FORWARD_H
#define LM_FORWARD_H

#include "lm/pages.h"
#include "os/pool.h"

enum { LM_ROWS_MAX = KERN_ROWS_MAX };

// Consecutive tokens of one stream: ids go to positions pos, pos + 1, ...
typedef struct lm_segment {
    lm_seq *seq;
    const int32_t *ids;
    size_t n, pos;
    size_t want;    // of how many tokens at the end the logits are wanted
    float *logits;  // out: where they are, until the next pass; [want][ld_logits of lm_work]
    bool wants_hidden;
    float *hidden;  // out, if wanted, until the next pass: [n][ld of lm_work] after the final norm
} lm_segment;

typedef struct lm_work {
    arena a;
    float *x, *norm, *qkv, *mixed, *hidden, *logits;  // mixed: in the end, rows that are wanted
    size_t ld, ld_qkv, ld_hidden, ld_logits;          // row strides
    kern_rows in;  // the q side of what a product reads; its x is one of the above
} lm_work;

NODISCARD status lm__work_open(lm_work *w, const lm_model *m, err *e);
void lm__work_close(lm_work *w);

// The segments' lengths add up to at most LM_ROWS_MAX.
void lm__forward(lm_work *w, const lm_model *m, os_pool *pool, lm_segment *segs, size_t n_segs);

static inline size_t lm__logits_padded(const lm_model *m) {
    return align_up((size_t)m->spec.vocab_size, KERN_LANES);
}

#endif
