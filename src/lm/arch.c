// Families of decoders, a row of a table each, and what they have in common once their config has
// been read: widths, layers, windows, ropes.
//
//   I1  no size is used before it has been compared with its limit
//   I2  after lm__arch_read every layer's rope is -1 or below n_rope, its window 0 or positive
//
// Rejected: code per family (fifteen forward passes that differ in a line each), and taking the
// shape from tensors alone (heads, windows and positions are in none of them).

#include "lm/arch_in.h"

#include <stdio.h>

#define NORMS (LM_BIT(LM_NORM_OUT) | LM_BIT(LM_NORM_IN) | LM_BIT(LM_NORM_MLP))
#define QKV   (LM_BIT(LM_Q) | LM_BIT(LM_K) | LM_BIT(LM_V))
#define MLP   (LM_BIT(LM_UP) | LM_BIT(LM_DOWN))

#define NAMES(family, class, file) .type = family, .arch = class, .gguf = file
#define HUB(before, layer)         .prefix = before, .layers = layer
#define RMS_PRE                    .norm = LM_NORM_RMS, .norm_at = LM_NORM_PRE, .act = LM_ACT_SILU

const lm_family lm__families[] = {
    {NAMES("llama", "LlamaForCausalLM", "llama"), HUB("model.", "layers."),
     .keys = {lm__keys_llama, lm__keys_shared}, .parts = lm__parts_llama,
     .gguf_parts = lm__gguf_llama, .ignored = lm__ignored_llama, RMS_PRE, .eos = 2, .theta = 1e4},
    {NAMES("mistral", "MistralForCausalLM", NULL), HUB("model.", "layers."),
     .keys = {lm__keys_mistral, lm__keys_shared}, .parts = lm__parts_llama,
     .ignored = lm__ignored_llama, RMS_PRE, .windows = WINDOWS_ALL, .eos = 2, .theta = 1e4},
    {NAMES("qwen2", "Qwen2ForCausalLM", "qwen2"), HUB("model.", "layers."),
     .keys = {lm__keys_qwen2, lm__keys_shared}, .parts = lm__parts_llama,
     .gguf_parts = lm__gguf_plain, .ignored = lm__ignored_llama, RMS_PRE, .biases = QKV,
     .windows = WINDOWS_UPPER, .eos = -1, .theta = 1e4},
    {NAMES("qwen3", "Qwen3ForCausalLM", "qwen3"), HUB("model.", "layers."),
     .keys = {lm__keys_qwen3, lm__keys_shared}, .parts = lm__parts_llama,
     .gguf_parts = lm__gguf_plain, .ignored = lm__ignored_llama, RMS_PRE, .qk_norm = LM_QK_HEAD,
     .windows = WINDOWS_UPPER, .eos = -1, .theta = 1e4},
    {NAMES("qwen3_moe", "Qwen3MoeForCausalLM", "qwen3moe"), HUB("model.", "layers."),
     .keys = {lm__keys_qwen3_moe, lm__keys_shared}, .parts = lm__parts_llama,
     .gguf_parts = lm__gguf_plain, .ignored = lm__ignored_llama, RMS_PRE, .qk_norm = LM_QK_HEAD,
     .router = LM_ROUTE_SOFTMAX_TOP, .norm_top = true, .windows = WINDOWS_ALL, .eos = -1,
     .theta = 1e4},
    {NAMES("gemma2", "Gemma2ForCausalLM", "gemma2"), HUB("model.", "layers."),
     .keys = {lm__keys_gemma2, lm__keys_shared}, .parts = lm__parts_gemma,
     .gguf_parts = lm__gguf_gemma, .ignored = lm__ignored_llama, .norm = LM_NORM_RMS,
     .norm_at = LM_NORM_PRE | LM_NORM_POST, .act = LM_ACT_GELU, .scales_embed = true,
     .is_tied = true, .windows = WINDOWS_EVERY, .window_every = 2, .eos = 1, .theta = 1e4},
    {NAMES("gemma3_text", "Gemma3ForCausalLM", "gemma3"), HUB("model.", "layers."),
     .keys = {lm__keys_gemma3, lm__keys_shared}, .parts = lm__parts_gemma,
     .gguf_parts = lm__gguf_gemma, .ignored = lm__ignored_llama, .norm = LM_NORM_RMS,
     .norm_at = LM_NORM_PRE | LM_NORM_POST, .qk_norm = LM_QK_HEAD, .act = LM_ACT_GELU,
     .scales_embed = true, .is_tied = true, .windows = WINDOWS_EVERY, .window_every = 6, .eos = 1,
     .theta = 1e6},
    {NAMES("phi3", "Phi3ForCausalLM", "phi3"), HUB("model.", "layers."),
     .keys = {lm__keys_phi3, lm__keys_shared}, .parts = lm__parts_phi3, .gguf_parts = lm__gguf_phi3,
     .ignored = lm__ignored_llama, RMS_PRE, .windows = WINDOWS_ALL, .eos = 32000, .theta = 1e4},
    {NAMES("smollm3", "SmolLM3ForCausalLM", "smollm3"), HUB("model.", "layers."),
     .keys = {lm__keys_smollm3, lm__keys_shared}, .parts = lm__parts_llama,
     .gguf_parts = lm__gguf_llama, .ignored = lm__ignored_llama, RMS_PRE, .is_tied = true,
     .windows = WINDOWS_NOPE, .no_rope_every = 4, .eos = 128001, .theta = 2e6},
    {NAMES("olmo2", "Olmo2ForCausalLM", "olmo2"), HUB("model.", "layers."),
     .keys = {lm__keys_olmo2, lm__keys_shared}, .parts = lm__parts_olmo2,
     .gguf_parts = lm__gguf_olmo2, .ignored = lm__ignored_llama, .norm = LM_NORM_RMS,
     .norm_at = LM_NORM_POST, .qk_norm = LM_QK_ALL, .act = LM_ACT_SILU, .eos = 50279, .theta = 1e4},
    {NAMES("gpt_neox", "GPTNeoXForCausalLM", "gptneox"), HUB("gpt_neox.", "layers."),
     .keys = {lm__keys_gpt_neox}, .parts = lm__parts_gpt_neox, .gguf_parts = lm__gguf_gpt_neox,
     .ignored = lm__ignored_gpt_neox, .norm = LM_NORM_LAYER, .norm_at = LM_NORM_PRE,
     .act = LM_ACT_GELU_ERF, .is_ungated = true, .biases = NORMS | MLP, .eos = 2, .theta = 1e4,
     .partial = 0.25},
    {NAMES("gpt2", "GPT2LMHeadModel", "gpt2"), HUB("transformer.", "h."), .keys = {lm__keys_gpt2},
     .parts = lm__parts_gpt2, .gguf_parts = lm__gguf_gpt2, .ignored = lm__ignored_gpt2,
     .norm = LM_NORM_LAYER, .norm_at = LM_NORM_PRE, .act = LM_ACT_GELU, .is_ungated = true,
     .has_wpe = true, .is_tied = true, .biases = NORMS | QKV | LM_BIT(LM_O) | MLP, .eos = 50256},
    {NAMES("gpt_oss", "GptOssForCausalLM", "gpt-oss"), HUB("model.", "layers."),
     .keys = {lm__keys_gpt_oss, lm__keys_shared}, .parts = lm__parts_gpt_oss,
     .gguf_parts = lm__gguf_gpt_oss, .ignored = lm__ignored_llama, .norm = LM_NORM_RMS,
     .norm_at = LM_NORM_PRE, .act = LM_ACT_OSS, .has_sinks = true, .needs_scaling = true,
     .router = LM_ROUTE_TOP_SOFTMAX,
     .biases = QKV | LM_BIT(LM_O) | LM_BIT(LM_GATE) | MLP | LM_BIT(LM_ROUTER),
     .windows = WINDOWS_EVERY, .window_every = 2, .eos = -1, .theta = 15e4},
    {NAMES("lfm2", "Lfm2ForCausalLM", "lfm2"), HUB("model.", "layers."),
     .keys = {lm__keys_lfm2, lm__keys_shared}, .parts = lm__parts_lfm2, .gguf_parts = lm__gguf_lfm2,
     .ignored = lm__ignored_llama, RMS_PRE, .qk_norm = LM_QK_HEAD, .is_tied = true, .eos = 2,
     .theta = 1e6},
    {NAMES("lfm2_moe", "Lfm2MoeForCausalLM", "lfm2moe"), HUB("model.", "layers."),
     .keys = {lm__keys_lfm2_moe, lm__keys_shared}, .parts = lm__parts_lfm2,
     .gguf_parts = lm__gguf_lfm2, .ignored = lm__ignored_llama, RMS_PRE, .qk_norm = LM_QK_HEAD,
     .router = LM_ROUTE_SIGMOID, .norm_top = true, .is_tied = true, .eos = 2, .theta = 1e6},
};
const size_t lm__n_families = countof(lm__families);

