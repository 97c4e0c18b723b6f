// Configs and tensors of every family: what a plain decoder makes of them is what transformers
// makes of them, and what is not computed here is refused by name.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "tests/lm/hf_cases.h"
#include "tests/lm/plain.h"
#include "tests/tensor/folder.h"

// --- Transformers' logits -----------------------------------------------------------------------

static double worst_of(const float *a, const float *b, size_t n) {
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - (double)b[i]);
        if (!(d <= worst)) worst = d;
    }
    return worst;
}

static void check_folder(const char *path) {
    weights *w;
    err e = {0};
    hf_case c;
    hf_open(&c, path);
    if (weights_open(&w, c.open, &e)) fail_msg("%s: %s", path, e.msg);
    lm_spec *s = malloc(sizeof *s);
    if (lm__arch_read(s, w, &e)) fail_msg("%s: %s", path, e.msg);
    if (lm__arch_check_all(w, s, &e)) fail_msg("%s: %s", path, e.msg);
    const float *want = c.logits;
    double worst = 0;
    for (size_t i = 0; i < c.n; i++) {
        size_t n = c.cases[i].n_prompt, floats = n * (size_t)s->vocab_size;
        lm_spec at = *s;
        if (n > (size_t)s->block_size && lm__arch_context(&at, s->context_max, &e))
            fail_msg("%s: %s", path, e.msg);
        float *got = malloc(floats * sizeof *got);
        plain_forward(got, w, &at, c.cases[i].prompt, n);
        double d = worst_of(got, want, floats);
        if (!(d <= worst)) worst = d;
        want += floats;
        free(got);
    }
    assert_int_equal(want - c.logits, c.n_floats);
    print_message("%-32s %.1g\n", path, worst);
    assert_true(worst < 5e-5);
    free(s);
    weights_close(w);
    hf_close(&c);
}

static void logits_of_all_families(void **state) {
    (void)state;
    static hf_folders all;
    hf_find(&all, "tests/golden/hf");
    assert_true(all.n >= 15);
    for (size_t i = 0; i < all.n; i++)
        check_folder(all.path[i]);
}

// --- Configs ------------------------------------------------------------------------------------

static str slurp(const char *path) {
    os_map map;
    assert_int_equal(os_map_open(&map, path, OS_MAP_SEQUENTIAL, NULL), OK);
    char *text = malloc(map.len + 1);
    memcpy(text, map.base, map.len);
    text[map.len] = 0;
    str out = {text, map.len};
    os_map_close(&map);
    return out;
}

// config.json of a family with `more` in front of its other fields (a later one of the same name is
// taken out), beside that family's tensors.
static void put_config(folder *f, const char *family, const char *more) {
    char path[200], key[64] = "";
    snprintf(path, sizeof path, "tests/golden/hf/%s/config.json", family);
    str text = slurp(path);
    str rest = text;
    sscanf(more, "%63[^:]", key);
    size_t at = *key ? str_find(text, str_of(key)) : text.len, end = at;
    int depth = 0;
    for (; end < text.len; end++) {  // up to the comma behind its value
        char c = text.ptr[end];
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        if ((c == ',' && depth == 0) || depth < 0) break;
    }
    if (end < text.len && text.ptr[end] == ',') end++;
    char *out = malloc(text.len + strlen(more) + 8);
    int n = sprintf(out, "{%s%s%.*s%.*s", more, *more ? "," : "", (int)at - 1, rest.ptr + 1,
                    (int)(text.len - end), text.ptr + end);
    assert_true(folder_put(f, "config.json", (str){out, (size_t)n}));
    free(out);
    free((void *)text.ptr);
}

static status read_with(lm_spec *s, const char *family, const char *more, err *e) {
    folder f;
    char path[200];
    weights *w;
    assert_true(folder_open(&f));
    snprintf(path, sizeof path, "tests/golden/hf/%s/model.safetensors", family);
    assert_true(folder_copy(&f, "model.safetensors", path));
    put_config(&f, family, more);
    if (weights_open(&w, f.path, e)) fail_msg("%s", e->msg);
    status st = lm__arch_read(s, w, e);
    if (!st) st = lm__arch_check_all(w, s, e);
    for (int l = 0; !st && l < s->n_layer; l++) {
        lm_rows m;
        bool has;
        st = lm__arch_weight(&m, &has, w, s, LM_NORM_MLP, l, -1, e);
        if (!st) st = lm__arch_weight(&m, &has, w, s, LM_Q, l, -1, e);
        if (!st) st = lm__arch_bias(&m, &has, w, s, LM_Q, l, -1, e);
        if (!st) st = lm__arch_weight(&m, &has, w, s, LM_DOWN, l, s->layer[l].is_moe ? 0 : -1, e);
    }
    weights_close(w);
    folder_close(&f);
    return st;
}

