// What a config says about a GPT-2, in the words of either kind of file.
//
// Hugging Face's config.json describes a family of models; what this engine does not compute is
// refused by name. Rejected: taking the shape from the tensors alone (the number of heads is in
// none of them).

#include "lm/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *pt, *hf, *hf_old;
    size_t at;
    int max;
} sizes[] = {
    {"block_size", "n_positions", "n_ctx", offsetof(lm_spec, block_size), LM_BLOCK_MAX},
    {"vocab_size", "vocab_size", NULL, offsetof(lm_spec, vocab_size), LM_VOCAB_MAX},
    {"n_layer", "n_layer", NULL, offsetof(lm_spec, n_layer), LM_LAYERS_MAX},
    {"n_head", "n_head", NULL, offsetof(lm_spec, n_head), LM_HEADS_MAX},
    {"n_embd", "n_embd", NULL, offsetof(lm_spec, n_embd), LM_EMBD_MAX},
};

// Keys of config.json that may be absent or null, and otherwise must say this.
static const struct rule {
    const char *key;
    json_kind kind;
    const char *text;
    double number;  // of a boolean: 0 or 1
} rules[] = {
    {"model_type", JSON_STRING, "gpt2", 0},
    {"activation_function", JSON_STRING, "gelu_new", 0},
    {"layer_norm_epsilon", JSON_NUMBER, "1e-05", 1e-5},
    {"scale_attn_weights", JSON_BOOL, "true", 1},
    {"scale_attn_by_inverse_layer_idx", JSON_BOOL, "false", 0},
    {"add_cross_attention", JSON_BOOL, "false", 0},
};

static bool says(const struct rule *r, const json_value *v) {
    str text;
    double number;
    bool flag;
    switch (r->kind) {
    case JSON_STRING:
        return json_is_str(&text, v) && str_eq(text, str_of(r->text));
    case JSON_NUMBER:
        return json_is_number(&number, v) && fabs(number - r->number) < 1e-3 * r->number;
    default:
        return json_is_bool(&flag, v) && flag == (r->number != 0);
    }
}

// A value as a message can show it.
static const char *shown(char room[80], const json_value *v) {
    str text;
    double number;
    bool flag;
    if (json_is_str(&text, v) && tensor_name_ok(text))
        snprintf(room, 80, "\"%.*s\"", STR_ARG(str_first(text, 40)));
    else if (json_is_number(&number, v))
        snprintf(room, 80, "%g", number);
    else
        snprintf(room, 80, "%s",
                 json_is_bool(&flag, v) ? flag ? "true" : "false" : "something else");
    return room;
}

static status check_rules(const lm_spec *s, const json_value *config, err *e) {
    char room[80];
    for (size_t i = 0; i < countof(rules); i++) {
        const json_value *v = json_get(config, rules[i].key);
        if (v && v->kind != JSON_NULL && !says(&rules[i], v))
            return err_set(e, E_UNSUPPORTED, "config.json: %s is %s, only %s is supported",
                           rules[i].key, shown(room, v), rules[i].text);
    }
    const json_value *inner = json_get(config, "n_inner");
    double n;
    if (inner && inner->kind != JSON_NULL && !(json_is_number(&n, inner) && n == 4.0 * s->n_embd))
        return err_set(e, E_UNSUPPORTED, "config.json: n_inner is %s, only 4 n_embd is supported",
                       shown(room, inner));
    return OK;
}

static status read_size(int *to, const weights *w, size_t i, err *e) {
    bool hf = weights_kind_of(w) == WEIGHTS_HF;
    const char *key = hf ? sizes[i].hf : sizes[i].pt, *where = hf ? "config.json: " : "config.";
    double v;
    bool has = weights_number(&v, w, "config", key);
    if (!has && hf && sizes[i].hf_old) has = weights_number(&v, w, "config", sizes[i].hf_old);
    if (!has) return err_set(e, E_FORMAT, "%s%s is missing", where, key);
    if (!(v >= 1 && v <= sizes[i].max) || v != floor(v))
        return err_set(e, E_LIMIT, "%s%s is %g, must be in 1..%d", where, key, v, sizes[i].max);
    *to = (int)v;
    return OK;
}

status lm__spec_check(const lm_spec *s, err *e) {
    if (s->n_embd % s->n_head || s->n_embd / s->n_head % KERN_LANES)
        return err_set(e, E_UNSUPPORTED, "n_embd %d over n_head %d must be a whole multiple of %d",
                       s->n_embd, s->n_head, KERN_LANES);
    return OK;
}

// Its own 50257 ids and its end of text; rows of a checkpoint beyond them are padding.
void lm__spec_gpt2(lm_spec *s) {
    memcpy(s->family, "gpt2", sizeof "gpt2");
    s->n_ids = s->vocab_size < LM_IDS ? s->vocab_size : LM_IDS;
    s->n_eos = LM_EOT < s->vocab_size;
    s->eos[0] = LM_EOT;
    s->bos = -1;
    s->n_kv_head = s->n_head;
    s->head_dim = s->n_embd / s->n_head;
    s->n_ff = 4 * s->n_embd;
    s->norm = LM_NORM_LAYER;
    s->norm_at = LM_NORM_PRE;
    s->norm_eps = 1e-5F;
    s->act = LM_ACT_GELU;
    s->has_wpe = s->is_tied = true;
    s->attn_scale = 1 / sqrtf((float)s->head_dim);
    s->embed_scale = s->routed_scale = 1;
    for (int i = 0; i < s->n_layer; i++)
        s->layer[i] = (lm_layer_spec){.mixer = LM_MIX_ATTENTION, .rope = -1};
}

// A folder has the vocabulary that it says, and names its end of text.
static status read_ids(lm_spec *s, const weights *w, err *e) {
    if (weights_kind_of(w) == WEIGHTS_PT) return OK;
    const json_value *eos = json_get(weights_config(w), "eos_token_id");
    int64_t id;
    s->n_ids = s->vocab_size;
    if (!eos) return OK;
    s->n_eos = 0;
    if (eos->kind == JSON_NULL) return OK;
    if (!json_is_int(&id, eos) || id < 0 || id >= s->vocab_size)
        return err_set(e, E_FORMAT, "config.json: eos_token_id must be an id below %d",
                       s->vocab_size);
    s->n_eos = 1;
    s->eos[0] = (int32_t)id;
    return OK;
}

status lm__spec_read(lm_spec *s, const weights *w, err *e) {
    *s = (lm_spec){0};
    for (size_t i = 0; i < countof(sizes); i++)
        TRY(read_size((int *)(void *)((char *)s + sizes[i].at), w, i, e));
    if (weights_kind_of(w) == WEIGHTS_HF) TRY(check_rules(s, weights_config(w), e));
    TRY(lm__spec_check(s, e));
    lm__spec_gpt2(s);
    TRY(read_ids(s, w, e));
    double step;
    s->step = weights_number(&step, w, "", "step") && fabs(step) < 1e15 ? (int64_t)step : -1;
    if (!weights_number(&s->val_loss, w, "", "val_loss")) s->val_loss = (double)NAN;
    return OK;
}
