// config.json, by tables: each family's fields, what their absence means, and which have no part in
// the result. A field that is in no table is refused by name, unless it is null.
//
// Rejected: ignoring what is not known, as transformers does (it has the code that knows).

#include "lm/arch_in.h"

#include <stdio.h>
#include <stdlib.h>

#define AT(field) offsetof(lm_facts, field)
#define SKIP(name)                                                                                 \
    { name, KEY_SKIP, 0, 0, 0, NULL }
#define READ(name)                                                                                 \
    { name, KEY_READ, 0, 0, 0, NULL }
#define IS(name, v)                                                                                \
    { name, KEY_IS, 0, 0, 0, v }
#define SIZE(name, field, max, absent)                                                             \
    { name, KEY_SIZE, AT(field), max, absent, NULL }
#define REAL(name, field, absent)                                                                  \
    { name, KEY_REAL, AT(field), 0, absent, NULL }
#define FLAG(name, field, absent)                                                                  \
    { name, KEY_FLAG, AT(field), 0, absent, NULL }
#define END                                                                                        \
    { NULL, KEY_SKIP, 0, 0, 0, NULL }
#define ANY_INT INT32_MAX

// What any config may have. Sampling's settings are requests' own here.
static const lm_key common[] = {
    READ("model_type"),
    READ("architectures"),
    READ("eos_token_id"),
    READ("bos_token_id"),
    READ("quantization_config"),
    READ("compression_config"),
    SKIP("pad_token_id"),
    SKIP("sep_token_id"),
    SKIP("unk_token_id"),
    SKIP("cls_token_id"),
    SKIP("mask_token_id"),
    SKIP("decoder_start_token_id"),
    SKIP("forced_bos_token_id"),
    SKIP("forced_eos_token_id"),
    SKIP("torch_dtype"),
    SKIP("dtype"),
    SKIP("transformers_version"),
    SKIP("_name_or_path"),
    SKIP("name_or_path"),
    SKIP("_commit_hash"),
    SKIP("auto_map"),
    SKIP("use_cache"),
    SKIP("initializer_range"),
    SKIP("attention_dropout"),
    SKIP("hidden_dropout"),
    SKIP("resid_pdrop"),
    SKIP("embd_pdrop"),
    SKIP("attn_pdrop"),
    SKIP("classifier_dropout"),
    SKIP("pretraining_tp"),
    SKIP("gradient_checkpointing"),
    SKIP("use_bfloat16"),
    SKIP("torchscript"),
    SKIP("return_dict"),
    SKIP("return_dict_in_generate"),
    SKIP("output_attentions"),
    SKIP("output_hidden_states"),
    SKIP("output_scores"),
    SKIP("output_past"),
    SKIP("output_router_logits"),
    SKIP("router_aux_loss_coef"),
    SKIP("task_specific_params"),
    SKIP("problem_type"),
    SKIP("finetuning_task"),
    SKIP("id2label"),
    SKIP("label2id"),
    SKIP("num_labels"),
    SKIP("_num_labels"),
    SKIP("tokenizer_class"),
    SKIP("prefix"),
    SKIP("bad_words_ids"),
    SKIP("do_sample"),
    SKIP("temperature"),
    SKIP("top_k"),
    SKIP("top_p"),
    SKIP("typical_p"),
    SKIP("repetition_penalty"),
    SKIP("length_penalty"),
    SKIP("no_repeat_ngram_size"),
    SKIP("encoder_no_repeat_ngram_size"),
    SKIP("num_beams"),
    SKIP("num_beam_groups"),
    SKIP("num_return_sequences"),
    SKIP("diversity_penalty"),
    SKIP("early_stopping"),
    SKIP("max_length"),
    SKIP("min_length"),
    SKIP("max_new_tokens"),
    SKIP("remove_invalid_values"),
    SKIP("exponential_decay_length_penalty"),
    SKIP("suppress_tokens"),
    SKIP("begin_suppress_tokens"),
    SKIP("chunk_size_feed_forward"),
    SKIP("is_decoder"),
    SKIP("tie_encoder_decoder"),
    SKIP("cross_attention_hidden_size"),
    SKIP("tf_legacy_loss"),
    SKIP("cache_implementation"),
    SKIP("attn_implementation"),
    SKIP("_attn_implementation"),
    SKIP("_attn_implementation_autoset"),
    SKIP("_experts_implementation"),
    SKIP("_flash_attn_2_enabled"),
    SKIP("transformers.js_config"),
    SKIP("unsloth_fixed"),
    SKIP("unsloth_version"),
    SKIP("model_name"),
    SKIP("model_revision"),
    SKIP("summary_type"),
    SKIP("summary_use_proj"),
    SKIP("summary_activation"),
    SKIP("summary_proj_to_labels"),
    SKIP("summary_first_dropout"),
    SKIP("max_position_embedding"),
    IS("is_encoder_decoder", "false"),
    IS("add_cross_attention", "false"),
    IS("pruned_heads", "{}"),
    END,
};

