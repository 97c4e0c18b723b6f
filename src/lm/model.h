// lm/model.h -- the weights of a GPT-2 as the kernels read them; for lm/ and its bench only.
//
//   Owner     lm_model owns one arena with everything in it
//   Threads   immutable after open: any
//   Limits    LM_*_MAX below; n_embd / n_head is a multiple of KERN_LANES
#ifndef LM_MODEL_H
#define LM_MODEL_H

#include "base/arena.h"
#include "lm/engine.h"
#include "tensor/kern.h"

enum {
    LM_BLOCK_MAX = 16384,
    LM_VOCAB_MAX = 1 << 20,
    LM_LAYERS_MAX = 256,
    LM_HEADS_MAX = 256,
    LM_EMBD_MAX = 16384,
    LM_IDS = 50257,  // ids that mean something; rows of wte beyond are padding
    LM_EOT = 50256,
};

typedef struct lm_layer {
    float *ln1_gain, *ln1_bias, *ln2_gain, *ln2_bias;
    kern_mat qkv, proj, fc, out;
} lm_layer;

struct lm_model {
    lm_spec spec;
    arena a;
    const kern *kern;
    kern_mat wte;  // embedding and head
    float *wpe;    // [block_size][n_embd]
    float *ln_gain, *ln_bias;
    lm_layer layers[];
};

// Ids that may go in and come out.
static inline int lm__ids(const lm_model *m) {
    return m->spec.vocab_size < LM_IDS ? m->spec.vocab_size : LM_IDS;
}

size_t lm__memory(void);  // of this machine, bytes

// Weights from a seeded generator, for benches: `s` gives the shape only.
NODISCARD status lm__model_random(lm_model **out, const lm_spec *s, uint64_t seed, err *e);

#endif
