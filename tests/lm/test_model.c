// Loading: configs that are refused by name, types in memory, and the file of panels.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lm/model.h"
#include "tests/tensor/folder.h"

#define GOLDEN "tests/golden/"

static lm_model *open_ok(const char *path, const lm_load *how) {
    lm_model *m;
    err e = {0};
    if (lm_model_open(&m, path, how, &e)) fail_msg("%s", e.msg);
    return m;
}

static void refuse(const char *path, const lm_load *how, status want, const char *says) {
    lm_model *m;
    err e = {0};
    status s = lm_model_open(&m, path, how, &e);
    if (!strstr(e.msg, says)) fail_msg("\"%s\" does not say \"%s\"", e.msg, says);
    assert_int_equal(s, want);
    assert_null(m);
}

// --- Configs -------------------------------------------------------------------------------------

#define SHAPE(more)                                                                                \
    "{\"n_positions\":48,\"n_embd\":32,\"n_layer\":2,\"n_head\":2,\"vocab_size\":300" more "}"

static void configs(void **state) {
    (void)state;
    static const struct {
        const char *config, *says;  // NULL: taken
        status want;
    } cases[] = {
        {SHAPE(""), NULL, OK},
        {SHAPE(",\"n_ctx\":48,\"n_inner\":128,\"activation_function\":null"), NULL, OK},
        {"{\"n_ctx\":48,\"n_embd\":32,\"n_layer\":2,\"n_head\":2,\"vocab_size\":300}", NULL, OK},
        {SHAPE(",\"model_type\":\"llama\""), "config.json: hidden_size is missing", E_FORMAT},
        {SHAPE(",\"activation_function\":\"relu\""),
         "activation_function is \"relu\", only gelu_new", E_UNSUPPORTED},
        {SHAPE(",\"activation_function\":\"re\\nlu\""), "activation_function is something else",
         E_UNSUPPORTED},
        {SHAPE(",\"layer_norm_epsilon\":1e-6"), NULL, OK},
        {SHAPE(",\"scale_attn_weights\":false"), "scale_attn_weights is false, only true",
         E_UNSUPPORTED},
        {SHAPE(",\"scale_attn_by_inverse_layer_idx\":true"), "is true, only false", E_UNSUPPORTED},
        {SHAPE(",\"add_cross_attention\":{}"), "is something else, only false", E_UNSUPPORTED},
        {SHAPE(",\"n_inner\":64"),
         "h.0.mlp.c_fc.weight has shape [32, 128], the config wants [32, 64]", E_FORMAT},
        {"{\"n_embd\":32}", "config.json: n_positions is missing", E_FORMAT},
        {"{\"n_positions\":\"48\"}", "config.json: n_positions is missing", E_FORMAT},
        {"{\"n_positions\":48.5}", "n_positions is 48.5, must be in 1..1048576", E_LIMIT},
        {"{\"n_positions\":0}", "n_positions is 0, must be in 1..1048576", E_LIMIT},
        {"{\"n_positions\":1e300}", "n_positions is 1e+300, must be in 1..1048576", E_LIMIT},
        {"{\"n_positions\":48,\"n_embd\":32,\"n_layer\":2,\"n_head\":3,\"vocab_size\":300}",
         "n_embd 32 over n_head 3", E_UNSUPPORTED},
        {"{\"n_positions\":48,\"n_embd\":32,\"n_layer\":1,\"n_head\":2,\"vocab_size\":300}",
         "unexpected tensor h.1.", E_FORMAT},
        {"{\"n_positions\":48,\"n_embd\":32,\"n_layer\":3,\"n_head\":2,\"vocab_size\":300}",
         "h.2.ln_1.weight is missing", E_FORMAT},
        {"{\"n_positions\":48,\"n_embd\":64,\"n_layer\":2,\"n_head\":2,\"vocab_size\":300}",
         "h.0.ln_1.weight has shape [32], the config wants [64]", E_FORMAT},
        {SHAPE(",\"eos_token_id\":300"), "eos_token_id must be an id below 300", E_FORMAT},
        {"{\"n_positions\":40,\"n_embd\":32,\"n_layer\":2,\"n_head\":2,\"vocab_size\":300}",
         "wpe.weight has shape [48, 32], the config wants [40, 32]", E_FORMAT},
    };
    folder f;
    assert_true(folder_open(&f));
    assert_true(folder_copy(&f, "model.safetensors", GOLDEN "hf_single/model.safetensors"));
    for (size_t i = 0; i < countof(cases); i++) {
        assert_true(folder_put(&f, "config.json", str_of(cases[i].config)));
        if (cases[i].says)
            refuse(f.path, NULL, cases[i].want, cases[i].says);
        else
            lm_model_close(open_ok(f.path, NULL));
    }
    folder_close(&f);
}

