// lm/spec.h -- what a decoder is made of: sizes, and for each layer what it does.
//
// One table of facts that the forward pass interprets; there is no code per family. A family is
// what lm/arch.c fills in from a config.
//
//   Owner     a value; nothing in it points anywhere
//   Limits    LM_*_MAX below; n_embd, head_dim and n_ff are multiples of KERN_LANES
#ifndef LM_SPEC_H
#define LM_SPEC_H

#include "base/base.h"
#include "kern/kern.h"

enum {
    LM_BLOCK_MAX = 1 << 20,
    LM_VOCAB_MAX = 1 << 20,
    LM_LAYERS_MAX = 256,
    LM_HEADS_MAX = 256,
    LM_HEAD_DIM_MAX = 512,
    LM_EMBD_MAX = 16384,
    LM_FF_MAX = 1 << 17,
    LM_EXPERTS_MAX = 256,
    LM_USED_MAX = 16,  // experts of a token
    LM_CONV_MAX = 8,   // taps of a short convolution
    LM_EOS_MAX = 8,
    LM_ROPES_MAX = 4,
};

typedef enum lm_norm_kind {
    LM_NORM_LAYER,  // (x - mean) / sqrt(variance + eps) * gain + bias
    LM_NORM_RMS,    // x / sqrt(mean(x^2) + eps) * gain; a gain of (1 + w) is folded in when loading
} lm_norm_kind;

typedef enum lm_act {
    LM_ACT_GELU,      // tanh form ("gelu_new", "gelu_pytorch_tanh")
    LM_ACT_GELU_ERF,  // "gelu"
    LM_ACT_SILU,
    LM_ACT_OSS,  // gpt-oss: gate <= 7, up in [-7, 7]; (up + 1) * gate * sigmoid(1.702 gate)
} lm_act;

// Where the residual stream is normed. A family may have both.
typedef enum lm_norm_place {
    LM_NORM_PRE = 1,   // what enters attention and MLP
    LM_NORM_POST = 2,  // what leaves them, before it is added
} lm_norm_place;

typedef enum lm_qk_norm {
    LM_QK_NONE,
    LM_QK_HEAD,  // each head of q and k by itself, before rope
    LM_QK_ALL,   // all of q, all of k (OLMo 2)
} lm_qk_norm;

typedef enum lm_mixer { LM_MIX_ATTENTION, LM_MIX_CONV } lm_mixer;

// How a token finds its experts and weighs them.
typedef enum lm_router {
    LM_ROUTE_SOFTMAX_TOP,  // softmax over all, the best n_used, divided by their sum if norm_top
    LM_ROUTE_TOP_SOFTMAX,  // the best n_used, softmax over these (gpt-oss)
    LM_ROUTE_SIGMOID,      // sigmoids; a bias takes part in the choice only (LFM2-MoE);
                           // divided by their sum + 1e-6 if norm_top
} lm_router;

// Rotary positions: pairs (i, i + dims / 2) of a head turn by pos * freq[i].
typedef struct lm_rope {
    int dims;      // of a head, from the front; even
    float factor;  // on cos and sin (YaRN's and longrope's attention factor)
    float freq[LM_HEAD_DIM_MAX / 2];
} lm_rope;

typedef struct lm_layer_spec {
    lm_mixer mixer;
    bool is_moe;
    int rope;    // index into lm_spec.rope; -1: this layer knows no positions
    int window;  // a token sees so many keys, its own included; 0: all
} lm_layer_spec;

typedef struct lm_spec {
    char family[32];  // config.json's model_type, or GGUF's general.architecture
    int block_size;   // context window, tokens
    int vocab_size;   // rows of the embedding, padding included
    int n_ids;        // of these, ids that mean something; the others are never drawn
    int n_eos;
    int32_t eos[LM_EOS_MAX];  // each ends a text and is no part of it
    int32_t bos;              // -1: none
    int n_layer, n_head, n_kv_head, head_dim, n_embd;
    int n_ff;  // columns of a dense MLP
    lm_norm_kind norm;
    unsigned norm_at;  // lm_norm_place
    float norm_eps;
    lm_qk_norm qk_norm;
    lm_act act;
    bool is_gated;         // act(gate) * up, else act(up)
    bool is_parallel;      // attention and MLP read the same stream, each with its own norm
    bool has_wpe;          // learned positions
    bool is_tied;          // the embedding is the head
    bool has_sinks;        // a logit per head that only the softmax's denominator knows
    float attn_scale;      // of q . k
    float attn_softcap;    // c tanh(x / c) of scores; 0: none
    float final_softcap;   // of logits
    float embed_scale;     // of embeddings; 1: none
    int n_expert, n_used;  // 0: no layer has experts
    int n_ff_expert;
    lm_router router;
    bool norm_top;
    float routed_scale;  // of the experts' weights; 1: none
    int n_conv;          // taps of LM_MIX_CONV
    uint32_t biases;     // bit lm_role: that part has a bias
    int context_max;     // what block_size may be set to when loading (lm__arch_context)
    int context_short;   // up to this window layers turn by rope 0, beyond it by rope_long
    int rope_long;       // 0: none
    int n_rope;
    lm_rope rope[LM_ROPES_MAX];
    lm_layer_spec layer[LM_LAYERS_MAX];

    // Of a loaded model
    int64_t step;     // of training; -1 when the file has none
    double val_loss;  // NaN when it has none
    uint64_t n_params;
    kern_type type;  // what the matrices are held in
    kern_type head_type;
    kern_type kv_type;         // what keys and values are kept in: f32 or f16
    uint64_t bytes_per_token;  // weights read to make one token, for the bandwidth limit
    uint64_t flops_per_token;  // of its matrix products
    bool mapped;               // from a file of panels
} lm_spec;

static inline bool lm_spec_ends(const lm_spec *s, int32_t id) {
    for (int i = 0; i < s->n_eos; i++)
        if (s->eos[i] == id) return true;
    return false;
}

#endif
