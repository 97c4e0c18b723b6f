// lm/model.h -- the weights of a decoder as the kernels read them; for lm/ and its bench only.
//
//   Owner     lm_model owns everything in it: an arena, or a mapped file of panels
//   Threads   immutable after open: any
//   Limits    lm/spec.h's
#ifndef LM_MODEL_H
#define LM_MODEL_H

#include "base/arena.h"
#include "kern/kern.h"
#include "lm/engine.h"
#include "store/file.h"
#include "tensor/weights.h"

typedef struct lm_norm {
    float *gain, *bias;  // NULL: no such norm; no bias
} lm_norm;

// What a layer has not is NULL, or has no rows.
typedef struct lm_layer {
    lm_norm norm_in, norm_post_in, norm_mlp, norm_post_mlp;
    lm_norm norm_q, norm_k;
    float *sinks;        // [n_head]
    float *conv;         // [taps][n_embd]
    float *router_bias;  // [n_expert]
    kern_mat in;         // rows of Q, K, V; of a convolution B, C, x
    kern_mat out;
    kern_mat router;
    kern_mat *up, *down;  // one of each, or n_expert; gates and ups take turns by 16 rows
} lm_layer;

struct lm_model {
    lm_spec spec;
    arena a;          // closed when panels are mapped
    store_in panels;  // closed when they are not
    const kern *kern;
    kern_mat embed, head;  // the same panels when tied
    float *wpe;            // [block_size][n_embd]
    lm_norm norm_out;
    kern_mat *mats;  // where up and down point
    lm_layer layers[];
};

// Ids that may go in and come out.
static inline int lm__ids(const lm_model *m) {
    return m->spec.n_ids;
}

// Up-down pairs of a layer.
static inline size_t lm__mlps(const lm_spec *s, int layer) {
    return s->layer[layer].is_moe ? (size_t)s->n_expert : 1;
}

// Columns that product `up` leaves, of a dense MLP or of an expert.
static inline size_t lm__ff(const lm_spec *s, int layer) {
    return (size_t)(s->layer[layer].is_moe ? s->n_ff_expert : s->n_ff);
}

static inline size_t lm__mat_bytes(const kern_mat *w) {
    return kern_panels(w->n) * kern_panel_bytes(w->type, w->k);
}

// What keys and values are kept in, unless somebody says else.
static inline kern_type lm__kv_type(kern_type held) {
    return kern_type_is_int(held) ? KERN_F16 : KERN_F32;
}

// All that follows from the five sizes of a GPT-2: block, vocabulary, layers, heads, embedding.
void lm__spec_gpt2(lm_spec *s);
// Whether kernels and pages can hold it.
NODISCARD status lm__spec_check(const lm_spec *s, err *e);

// A model of this shape in these types, without weights yet (lm__model_place), from a list of parts
// that it makes; *len: bytes of its image. Without a file the spec says what there is.
struct lm_parts;
NODISCARD status lm__model_new(lm_model **out, struct lm_parts *parts, size_t *len,
                               const lm_spec *s, const kern_type *type, const weights *file,
                               err *e);
// Memory for an image, whose parts get their addresses.
NODISCARD status lm__model_reserve(lm_model *m, const struct lm_parts *parts, size_t len, err *e);
void lm__model_place(lm_model *m, const struct lm_parts *parts, const uint8_t *image);

// Weights from a seeded generator, for benches: `s` gives the shape and the type. Without a family
// it is a GPT-2, of which the five sizes are enough. Experts of LM_ACT_OSS are MXFP4, unless the
// type is f32.
NODISCARD status lm__model_random(lm_model **out, const lm_spec *s, uint64_t seed, err *e);

#endif