static void ids_and_ends(void **state) {
    (void)state;
    static const struct {
        const char *config;
        int eos_id;
    } cases[] = {{SHAPE(""), -1},
                 {SHAPE(",\"eos_token_id\":299"), 299},
                 {SHAPE(",\"eos_token_id\":null"), -1}};
    folder f;
    assert_true(folder_open(&f));
    assert_true(folder_copy(&f, "model.safetensors", GOLDEN "hf_single/model.safetensors"));
    for (size_t i = 0; i < countof(cases); i++) {
        assert_true(folder_put(&f, "config.json", str_of(cases[i].config)));
        lm_model *m = open_ok(f.path, NULL);
        assert_int_equal(lm_model_spec(m)->n_ids, 300);
        assert_int_equal(lm_model_spec(m)->n_eos, cases[i].eos_id >= 0);
        assert_true(cases[i].eos_id < 0 || lm_spec_ends(lm_model_spec(m), cases[i].eos_id));
        lm_model_close(m);
    }
    folder_close(&f);
    lm_model *m = open_ok(GOLDEN "gpt2_f32.pt", NULL);
    assert_int_equal(lm_model_spec(m)->n_ids, 512);
    assert_int_equal(lm_model_spec(m)->n_eos, 0);
    lm_model_close(m);
}

// --- Types ---------------------------------------------------------------------------------------

static void types(void **state) {
    (void)state;
    static const struct {
        const char *path;
        kern_type type;
    } as_they_are[] = {{GOLDEN "gpt2_f32.pt", KERN_F32},
                       {GOLDEN "gpt2_f16.pt", KERN_F16},
                       {GOLDEN "gpt2_bf16.pt", KERN_BF16},
                       {GOLDEN "hf_sharded", KERN_F16}};
    for (size_t i = 0; i < countof(as_they_are); i++) {
        lm_model *m = open_ok(as_they_are[i].path, NULL);
        assert_int_equal(lm_model_spec(m)->type, as_they_are[i].type);
        assert_int_equal(lm_model_spec(m)->head_type, as_they_are[i].type);
        lm_model_close(m);
    }
    uint64_t before = UINT64_MAX;
    static const kern_type smaller[] = {KERN_F32, KERN_BF16, KERN_INT8, KERN_INT4};
    for (size_t i = 0; i < countof(smaller); i++) {
        lm_model *m = open_ok(GOLDEN "gpt2_f32.pt",
                              &(lm_load){.has_type = true, .type = smaller[i], .verify = true});
        const lm_spec *s = lm_model_spec(m);
        assert_int_equal(s->type, smaller[i]);
        assert_int_equal(s->head_type, smaller[i]);
        assert_int_equal(m->layers[1].up->type, s->type);
        assert_int_equal(m->head.type, s->head_type);
        assert_true(s->bytes_per_token < before);
        assert_int_equal(s->flops_per_token, 2 * (2 * 12 * 32 * 32 + 512 * 32));
        before = s->bytes_per_token;
        lm_model_close(m);
    }
}