// What decoders since Llama share; families' own lists come before it.
const lm_key lm__keys_shared[] = {
    SIZE("vocab_size", s.vocab_size, LM_VOCAB_MAX, LM_NEEDED),
    SIZE("hidden_size", s.n_embd, LM_EMBD_MAX, LM_NEEDED),
    SIZE("intermediate_size", s.n_ff, LM_FF_MAX, LM_NEEDED),
    SIZE("num_hidden_layers", s.n_layer, LM_LAYERS_MAX, LM_NEEDED),
    SIZE("num_attention_heads", s.n_head, LM_HEADS_MAX, LM_NEEDED),
    SIZE("num_key_value_heads", s.n_kv_head, LM_HEADS_MAX, 0),
    SIZE("head_dim", s.head_dim, LM_HEAD_DIM_MAX, 0),
    SIZE("max_position_embeddings", s.block_size, LM_BLOCK_MAX, LM_NEEDED),
    REAL("rms_norm_eps", eps, 1e-6),
    REAL("rope_theta", theta, LM_LEAVE),
    READ("hidden_act"),
    READ("rope_scaling"),
    READ("rope_parameters"),
    FLAG("tie_word_embeddings", s.is_tied, LM_LEAVE),
    FLAG("attention_bias", attention_bias, 0),
    END,
};

const lm_key lm__keys_llama[] = {
    FLAG("mlp_bias", mlp_bias, 0),
    IS("rope_interleaved", "false"),
    SKIP("is_llama_config"),
    END,
};

const lm_key lm__keys_mistral[] = {
    SIZE("num_key_value_heads", s.n_kv_head, LM_HEADS_MAX, 8),
    SIZE("sliding_window", window, ANY_INT, 4096),
    IS("attention_bias", "false"),
    IS("mlp_bias", "false"),
    END,
};

const lm_key lm__keys_qwen2[] = {
    SIZE("num_key_value_heads", s.n_kv_head, LM_HEADS_MAX, 32),
    SIZE("sliding_window", window, ANY_INT, 4096),
    SIZE("max_window_layers", max_window_layers, ANY_INT, 28),
    FLAG("use_sliding_window", uses_window, 0),
    READ("layer_types"),
    IS("attention_bias", "true"),
    IS("use_mrope", "false"),
    END,
};

const lm_key lm__keys_qwen3[] = {
    SIZE("num_key_value_heads", s.n_kv_head, LM_HEADS_MAX, 32),
    SIZE("head_dim", s.head_dim, LM_HEAD_DIM_MAX, 128),
    SIZE("sliding_window", window, ANY_INT, 4096),
    SIZE("max_window_layers", max_window_layers, ANY_INT, 28),
    FLAG("use_sliding_window", uses_window, 0),
    READ("layer_types"),
    END,
};

