// GGUF's metadata: KEY stands for ARCH.KEY, as llama.cpp's converter writes them.
//
// A GGUF says less than a config.json: what its loader takes for granted is granted here too (which
// layers slide, Gemma's scale of scores, that Qwen3's experts' weights add up to one). A key of the
// architecture is read, or must have the one value that is computed, or has no part in the result;
// one that is in no list is refused by name. Keys of others are a tokenizer's or a person's.

#include "lm/arch_in.h"

#include <stdio.h>
#include <string.h>

typedef struct reader {
    lm_facts *f;
    const weights *w;
    const gguf *g;
    str arch;
    err *e;
} reader;

static const char *key_of(char room[160], const reader *r, const char *key) {
    snprintf(room, 160, "%.*s.%s", STR_ARG(r->arch), key);
    return room;
}

static bool number(double *out, const reader *r, const char *key) {
    char room[160];
    return gguf_number(out, r->g, key_of(room, r, key));
}

enum { NEEDED = 1, PER_LAYER = 2 };

static const struct {
    const char *key;
    size_t at;
    int max;
    unsigned flags;
} sizes[] = {
    {"context_length", offsetof(lm_facts, s.block_size), LM_BLOCK_MAX, NEEDED},
    {"embedding_length", offsetof(lm_facts, s.n_embd), LM_EMBD_MAX, NEEDED},
    {"block_count", offsetof(lm_facts, s.n_layer), LM_LAYERS_MAX, NEEDED},
    {"feed_forward_length", offsetof(lm_facts, s.n_ff), LM_FF_MAX, PER_LAYER},
    {"attention.head_count", offsetof(lm_facts, s.n_head), LM_HEADS_MAX, NEEDED | PER_LAYER},
    {"attention.head_count_kv", offsetof(lm_facts, s.n_kv_head), LM_HEADS_MAX, PER_LAYER},
    {"attention.key_length", offsetof(lm_facts, s.head_dim), LM_HEAD_DIM_MAX, 0},
    {"expert_count", offsetof(lm_facts, s.n_expert), LM_EXPERTS_MAX, 0},
    {"expert_used_count", offsetof(lm_facts, s.n_used), LM_USED_MAX, 0},
    {"expert_feed_forward_length", offsetof(lm_facts, s.n_ff_expert), LM_FF_MAX, 0},
    {"leading_dense_block_count", offsetof(lm_facts, dense_layers), LM_LAYERS_MAX, 0},
    {"attention.sliding_window", offsetof(lm_facts, window), INT32_MAX, 0},
    {"shortconv.l_cache", offsetof(lm_facts, s.n_conv), LM_CONV_MAX, 0},
};

static const struct {
    const char *key;
    size_t at;
} reals[] = {
    {"attention.layer_norm_rms_epsilon", offsetof(lm_facts, eps)},
    {"attention.layer_norm_epsilon", offsetof(lm_facts, eps)},
    {"attn_logit_softcapping", offsetof(lm_facts, attn_softcap)},
    {"final_logit_softcapping", offsetof(lm_facts, final_softcap)},
    {"rope.freq_base", offsetof(lm_facts, theta)},
    {"rope.freq_base_swa", offsetof(lm_facts, theta_local)},
    {"expert_weights_scale", offsetof(lm_facts, routed_scale)},
};

// Keys that would change the result: absent, 0, or this.
static const struct {
    const char *key;
    double is;
} fixed[] = {
    {"attention.causal", 1},
    {"attention.clamp_kqv", 0},
    {"attention.max_alibi_bias", 0},
    {"attention.output_scale", 1},
    {"attention.scale", 0},
    {"attention.shared_kv_layers", 0},
    {"attention.temperature_scale", 0},
    {"attention.value_residual_mix_lora_rank", 0},
    {"attention.q_lora_rank", 0},
    {"attention.kv_lora_rank", 0},
    {"embedding_length_per_layer_input", 0},
    {"embedding_scale", 1},
    {"expert_group_count", 1},
    {"expert_shared_count", 0},
    {"expert_shared_feed_forward_length", 0},
    {"interleave_moe_layer_step", 1},
    {"logit_scale", 1},
    {"moe_every_n_layers", 1},
    {"nextn_predict_layers", 0},
    {"residual_scale", 1},
    {"rope.scale_linear", 1},
    {"rope.scaling.alpha", 0},
    {"rope.scaling.yarn_attn_factor", 1},
    {"rope.scaling.yarn_ext_factor", 1},
    {"rope.scaling.yarn_log_multiplier", 0},
    {"swin_norm", 0},
};

