// lm/forward.h -- one batched pass through the model; for lm/ and its bench only.
//
//   Owner     lm_work owns scratch for LM_ROWS_MAX rows; lm_kv one stream's keys and values
//   Threads   one pass at a time per lm_work; the pass spreads over the pool it is given
//   Shapes    logits [n_vocab padded to KERN_LANES], the padding -INFINITY
#ifndef LM_FORWARD_H
#define LM_FORWARD_H

#include "lm/model.h"
#include "os/pool.h"

enum { LM_ROWS_MAX = KERN_ROWS_MAX };

typedef struct lm_kv {
    arena a;          // its pages are committed as positions are written
    size_t per_head;  // floats of keys, and of values, for one head
} lm_kv;

size_t lm__kv_bytes(const lm_model *m, int max_length);
NODISCARD status lm__kv_open(lm_kv *kv, const lm_model *m, int max_length, err *e);
void lm__kv_close(lm_kv *kv);

// Consecutive tokens of one stream: ids go to positions pos, pos + 1, ...
typedef struct lm_segment {
    lm_kv *kv;
    const int32_t *ids;
    size_t n, pos;
    bool want;      // the logits of the last token
    float *logits;  // out: where they are, until the next pass
} lm_segment;

typedef struct lm_work {
    arena a;
    float *x, *norm, *qkv, *mixed, *hidden, *logits;
    size_t ld, ld_qkv, ld_hidden, ld_logits;  // row strides
} lm_work;

NODISCARD status lm__work_open(lm_work *w, const lm_model *m, err *e);
void lm__work_close(lm_work *w);

// The segments' lengths add up to at most LM_ROWS_MAX.
void lm__forward(lm_work *w, const lm_model *m, os_pool *pool, lm_segment *segs, size_t n_segs);

static inline size_t lm__logits_padded(const lm_model *m) {
    return align_up((size_t)m->spec.vocab_size, KERN_LANES);
}

#endif
