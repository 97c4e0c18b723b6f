// Where the tensors of a family lie: names by role, shapes, and the map from a role's rows to a
// tensor's.
//
// In names %d is the layer and %e the expert. Layers' names follow the prefix of the model and
// "layers.%d."; models that were saved without their head have no prefix.
//
//   I1  a part is given out only after its tensor's type and every dimension has been compared
//   I2  lm__rows_at stays inside the tensor for r < n

#include "lm/arch_in.h"

#include <stdio.h>

#define W(role, name)                                                                              \
    { role, name ".weight", name ".bias", LAY_WHOLE, 0 }
#define WL(role, name, lay)                                                                        \
    { role, name ".weight", name ".bias", lay, 0 }
#define WF(role, name, flags)                                                                      \
    { role, name ".weight", name ".bias", LAY_WHOLE, flags }
#define WLF(role, name, lay, flags)                                                                \
    { role, name ".weight", name ".bias", lay, flags }
#define END                                                                                        \
    { LM_ROLES, NULL, NULL, LAY_WHOLE, 0 }
#define P1 PART_PLUS1

// --- Hub folders --------------------------------------------------------------------------------

#define ENDS W(LM_EMBED, "embed_tokens"), WF(LM_HEAD, "lm_head", PART_TOP)
#define ATTENTION                                                                                  \
    W(LM_Q, "self_attn.q_proj"), W(LM_K, "self_attn.k_proj"), W(LM_V, "self_attn.v_proj"),         \
        W(LM_O, "self_attn.o_proj")
#define GATE_AND_UP W(LM_GATE, "mlp.gate_proj"), W(LM_UP, "mlp.up_proj")
#define QK_NORMS(f) WF(LM_NORM_Q, "self_attn.q_norm", f), WF(LM_NORM_K, "self_attn.k_norm", f)

const lm_part lm__parts_llama[] = {
    ENDS,
    W(LM_NORM_OUT, "norm"),
    W(LM_NORM_IN, "input_layernorm"),
    W(LM_NORM_MLP, "post_attention_layernorm"),
    ATTENTION,
    QK_NORMS(0),
    GATE_AND_UP,
    W(LM_DOWN, "mlp.down_proj"),
    W(LM_ROUTER, "mlp.gate"),
    WF(LM_GATE, "mlp.experts.%e.gate_proj", PART_EACH),
    WF(LM_UP, "mlp.experts.%e.up_proj", PART_EACH),
    WF(LM_DOWN, "mlp.experts.%e.down_proj", PART_EACH),
    END,
};

const lm_part lm__parts_gemma[] = {
    ENDS,
    WF(LM_NORM_OUT, "norm", P1),
    WF(LM_NORM_IN, "input_layernorm", P1),
    WF(LM_NORM_POST_IN, "post_attention_layernorm", P1),
    WF(LM_NORM_MLP, "pre_feedforward_layernorm", P1),
    WF(LM_NORM_POST_MLP, "post_feedforward_layernorm", P1),
    ATTENTION,
    QK_NORMS(P1),
    GATE_AND_UP,
    W(LM_DOWN, "mlp.down_proj"),
    END,
};

const lm_part lm__parts_phi3[] = {
    ENDS,
    W(LM_NORM_OUT, "norm"),
    W(LM_NORM_IN, "input_layernorm"),
    W(LM_NORM_MLP, "post_attention_layernorm"),
    WL(LM_Q, "self_attn.qkv_proj", LAY_QKV),
    WL(LM_K, "self_attn.qkv_proj", LAY_QKV),
    WL(LM_V, "self_attn.qkv_proj", LAY_QKV),
    W(LM_O, "self_attn.o_proj"),
    WL(LM_GATE, "mlp.gate_up_proj", LAY_HALVES),
    WL(LM_UP, "mlp.gate_up_proj", LAY_HALVES),
    W(LM_DOWN, "mlp.down_proj"),
    END,
};

const lm_part lm__parts_olmo2[] = {
    ENDS,
    W(LM_NORM_OUT, "norm"),
    W(LM_NORM_POST_IN, "post_attention_layernorm"),
    W(LM_NORM_POST_MLP, "post_feedforward_layernorm"),
    ATTENTION,
    QK_NORMS(0),
    GATE_AND_UP,
    W(LM_DOWN, "mlp.down_proj"),
    END,
};

