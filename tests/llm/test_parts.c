// A folder becomes a model that can chat, or says what is wrong with it. Weights are the golden
// llama's; the tokenizer and the rest are made up here.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "llm/parts.h"
#include "os/log.h"
#include "tests/llm/folders.h"

#include <unistd.h>

#define GOLDEN "tests/golden/hf/llama"

typedef struct world {
    folders f;
    char path[128];
    llm_source s;
} world;

// Ids 0 to 2 are special, 3 to 98 the bytes from '!' on and a space.
static const char *tokenizer_text(void) {
    static char room[8192];
    size_t n = (size_t)sprintf(room, "{\"version\": \"1.0\", \"added_tokens\": [");
    static const char *const special[] = {"<pad>", "<s>", "</s>"};
    for (int i = 0; i < 3; i++)
        n += (size_t)sprintf(room + n,
                             "%s{\"id\": %d, \"content\": \"%s\", \"single_word\": false, "
                             "\"lstrip\": false, \"rstrip\": false, \"normalized\": false, "
                             "\"special\": true}",
                             i ? ", " : "", i, special[i]);
    n += (size_t)sprintf(
        room + n, "], \"normalizer\": null, \"pre_tokenizer\": {\"type\": \"ByteLevel\", "
                  "\"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": true}, "
                  "\"post_processor\": null, \"decoder\": {\"type\": \"ByteLevel\", "
                  "\"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": true}, "
                  "\"model\": {\"type\": \"BPE\", \"dropout\": null, \"unk_token\": null, "
                  "\"continuing_subword_prefix\": null, \"end_of_word_suffix\": null, "
                  "\"fuse_unk\": false, \"byte_fallback\": false, \"ignore_merges\": false, "
                  "\"vocab\": {");
    for (int i = 0; i < 94; i++) {
        char c = (char)('!' + i);
        n += (size_t)sprintf(room + n, "\"%s%c\": %d, ", c == '"' || c == '\\' ? "\\" : "", c,
                             i + 3);
    }
    sprintf(room + n, "\"\\u0120\": 97, \"\\u010a\": 98}, \"merges\": []}}");
    return room;
}

static void link_golden(const world *w, const char *name) {
    char from[OS_PATH_MAX], to[256];
    assert_non_null(getcwd(from, sizeof from - 64));
    snprintf(from + strlen(from), 64, "/" GOLDEN "/%s", name);
    snprintf(to, sizeof to, "%s/%s", w->path, name);
    assert_int_equal(symlink(from, to), 0);
}

static int world_open(void **state) {
    static world w;
    folders_open(&w.f);
    snprintf(w.path, sizeof w.path, "%s/m", w.f.root);
    folders_put(&w.f, "m/tokenizer.json", tokenizer_text());
    link_golden(&w, "config.json");
    link_golden(&w, "model.safetensors");
    w.s = (llm_source){.name = STR("m"), .id = STR("m"), .path = w.path};
    *state = &w;
    return 0;
}

static int world_close(void **state) {
    world *w = *state;
    folders_close(&w->f);
    return 0;
}

static llm_parts open_parts(const world *w, const llm_how *how) {
    llm_parts p;
    err e = {0};
    if (llm__parts_open(&p, &w->s, how, &e)) fail_msg("%s", e.msg);
    return p;
}

static void a_folder_is_a_model(void **state) {
    world *w = *state;
    folders_put(&w->f, "m/chat_template.jinja",
                "{% for m in messages %}[{{ m.role }}] {{ m.content }}{% endfor %}");
    folders_put(&w->f, "m/generation_config.json",
                "{\"temperature\": 0.6, \"top_k\": 20, \"top_p\": 0.95, \"min_p\": 7, "
                "\"repetition_penalty\": 1.05, \"eos_token_id\": [2, 17, 5000]}");
    _Atomic unsigned permille = 0;
    llm_parts p = open_parts(w, &(llm_how){.permille = &permille});
    const llm_model *m = &p.view;
    assert_int_equal(permille, 1000);
    assert_int_equal(p.context, lm_model_spec(m->model)->block_size);
    const lm_spec *spec = lm_model_spec(m->model);
    assert_true(lm_spec_ends(spec, 2) && lm_spec_ends(spec, 17));
    assert_false(lm_spec_ends(spec, 5000));  // no id of this model
    assert_true(m->sampling.temperature == 0.6F && m->sampling.top_p == 0.95F);
    assert_true(m->sampling.min_p == 0 && m->sampling.repetition == 1.05F);  // 7 is none
    assert_int_equal(m->sampling.top_k, 20);
    assert_non_null(m->chat);
    assert_int_equal(m->chat_why.len, 0);
    assert_int_equal(tokenizer_id(m->tokens, STR("</s>")), 2);
    llm__parts_close(&p);
    assert_null(p.model);
}