static const char *name_in(const lm_family *f, weights_kind kind) {
    return kind == WEIGHTS_GGUF ? f->gguf : f->type;
}

const lm_family *lm__family(str name, weights_kind kind) {
    for (size_t i = 0; i < countof(lm__families); i++) {
        const char *is = name_in(&lm__families[i], kind);
        if (is && str_eq(name, str_of(is))) return &lm__families[i];
    }
    return NULL;
}

void lm__family_names(char *out, size_t len, weights_kind kind) {
    size_t n = 0;
    for (size_t i = 0; i < countof(lm__families); i++) {
        const char *is = name_in(&lm__families[i], kind);
        if (is && n < len) n += (size_t)snprintf(out + n, len - n, "%s%s", n ? ", " : "", is);
    }
}

// --- Facts --------------------------------------------------------------------------------------

void lm__facts_begin(lm_facts *f, const lm_family *family, const char *name) {
    *f = (lm_facts){.family = family,
                    .uses_window = true,
                    .theta = family->theta,
                    .partial = family->partial > 0 ? family->partial : 1,
                    .routed_scale = 1,
                    .window_every = family->window_every,
                    .no_rope_every = family->no_rope_every};
    lm_spec *s = &f->s;
    snprintf(s->family, sizeof s->family, "%s", name);
    s->bos = -1;
    s->norm = family->norm;
    s->norm_at = family->norm_at;
    s->qk_norm = family->qk_norm;
    s->act = family->act;
    s->is_gated = !family->is_ungated;
    s->is_parallel = family->is_parallel;
    s->has_wpe = family->has_wpe;
    s->is_tied = family->is_tied;
    s->has_sinks = family->has_sinks;
    s->router = family->router;
    s->norm_top = family->norm_top;
    s->biases = family->biases;
    s->step = -1;
    s->val_loss = (double)NAN;
}