const lm_part lm__parts_gpt_neox[] = {
    W(LM_EMBED, "embed_in"),
    WF(LM_HEAD, "embed_out", PART_TOP),
    W(LM_NORM_OUT, "final_layer_norm"),
    W(LM_NORM_IN, "input_layernorm"),
    W(LM_NORM_MLP, "post_attention_layernorm"),
    WL(LM_Q, "attention.query_key_value", LAY_HEADS),
    WL(LM_K, "attention.query_key_value", LAY_HEADS),
    WL(LM_V, "attention.query_key_value", LAY_HEADS),
    W(LM_O, "attention.dense"),
    W(LM_UP, "mlp.dense_h_to_4h"),
    W(LM_DOWN, "mlp.dense_4h_to_h"),
    END,
};

#define CONV1D(role, name, lay) WLF(role, name, lay, PART_CONV1D)
const lm_part lm__parts_gpt2[] = {
    CONV1D(LM_Q, "attn.c_attn", LAY_QKV),
    CONV1D(LM_K, "attn.c_attn", LAY_QKV),
    CONV1D(LM_V, "attn.c_attn", LAY_QKV),
    CONV1D(LM_O, "attn.c_proj", LAY_WHOLE),
    CONV1D(LM_UP, "mlp.c_fc", LAY_WHOLE),
    CONV1D(LM_DOWN, "mlp.c_proj", LAY_WHOLE),
    W(LM_NORM_IN, "ln_1"),
    W(LM_NORM_MLP, "ln_2"),
    W(LM_EMBED, "wte"),
    W(LM_WPE, "wpe"),
    WF(LM_HEAD, "lm_head", PART_TOP),
    W(LM_NORM_OUT, "ln_f"),
    END,
};

#define OSS_EXPERTS(role, name, lay)                                                               \
    {role, "mlp.experts." name "_blocks", "mlp.experts." name "_bias", lay,                        \
     PART_STACK | PART_MXFP4},                                                                     \
    {                                                                                              \
        role, "mlp.experts." name, "mlp.experts." name "_bias", lay, PART_STACK | PART_BY_INPUT    \
    }
const lm_part lm__parts_gpt_oss[] = {
    ENDS,
    W(LM_NORM_OUT, "norm"),
    W(LM_NORM_IN, "input_layernorm"),
    W(LM_NORM_MLP, "post_attention_layernorm"),
    ATTENTION,
    {LM_SINKS, "self_attn.sinks", NULL, LAY_WHOLE, 0},
    W(LM_ROUTER, "mlp.router"),
    OSS_EXPERTS(LM_GATE, "gate_up_proj", LAY_TURNS),
    OSS_EXPERTS(LM_UP, "gate_up_proj", LAY_TURNS),
    OSS_EXPERTS(LM_DOWN, "down_proj", LAY_WHOLE),
    END,
};

const lm_part lm__parts_lfm2[] = {
    ENDS,
    W(LM_NORM_OUT, "embedding_norm"),
    W(LM_NORM_IN, "operator_norm"),
    W(LM_NORM_MLP, "ffn_norm"),
    W(LM_Q, "self_attn.q_proj"),
    W(LM_K, "self_attn.k_proj"),
    W(LM_V, "self_attn.v_proj"),
    W(LM_O, "self_attn.out_proj"),
    W(LM_NORM_Q, "self_attn.q_layernorm"),
    W(LM_NORM_K, "self_attn.k_layernorm"),
    W(LM_CONV_IN, "conv.in_proj"),
    WF(LM_CONV, "conv.conv", PART_MIDDLE1),
    W(LM_CONV_OUT, "conv.out_proj"),
    W(LM_GATE, "feed_forward.w1"),
    W(LM_UP, "feed_forward.w3"),
    W(LM_DOWN, "feed_forward.w2"),
    W(LM_ROUTER, "feed_forward.gate"),
    {LM_ROUTER_BIAS, "feed_forward.expert_bias", NULL, LAY_WHOLE, 0},
    WF(LM_GATE, "feed_forward.experts.%e.w1", PART_EACH),
    WF(LM_UP, "feed_forward.experts.%e.w3", PART_EACH),
    WF(LM_DOWN, "feed_forward.experts.%e.w2", PART_EACH),
    END,
};

// Buffers that some versions saved too: masks and frequencies, which the config implies.
const char *const lm__ignored_llama[] = {"self_attn.rotary_emb.inv_freq", NULL};
const char *const lm__ignored_gpt_neox[] = {"attention.bias", "attention.masked_bias",
                                            "attention.rotary_emb.inv_freq", NULL};
const char *const lm__ignored_gpt2[] = {"attn.bias", "attn.masked_bias", NULL};

// --- GGUF ---------------------------------------------------------------------------------------

