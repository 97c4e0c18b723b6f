// lm/model.h -- the weights of a GPT-2 as the kernels read them; for lm/ and its bench only.
//
//   Owner     lm_model owns everything in it: an arena, or a mapped file of panels
//   Threads   immutable after open: any
//   Limits    LM_*_MAX below; n_embd / n_head is a multiple of KERN_LANES
#ifndef LM_MODEL_H
#define LM_MODEL_H

#include "base/arena.h"
#include "kern/kern.h"
#include "lm/engine.h"
#include "store/file.h"
#include "tensor/weights.h"

enum {
    LM_IDS = 50257,  // ids that mean something; rows of wte beyond are padding
    LM_EOT = 50256,
};

typedef struct lm_layer {
    float *ln1_gain, *ln1_bias, *ln2_gain, *ln2_bias;
    kern_mat qkv, proj, fc, out;
} lm_layer;

struct lm_model {
    lm_spec spec;
    arena a;          // closed when panels are mapped
    store_in panels;  // closed when they are not
    const kern *kern;
    kern_mat wte;  // embedding and head
    float *wpe;    // [block_size][n_embd]
    float *ln_gain, *ln_bias;
    lm_layer layers[];
};

// Ids that may go in and come out.
static inline int lm__ids(const lm_model *m) {
    return m->spec.n_ids;
}

// From the config; `type` and the figures that follow from it are left zero.
NODISCARD status lm__spec_read(lm_spec *s, const weights *w, err *e);
// All that follows from the five sizes of a GPT-2: block, vocabulary, layers, heads, embedding.
void lm__spec_gpt2(lm_spec *s);
NODISCARD status lm__spec_check(const lm_spec *s, err *e);

// Weights from a seeded generator, for benches: `s` gives the shape and the type. Without a family
// it is a GPT-2, of which the five sizes are enough.
NODISCARD status lm__model_random(lm_model **out, const lm_spec *s, uint64_t seed, err *e);

#endif