enum { NUMBER = 1, LIST = 2, TEXT = 4 };

// Keys that are read by name, or follow from others and from what tensors say.
static const struct {
    const char *key;
    unsigned kinds;
} others[] = {
    {"attention.sliding_window_pattern", NUMBER | LIST},
    {"attention.value_length", NUMBER},
    {"expert_gating_func", NUMBER},
    {"expert_weights_norm", NUMBER},
    {"pooling_type", NUMBER},  // of embeddings: the request says it
    {"rope.dimension_count", NUMBER},
    {"rope.scaling.attn_factor", NUMBER},
    {"rope.scaling.factor", NUMBER},
    {"rope.scaling.finetuned", NUMBER},
    {"rope.scaling.original_context_length", NUMBER},
    {"rope.scaling.type", TEXT},
    {"rope.scaling.yarn_beta_fast", NUMBER},
    {"rope.scaling.yarn_beta_slow", NUMBER},
    {"tensor_data_layout", TEXT},
    {"use_parallel_residual", NUMBER},
    {"vocab_size", NUMBER},
};

// What a key behind the architecture's name may be; 0: nothing here knows it.
static unsigned kinds_of(str key) {
    for (size_t i = 0; i < countof(sizes); i++)
        if (str_eq(key, str_of(sizes[i].key)))
            return sizes[i].flags & PER_LAYER ? NUMBER | LIST : NUMBER;
    for (size_t i = 0; i < countof(reals); i++)
        if (str_eq(key, str_of(reals[i].key))) return NUMBER;
    for (size_t i = 0; i < countof(fixed); i++)
        if (str_eq(key, str_of(fixed[i].key))) return NUMBER;
    for (size_t i = 0; i < countof(others); i++)
        if (str_eq(key, str_of(others[i].key))) return others[i].kinds;
    return 0;
}

static status check_keys(const reader *r) {
    char own[GGUF_KEY_MAX + 1];
    str key;
    for (size_t i = 0; gguf_key(&key, r->g, i); i++) {
        str rest = str_skip(key, r->arch.len + 1);
        if (!str_starts(key, r->arch) || key.len <= r->arch.len || key.ptr[r->arch.len] != '.')
            continue;
        unsigned may = kinds_of(rest), is = LIST;
        str text;
        snprintf(own, sizeof own, "%.*s", STR_ARG(key));
        if (!may) return err_set(r->e, E_UNSUPPORTED, "%s is not known here", own);
        if (gguf_str(&text, r->g, own))
            is = TEXT;
        else if (gguf_number(&(double){0}, r->g, own) || gguf_bool(&(bool){0}, r->g, own))
            is = NUMBER;
        if (!(may & is))
            return err_set(r->e, E_FORMAT, "%s must be a %s", own,
                           may & TEXT   ? "text"
                           : may & LIST ? "number or a list"
                                        : "number");
    }
    return OK;
}

// A number, or a list with one for each layer that are all the same or, for heads of keys, 0 where
// a layer is a convolution.
static bool size_of(double *out, reader *r, const char *key, bool is_kv) {
    char room[160];
    gguf_array list;
    double v;
    if (gguf_number(out, r->g, key_of(room, r, key))) return true;
    if (!gguf_items(&list, r->g, room) || list.is_str || !list.n) return false;
    *out = 0;
    for (size_t i = 0; i < list.n; i++) {
        if (!gguf_item_number(&v, &list, i)) return false;
        if (is_kv && v == 0 && i < LM_LAYERS_MAX)
            r->f->kind[i] = LAYER_CONV;
        else if (*out != 0 && v != *out)
            *out = -1;  // no layer has a shape of its own here
        else
            *out = v;
    }
    return true;
}

static status read_sizes(reader *r) {
    for (size_t i = 0; i < countof(sizes); i++) {
        double v;
        const char *key = sizes[i].key;
        bool is_kv = !strcmp(key, "attention.head_count_kv");
        bool has = sizes[i].flags & PER_LAYER ? size_of(&v, r, key, is_kv) : number(&v, r, key);
        if (!has && sizes[i].flags & NEEDED)
            return err_set(r->e, E_FORMAT, "%.*s.%s is missing", STR_ARG(r->arch), key);
        if (!has || (v == 0 && !(sizes[i].flags & NEEDED))) continue;
        if (!(v >= 1 && v <= sizes[i].max) || v != floor(v))
            return err_set(r->e, E_LIMIT, "%.*s.%s is %g, must be in 1..%d", STR_ARG(r->arch), key,
                           v, sizes[i].max);
        *(int *)(void *)((char *)r->f + sizes[i].at) = (int)v;
    }
    return OK;
}