#define G_ENDS                                                                                     \
    W(LM_EMBED, "token_embd"), WF(LM_HEAD, "output", PART_TOP), W(LM_NORM_OUT, "output_norm")
#define G_NORMS      W(LM_NORM_IN, "attn_norm"), W(LM_NORM_MLP, "ffn_norm")
#define G_POST_NORMS W(LM_NORM_POST_IN, "post_attention_norm"), W(LM_NORM_POST_MLP, "post_ffw_norm")
#define G_ATTENTION(qk)                                                                            \
    WL(LM_Q, "attn_q", qk), WL(LM_K, "attn_k", qk), W(LM_V, "attn_v"), W(LM_O, "attn_output")
#define G_QKV                                                                                      \
    WL(LM_Q, "attn_qkv", LAY_QKV), WL(LM_K, "attn_qkv", LAY_QKV), WL(LM_V, "attn_qkv", LAY_QKV),   \
        W(LM_O, "attn_output")
#define G_QK_NORMS W(LM_NORM_Q, "attn_q_norm"), W(LM_NORM_K, "attn_k_norm")
#define G_MLP      W(LM_GATE, "ffn_gate"), W(LM_UP, "ffn_up"), W(LM_DOWN, "ffn_down")
#define G_EXPERTS                                                                                  \
    W(LM_ROUTER, "ffn_gate_inp"), WF(LM_GATE, "ffn_gate_exps", PART_STACK),                        \
        WF(LM_UP, "ffn_up_exps", PART_STACK), WF(LM_DOWN, "ffn_down_exps", PART_STACK)

const lm_part lm__gguf_llama[] = {G_ENDS, G_NORMS, G_ATTENTION(LAY_PAIRS), G_MLP, END};
const lm_part lm__gguf_plain[] = {G_ENDS,    G_NORMS, G_ATTENTION(LAY_WHOLE), G_QK_NORMS, G_MLP,
                                  G_EXPERTS, END};
const lm_part lm__gguf_gemma[] = {G_ENDS, G_NORMS, G_ATTENTION(LAY_WHOLE), G_POST_NORMS, G_QK_NORMS,
                                  G_MLP,  END};
const lm_part lm__gguf_phi3[] = {G_ENDS,
                                 G_NORMS,
                                 G_QKV,
                                 WL(LM_GATE, "ffn_up", LAY_HALVES),
                                 WL(LM_UP, "ffn_up", LAY_HALVES),
                                 W(LM_DOWN, "ffn_down"),
                                 END};
const lm_part lm__gguf_olmo2[] = {G_ENDS, G_ATTENTION(LAY_WHOLE), G_POST_NORMS, G_QK_NORMS, G_MLP,
                                  END};
const lm_part lm__gguf_gpt_neox[] = {
    G_ENDS, G_NORMS, G_QKV, W(LM_UP, "ffn_up"), W(LM_DOWN, "ffn_down"), END};
const lm_part lm__gguf_gpt2[] = {
    G_ENDS, G_NORMS, G_QKV, W(LM_UP, "ffn_up"), W(LM_DOWN, "ffn_down"), W(LM_WPE, "position_embd"),
    END};
const lm_part lm__gguf_gpt_oss[] = {G_ENDS,
                                    W(LM_NORM_IN, "attn_norm"),
                                    W(LM_NORM_MLP, "post_attention_norm"),
                                    G_ATTENTION(LAY_WHOLE),
                                    W(LM_SINKS, "attn_sinks"),
                                    G_EXPERTS,
                                    END};
const lm_part lm__gguf_lfm2[] = {W(LM_EMBED, "token_embd"),
                                 WF(LM_HEAD, "output", PART_TOP),
                                 W(LM_NORM_OUT, "token_embd_norm"),
                                 G_NORMS,
                                 G_ATTENTION(LAY_WHOLE),
                                 G_QK_NORMS,
                                 G_MLP,
                                 G_EXPERTS,
                                 W(LM_CONV_IN, "shortconv.in_proj"),
                                 W(LM_CONV, "shortconv.conv"),
                                 W(LM_CONV_OUT, "shortconv.out_proj"),
                                 {LM_ROUTER_BIAS, "exp_probs_b.bias", NULL, LAY_WHOLE, 0},
                                 END};

static const char *const ignored_gguf[] = {"rope_freqs.weight", "rope_factors_long.weight",
                                           "rope_factors_short.weight"};

// --- Roles --------------------------------------------------------------------------------------

static bool is_of_model(lm_role r) {
    return r <= LM_HEAD;
}

static bool is_of_mlp(lm_role r) {
    return r == LM_GATE || r == LM_UP || r == LM_DOWN;
}