static void who_closes_does_not_wait_for_loading(void **state) {
    world *w = *state;
    const _Atomic bool cancelled = true;
    llm_parts p;
    assert_int_equal(llm__parts_open(&p, &w->s, &(llm_how){.cancelled = &cancelled}, NULL),
                     E_CLOSED);
    assert_null(p.model);
}

static void what_a_folder_lacks_is_off(void **state) {
    world *w = *state;
    llm_parts p = open_parts(w, &(llm_how){0});
    assert_null(p.view.chat);
    assert_int_equal(p.view.chat_why.len, 0);
    assert_true(p.view.sampling.temperature == 1 && p.view.sampling.top_p == 1);
    assert_int_equal(p.view.sampling.top_k, 0);
    llm__parts_close(&p);
}

static void types_are_the_operators(void **state) {
    world *w = *state;
    size_t bytes[4], plain;
    llm_how none = {0}, how = {.quantises = true, .quantise = KERN_INT8};
    assert_int_equal(llm__parts_measure(&plain, &w->s, &none, NULL), OK);
    assert_int_equal(llm__parts_measure(&bytes[0], &w->s, &how, NULL), OK);
    assert_true(bytes[0] < plain);
    w->s.has_type = true;
    w->s.type = KERN_F32;
    assert_int_equal(llm__parts_measure(&bytes[1], &w->s, &how, NULL), OK);
    assert_true(bytes[1] >= plain);  // what the spec says goes before
    llm_parts a = open_parts(w, &how);
    w->s.has_type = false;
    llm_parts b = open_parts(w, &how), c = open_parts(w, &how);
    assert_int_equal(lm_model_spec(a.model)->type, KERN_F32);
    assert_int_equal(lm_model_spec(b.model)->type, KERN_INT8);
    assert_true(a.view.fingerprint != b.view.fingerprint);
    assert_true(b.view.fingerprint == c.view.fingerprint);
    llm__parts_close(&a);
    llm__parts_close(&b);
    llm__parts_close(&c);
}

// As many tokens as the operator wants, and no more than the model can have.
static void contexts_are_the_operators(void **state) {
    world *w = *state;
    llm_parts own = open_parts(w, &(llm_how){0});
    const lm_spec *s = lm_model_spec(own.model);
    assert_true(own.context == s->block_size && s->context_max >= own.context);
    llm_parts less = open_parts(w, &(llm_how){.context = 10});
    llm_parts most = open_parts(w, &(llm_how){.context = LM_BLOCK_MAX});
    assert_int_equal(less.context, 10);
    assert_int_equal(most.context, s->context_max);
    assert_true(own.view.fingerprint != less.view.fingerprint);
    llm__parts_close(&own);
    llm__parts_close(&less);
    llm__parts_close(&most);
}

// A mask never spells text with special tokens.
static void a_schema_has_no_special_tokens(void **state) {
    world *w = *state;
    llm_parts p = open_parts(w, &(llm_how){0});
    schema *any;
    assert_int_equal(schema_open_regex(&any, STR("<s>[!-~]*"), NULL), OK);
    uint32_t bits[8] = {0};
    schema_state *st = malloc(schema_state_bytes(any));
    void *scratch = malloc(schema_mask_scratch(p.vocab, any));
    schema_start(st, any);
    schema_mask(bits, p.vocab, st, any, scratch);
    uint32_t want[8] = {0};
    size_t less = (size_t)tokenizer_id(p.tokens, STR("<"));
    want[less / 32] = 1U << less % 32;
    assert_memory_equal(bits, want, sizeof bits);
    free(scratch);
    free(st);
    schema_close(any);
    llm__parts_close(&p);
}