static status read_reals(reader *r) {
    for (size_t i = 0; i < countof(reals); i++) {
        double v;
        if (!number(&v, r, reals[i].key)) continue;
        if (!(v >= 0) || !(v < 1e12))
            return err_set(r->e, E_LIMIT, "%.*s.%s is %g, must be in 0..1e12", STR_ARG(r->arch),
                           reals[i].key, v);
        if (v > 0) *(double *)(void *)((char *)r->f + reals[i].at) = v;
    }
    return OK;
}

static status check_fixed(reader *r) {
    for (size_t i = 0; i < countof(fixed); i++) {
        double v;
        bool flag;
        char room[160];
        bool has = number(&v, r, fixed[i].key);
        if (!has && gguf_bool(&flag, r->g, key_of(room, r, fixed[i].key)))
            has = true, v = flag ? 1 : 0;
        if (has && v != 0 && v != fixed[i].is)
            return err_set(r->e, E_UNSUPPORTED, "%.*s.%s is %g, only %g is supported",
                           STR_ARG(r->arch), fixed[i].key, v, fixed[i].is);
    }
    return OK;
}

// --- Vocabulary ---------------------------------------------------------------------------------

static status read_ids(reader *r) {
    static const char *const ends[] = {"eos", "eot", "eom"};
    lm_spec *s = &r->f->s;
    tensor t;
    gguf_array tokens;
    double v;
    char key[64];
    if (!weights_tensor(&t, r->w, "token_embd.weight") || t.n_dims != 2)
        return err_set(r->e, E_FORMAT, "token_embd.weight is missing");
    if (t.dim[0] < 1 || t.dim[0] > LM_VOCAB_MAX)
        return err_set(r->e, E_LIMIT, "token_embd.weight has %lld rows, must be in 1..%d",
                       (long long)t.dim[0], LM_VOCAB_MAX);
    s->vocab_size = s->n_ids = (int)t.dim[0];
    if (gguf_items(&tokens, r->g, "tokenizer.ggml.tokens") && tokens.n >= 1 &&
        tokens.n < (size_t)s->n_ids)
        s->n_ids = (int)tokens.n;
    for (size_t i = 0; i < countof(ends); i++) {
        snprintf(key, sizeof key, "tokenizer.ggml.%s_token_id", ends[i]);
        if (!gguf_number(&v, r->g, key)) continue;
        if (!(v >= 0 && v < s->vocab_size))
            return err_set(r->e, E_FORMAT, "%s must be an id below %d", key, s->vocab_size);
        if (!lm_spec_ends(s, (int32_t)v)) s->eos[s->n_eos++] = (int32_t)v;
    }
    if (gguf_number(&v, r->g, "tokenizer.ggml.bos_token_id") && v >= 0 && v < s->vocab_size)
        s->bos = (int32_t)v;
    return OK;
}

// --- What tensors say ---------------------------------------------------------------------------

static bool any_layer_has(const reader *r, const char *name) {
    char room[96];
    tensor t;
    for (int l = 0; l < r->f->s.n_layer; l++) {
        snprintf(room, sizeof room, "blk.%d.%s", l, name);
        if (weights_tensor(&t, r->w, room)) return true;
    }
    return false;
}

// Biases that a family may have or not: one that any layer has, all must have.
static void read_biases(reader *r) {
    static const struct {
        const char *name;
        lm_role role;
    } may[] = {
        {"attn_q.bias", LM_Q},      {"attn_k.bias", LM_K},
        {"attn_v.bias", LM_V},      {"attn_output.bias", LM_O},
        {"ffn_gate.bias", LM_GATE}, {"ffn_up.bias", LM_UP},
        {"ffn_down.bias", LM_DOWN}, {"exp_probs_b.bias", LM_ROUTER_BIAS},
    };
    lm_spec *s = &r->f->s;
    for (size_t i = 0; i < countof(may); i++)
        if (any_layer_has(r, may[i].name)) s->biases |= LM_BIT(may[i].role);
    if (any_layer_has(r, "attn_qkv.bias")) s->biases |= LM_BIT(LM_Q) | LM_BIT(LM_K) | LM_BIT(LM_V);
}

// --- Ropes --------------------------------------------------------------------------------------