// Rows and columns; columns 0: a vector.
static void shape_of(size_t *n, size_t *k, const lm_spec *s, lm_role role, bool expert) {
    size_t embd = (size_t)s->n_embd, head = (size_t)s->head_dim;
    size_t q = (size_t)s->n_head * head, kv = (size_t)s->n_kv_head * head;
    size_t ff = (size_t)(expert ? s->n_ff_expert : s->n_ff), vocab = (size_t)s->vocab_size;
    bool all = s->qk_norm == LM_QK_ALL;
    const size_t shapes[LM_ROLES][2] = {
        [LM_EMBED] = {vocab, embd},
        [LM_WPE] = {(size_t)s->context_max, embd},
        [LM_NORM_OUT] = {embd, 0},
        [LM_HEAD] = {vocab, embd},
        [LM_NORM_IN] = {embd, 0},
        [LM_NORM_POST_IN] = {embd, 0},
        [LM_NORM_MLP] = {embd, 0},
        [LM_NORM_POST_MLP] = {embd, 0},
        [LM_Q] = {q, embd},
        [LM_K] = {kv, embd},
        [LM_V] = {kv, embd},
        [LM_O] = {embd, q},
        [LM_NORM_Q] = {all ? q : head, 0},
        [LM_NORM_K] = {all ? kv : head, 0},
        [LM_SINKS] = {(size_t)s->n_head, 0},
        [LM_CONV_IN] = {3 * embd, embd},
        [LM_CONV] = {embd, (size_t)s->n_conv},
        [LM_CONV_OUT] = {embd, embd},
        [LM_GATE] = {ff, embd},
        [LM_UP] = {ff, embd},
        [LM_DOWN] = {embd, ff},
        [LM_ROUTER] = {(size_t)s->n_expert, embd},
        [LM_ROUTER_BIAS] = {(size_t)s->n_expert, 0},
    };
    *n = shapes[role][0], *k = shapes[role][1];
}

static bool has_role(const lm_spec *s, lm_role role, int layer, bool expert) {
    const lm_layer_spec *l = layer >= 0 ? &s->layer[layer] : NULL;
    if (is_of_model(role)) return !l && (role != LM_WPE || s->has_wpe);
    if (!l) return false;
    bool attends = l->mixer == LM_MIX_ATTENTION;
    switch (role) {
    case LM_NORM_IN:
    case LM_NORM_MLP:
        return (s->norm_at & LM_NORM_PRE) != 0;
    case LM_NORM_POST_IN:
    case LM_NORM_POST_MLP:
        return (s->norm_at & LM_NORM_POST) != 0;
    case LM_Q:
    case LM_K:
    case LM_V:
    case LM_O:
        return attends;
    case LM_NORM_Q:
    case LM_NORM_K:
        return attends && s->qk_norm != LM_QK_NONE;
    case LM_SINKS:
        return attends && s->has_sinks;
    case LM_CONV_IN:
    case LM_CONV:
    case LM_CONV_OUT:
        return !attends;
    case LM_GATE:
        return expert == l->is_moe && s->is_gated;
    case LM_UP:
    case LM_DOWN:
        return expert == l->is_moe;
    case LM_ROUTER:
        return l->is_moe;
    case LM_ROUTER_BIAS:
        return l->is_moe && (s->biases & LM_BIT(LM_ROUTER_BIAS));
    default:
        return false;
    }
}

static bool has_bias(const lm_spec *s, lm_role role, int layer, bool expert) {
    return role != LM_ROUTER_BIAS && (s->biases & LM_BIT(role)) && has_role(s, role, layer, expert);
}

static bool is_of_experts(const lm_part *p) {
    return (p->flags & (PART_EACH | PART_STACK)) != 0;
}

// --- Names --------------------------------------------------------------------------------------

typedef struct place {
    const lm_family *family;
    const lm_part *parts;
    const char *prefix, *layers;
    bool is_hub;
} place;

static str embed_name(char room[64], const place *at, const char *prefix) {
    const lm_part *p = at->parts;
    while (p->role != LM_EMBED)
        p++;
    snprintf(room, 64, "%s%s", prefix, p->weight);
    return str_of(room);
}

static place place_of(const weights *w, const lm_spec *s) {
    char room[64];
    tensor t;
    weights_kind kind = weights_kind_of(w);
    place at = {.family = lm__family(str_of(s->family), kind), .is_hub = kind == WEIGHTS_HF};
    CHECK(at.family);
    if (kind == WEIGHTS_GGUF) {
        at.parts = at.family->gguf_parts, at.prefix = "", at.layers = "blk.";
        return at;
    }
    at.parts = at.family->parts, at.layers = at.family->layers;
    bool bare = weights_tensor(&t, w, embed_name(room, &at, "").ptr);
    at.prefix = bare ? "" : at.family->prefix;
    return at;
}