const lm_key lm__keys_qwen3_moe[] = {
    SIZE("num_key_value_heads", s.n_kv_head, LM_HEADS_MAX, 4),
    SIZE("sliding_window", window, ANY_INT, 4096),
    FLAG("use_sliding_window", uses_window, 0),
    SIZE("num_experts", s.n_expert, LM_EXPERTS_MAX, 128),
    SIZE("num_experts_per_tok", s.n_used, LM_USED_MAX, 8),
    SIZE("moe_intermediate_size", s.n_ff_expert, LM_FF_MAX, 768),
    SIZE("decoder_sparse_step", sparse_step, ANY_INT, 1),
    FLAG("norm_topk_prob", s.norm_top, 0),
    READ("mlp_only_layers"),
    SKIP("max_window_layers"),
    END,
};

#define GEMMA                                                                                      \
    SIZE("num_key_value_heads", s.n_kv_head, LM_HEADS_MAX, 4),                                     \
        SIZE("head_dim", s.head_dim, LM_HEAD_DIM_MAX, 256),                                        \
        REAL("query_pre_attn_scalar", query_scalar, 256),                                          \
        SIZE("sliding_window", window, ANY_INT, 4096), READ("hidden_activation"),                  \
        SKIP("hidden_act"), READ("layer_types"), IS("use_bidirectional_attention", "false")

const lm_key lm__keys_gemma2[] = {
    GEMMA,
    REAL("attn_logit_softcapping", attn_softcap, 50),
    REAL("final_logit_softcapping", final_softcap, 30),
    SKIP("sliding_window_size"),
    END,
};

const lm_key lm__keys_gemma3[] = {
    GEMMA,
    REAL("attn_logit_softcapping", attn_softcap, 0),
    REAL("final_logit_softcapping", final_softcap, 0),
    REAL("rope_local_base_freq", theta_local, 10000),
    SIZE("sliding_window_pattern", window_every, ANY_INT, LM_LEAVE),
    SIZE("_sliding_window_pattern", window_every, ANY_INT, LM_LEAVE),
    END,
};

const lm_key lm__keys_phi3[] = {
    REAL("rms_norm_eps", eps, 1e-5),
    SIZE("sliding_window", window, ANY_INT, 0),
    SIZE("original_max_position_embeddings", original_context, LM_BLOCK_MAX, 4096),
    REAL("partial_rotary_factor", partial, 1),
    IS("attention_bias", "false"),
    IS("mlp_bias", "false"),
    IS("lm_head_bias", "false"),
    IS("full_attn_mod", "1"),
    IS("interpolate_factor", "1"),
    END,
};

const lm_key lm__keys_smollm3[] = {
    SIZE("num_key_value_heads", s.n_kv_head, LM_HEADS_MAX, 4),
    SIZE("sliding_window", window, ANY_INT, 0),
    FLAG("use_sliding_window", uses_window, 0),
    FLAG("mlp_bias", mlp_bias, 0),
    SIZE("no_rope_layer_interval", no_rope_every, ANY_INT, LM_LEAVE),
    READ("no_rope_layers"),
    READ("layer_types"),
    SKIP("max_window_layers"),
    END,
};

const lm_key lm__keys_olmo2[] = {
    REAL("rms_norm_eps", eps, 1e-5),
    END,
};