static void a_template_that_cannot_be_used_is_told(void **state) {
    world *w = *state;
    folders_put(&w->f, "m/chat_template.jinja", "{% frobnicate %}");
    llm_parts p = open_parts(w, &(llm_how){0});
    assert_null(p.view.chat);
    assert_true(str_find(p.view.chat_why, STR("frobnicate")) < p.view.chat_why.len);
    llm__parts_close(&p);
}

static void broken_folders_say_what_is_wrong(void **state) {
    world *w = *state;
    static const struct {
        const char *file, *text, *says;

    } bad[] = {
        {"generation_config.json", "{", "generation_config.json"},
        {"tokenizer.json", "{\"model\": {\"type\": \"Psychic\"}}", "tokenizer.json"},
        {"config.json", "{\"model_type\": \"martian\"}", "martian"},
        {"config.json", "[", "config.json"},
        {"model.safetensors", "short", "model.safetensors"},
    };
    for (size_t i = 0; i < countof(bad); i++) {
        char name[64], path[256];
        world_close(state);
        world_open(state);
        snprintf(name, sizeof name, "m/%s", bad[i].file);
        snprintf(path, sizeof path, "%s/%s", w->f.root, name);
        unlink(path);  // the golden one is behind it
        folders_put(&w->f, name, bad[i].text);
        llm_parts p;
        err e = {0};
        status st = llm__parts_open(&p, &w->s, &(llm_how){0}, &e);
        if (!st || !strstr(e.msg, bad[i].says)) fail_msg("%s: %s", bad[i].file, e.msg);
        assert_null(p.model);
    }
}

static void a_file_without_a_tokenizer_is_refused(void **state) {
    world *w = *state;
    llm_parts p;
    err e = {0};
    char path[256];
    snprintf(path, sizeof path, "%s/tokenizer.json", w->path);
    unlink(path);
    assert_int_equal(llm__parts_open(&p, &w->s, &(llm_how){0}, &e), E_NOT_FOUND);
    if (!strstr(e.msg, "tokenizer.json")) fail_msg("%s", e.msg);
    snprintf(path, sizeof path, "%s/model.safetensors", w->path);
    w->s.path = path;
    assert_int_not_equal(llm__parts_open(&p, &w->s, &(llm_how){0}, &e), OK);
    w->s.path = w->path;
}

static void a_stamp_tells_that_files_have_changed(void **state) {
    world *w = *state;
    int64_t created;
    uint64_t was = llm__parts_stamp(&created, &w->s);
    assert_true(was != 0 && created > 1600000000);
    assert_true(llm__parts_stamp(&created, &w->s) == was);
    folders_put(&w->f, "m/generation_config.json", "{}");
    uint64_t is = llm__parts_stamp(&created, &w->s);
    assert_true(is != was);
    folders_put(&w->f, "m/generation_config.json", "{\"top_k\": 1}");
    assert_true(llm__parts_stamp(&created, &w->s) != is);
    llm_source gone = {.path = "/nowhere/at/all"};
    assert_int_equal(llm__parts_stamp(&created, &gone), 0);
    assert_int_equal(created, 0);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_WORLD(a_folder_is_a_model),
        IN_WORLD(who_closes_does_not_wait_for_loading),
        IN_WORLD(what_a_folder_lacks_is_off),
        IN_WORLD(types_are_the_operators),
        IN_WORLD(contexts_are_the_operators),
        IN_WORLD(a_schema_has_no_special_tokens),
        IN_WORLD(a_template_that_cannot_be_used_is_told),
        IN_WORLD(broken_folders_say_what_is_wrong),
        IN_WORLD(a_file_without_a_tokenizer_is_refused),
        IN_WORLD(a_stamp_tells_that_files_have_changed),
    };
    os_log_set_level(LOG_CRITICAL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