enum { NAME_ROOM = 160 };

static void name_of(char room[NAME_ROOM], const place *at, const lm_part *p, const char *pattern,
                    int layer, int expert) {
    char before[64] = "", number[16];
    if (!(p->flags & PART_TOP)) snprintf(before, sizeof before, "%s", at->prefix);
    size_t n = (size_t)snprintf(room, NAME_ROOM, "%s", before);
    if (layer >= 0) n += (size_t)snprintf(room + n, NAME_ROOM - n, "%s%d.", at->layers, layer);
    const char *hole = strstr(pattern, "%e");
    if (!hole) {
        snprintf(room + n, NAME_ROOM - n, "%s", pattern);
        return;
    }
    snprintf(number, sizeof number, "%d", expert);
    snprintf(room + n, NAME_ROOM - n, "%.*s%s%s", (int)(hole - pattern), pattern, number, hole + 2);
}

// --- Checks and maps ----------------------------------------------------------------------------

static bool is_element(tensor_dtype t) {
    return t == TENSOR_F32 || t == TENSOR_F16 || t == TENSOR_BF16;
}

static status check_type(const tensor *t, const char *name, bool bytes, bool blocks, size_t k,
                         err *e) {
    if (bytes) {
        if (t->dtype == TENSOR_U8) return OK;
        return err_set(e, E_UNSUPPORTED, "%s is not of bytes", name);
    }
    if (is_element(t->dtype)) return OK;
    size_t len = tensor_block_len(t->dtype);
    if (blocks && len > 1 && t->dtype != TENSOR_U8) {
        if (k % len == 0) return OK;
        return err_set(e, E_UNSUPPORTED, "%s has rows of %zu in blocks of %zu", name, k, len);
    }
    return err_set(e, E_UNSUPPORTED, "%s is %s, which is not f32, f16 or bf16%s", name,
                   t->dtype == TENSOR_OTHER ? "of a type" : tensor_dtype_name(t->dtype),
                   blocks ? ", q8_0, q4_0, q4_k, q6_k or mxfp4" : "");
}

static void dims_text(char *out, size_t len, const int64_t *dim, int n) {
    size_t at = 0;
    *out = 0;
    for (int i = 0; i < n && at < len; i++)
        at += (size_t)snprintf(out + at, len - at, "%s%lld", i ? ", " : "", (long long)dim[i]);
}

static status check_dims(const tensor *t, const char *name, const int64_t *want, int n, err *e) {
    char have[100], wants[100];
    if (t->n_dims == n && !memcmp(t->dim, want, (size_t)n * sizeof *want)) return OK;
    dims_text(have, sizeof have, t->dim, t->n_dims);
    dims_text(wants, sizeof wants, want, n);
    return err_set(e, E_FORMAT, "%s has shape [%s], the config wants [%s]", name, have, wants);
}

// Rows of the whole tensor, and which of them are the role's.
static size_t lay_rows(lm_rows *m, const lm_part *p, const lm_spec *s) {
    size_t head = (size_t)s->head_dim, q = (size_t)s->n_head * head;
    size_t kv = (size_t)s->n_kv_head * head, part = p->role == LM_K ? 1 : p->role == LM_V ? 2 : 0;
    m->first = 0, m->group = m->n, m->stride = m->n, m->step = 1;
    switch (p->lay) {
    case LAY_WHOLE:
        break;
    case LAY_QKV:
        m->first = part == 0 ? 0 : part == 1 ? q : q + kv;
        return q + 2 * kv;
    case LAY_HEADS:
        m->group = head, m->stride = 3 * head, m->first = part * head;
        return 3 * q;
    case LAY_HALVES:
        m->first = p->role == LM_UP ? m->n : 0;
        return 2 * m->n;
    case LAY_TURNS:
        m->first = p->role == LM_UP ? 1 : 0, m->step = 2;
        return 2 * m->n;
    case LAY_PAIRS:
        m->group = m->stride = head, m->pairs = true;
        break;
    }
    return m->n;
}

// The tensor of one expert out of that of all.
static void take_slab(tensor *t, size_t expert) {
    size_t bytes = tensor_count(t) / (size_t)t->dim[0] / tensor_block_len(t->dtype) *
                   tensor_block_bytes(t->dtype);
    t->data = (const uint8_t *)t->data + expert * bytes;
    t->n_dims--;
    memmove(t->dim, t->dim + 1, (size_t)t->n_dims * sizeof *t->dim);
}