static void fields_that_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *family, *more, *says;
        status want;
    } cases[] = {
        {"llama", "\"model_type\":\"mamba\"",
         "model_type is \"mamba\", only llama, mistral, qwen2,", E_UNSUPPORTED},
        {"gemma3", "\"model_type\":\"gemma3\"", "model_type is \"gemma3\", only", E_UNSUPPORTED},
        {"llama", "\"architectures\":[\"LlamaForSequenceClassification\"]",
         "architectures is \"LlamaForSequenceClassification\", only LlamaForCausalLM",
         E_UNSUPPORTED},
        {"llama", "\"new_thing\":0.5", "new_thing is 0.5, a field that is not known for llama",
         E_UNSUPPORTED},
        {"llama", "\"sliding_window\":8", "sliding_window is 8, a field that is not known",
         E_UNSUPPORTED},
        {"llama", "\"hidden_act\":\"relu\"", "hidden_act is \"relu\", only silu", E_UNSUPPORTED},
        {"llama", "\"hidden_act\":\"gelu\"", "hidden_act is \"gelu\", only silu", E_UNSUPPORTED},
        {"pythia", "\"hidden_act\":\"silu\"", "hidden_act is \"silu\", only gelu_new or gelu",
         E_UNSUPPORTED},
        {"llama", "\"rope_interleaved\":true", "rope_interleaved is true, only false",
         E_UNSUPPORTED},
        {"qwen2", "\"attention_bias\":false", "attention_bias is false, only true", E_UNSUPPORTED},
        {"gpt_oss", "\"swiglu_limit\":5", "swiglu_limit is 5, only 7", E_UNSUPPORTED},
        {"lfm2", "\"conv_bias\":true", "conv_bias is true, only false", E_UNSUPPORTED},
        {"lfm2", "\"layer_types\":[\"conv\",\"full_attention\",\"mamba\"]",
         "layer_types has \"mamba\", only full_attention or conv", E_UNSUPPORTED},
        {"gemma3", "\"layer_types\":[\"conv\",\"full_attention\",\"full_attention\"]",
         "layer_types has \"conv\", only full_attention or sliding", E_UNSUPPORTED},
        {"gemma3", "\"layer_types\":[\"full_attention\"]", "layer_types must be a list of 3 items",
         E_FORMAT},
        {"gemma3", "\"use_bidirectional_attention\":true", "use_bidirectional_attention is true",
         E_UNSUPPORTED},
        {"gemma2", "\"sliding_window\":null", "layer 0 has a sliding window of no size", E_FORMAT},
        {"llama", "\"quantization_config\":{\"quant_method\":\"gptq\",\"bits\":4}",
         "quantization_config is \"gptq\": of quantised checkpoints only gpt-oss' mxfp4",
         E_UNSUPPORTED},
        {"llama", "\"quantization_config\":{\"quant_method\":\"mxfp4\"}", "is \"mxfp4\"",
         E_UNSUPPORTED},
        {"gpt_oss", "\"quantization_config\":{\"quant_method\":\"fp8\"}", "is \"fp8\"",
         E_UNSUPPORTED},
        {"llama", "\"rope_scaling\":{\"rope_type\":\"su2\"}", "rope_type is \"su2\", only default",
         E_UNSUPPORTED},
        {"llama", "\"rope_scaling\":{\"rope_type\":\"linear\"}", "rope_scaling.factor is missing",
         E_FORMAT},
        {"llama", "\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":\"2\"}",
         "rope_scaling.factor is \"2\", must be a number above 0", E_FORMAT},
        {"llama", "\"rope_scaling\":{\"rope_type\":\"default\",\"mrope_section\":[1]}",
         "rope_scaling.mrope_section is something else, not known", E_UNSUPPORTED},
        {"llama", "\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8}",
         "rope_scaling.low_freq_factor is missing", E_FORMAT},
        {"phi3",
         "\"rope_scaling\":{\"type\":\"longrope\",\"short_factor\":[1],\"long_factor\":[1]}",
         "rope_scaling.short_factor must be a list of 6 numbers", E_FORMAT},
        {"pythia", "\"rotary_pct\":0.3", "rope turns 4 of a head's 16 values", OK},
        {"pythia", "\"rotary_pct\":0.2", "rope turns 3 of a head's 16 values", E_UNSUPPORTED},
        {"llama", "\"rms_norm_eps\":-1", "rms_norm_eps is -1, must be in 0..1e12", E_LIMIT},
        {"llama", "\"rms_norm_eps\":0", "epsilon is 0, must be in 0..1", E_UNSUPPORTED},
        {"llama", "\"hidden_size\":null", "hidden_size is missing", E_FORMAT},
        {"llama", "\"num_hidden_layers\":1e9", "num_hidden_layers is 1e+09, must be in 1..256",
         E_LIMIT},
        {"llama", "\"num_attention_heads\":3", "3 heads over 2 of keys", E_UNSUPPORTED},
        {"llama", "\"head_dim\":24", "the head's width is 24, must be a multiple of 16",
         E_UNSUPPORTED},
        {"llama", "\"intermediate_size\":72", "the MLP's width is 72, must be a multiple of 16",
         E_UNSUPPORTED},
        {"llama", "\"intermediate_size\":96",
         "model.layers.0.mlp.down_proj.weight has shape [64, 64], the config wants [64, 96]",
         E_FORMAT},
        {"llama", "\"num_hidden_layers\":1", "unexpected tensor model.layers.1.", E_FORMAT},
        {"llama", "\"num_hidden_layers\":3",
         "model.layers.2.post_attention_layernorm.weight is missing", E_FORMAT},
        {"llama", "\"tie_word_embeddings\":true",
         "lm_head.weight differs from model.embed_tokens.weight", E_UNSUPPORTED},
        {"llama", "\"attention_bias\":true", "model.layers.0.self_attn.q_proj.bias is missing",
         E_FORMAT},
        {"llama2", "\"attention_bias\":false",
         "unexpected tensor model.layers.0.self_attn.k_proj.bias", E_FORMAT},
        {"llama", "\"attention_bias\":1", "attention_bias is 1, must be true or false", E_FORMAT},
        {"qwen3_moe", "\"num_experts_per_tok\":6", "6 of 5 experts cannot be used", E_UNSUPPORTED},
        {"qwen3_moe", "\"num_experts\":4", "unexpected tensor model.layers.1.mlp.experts.4.",
         E_FORMAT},
        {"llama", "\"eos_token_id\":99", "eos_token_id must be an id below 99", E_FORMAT},
        {"llama", "\"eos_token_id\":[1,2,3,4,5,6,7,8,9]", "eos_token_id has over 8 ids", E_LIMIT},
    };
    lm_spec *s = malloc(sizeof *s);
    for (size_t i = 0; i < countof(cases); i++) {
        err e = {0};
        status st = read_with(s, cases[i].family, cases[i].more, &e);
        if (st != cases[i].want || (st && !strstr(e.msg, cases[i].says)))
            fail_msg("%s %s: %d \"%s\"", cases[i].family, cases[i].more, st, e.msg);
    }
    free(s);
}

