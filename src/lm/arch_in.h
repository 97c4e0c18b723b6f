// lm/arch_in.h -- what the files of arch share: a family's tables, and what a config said.
//
//   Owner     tables are static; lm_facts is a value on somebody's stack
//   Threads   pure; any
//   Source    see arch.h
#ifndef LM_ARCH_IN_H
#define LM_ARCH_IN_H

#include "lm/arch.h"

#include <math.h>

// --- Config -------------------------------------------------------------------------------------

typedef enum lm_key_kind {
    KEY_SKIP,  // has no part in the result
    KEY_READ,  // by a function of its own
    KEY_SIZE,  // an int of lm_facts
    KEY_REAL,  // a double
    KEY_FLAG,  // a bool
    KEY_IS,    // one value is computed here; absent and null are that
} lm_key_kind;

// A field of config.json. What absence means is what transformers' configuration file says: a
// number, or one of these.
#define LM_NEEDED ((double)NAN)
#define LM_LEAVE  (-(double)INFINITY)  // what was read before stays

typedef struct lm_key {
    const char *name;  // NULL ends a list
    lm_key_kind kind;
    size_t at;       // in lm_facts
    int max;         // KEY_SIZE: in 1..max; null is 0
    double absent;   // LM_NEEDED, LM_LEAVE, or the value
    const char *is;  // KEY_IS
} lm_key;

// --- Tensors ------------------------------------------------------------------------------------

// Which rows of a tensor are the role's.
typedef enum lm_lay {
    LAY_WHOLE,
    LAY_QKV,     // all of q, of k, of v, one after another
    LAY_HEADS,   // q, k, v of head 0, of head 1, ...
    LAY_HALVES,  // all gates, then all of `up`
    LAY_TURNS,   // a gate, an up, a gate ...
    LAY_PAIRS,   // GGUF's order of llama's q and k
} lm_lay;

enum {
    PART_TOP = 1,        // the name has no prefix, that of the model included
    PART_CONV1D = 2,     // in a hub's folder: [input][output]
    PART_PLUS1 = 4,      // stored as w of (1 + w)
    PART_EACH = 8,       // of experts: a tensor for each, %e in its name
    PART_STACK = 16,     // of experts: one tensor of all
    PART_MXFP4 = 32,     // bytes: NAME_blocks and NAME_scales
    PART_BY_INPUT = 64,  // [input][output]
    PART_MIDDLE1 = 128,  // a dimension of 1 before the last
};

typedef struct lm_part {
    lm_role role;               // LM_ROLES ends a list
    const char *weight, *bias;  // after the prefix of the model and, of a layer's, of the layer
    lm_lay lay;
    unsigned flags;
} lm_part;

// --- Families -----------------------------------------------------------------------------------

typedef struct lm_family {
    const char *type, *arch, *gguf;  // model_type, architectures[0], general.architecture
    const char *prefix, *layers;     // of a hub's tensors: "model.", "layers."
    const lm_key *keys[3];           // the first that has a name counts
    const lm_part *parts, *gguf_parts;
    const char *const *ignored;  // tensors that mean nothing, of layers; NULL ends
    lm_norm_kind norm;
    unsigned norm_at;
    lm_qk_norm qk_norm;
    lm_act act;  // when the config does not say
    bool is_ungated, has_wpe, has_sinks, scales_embed;
    bool needs_scaling;                   // of ropes: its absence would not mean that there is none
    bool is_parallel, is_tied, norm_top;  // when the config does not say
    lm_router router;
    uint32_t biases;        // roles that always have one
    int windows;            // enum lm_windows
    int window_every;       // of so many layers, the last sees all
    int no_rope_every;      // of so many layers, the last knows no positions
    int32_t eos;            // when the config does not say; -1: none
    double theta, partial;  // when the config does not say
} lm_family;

enum lm_windows {
    WINDOWS_NONE,
    WINDOWS_ALL,    // all layers, if there is a window
    WINDOWS_EVERY,  // window_every
    WINDOWS_UPPER,  // layers from max_window_layers on, if use_sliding_window
    WINDOWS_NOPE,   // layers without positions, if use_sliding_window
};

typedef enum lm_layer_kind { LAYER_FULL, LAYER_SLIDING, LAYER_CONV } lm_layer_kind;