typedef struct ask {
    const weights *w;
    const lm_spec *s;
    const place *at;
    const lm_part *p;
    int layer, expert;
} ask;

// _blocks are [experts][rows][k / 32][16], _scales [experts][rows][k / 32].
static status find_mxfp4(lm_rows *m, const ask *a, const char *name, size_t rows, err *e) {
    char scales[NAME_ROOM];
    tensor t;
    size_t stem = strlen(name) - strlen("_blocks");
    if (m->k % 32)
        return err_set(e, E_UNSUPPORTED, "%s has rows of %zu in blocks of 32", name, m->k);
    int64_t want[4] = {a->s->n_expert, (int64_t)rows, (int64_t)m->k / 32, 16};
    TRY(check_type(&m->t, name, true, false, m->k, e));
    TRY(check_dims(&m->t, name, want, 4, e));
    snprintf(scales, sizeof scales, "%.*s_scales", (int)stem, name);
    if (!weights_tensor(&t, a->w, scales)) return err_set(e, E_FORMAT, "%s is missing", scales);
    TRY(check_type(&t, scales, true, false, m->k, e));
    TRY(check_dims(&t, scales, want, 3, e));
    take_slab(&m->t, (size_t)a->expert);
    take_slab(&t, (size_t)a->expert);
    m->scales = t.data;
    return OK;
}

static status find_weight(lm_rows *m, const ask *a, const char *name, err *e) {
    const lm_part *p = a->p;
    bool is_vector = !m->k;
    if (is_vector) m->k = 1;
    size_t rows = lay_rows(m, p, a->s);
    m->add = p->flags & PART_PLUS1 ? 1.0F : 0.0F;
    if (p->flags & PART_MXFP4) return find_mxfp4(m, a, name, rows, e);
    m->by_input = (p->flags & PART_BY_INPUT) || ((p->flags & PART_CONV1D) && a->at->is_hub);
    int64_t want[4];
    int n = 0;
    if (p->flags & PART_STACK) want[n++] = a->s->n_expert;
    want[n++] = (int64_t)(m->by_input ? m->k : rows);
    if (p->flags & PART_MIDDLE1) want[n++] = 1;
    if (!is_vector) want[n++] = (int64_t)(m->by_input ? rows : m->k);
    bool blocks = !is_vector && !m->by_input && p->role != LM_CONV && !a->at->is_hub;
    TRY(check_type(&m->t, name, false, blocks, m->k, e));
    TRY(check_dims(&m->t, name, want, n, e));
    if (p->flags & PART_STACK) take_slab(&m->t, (size_t)a->expert);
    return OK;
}

static status find_bias(lm_rows *m, const ask *a, const char *name, err *e) {
    const lm_part *p = a->p;
    m->k = 1;
    size_t rows = lay_rows(m, p, a->s);
    int64_t want[2] = {a->s->n_expert, (int64_t)rows};
    int skip = p->flags & PART_STACK ? 0 : 1;
    TRY(check_type(&m->t, name, false, false, 1, e));
    TRY(check_dims(&m->t, name, want + skip, 2 - skip, e));
    if (p->flags & PART_STACK) take_slab(&m->t, (size_t)a->expert);
    return OK;
}

static status find(lm_rows *m, const weights *w, const lm_spec *s, lm_role role, int layer,
                   int expert, bool bias, err *e) {
    char name[NAME_ROOM], first[NAME_ROOM] = "";
    place at = place_of(w, s);
    *m = (lm_rows){0};
    shape_of(&m->n, &m->k, s, role, expert >= 0);
    for (const lm_part *p = at.parts; p->role != LM_ROLES; p++) {
        if (p->role != role || is_of_experts(p) != (expert >= 0)) continue;
        name_of(name, &at, p, bias ? p->bias : p->weight, layer, expert);
        if (!*first) snprintf(first, sizeof first, "%s", name);
        if (!weights_tensor(&m->t, w, name)) continue;
        ask a = {w, s, &at, p, layer, expert};
        return bias ? find_bias(m, &a, name, e) : find_weight(m, &a, name, e);
    }
    return err_set(e, E_FORMAT, "%s is missing", first);
}

static bool is_asked_well(const lm_spec *s, lm_role role, int layer, int expert) {
    return layer < s->n_layer && expert < s->n_expert && (expert < 0 || is_of_mlp(role));
}