const lm_key lm__keys_gpt_neox[] = {
    SIZE("vocab_size", s.vocab_size, LM_VOCAB_MAX, LM_NEEDED),
    SIZE("hidden_size", s.n_embd, LM_EMBD_MAX, LM_NEEDED),
    SIZE("intermediate_size", s.n_ff, LM_FF_MAX, LM_NEEDED),
    SIZE("num_hidden_layers", s.n_layer, LM_LAYERS_MAX, LM_NEEDED),
    SIZE("num_attention_heads", s.n_head, LM_HEADS_MAX, LM_NEEDED),
    SIZE("max_position_embeddings", s.block_size, LM_BLOCK_MAX, LM_NEEDED),
    REAL("layer_norm_eps", eps, 1e-5),
    REAL("rotary_pct", partial, LM_LEAVE),
    SKIP("partial_rotary_factor"),
    REAL("rotary_emb_base", theta, LM_LEAVE),
    SKIP("rope_theta"),
    FLAG("use_parallel_residual", s.is_parallel, 1),
    FLAG("attention_bias", attention_bias, 1),
    FLAG("tie_word_embeddings", s.is_tied, LM_LEAVE),
    READ("hidden_act"),
    READ("rope_scaling"),
    READ("rope_parameters"),
    END,
};

const lm_key lm__keys_gpt2[] = {
    SIZE("n_ctx", s.block_size, LM_BLOCK_MAX, LM_LEAVE),
    SIZE("n_positions", s.block_size, LM_BLOCK_MAX, LM_NEEDED),
    SIZE("vocab_size", s.vocab_size, LM_VOCAB_MAX, LM_NEEDED),
    SIZE("n_layer", s.n_layer, LM_LAYERS_MAX, LM_NEEDED),
    SIZE("n_head", s.n_head, LM_HEADS_MAX, LM_NEEDED),
    SIZE("n_embd", s.n_embd, LM_EMBD_MAX, LM_NEEDED),
    SIZE("n_inner", s.n_ff, LM_FF_MAX, 0),
    REAL("layer_norm_epsilon", eps, 1e-5),
    IS("scale_attn_weights", "true"),
    IS("scale_attn_by_inverse_layer_idx", "false"),
    READ("activation_function"),
    SKIP("reorder_and_upcast_attn"),
    FLAG("tie_word_embeddings", s.is_tied, LM_LEAVE),
    END,
};

const lm_key lm__keys_gpt_oss[] = {
    SIZE("num_key_value_heads", s.n_kv_head, LM_HEADS_MAX, 8),
    SIZE("head_dim", s.head_dim, LM_HEAD_DIM_MAX, 64),
    REAL("rms_norm_eps", eps, 1e-5),
    SIZE("intermediate_size", s.n_ff_expert, LM_FF_MAX, LM_NEEDED),
    SIZE("num_local_experts", s.n_expert, LM_EXPERTS_MAX, 128),
    SIZE("num_experts_per_tok", s.n_used, LM_USED_MAX, 4),
    SIZE("experts_per_token", s.n_used, LM_USED_MAX, LM_LEAVE),
    SIZE("sliding_window", window, ANY_INT, 128),
    IS("attention_bias", "true"),
    IS("swiglu_limit", "7"),
    SKIP("initial_context_length"),
    READ("layer_types"),
    IS("hidden_act", "silu"),
    END,
};

// Fields of Liquid's own code that transformers does not read, too.
#define LFM2                                                                                       \
    SIZE("num_key_value_heads", s.n_kv_head, LM_HEADS_MAX, 8), REAL("norm_eps", eps, 1e-5),        \
        SKIP("rms_norm_eps"), REAL("theta", theta, LM_LEAVE),                                      \
        SIZE("conv_L_cache", s.n_conv, LM_CONV_MAX, 3), IS("conv_bias", "false"),                  \
        FLAG("tie_embedding", s.is_tied, LM_LEAVE), READ("layer_types"), READ("full_attn_idxs"),   \
        SKIP("block_mlp_init_scale"), SKIP("block_norm_eps"), SKIP("block_out_init_scale"),        \
        SKIP("block_use_xavier_init"), SKIP("conv_use_xavier_init"), SKIP("conv_dim"),             \
        SKIP("conv_dim_out"), SKIP("block_dim"), SKIP("num_heads"),                                \
        IS("block_use_swiglu", "true"), IS("use_pos_enc", "true"), IS("attention_bias", "false"),  \
        IS("hidden_act", "silu")