// Divisors in a tensor of f32; false, with OK, when there is none.
static status read_divisors(bool *has, float *by, const reader *r, const char *name, int n) {
    tensor t;
    *has = weights_tensor(&t, r->w, name);
    if (!*has) return OK;
    if (t.dtype != TENSOR_F32 || t.n_dims != 1 || t.dim[0] != n)
        return err_set(r->e, E_FORMAT, "%s must have %d values of f32", name, n);
    tensor_to_f32(by, &t);
    for (int i = 0; i < n; i++)
        if (!(by[i] > 0) || !(by[i] < 1e9F))
            return err_set(r->e, E_FORMAT, "%s has a value that is not above 0", name);
    return OK;
}

static status scaling(lm_rope_in *in, const reader *r) {
    char room[160];
    str type;
    double v;
    in->factor = 1, in->original = r->f->s.block_size, in->beta_fast = 32, in->beta_slow = 1;
    in->attention = (double)NAN;
    if (number(&v, r, "rope.scaling.original_context_length") && v >= 1) in->original = v;
    if (number(&v, r, "rope.scaling.factor") && v > 0) in->factor = v;
    if (number(&v, r, "rope.scaling.yarn_beta_fast") && v > 0) in->beta_fast = v;
    if (number(&v, r, "rope.scaling.yarn_beta_slow") && v > 0) in->beta_slow = v;
    bool has = number(&v, r, "rope.scaling.attn_factor") && v > 0 && v < 1e6;
    in->is_exact = r->f->family->has_sinks;
    if (!gguf_str(&type, r->g, key_of(room, r, "rope.scaling.type"))) type = STR("none");
    bool is_long = str_eq(type, STR("longrope")) || !strcmp(r->f->family->type, "phi3");
    if (has && is_long) in->attention = v;
    if (has && !is_long && v != 1)
        return err_set(r->e, E_UNSUPPORTED,
                       "%.*s.rope.scaling.attn_factor is %g, only 1 is "
                       "supported",
                       STR_ARG(r->arch), v);
    if (str_eq(type, STR("none")) || is_long) return OK;
    if (str_eq(type, STR("linear")))
        in->kind = ROPE_LINEAR;
    else if (str_eq(type, STR("yarn")))
        in->kind = ROPE_YARN;
    else
        return err_set(r->e, E_UNSUPPORTED,
                       "%s is \"%.*s\", only none, linear, yarn and longrope are supported", room,
                       STR_ARG(str_first(type, 40)));
    return OK;
}

static status add_long(reader *r, lm_rope_in *in, float *by) {
    bool has;
    lm_spec *s = &r->f->s;
    in->kind = ROPE_LONG;
    in->by = by;
    in->factor = s->block_size / in->original;
    lm__rope_fill(&s->rope[s->n_rope++], in);
    TRY(read_divisors(&has, by, r, "rope_factors_long.weight", in->dims / 2));
    if (!has) return err_set(r->e, E_FORMAT, "rope_factors_long.weight is missing");
    lm__rope_fill(&s->rope[s->n_rope], in);
    s->rope_long = s->n_rope++;
    s->context_max = s->context_short = s->block_size;
    if (in->original < s->block_size) s->block_size = s->context_short = (int)in->original;
    return OK;
}

static status read_ropes(reader *r) {
    lm_facts *f = r->f;
    lm_spec *s = &f->s;
    float by[LM_HEAD_DIM_MAX / 2];
    bool is_long, has;
    double v;
    lm_rope_in in = {.theta = f->theta, .dims = s->head_dim};
    if (s->has_wpe) return OK;
    TRY(scaling(&in, r));
    if (number(&v, r, "rope.dimension_count") && v != 0) {
        if (!(v >= 2 && v <= s->head_dim) || v != floor(v) || (int)v % 2)
            return err_set(r->e, E_UNSUPPORTED, "%.*s.rope.dimension_count is %g of %d",
                           STR_ARG(r->arch), v, s->head_dim);
        in.dims = (int)v;
    }
    TRY(read_divisors(&is_long, by, r, "rope_factors_short.weight", in.dims / 2));
    if (is_long) return add_long(r, &in, by);
    TRY(read_divisors(&has, by, r, "rope_freqs.weight", in.dims / 2));
    if (has && in.kind != ROPE_PLAIN)
        return err_set(r->e, E_UNSUPPORTED, "rope_freqs.weight beside rope.scaling.type");
    in.by = has ? by : NULL;
    lm__rope_fill(&s->rope[s->n_rope++], &in);
    if (strcmp(f->family->type, "gemma3_text")) return OK;
    f->rope_sliding = s->n_rope;
    in = (lm_rope_in){.theta = f->theta_local > 0 ? f->theta_local : 1e4,
                      .dims = in.dims,
                      .attention = (double)NAN};
    lm__rope_fill(&s->rope[s->n_rope++], &in);
    return OK;
}