status lm__arch_weight(lm_rows *out, bool *has, const weights *w, const lm_spec *s, lm_role role,
                       int layer, int expert, err *e) {
    if (role == LM_HEAD && s->is_tied) role = LM_EMBED;
    *has = is_asked_well(s, role, layer, expert) && has_role(s, role, layer, expert >= 0);
    return *has ? find(out, w, s, role, layer, expert, false, e) : OK;
}

status lm__arch_bias(lm_rows *out, bool *has, const weights *w, const lm_spec *s, lm_role role,
                     int layer, int expert, err *e) {
    *has = is_asked_well(s, role, layer, expert) && has_bias(s, role, layer, expert >= 0);
    return *has ? find(out, w, s, role, layer, expert, true, e) : OK;
}

tensor_row lm__rows_at(const lm_rows *m, size_t r) {
    size_t i = r % m->group, half = m->group / 2;
    if (m->pairs) i = i < half ? 2 * i : 2 * (i - half) + 1;
    size_t row = m->first + r / m->group * m->stride + i * m->step;
    const uint8_t *data = m->t.data;
    tensor_row out = {.dtype = m->t.dtype, .step = 1, .add = m->add};
    if (m->t.dtype == TENSOR_U8) {
        out.data = data + row * (m->k / 2);
        out.scales = m->scales + row * (m->k / 32);
    } else if (m->by_input) {
        out.data = data + row * tensor_elem_bytes(m->t.dtype);
        out.step = (size_t)m->t.dim[1];
    } else {
        size_t blocks = m->k / tensor_block_len(m->t.dtype);
        out.data = data + row * blocks * tensor_block_bytes(m->t.dtype);
    }
    return out;
}

// --- The whole ----------------------------------------------------------------------------------

// Whether `name` is `pattern`, whose %e is a number below `experts`.
static bool matches(str name, const char *pattern, int experts) {
    const char *hole = pattern ? strstr(pattern, "%e") : NULL;
    if (!pattern) return false;
    if (!hole) return str_eq(name, str_of(pattern));
    str before = {pattern, (size_t)(hole - pattern)}, after = str_of(hole + 2);
    if (name.len <= before.len + after.len || !str_starts(name, before) || !str_ends(name, after))
        return false;
    str digits = {name.ptr + before.len, name.len - before.len - after.len};
    uint64_t expert;
    return str_parse_u64(&expert, digits) && expert < (uint64_t)experts &&
           (digits.len == 1 || digits.ptr[0] != '0');
}

static bool is_scales(str name, const lm_part *p) {
    str stem = str_first(str_of(p->weight), strlen(p->weight) - strlen("_blocks"));
    return (p->flags & PART_MXFP4) && str_starts(name, stem) &&
           str_eq(str_skip(name, stem.len), STR("_scales"));
}

static bool is_part(str name, bool is_top, const place *at, const lm_spec *s, int layer) {
    for (const lm_part *p = at->parts; p->role != LM_ROLES; p++) {
        bool expert = is_of_experts(p), is_head = p->role == LM_HEAD;
        if (is_of_model(p->role) != (layer < 0) || is_top != ((p->flags & PART_TOP) != 0)) continue;
        if (!is_head && !has_role(s, p->role, layer, expert)) continue;
        if (matches(name, p->weight, s->n_expert) || is_scales(name, p)) return true;
        if (has_bias(s, p->role, layer, expert) && matches(name, p->bias, s->n_expert)) return true;
    }
    return false;
}

static bool is_known(str name, const place *at, const lm_spec *s) {
    if (is_part(name, true, at, s, -1)) return true;
    for (size_t i = 0; !at->is_hub && i < countof(ignored_gguf); i++)
        if (str_eq(name, str_of(ignored_gguf[i]))) return true;
    if (!str_starts(name, str_of(at->prefix))) return false;
    name = str_skip(name, strlen(at->prefix));
    if (is_part(name, false, at, s, -1)) return true;
    if (!str_starts(name, str_of(at->layers))) return false;
    name = str_skip(name, strlen(at->layers));
    uint64_t layer;
    str number = str_cut(&name, '.');
    if (!str_parse_u64(&layer, number) || layer >= (uint64_t)s->n_layer) return false;
    for (const char *const *i = at->family->ignored; *i; i++)
        if (str_eq(name, str_of(*i))) return true;
    return is_part(name, false, at, s, (int)layer);
}

static bool same_tensor(const tensor *a, const tensor *b) {
    size_t n = tensor_count(a);
    if (a->dtype != b->dtype || a->n_dims != b->n_dims || n != tensor_count(b)) return false;
    if (a->data == b->data) return true;
    size_t len = tensor_block_len(a->dtype);
    return len && !memcmp(a->data, b->data, n / len * tensor_block_bytes(a->dtype));
}