// In f32: the head, of each layer matrices, biases and norms, the last norm, a row of wpe.
static void bytes_of_a_token(void **state) {
    (void)state;
    lm_model *m = open_ok(GOLDEN "gpt2_f32.pt", NULL);
    size_t layer = 12 * 32 * 32 + (3 + 1 + 4 + 1) * 32 + 4 * 32;
    assert_int_equal(lm_model_spec(m)->bytes_per_token,
                     sizeof(float) * (512 * 32 + 2 * layer + 2 * 32 + 32));
    lm_model_close(m);
}

// Halves at an odd offset give what they give at an even one.
static void unaligned_halves(void **state) {
    (void)state;
    os_map map;
    folder f;
    assert_true(folder_open(&f));
    assert_true(folder_copy(&f, "config.json", GOLDEN "hf_sharded/config.json"));
    static const char *const shards[] = {"model-00001-of-00002.safetensors",
                                         "model-00002-of-00002.safetensors"};
    assert_true(folder_copy(&f, "model.safetensors.index.json",
                            GOLDEN "hf_sharded/model.safetensors.index.json"));
    for (size_t i = 0; i < countof(shards); i++) {
        char path[100];
        snprintf(path, sizeof path, GOLDEN "hf_sharded/%s", shards[i]);
        assert_int_equal(os_map_open(&map, path, OS_MAP_RANDOM, NULL), OK);
        uint64_t len;
        memcpy(&len, map.base, 8);
        char *longer = malloc(map.len + 1);
        memcpy(longer, map.base, 8 + len);
        longer[8 + len] = ' ';
        memcpy(longer + 8 + len + 1, map.base + 8 + len, map.len - 8 - len);
        len++;
        memcpy(longer, &len, 8);
        assert_true(folder_put(&f, shards[i], (str){longer, map.len + 1}));
        free(longer);
        os_map_close(&map);
    }
    static const kern_type all[] = {KERN_F32, KERN_BF16, KERN_F16, KERN_INT8, KERN_INT4};
    for (size_t i = 0; i < countof(all); i++) {
        lm_load how = {.has_type = true, .type = all[i]};
        lm_model *even = open_ok(GOLDEN "hf_sharded", &how), *odd = open_ok(f.path, &how);
        assert_int_equal(even->a.used, odd->a.used);
        assert_memory_equal(even->a.base, odd->a.base, odd->a.used);
        lm_model_close(even);
        lm_model_close(odd);
    }
    folder_close(&f);
}

// --- The file of panels --------------------------------------------------------------------------

static folder panels_in;

static const uint8_t *image_of(const lm_model *m) {
    return (const uint8_t *)m->layers[0].norm_in.gain;  // what is placed first
}

// Opens twice: what the first writes the second maps, and both are the same weights.
static void check_pair(const char *path, lm_load how, status said) {
    err note;
    how.note = &note;
    how.panels = folder_at(&panels_in, "panels");
    lm_model *first = open_ok(path, &how);
    if (note.code != said) fail_msg("%d: %s", note.code, note.msg);
    assert_false(first->spec.mapped);
    lm_model *second = open_ok(path, &how);
    if (note.code) fail_msg("%s", note.msg);
    assert_true(second->spec.mapped);
    assert_null(second->a.base);
    assert_memory_equal(image_of(first), image_of(second), first->a.used);
    assert_int_equal(first->spec.bytes_per_token, second->spec.bytes_per_token);
    lm_model_close(first);
    lm_model_close(second);
}

static void panels_are_kept(void **state) {
    (void)state;
    const lm_load int8 = {.has_type = true, .type = KERN_INT8};
    const lm_load int4 = {.has_type = true, .type = KERN_INT4};
    assert_true(folder_open(&panels_in));
    check_pair(GOLDEN "gpt2_f32.pt", (lm_load){0}, OK);
    check_pair(GOLDEN "gpt2_f32.pt", int8, E_STALE);  // another type
    check_pair(GOLDEN "gpt2_f32.pt", int4, E_STALE);
    check_pair(GOLDEN "gpt2_f16.pt", int4, E_STALE);        // other weights of that shape
    check_pair(GOLDEN "hf_single", (lm_load){0}, E_STALE);  // another shape
    folder_close(&panels_in);
}

