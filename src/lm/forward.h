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

// What a pass read and computed, as a roofline counts it: of experts those that rows went to, of
// keys and values those in their layer's window.
typedef struct lm_tally {
    uint64_t weight_bytes, kv_bytes, flops;
} lm_tally;

// Of layers with experts: a slot is a row on its way through one of its experts; an expert's slots
// lie side by side.
typedef struct lm_slots {
    float *scores;  // [rows][ld_scores], of all experts
    size_t ld_scores;
    uint16_t (*expert)[LM_USED_MAX];  // of a row, best first
    uint16_t (*slot)[LM_USED_MAX];
    float (*weight)[LM_USED_MAX];
    float *x, *hidden, *y;  // [slots][ld], [slots][ld_hidden], [slots][ld]
    size_t ld_hidden;
    kern_rows in;
} lm_slots;

typedef struct lm_work {
    arena a;
    float *x, *norm, *y;  // the stream; what enters a product; what left one, or rows of hidden
    float *in;            // Q, K, V, or B, C, x
    float *mixed, *hidden, *logits;
    float *turns;  // [rows][n_rope][2][half]: cosines, sines
    size_t ld, ld_in, ld_mixed, ld_hidden, ld_logits, ld_turns;  // row strides
    size_t half;
    unsigned ropes;  // bit i: some layer turns by rope i
    kern_rows q;     // the q side of what a product reads; its x is one of the above
    lm_slots slots;  // all zero without experts
    lm_tally did;    // the last pass
} lm_work;

NODISCARD status lm__work_open(lm_work *w, const lm_model *m, err *e);
void lm__work_close(lm_work *w);

// The segments' lengths add up to at most LM_ROWS_MAX.
void lm__forward(lm_work *w, const lm_model *m, os_pool *pool, lm_segment *segs, size_t n_segs);

static inline size_t lm__logits_padded(const lm_model *m) {
    return align_up((size_t)m->spec.vocab_size, KERN_LANES);
}

#endif