// LFM2's rule: two thirds, times a factor, up to a multiple.
static int adjusted_ff(const lm_facts *f) {
    int ff = (int)(2.0 * f->s.n_ff / 3);
    if (!(f->ff_multiplier > 0)) return ff;
    double wide = fmin((double)(int)(f->ff_multiplier * ff), LM_FF_MAX);
    return (int)(f->ff_multiple * ceil(wide / f->ff_multiple));
}

static status check_multiple(const char *what, int n, int max, err *e) {
    if (n > 0 && n <= max && n % KERN_LANES == 0) return OK;
    return err_set(e, E_UNSUPPORTED, "%s is %d, must be a multiple of %d up to %d", what, n,
                   KERN_LANES, max);
}

status lm__facts_sizes(lm_facts *f, err *e) {
    lm_spec *s = &f->s;
    if (!s->n_kv_head) s->n_kv_head = s->n_head;
    if (!s->head_dim && (s->n_embd % s->n_head || s->n_embd / s->n_head % KERN_LANES))
        return err_set(e, E_UNSUPPORTED, "n_embd %d over n_head %d must be a whole multiple of %d",
                       s->n_embd, s->n_head, KERN_LANES);
    if (!s->head_dim) s->head_dim = s->n_embd / s->n_head;
    if (s->n_head % s->n_kv_head)
        return err_set(e, E_UNSUPPORTED, "%d heads over %d of keys must be a whole number",
                       s->n_head, s->n_kv_head);
    if (s->has_wpe && !s->n_ff) s->n_ff = 4 * s->n_embd;
    if (f->adjusts_ff) s->n_ff = adjusted_ff(f);
    TRY(check_multiple("the head's width", s->head_dim, LM_HEAD_DIM_MAX, e));
    TRY(check_multiple("the embedding's width", s->n_embd, LM_EMBD_MAX, e));
    if (s->n_ff || !s->n_expert) TRY(check_multiple("the MLP's width", s->n_ff, LM_FF_MAX, e));
    if (!s->n_expert) return OK;
    if (s->n_used < 1 || s->n_used > s->n_expert)
        return err_set(e, E_UNSUPPORTED, "%d of %d experts cannot be used", s->n_used, s->n_expert);
    return check_multiple("an expert's width", s->n_ff_expert, LM_FF_MAX, e);
}