static void fields_that_mean_nothing(void **state) {
    (void)state;
    static const char *const same[] = {
        "",
        "\"new_thing\":null",
        "\"pretraining_tp\":4",
        "\"torch_dtype\":\"float16\"",
        "\"rope_interleaved\":false",
        "\"is_llama_config\":true",
        "\"_name_or_path\":\"x\"",
        "\"architectures\":null",
        "\"model_type\":null",
        "\"head_dim\":null",
        "\"mlp_bias\":null",
        "\"quantization_config\":null",
        "\"pruned_heads\":{}",
    };
    lm_spec *want = malloc(sizeof *want), *got = malloc(sizeof *got);
    err e = {0};
    assert_int_equal(read_with(want, "llama", "", &e), OK);
    for (size_t i = 0; i < countof(same); i++) {
        if (read_with(got, "llama", same[i], &e)) fail_msg("%s: %s", same[i], e.msg);
        assert_memory_equal(want->layer, got->layer, sizeof got->layer);
        assert_memory_equal(want->rope, got->rope, sizeof got->rope);
        assert_int_equal(want->head_dim, got->head_dim);
        assert_int_equal(want->biases, got->biases);
    }
    free(want);
    free(got);
}

// --- Values that follow -------------------------------------------------------------------------

static void ends_of_texts(void **state) {
    (void)state;
    lm_spec *s = malloc(sizeof *s);
    err e = {0};
    assert_int_equal(read_with(s, "llama", "\"eos_token_id\":[5,7]", &e), OK);
    assert_int_equal(s->n_eos, 2);
    assert_true(lm_spec_ends(s, 5) && lm_spec_ends(s, 7) && !lm_spec_ends(s, 2));
    assert_int_equal(s->bos, 1);
    assert_int_equal(read_with(s, "llama", "\"eos_token_id\":null", &e), OK);
    assert_int_equal(s->n_eos, 0);
    free(s);
}