const lm_key lm__keys_lfm2[] = {
    LFM2,
    SIZE("intermediate_size", s.n_ff, LM_FF_MAX, 12288),
    SIZE("block_ff_dim", s.n_ff, LM_FF_MAX, LM_LEAVE),
    SIZE("block_multiple_of", ff_multiple, LM_FF_MAX, 256),
    REAL("block_ffn_dim_multiplier", ff_multiplier, 1),
    FLAG("block_auto_adjust_ff_dim", adjusts_ff, 1),
    END,
};

const lm_key lm__keys_lfm2_moe[] = {
    LFM2,
    SIZE("num_experts", s.n_expert, LM_EXPERTS_MAX, 32),
    SIZE("num_experts_per_tok", s.n_used, LM_USED_MAX, 4),
    SIZE("moe_intermediate_size", s.n_ff_expert, LM_FF_MAX, 1792),
    SIZE("num_dense_layers", dense_layers, ANY_INT, 2),
    FLAG("use_expert_bias", expert_bias, 1),
    FLAG("norm_topk_prob", s.norm_top, 1),
    REAL("routed_scaling_factor", routed_scale, 1),
    END,
};

// --- Reading by table ---------------------------------------------------------------------------

static const lm_key *find_key(const lm_family *f, str name) {
    for (size_t i = 0; i < countof(f->keys); i++)
        for (const lm_key *k = f->keys[i]; k && k->name; k++)
            if (str_eq(name, str_of(k->name))) return k;
    for (const lm_key *k = common; k->name; k++)
        if (str_eq(name, str_of(k->name))) return k;
    return NULL;
}