status lm__facts_finish(lm_facts *f, err *e) {
    lm_spec *s = &f->s;
    s->norm_eps = (float)f->eps;
    s->attn_softcap = (float)f->attn_softcap;
    s->final_softcap = (float)f->final_softcap;
    s->routed_scale = (float)f->routed_scale;
    double scalar = f->query_scalar > 0 ? f->query_scalar : s->head_dim;
    s->attn_scale = (float)(1 / sqrt(scalar));
    s->embed_scale = f->family->scales_embed ? (float)sqrt(s->n_embd) : 1;
    if (!(s->norm_eps > 0) || !(s->norm_eps < 1))
        return err_set(e, E_UNSUPPORTED, "the norms' epsilon is %g, must be in 0..1", f->eps);
    if (!s->context_max) s->context_max = s->context_short = s->block_size;
    for (int l = 0; l < s->n_layer; l++) {
        bool slides = f->kind[l] == LAYER_SLIDING;
        bool attends = f->kind[l] != LAYER_CONV;
        if (slides && (!f->window || !f->uses_window))
            return err_set(e, E_FORMAT, "layer %d has a sliding window of no size", l);
        if (!f->is_moe[l] && !s->n_ff)
            return err_set(e, E_FORMAT, "layer %d has an MLP of no width", l);
        s->layer[l] = (lm_layer_spec){
            .mixer = attends ? LM_MIX_ATTENTION : LM_MIX_CONV,
            .is_moe = f->is_moe[l],
            .rope = !s->n_rope || !f->has_rope[l] ? -1
                    : slides                      ? f->rope_sliding
                                                  : f->rope_full,
            .window = slides ? f->window : 0,
        };
    }
    return OK;
}

// --- Checkpoints of PyTorch ---------------------------------------------------------------------

static const struct {
    const char *key;
    size_t at;
    int max;
} pt_sizes[] = {
    {"block_size", offsetof(lm_spec, block_size), LM_BLOCK_MAX},
    {"vocab_size", offsetof(lm_spec, vocab_size), LM_VOCAB_MAX},
    {"n_layer", offsetof(lm_spec, n_layer), LM_LAYERS_MAX},
    {"n_head", offsetof(lm_spec, n_head), LM_HEADS_MAX},
    {"n_embd", offsetof(lm_spec, n_embd), LM_EMBD_MAX},
};

// GPT-2's own 50257 ids and its end of text; rows of a checkpoint beyond them are padding.
static void gpt2_ids(lm_spec *s) {
    enum { IDS = 50257, EOT = 50256 };
    s->n_ids = s->vocab_size < IDS ? s->vocab_size : IDS;
    if (s->vocab_size > EOT) s->eos[s->n_eos++] = EOT;
}

static status pt_read(lm_facts *f, const weights *w, err *e) {
    lm__facts_begin(f, lm__family(STR("gpt2"), WEIGHTS_PT), "gpt2");
    for (size_t i = 0; i < countof(pt_sizes); i++) {
        double v;
        const char *key = pt_sizes[i].key;
        if (!weights_number(&v, w, "config", key))
            return err_set(e, E_FORMAT, "config.%s is missing", key);
        if (!(v >= 1 && v <= pt_sizes[i].max) || v != floor(v))  // I1
            return err_set(e, E_LIMIT, "config.%s is %g, must be in 1..%d", key, v,
                           pt_sizes[i].max);
        *(int *)(void *)((char *)&f->s + pt_sizes[i].at) = (int)v;
    }
    f->eps = 1e-5;
    gpt2_ids(&f->s);
    double step;
    if (weights_number(&step, w, "", "step") && fabs(step) < 1e15) f->s.step = (int64_t)step;
    if (!weights_number(&f->s.val_loss, w, "", "val_loss")) f->s.val_loss = (double)NAN;
    return lm__facts_sizes(f, e);
}

// --- Any ----------------------------------------------------------------------------------------

status lm__arch_read(lm_spec *s, const weights *w, err *e) {
    lm_facts f;
    switch (weights_kind_of(w)) {
    case WEIGHTS_PT:
        TRY(pt_read(&f, w, e));
        break;
    case WEIGHTS_HF:
        TRY(lm__config_read(&f, weights_config(w), e));
        break;
    case WEIGHTS_GGUF:
        TRY(lm__gguf_read(&f, w, e));
        break;
    }
    TRY(lm__facts_finish(&f, e));
    *s = f.s;
    return OK;
}

status lm__arch_context(lm_spec *s, int context, err *e) {
    if (context < 1 || context > s->context_max)
        return err_set(e, E_LIMIT, "a context of %d tokens, the model has 1..%d", context,
                       s->context_max);
    s->block_size = context;
    for (int l = 0; s->rope_long && l < s->n_layer; l++)
        if (s->layer[l].rope == 0 || s->layer[l].rope == s->rope_long)
            s->layer[l].rope = context > s->context_short ? s->rope_long : 0;
    return OK;
}