static void damaged_panels_are_built_again(void **state) {
    (void)state;
    os_map map;
    assert_true(folder_open(&panels_in));
    check_pair(GOLDEN "gpt2_f32.pt", (lm_load){0}, OK);
    assert_int_equal(os_map_open(&map, folder_at(&panels_in, "panels"), OS_MAP_RANDOM, NULL), OK);
    size_t len = map.len;
    char *good = malloc(len), *bad = malloc(len);
    memcpy(good, map.base, len);
    os_map_close(&map);
    for (size_t i = 0; i < 16; i++) {
        memcpy(bad, good, len);
        bad[i < 8 ? i * 131 : len / 8 * (i - 8) + 977] ^= 0x10;  // the header; all over
        assert_true(folder_put(&panels_in, "panels", (str){bad, len}));
        check_pair(GOLDEN "gpt2_f32.pt", (lm_load){0}, E_FORMAT);
    }
    const size_t cuts[] = {0, 7, 40, 900, len / 2, len - 1};
    for (size_t i = 0; i < countof(cuts); i++) {
        assert_true(folder_put(&panels_in, "panels", (str){good, cuts[i]}));
        check_pair(GOLDEN "gpt2_f32.pt", (lm_load){0}, E_FORMAT);
    }
    free(good);
    free(bad);
    folder_close(&panels_in);
}

static void panels_that_cannot_be_written(void **state) {
    (void)state;
    err note;
    lm_load how = {.panels = "/no/such/folder/panels", .note = &note};
    lm_model *m = open_ok(GOLDEN "gpt2_f32.pt", &how);
    assert_false(m->spec.mapped);
    assert_int_equal(note.code, E_NOT_FOUND);
    assert_true(str_starts(str_of(note.msg), STR("not written: /no/such/folder/panels")));
    lm_model_close(m);
    how.note = NULL;
    lm_model_close(open_ok(GOLDEN "gpt2_f32.pt", &how));
}

// --- Random weights ------------------------------------------------------------------------------

static void random_models(void **state) {
    (void)state;
    for (kern_type t = 0; t <= KERN_INT4; t++) {
        lm_spec s = {.block_size = 16,
                     .vocab_size = 100,
                     .n_layer = 1,
                     .n_head = 2,
                     .n_embd = 32,
                     .type = t};
        lm_model *m, *again, *other;
        assert_int_equal(lm__model_random(&m, &s, 5, NULL), OK);
        assert_int_equal(lm__model_random(&again, &s, 5, NULL), OK);
        assert_int_equal(lm__model_random(&other, &s, 6, NULL), OK);
        assert_int_equal(m->spec.type, t);
        assert_memory_equal(m->a.base, again->a.base, m->a.used);
        float row[32];
        double sum = 0;
        assert_memory_not_equal(m->a.base, other->a.base, m->a.used);
        kern_unpack_row(row, &m->head, 99);
        for (int i = 0; i < 32; i++)
            sum += (double)(row[i] * row[i]);
        assert_true(sum > 0.005 && sum < 0.08);  // 32 of [-0.05, 0.05)
        lm_model_close(m);
        lm_model_close(again);
        lm_model_close(other);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(configs),
        cmocka_unit_test(ids_and_ends),
        cmocka_unit_test(types),
        cmocka_unit_test(bytes_of_a_token),
        cmocka_unit_test(unaligned_halves),
        cmocka_unit_test(panels_are_kept),
        cmocka_unit_test(damaged_panels_are_built_again),
        cmocka_unit_test(panels_that_cannot_be_written),
        cmocka_unit_test(random_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