// A head beside a tied embedding must be the embedding.
static status check_head(const weights *w, const lm_spec *s, const place *at, err *e) {
    char embed[NAME_ROOM] = "", head[NAME_ROOM] = "";
    tensor a, b;
    if (!s->is_tied) return OK;
    for (const lm_part *p = at->parts; p->role != LM_ROLES; p++) {
        if (p->role == LM_EMBED) name_of(embed, at, p, p->weight, -1, -1);
        if (p->role == LM_HEAD) name_of(head, at, p, p->weight, -1, -1);
    }
    if (!weights_tensor(&a, w, head) || !weights_tensor(&b, w, embed) || same_tensor(&a, &b))
        return OK;
    return err_set(e, E_UNSUPPORTED, "%s differs from %s", head, embed);
}

status lm__arch_check_all(const weights *w, const lm_spec *s, err *e) {
    const tensor_names *all = weights_tensors(w);
    place at = place_of(w, s);
    for (size_t i = 0; i < all->n; i++)
        if (!is_known(all->in_order[i].name, &at, s))
            return err_set(e, E_FORMAT, "unexpected tensor %.*s", STR_ARG(all->in_order[i].name));
    return check_head(w, s, &at, e);
}

// --- What a family's file consists of -----------------------------------------------------------

// One tensor for each: of fused ones the first role speaks for all.
static bool speaks(const lm_part *p) {
    bool is_fused =
        p->lay == LAY_QKV || p->lay == LAY_HEADS || p->lay == LAY_HALVES || p->lay == LAY_TURNS;
    return !(is_fused && (p->role == LM_K || p->role == LM_V || p->role == LM_UP)) &&
           !(p->flags & PART_BY_INPUT);
}

static void list_part(const place *at, const lm_spec *s, const lm_part *p, int layer, int expert,
                      lm_arch_put *put, void *arg) {
    char name[NAME_ROOM];
    lm_rows m = {0};
    int64_t dim[4];
    int n = 0;
    bool stacked = (p->flags & PART_STACK) != 0;
    shape_of(&m.n, &m.k, s, p->role, expert >= 0);
    size_t rows = lay_rows(&m, p, s);
    bool by_input = (p->flags & PART_CONV1D) && at->is_hub;
    if (stacked) dim[n++] = s->n_expert;
    dim[n++] = (int64_t)(by_input ? m.k : rows);
    if (p->flags & PART_MIDDLE1) dim[n++] = 1;
    if (m.k && p->flags & PART_MXFP4)
        dim[n++] = (int64_t)m.k / 32;
    else if (m.k)
        dim[n++] = (int64_t)(by_input ? rows : m.k);
    name_of(name, at, p, p->weight, layer, expert);
    if (p->flags & PART_MXFP4) {
        char scales[NAME_ROOM];
        snprintf(scales, sizeof scales, "%.*s_scales", (int)(strlen(name) - strlen("_blocks")),
                 name);
        put(arg, scales, TENSOR_U8, dim, n);
        dim[n++] = 16;
    }
    put(arg, name, p->flags & PART_MXFP4 ? TENSOR_U8 : TENSOR_OTHER, dim, n);
    if (!has_bias(s, p->role, layer, expert >= 0)) return;
    name_of(name, at, p, p->bias, layer, expert);
    int64_t bias[2] = {s->n_expert, (int64_t)rows};
    put(arg, name, TENSOR_OTHER, bias + !stacked, stacked ? 2 : 1);
}

void lm__arch_list(const lm_spec *s, lm_arch_put *put, void *arg) {
    place at = {.family = lm__family(str_of(s->family), WEIGHTS_HF), .is_hub = true};
    at.parts = at.family->parts, at.prefix = at.family->prefix, at.layers = at.family->layers;
    for (const lm_part *p = at.parts; p->role != LM_ROLES; p++) {
        bool of_model = is_of_model(p->role), experts = is_of_experts(p);
        int layers = of_model ? 0 : s->n_layer;
        if (!speaks(p) || (p->role == LM_HEAD && s->is_tied)) continue;
        for (int l = of_model ? -1 : 0; l < layers; l++) {
            if (!has_role(s, p->role, l, experts)) continue;
            int many = p->flags & PART_EACH ? s->n_expert : 1;
            for (int x = 0; x < many; x++)
                list_part(&at, s, p, l, experts ? x : -1, put, arg);
        }
    }
}