static void windows_and_positions(void **state) {
    (void)state;
    lm_spec *s = malloc(sizeof *s);
    err e = {0};
    assert_int_equal(read_with(s, "smollm3", "", &e), OK);  // every second without positions
    for (int l = 0; l < 4; l++) {
        assert_int_equal(s->layer[l].rope, l % 2 ? -1 : 0);
        assert_int_equal(s->layer[l].window, l % 2 ? 8 : 0);
    }
    assert_int_equal(read_with(s, "smollm3", "\"no_rope_layers\":[0,1,1,1]", &e), OK);
    assert_int_equal(s->layer[0].rope, -1);
    assert_int_equal(s->layer[3].rope, 0);
    assert_int_equal(read_with(s, "mistral", "\"sliding_window\":null", &e), OK);
    assert_int_equal(s->layer[0].window, 0);
    assert_int_equal(read_with(s, "qwen3_moe", "\"mlp_only_layers\":[0]", &e), OK);
    assert_false(s->layer[0].is_moe);
    assert_true(s->layer[1].is_moe);
    free(s);
}

// The window that is chosen decides which of longrope's tables turns all positions.
static void contexts(void **state) {
    (void)state;
    lm_spec *s = malloc(sizeof *s);
    err e = {0};
    assert_int_equal(read_with(s, "phi3", "", &e), OK);
    assert_int_equal(s->block_size, 44);
    assert_int_equal(s->context_max, 96);
    assert_int_equal(s->layer[1].rope, 0);
    assert_int_equal(lm__arch_context(s, 45, &e), OK);
    assert_int_equal(s->block_size, 45);
    assert_int_equal(s->layer[1].rope, s->rope_long);
    assert_int_equal(lm__arch_context(s, 44, &e), OK);
    assert_int_equal(s->layer[1].rope, 0);
    assert_int_equal(lm__arch_context(s, 97, &e), E_LIMIT);
    assert_string_equal(e.msg, "a context of 97 tokens, the model has 1..96");
    assert_int_equal(read_with(s, "llama", "", &e), OK);
    assert_int_equal(lm__arch_context(s, 50, &e), OK);
    assert_int_equal(s->layer[1].rope, 0);
    free(s);
}

// --- GGUF ---------------------------------------------------------------------------------------

// `key` of a family's file becomes `to` (of the same length), or its value: a number of 32 bits, or
// with `text` a string of the same length.
typedef struct gguf_patch {
    const char *family, *key, *to;
    uint32_t value;
    const char *text, *says;
    status want;
} gguf_patch;

static str patched(const gguf_patch *p) {
    char path[200];
    snprintf(path, sizeof path, "tests/golden/hf/gguf_%s/model.gguf", p->family);
    str file = slurp(path);
    size_t at = str_find(file, str_of(p->key)), len = strlen(p->key);
    assert_true(at < file.len);
    char *key = (char *)file.ptr + at;
    if (p->to)
        memcpy(key, p->to, len);
    else if (p->text)
        memcpy(key + len + 4 + 8, p->text, strlen(p->text));
    else
        memcpy(key + len + 4, &p->value, sizeof p->value);
    return file;
}