// What a config said; spec's layers and ropes follow from it.
typedef struct lm_facts {
    lm_spec s;
    const lm_family *family;
    int window, max_window_layers, window_every, no_rope_every;
    int sparse_step, dense_layers, original_context, ff_multiple;
    bool uses_window, attention_bias, mlp_bias, adjusts_ff, expert_bias;
    double eps, attn_softcap, final_softcap, routed_scale, ff_multiplier, query_scalar;
    double theta, theta_local, partial;
    lm_layer_kind kind[LM_LAYERS_MAX];
    bool has_rope[LM_LAYERS_MAX], is_moe[LM_LAYERS_MAX];
    int rope_full, rope_sliding;  // of spec.rope
} lm_facts;

#define LM_BIT(role) ((uint32_t)1 << (role))

extern const lm_key lm__keys_shared[], lm__keys_llama[], lm__keys_mistral[], lm__keys_qwen2[],
    lm__keys_qwen3[], lm__keys_qwen3_moe[], lm__keys_gemma2[], lm__keys_gemma3[], lm__keys_phi3[],
    lm__keys_smollm3[], lm__keys_olmo2[], lm__keys_gpt_neox[], lm__keys_gpt2[], lm__keys_gpt_oss[],
    lm__keys_lfm2[], lm__keys_lfm2_moe[];
extern const lm_part lm__parts_llama[], lm__parts_gemma[], lm__parts_phi3[], lm__parts_olmo2[],
    lm__parts_gpt_neox[], lm__parts_gpt2[], lm__parts_gpt_oss[], lm__parts_lfm2[];
extern const lm_part lm__gguf_llama[], lm__gguf_plain[], lm__gguf_gemma[], lm__gguf_phi3[],
    lm__gguf_olmo2[], lm__gguf_gpt_neox[], lm__gguf_gpt2[], lm__gguf_gpt_oss[], lm__gguf_lfm2[];
extern const char *const lm__ignored_llama[], *const lm__ignored_gpt_neox[],
                                                  *const lm__ignored_gpt2[];

extern const lm_family lm__families[];
extern const size_t lm__n_families;

// By the name in a kind of file; NULL when there is none.
const lm_family *lm__family(str name, weights_kind kind);
// The names of all, for a message.
void lm__family_names(char *out, size_t len, weights_kind kind);

// What the family's table says, before the file is asked.
void lm__facts_begin(lm_facts *f, const lm_family *family, const char *name);
// Heads and widths that follow from others; then ropes and layers may be read.
NODISCARD status lm__facts_sizes(lm_facts *f, err *e);
// Layers, and checks of the whole.
NODISCARD status lm__facts_finish(lm_facts *f, err *e);

// When the config does not list layers.
lm_layer_kind lm__default_kind(const lm_facts *f, int l);

// The tensors of a hub's folder of this shape, for tools that write one. dtype is U8 for bytes that
// hold MXFP4, else OTHER: any of elements.
typedef void lm_arch_put(void *arg, const char *name, tensor_dtype dtype, const int64_t *dim,
                         int n);
void lm__arch_list(const lm_spec *s, lm_arch_put *put, void *arg);

NODISCARD status lm__config_read(lm_facts *f, const json_value *config, err *e);
NODISCARD status lm__gguf_read(lm_facts *f, const weights *w, err *e);
NODISCARD status lm__ropes_read(lm_facts *f, const json_value *config, err *e);
const char *lm__shown(char room[80], const json_value *v);

// Ropes by what they are made of.
typedef enum lm_rope_kind {
    ROPE_PLAIN,
    ROPE_LINEAR,
    ROPE_LLAMA3,
    ROPE_YARN,
    ROPE_LONG,  // two tables of divisors
} lm_rope_kind;

typedef struct lm_rope_in {
    lm_rope_kind kind;
    int dims;
    double theta, factor, low, high, beta_fast, beta_slow, mscale, mscale_all;
    double attention;  // on cos and sin; NaN: as the kind says
    double original;   // context of the training before it was extended
    bool is_exact;     // YaRN: the ramp's ends are not rounded
    const float *by;   // divisors, dims / 2; or NULL
} lm_rope_in;

void lm__rope_fill(lm_rope *out, const lm_rope_in *in);

#endif