// --- Layers -------------------------------------------------------------------------------------

static status read_layers(reader *r) {
    lm_facts *f = r->f;
    char room[160];
    gguf_array list;
    double v;
    if (number(&v, r, "attention.sliding_window_pattern") && v >= 1 && v <= LM_LAYERS_MAX)
        f->window_every = (int)v;
    bool has = gguf_items(&list, r->g, key_of(room, r, "attention.sliding_window_pattern"));
    if (has && (list.is_str || list.n < (size_t)f->s.n_layer))
        return err_set(r->e, E_FORMAT, "%s must be a list of %d items", room, f->s.n_layer);
    for (int l = 0; l < f->s.n_layer; l++) {
        f->has_rope[l] = f->no_rope_every == 0 || (l + 1) % f->no_rope_every != 0;
        f->is_moe[l] = f->s.n_expert && l >= f->dense_layers;
        if (f->kind[l] == LAYER_CONV) continue;
        f->kind[l] = lm__default_kind(f, l);
        if (has && gguf_item_number(&v, &list, (size_t)l))
            f->kind[l] = v != 0 ? LAYER_SLIDING : LAYER_FULL;
    }
    return OK;
}

// The largest Gemmas scale scores by the embedding's width over heads; llama.cpp knows them by
// their number of layers.
static void gemma_scale(lm_facts *f) {
    const lm_spec *s = &f->s;
    bool is_27b = (!strcmp(f->family->type, "gemma2") && s->n_layer == 46) ||
                  (!strcmp(f->family->type, "gemma3_text") && s->n_layer == 62);
    if (is_27b) f->query_scalar = (double)s->n_embd / s->n_head;
}

static status check_family(reader *r) {
    double v;
    lm_facts *f = r->f;
    bool flag;
    char room[160];
    if (number(&v, r, "attention.value_length") && v != f->s.head_dim)
        return err_set(r->e, E_UNSUPPORTED,
                       "%.*s.attention.value_length is %g, only %d is supported", STR_ARG(r->arch),
                       v, f->s.head_dim);
    if (gguf_bool(&flag, r->g, key_of(room, r, "use_parallel_residual"))) f->s.is_parallel = flag;
    if (number(&v, r, "expert_gating_func") && v != (f->s.router == LM_ROUTE_SIGMOID       ? 2
                                                     : f->s.router == LM_ROUTE_TOP_SOFTMAX ? 3
                                                                                           : 1))
        return err_set(r->e, E_UNSUPPORTED, "%.*s.expert_gating_func is %g, not known here",
                       STR_ARG(r->arch), v);
    if (gguf_bool(&flag, r->g, key_of(room, r, "expert_weights_norm"))) f->s.norm_top = flag;
    return OK;
}

static status find_family(const lm_family **out, str *arch, const weights *w, err *e) {
    char names[300];
    if (!gguf_str(arch, weights_gguf(w), "general.architecture"))
        return err_set(e, E_FORMAT, "general.architecture is missing");
    *out = lm__family(*arch, WEIGHTS_GGUF);
    if (*out) return OK;
    lm__family_names(names, sizeof names, WEIGHTS_GGUF);
    return err_set(e, E_UNSUPPORTED, "general.architecture is \"%.*s\", only %s are supported",
                   STR_ARG(tensor_name_ok(*arch) ? str_first(*arch, 40) : STR("?")), names);
}

status lm__gguf_read(lm_facts *f, const weights *w, err *e) {
    const lm_family *family;
    reader r = {.f = f, .w = w, .g = weights_gguf(w), .e = e};
    TRY(find_family(&family, &r.arch, w, e));
    lm__facts_begin(f, family, family->gguf);
    f->s.is_parallel = !strcmp(family->type, "gpt_neox");
    f->max_window_layers = LM_LAYERS_MAX;
    TRY(check_keys(&r));
    TRY(check_fixed(&r));
    TRY(read_sizes(&r));
    TRY(read_reals(&r));
    if (!f->s.n_ff_expert) f->s.n_ff_expert = f->s.n_ff;
    TRY(lm__facts_sizes(f, e));
    TRY(check_family(&r));
    TRY(read_ids(&r));
    tensor t;
    f->s.is_tied = !weights_tensor(&t, w, "output.weight");
    read_biases(&r);
    TRY(read_layers(&r));
    gemma_scale(f);
    return read_ropes(&r);
}