static void keys_that_are_refused(void **state) {
    (void)state;
    static const gguf_patch cases[] = {
        {"llama", "general.architecture", NULL, 0, "mamba",
         "general.architecture is \"mamba\", only llama, qwen2,", E_UNSUPPORTED},
        {"llama", "general.architecture", "general.Architecture", 0, NULL,
         "general.architecture is missing", E_FORMAT},
        {"llama", "llama.context_length", "other.context_length", 0, NULL,
         "llama.context_length is missing", E_FORMAT},
        {"llama", "llama.attention.value_length", "llama.attention.future_thing", 0, NULL,
         "llama.attention.future_thing is not known here", E_UNSUPPORTED},
        {"qwen2", "qwen2.rope.scaling.type", "qwen2.rope.scale_linear", 0, NULL,
         "qwen2.rope.scale_linear must be a number", E_FORMAT},
        {"llama", "llama.block_count", NULL, 0, NULL, "llama.block_count is 0, must be in 1..256",
         E_LIMIT},
        {"llama", "llama.block_count", NULL, 1, NULL, "unexpected tensor blk.1.", E_FORMAT},
        {"llama", "llama.attention.head_count", NULL, 3, NULL, "3 heads over 2 of keys",
         E_UNSUPPORTED},
        {"llama", "llama.rope.dimension_count", NULL, 7, NULL, "rope.dimension_count is 7 of 16",
         E_UNSUPPORTED},
        {"llama", "llama.attention.value_length", NULL, 7, NULL,
         "llama.attention.value_length is 7, only 16 is supported", E_UNSUPPORTED},
        {"llama", "llama.attention.value_length", "llama.attention.output_scale", 0, NULL,
         "llama.attention.output_scale is 16, only 1 is supported", E_UNSUPPORTED},
        {"llama", "tokenizer.ggml.eos_token_id", NULL, 99, NULL,
         "tokenizer.ggml.eos_token_id must be an id below 99", E_FORMAT},
        {"llama", "rope_freqs.weight", "rope_frexs.weight", 0, NULL,
         "unexpected tensor rope_frexs.weight", E_FORMAT},
        {"llama", "blk.0.attn_v.weight", "blk.0.attn_w.weight", 0, NULL,
         "unexpected tensor blk.0.attn_w.weight", E_FORMAT},
        {"qwen2", "qwen2.rope.scaling.type", NULL, 0, "darn",
         "qwen2.rope.scaling.type is \"darn\", only none", E_UNSUPPORTED},
        {"phi3", "rope_factors_long.weight", "rope_factors_lung.weight", 0, NULL,
         "rope_factors_long.weight is missing", E_FORMAT},
        {"lfm2_moe", "lfm2moe.expert_gating_func", NULL, 1, NULL,
         "lfm2moe.expert_gating_func is 1, not known", E_UNSUPPORTED},
        {"qwen3_moe", "qwen3moe.expert_used_count", NULL, 6, NULL, "6 of 5 experts cannot be used",
         E_UNSUPPORTED},
        {"gpt2", "gpt2.embedding_length", NULL, 48, NULL, "n_embd 48 over n_head 4", E_UNSUPPORTED},
    };
    lm_spec *s = malloc(sizeof *s);
    folder f;
    assert_true(folder_open(&f));
    for (size_t i = 0; i < countof(cases); i++) {
        weights *w;
        err e = {0};
        str file = patched(&cases[i]);
        assert_true(folder_put(&f, "a.gguf", file));
        free((void *)file.ptr);
        if (weights_open(&w, folder_at(&f, "a.gguf"), &e)) fail_msg("%s", e.msg);
        status st = lm__arch_read(s, w, &e);
        if (!st) st = lm__arch_check_all(w, s, &e);
        if (st != cases[i].want || !strstr(e.msg, cases[i].says))
            fail_msg("%s %s: %d \"%s\"", cases[i].family, cases[i].key, st, e.msg);
        weights_close(w);
    }
    folder_close(&f);
    free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_of_all_families),   cmocka_unit_test(fields_that_are_refused),
        cmocka_unit_test(fields_that_mean_nothing), cmocka_unit_test(ends_of_texts),
        cmocka_unit_test(windows_and_positions),    cmocka_unit_test(contexts),
        cmocka_unit_test(keys_that_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