// A value as a message can show it.
const char *lm__shown(char room[80], const json_value *v) {
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

static bool is_there(const json_value *v) {
    return v && v->kind != JSON_NULL;
}

static bool says(const lm_key *k, const json_value *v) {
    str text;
    double number;
    bool flag;
    if (json_is_str(&text, v)) return str_eq(text, str_of(k->is));
    if (json_is_number(&number, v)) return number == strtod(k->is, NULL) && *k->is != 't';
    if (json_is_bool(&flag, v)) return !strcmp(k->is, flag ? "true" : "false");
    return v->n == 0 && (v->kind == JSON_OBJECT ? !strcmp(k->is, "{}") : !strcmp(k->is, "[]"));
}

static void put(lm_facts *f, const lm_key *k, double v) {
    char *to = (char *)f + k->at;
    if (k->kind == KEY_SIZE) *(int *)(void *)to = (int)v;
    if (k->kind == KEY_REAL) *(double *)(void *)to = v;
    if (k->kind == KEY_FLAG) *(bool *)(void *)to = v != 0;
}

static status read_absent(lm_facts *f, const lm_key *k, err *e) {
    if (isnan(k->absent)) {
        if (*(int *)(void *)((char *)f + k->at)) return OK;  // by its older name
        return err_set(e, E_FORMAT, "config.json: %s is missing", k->name);
    }
    if (!isinf(k->absent)) put(f, k, k->absent);
    return OK;
}

static status read_key(lm_facts *f, const lm_key *k, const json_value *v, err *e) {
    char room[80];
    double number = 0;
    bool flag = false;
    if (k->kind == KEY_SKIP || k->kind == KEY_READ) return OK;
    if (k->kind == KEY_IS) {
        if (!is_there(v) || says(k, v)) return OK;
        return err_set(e, E_UNSUPPORTED, "config.json: %s is %s, only %s is supported", k->name,
                       lm__shown(room, v), k->is);
    }
    if (!v) return read_absent(f, k, e);
    if (v->kind == JSON_NULL) {
        if (isnan(k->absent)) return read_absent(f, k, e);
        put(f, k, 0);
        return OK;
    }
    if (k->kind == KEY_FLAG) {
        if (!json_is_bool(&flag, v))
            return err_set(e, E_FORMAT, "config.json: %s is %s, must be true or false", k->name,
                           lm__shown(room, v));
        put(f, k, flag);
        return OK;
    }
    if (!json_is_number(&number, v))
        return read_absent(f, &(lm_key){k->name, k->kind, k->at, 0, LM_NEEDED, NULL}, e);
    if (k->kind == KEY_SIZE && (!(number >= 1 && number <= k->max) || number != floor(number)))
        return err_set(e, E_LIMIT, "config.json: %s is %g, must be in 1..%d", k->name, number,
                       k->max);
    if (k->kind == KEY_REAL && !(number >= 0 && number < 1e12))
        return err_set(e, E_LIMIT, "config.json: %s is %g, must be in 0..1e12", k->name, number);
    put(f, k, number);
    return OK;
}

static status read_keys(lm_facts *f, const json_value *config, err *e) {
    for (size_t i = 0; i < countof(f->family->keys); i++)
        for (const lm_key *k = f->family->keys[i]; k && k->name; k++)
            if (find_key(f->family, str_of(k->name)) == k)
                TRY(read_key(f, k, json_get(config, k->name), e));
    for (const lm_key *k = common; k->name; k++)
        TRY(read_key(f, k, json_get(config, k->name), e));
    return OK;
}

static status check_known(const lm_facts *f, const json_value *config, err *e) {
    char room[80];
    for (size_t i = 0; i < config->n; i++) {
        const json_value *v = &config->items[i];
        if (v->kind == JSON_NULL || find_key(f->family, v->key)) continue;
        if (!tensor_name_ok(v->key))
            return err_set(e, E_UNSUPPORTED, "config.json has a field with an unprintable name");
        return err_set(e, E_UNSUPPORTED,
                       "config.json: %.*s is %s, a field that is not known for %s",
                       STR_ARG(str_first(v->key, 80)), lm__shown(room, v), f->family->type);
    }
    return OK;
}

// --- Fields with a function of their own --------------------------------------------------------

static status check_quantized(const lm_facts *f, const json_value *config, err *e) {
    char room[80];
    str name;
    const json_value *v = json_get(config, "quantization_config");
    if (!is_there(v)) v = json_get(config, "compression_config");
    if (!is_there(v)) return OK;
    const json_value *method = json_get(v, "quant_method");
    if (!method) method = v;
    if (f->family->has_sinks && json_is_str(&name, method) && str_eq(name, STR("mxfp4"))) return OK;
    return err_set(e, E_UNSUPPORTED,
                   "config.json: quantization_config is %s: of quantised checkpoints only "
                   "gpt-oss' mxfp4 is supported",
                   lm__shown(room, method));
}

static const struct {
    const char *name;
    lm_act act;
} acts[] = {
    {"gelu_new", LM_ACT_GELU},  {"gelu_pytorch_tanh", LM_ACT_GELU},
    {"gelu_fast", LM_ACT_GELU}, {"gelu", LM_ACT_GELU_ERF},
    {"silu", LM_ACT_SILU},      {"swish", LM_ACT_SILU},
};

static status read_act(lm_facts *f, const json_value *config, err *e) {
    static const char *const fields[] = {"hidden_act", "hidden_activation", "activation_function"};
    char room[80];
    for (size_t i = 0; i < countof(fields); i++) {
        const lm_key *k = find_key(f->family, str_of(fields[i]));
        const json_value *v = json_get(config, fields[i]);
        if (!k || k->kind != KEY_READ || !is_there(v)) continue;
        str name;
        size_t at = countof(acts);
        if (json_is_str(&name, v))
            for (at = 0; at < countof(acts) && !str_eq(name, str_of(acts[at].name));)
                at++;
        if (at < countof(acts)) f->s.act = acts[at].act;
        bool fits = f->s.is_gated ? f->s.act != LM_ACT_GELU_ERF : f->s.act != LM_ACT_SILU;
        if (at == countof(acts) || !fits)
            return err_set(e, E_UNSUPPORTED, "config.json: %s is %s, only %s is supported",
                           fields[i], lm__shown(room, v),
                           f->s.is_gated ? "silu or gelu_pytorch_tanh" : "gelu_new or gelu");
    }
    return OK;
}

static status add_eos(lm_spec *s, const json_value *v, err *e) {
    int64_t id;
    if (!json_is_int(&id, v) || id < 0 || id >= s->vocab_size)
        return err_set(e, E_FORMAT, "config.json: eos_token_id must be an id below %d",
                       s->vocab_size);
    if (s->n_eos == LM_EOS_MAX)
        return err_set(e, E_LIMIT, "config.json: eos_token_id has over %d ids", LM_EOS_MAX);
    s->eos[s->n_eos++] = (int32_t)id;
    return OK;
}

static status read_ids(lm_facts *f, const json_value *config, err *e) {
    lm_spec *s = &f->s;
    int64_t bos;
    s->n_ids = s->vocab_size;
    s->bos = json_is_int(&bos, json_get(config, "bos_token_id")) && bos >= 0 && bos < s->vocab_size
                 ? (int32_t)bos
                 : -1;
    const json_value *eos = json_get(config, "eos_token_id");
    if (!eos && f->family->eos >= 0 && f->family->eos < s->vocab_size)
        s->eos[s->n_eos++] = f->family->eos;
    if (!is_there(eos)) return OK;
    if (eos->kind != JSON_ARRAY) return add_eos(s, eos, e);
    for (size_t i = 0; i < eos->n; i++)
        TRY(add_eos(s, &eos->items[i], e));
    return OK;
}

// A list with an item for each layer; NULL when there is none.
static status layer_list(const json_value **out, const lm_facts *f, const json_value *config,
                         const char *key, err *e) {
    const json_value *v = json_get(config, key);
    *out = NULL;
    if (!is_there(v) || !find_key(f->family, str_of(key))) return OK;
    if (v->kind != JSON_ARRAY || v->n != (uint32_t)f->s.n_layer)
        return err_set(e, E_FORMAT, "config.json: %s must be a list of %d items", key,
                       f->s.n_layer);
    *out = v;
    return OK;
}

static const struct {
    const char *name;
    lm_layer_kind kind;
} kinds[] = {
    {"full_attention", LAYER_FULL}, {"sliding_attention", LAYER_SLIDING}, {"conv", LAYER_CONV}};

static status read_layer_kind(lm_facts *f, int l, const json_value *v, err *e) {
    char room[80];
    str name;
    for (size_t i = 0; i < countof(kinds) && json_is_str(&name, v); i++) {
        bool fits = kinds[i].kind != LAYER_CONV || f->s.n_conv;
        if (!str_eq(name, str_of(kinds[i].name)) || !fits) continue;
        f->kind[l] = kinds[i].kind;
        return OK;
    }
    return err_set(e, E_UNSUPPORTED, "config.json: layer_types has %s, only %s is supported",
                   lm__shown(room, v),
                   f->s.n_conv ? "full_attention or conv" : "full_attention or sliding_attention");
}

static bool in_list(const json_value *list, int item) {
    int64_t v;
    for (size_t i = 0; list && list->kind == JSON_ARRAY && i < list->n; i++)
        if (json_is_int(&v, &list->items[i]) && v == item) return true;
    return false;
}

lm_layer_kind lm__default_kind(const lm_facts *f, int l) {
    bool slides = false;
    if (!f->window || !f->uses_window) return LAYER_FULL;
    switch (f->family->windows) {
    case WINDOWS_ALL:
        slides = true;
        break;
    case WINDOWS_EVERY:
        slides = f->window_every > 0 && (l + 1) % f->window_every != 0;
        break;
    case WINDOWS_UPPER:
        slides = l >= f->max_window_layers;
        break;
    case WINDOWS_NOPE:
        slides = !f->has_rope[l];
        break;
    default:
        break;
    }
    return slides ? LAYER_SLIDING : LAYER_FULL;
}

static status read_layers(lm_facts *f, const json_value *config, err *e) {
    const json_value *types, *ropes, *attends = json_get(config, "full_attn_idxs");
    const json_value *dense = json_get(config, "mlp_only_layers");
    TRY(layer_list(&types, f, config, "layer_types", e));
    TRY(layer_list(&ropes, f, config, "no_rope_layers", e));
    for (int l = 0; l < f->s.n_layer; l++) {
        int64_t has = 1;
        if (ropes && !json_is_int(&has, &ropes->items[l]))
            return err_set(e, E_FORMAT, "config.json: no_rope_layers must be of 0 and 1");
        f->has_rope[l] =
            ropes ? has != 0 : f->no_rope_every == 0 || (l + 1) % f->no_rope_every != 0;
        f->kind[l] = lm__default_kind(f, l);
        if (f->s.n_conv && is_there(attends) && !in_list(attends, l)) f->kind[l] = LAYER_CONV;
        if (types) TRY(read_layer_kind(f, l, &types->items[l], e));
        f->is_moe[l] = f->s.n_expert && !in_list(dense, l) && l >= f->dense_layers &&
                       (f->sparse_step < 2 || (l + 1) % f->sparse_step == 0);
    }
    return OK;
}

// --- The whole ----------------------------------------------------------------------------------

static status find_family(const lm_family **out, const json_value *config, err *e) {
    char room[80], names[300];
    const json_value *type = json_get(config, "model_type");
    const json_value *archs = json_get(config, "architectures"), *arch = NULL;
    str name;
    if (archs && archs->kind == JSON_ARRAY && archs->n) arch = &archs->items[0];
    *out = NULL;
    if (json_is_str(&name, type))
        *out = lm__family(name, WEIGHTS_HF);
    else if (!is_there(type) && !arch)
        *out = lm__family(STR("gpt2"), WEIGHTS_HF);  // before model_type was there
    for (size_t i = 0; i < lm__n_families && !is_there(type) && json_is_str(&name, arch); i++)
        if (str_eq(name, str_of(lm__families[i].arch))) *out = &lm__families[i];
    lm__family_names(names, sizeof names, WEIGHTS_HF);
    if (!*out)
        return err_set(e, E_UNSUPPORTED, "config.json: model_type is %s, only %s are supported",
                       lm__shown(room, is_there(type) ? type : arch), names);
    if (arch && !(json_is_str(&name, arch) && str_eq(name, str_of((*out)->arch))))
        return err_set(e, E_UNSUPPORTED, "config.json: architectures is %s, only %s is supported",
                       lm__shown(room, arch), (*out)->arch);
    return OK;
}

status lm__config_read(lm_facts *f, const json_value *config, err *e) {
    const lm_family *family;
    TRY(find_family(&family, config, e));
    lm__facts_begin(f, family, family->type);
    TRY(check_quantized(f, config, e));
    TRY(read_keys(f, config, e));
    TRY(check_known(f, config, e));
    TRY(read_act(f, config, e));
    if (f->attention_bias) f->s.biases |= LM_BIT(LM_Q) | LM_BIT(LM_K) | LM_BIT(LM_V) | LM_BIT(LM_O);
    if (f->mlp_bias) f->s.biases |= LM_BIT(LM_GATE) | LM_BIT(LM_UP) | LM_BIT(LM_DOWN);
    if (f->expert_bias) f->s.biases |= LM_BIT(LM_ROUTER_BIAS);
    TRY(lm__facts_sizes(f, e));
    TRY(read_ids(f, config, e));
    TRY(read_layers(f, config, e));
    return lm__ropes_read(f, config, e);
}
