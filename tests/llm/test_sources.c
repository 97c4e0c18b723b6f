// What specs name, and what requests may call it.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "llm/sources.h"
#include "tests/llm/folders.h"

typedef struct world {
    folders f;
    arena a;
    llm_source all[LLM_MODELS_MAX];
    size_t n;
} world;

static int world_open(void **state) {
    static world w;
    folders_open(&w.f);
    assert_int_equal(arena_open(&w.a, 32 << 20, NULL), OK);
    *state = &w;
    return 0;
}

static int world_close(void **state) {
    world *w = *state;
    folders_close(&w->f);
    arena_close(&w->a);
    return 0;
}

// Specs have "%" where the folder goes.
static status read_specs(world *w, err *e, size_t n, const char *const *specs) {
    static char room[8][600];
    const char *whole[8];
    for (size_t i = 0; i < n; i++) {
        size_t at = strcspn(specs[i], "%");
        snprintf(room[i], sizeof room[i], "%.*s%s%s", (int)at, specs[i],
                 specs[i][at] ? w->f.root : "", specs[i] + at + (specs[i][at] != 0));
        whole[i] = room[i];
    }
    return llm__sources_read(w->all, &w->n, whole, n, &w->a, e);
}

#define READ(w, e, ...)                                                                            \
    read_specs(w, e, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *),                       \
               (const char *[]){__VA_ARGS__})

static void check(const world *w, size_t i, const char *name, const char *id, const char *path) {
    assert_true(i < w->n);
    const llm_source *s = &w->all[i];
    char whole[600];
    snprintf(whole, sizeof whole, "%s/%s", w->f.root, path);
    if (!str_eq(s->name, str_of(name))) fail_msg("name %.*s, not %s", STR_ARG(s->name), name);
    if (!str_eq(s->id, str_of(id))) fail_msg("id %.*s, not %s", STR_ARG(s->id), id);
    assert_string_equal(s->path, whole);
}

static void is_called(const world *w, const char *name, size_t want) {
    size_t got = llm__source_of(w->all, w->n, str_of(name));
    if (got != want) fail_msg("\"%s\" is %zu, not %zu", name, got, want);
}

static void a_folder_is_called_as_it_is(void **state) {
    world *w = *state;
    folders_put(&w->f, "My Model!/config.json", "{}");
    folders_put(&w->f, "tiny.Q8_0.gguf", "GGUF");
    folders_put(&w->f, "named/config.json", "{\"_name_or_path\": \"acme/rocket-1b\"}");
    assert_int_equal(READ(w, NULL, "%/My Model!/", "%/tiny.Q8_0.gguf,int8", "other=%/named,bf16"),
                     OK);
    check(w, 0, "My-Model-", "My-Model-", "My Model!");
    check(w, 1, "tiny.Q8_0", "tiny.Q8_0", "tiny.Q8_0.gguf");
    check(w, 2, "other", "acme/rocket-1b", "named");
    assert_false(w->all[0].has_type);
    assert_true(w->all[1].has_type && w->all[1].type == KERN_INT8);
    assert_true(w->all[2].has_type && w->all[2].type == KERN_BF16);
    is_called(w, "", 0);
    is_called(w, "  OTHER ", 2);
    is_called(w, "Acme/Rocket-1B", 2);
    is_called(w, "named", 3);  // the operator called it otherwise
    is_called(w, "rocket-1b", 3);
    is_called(w, "qwen3-4b", 3);
}

static void the_hubs_cache_is_known(void **state) {
    world *w = *state;
    folders_put(&w->f, "models--Qwen--Qwen3-4B/refs/main", "0123abc\n");
    folders_put(&w->f, "models--Qwen--Qwen3-4B/snapshots/0123abc/config.json", "{}");
    assert_int_equal(READ(w, NULL, "%/models--Qwen--Qwen3-4B"), OK);
    check(w, 0, "Qwen3-4B", "Qwen/Qwen3-4B", "models--Qwen--Qwen3-4B/snapshots/0123abc");
    is_called(w, "qwen3-4b", 0);
    is_called(w, "qwen/qwen3-4b", 0);
    folders_put(&w->f, "models--Evil--Name/refs/main", "../../../etc");
    folders_put(&w->f, "models--Evil--Name/config.json", "{}");
    assert_int_equal(READ(w, NULL, "%/models--Evil--Name"), OK);
    check(w, 0, "Name", "Evil/Name", "models--Evil--Name");
}

// By the operator's name, by the folder's, by the config's, by a file's without its type.
static void aliases_are_for_models_that_are_there(void **state) {
    world *w = *state;
    folders_put(&w->f, "x/config.json", "{}");
    folders_put(&w->f, "gpt-oss-120b/config.json", "{}");
    folders_put(&w->f, "llama/config.json", "{\"_name_or_path\": \"meta-llama/Llama-2-7b-hf\"}");
    folders_put(&w->f, "LFM2-8B-A1B-Q4_K_M.gguf", "GGUF");
    assert_int_equal(
        READ(w, NULL, "20B=%/x", "%/gpt-oss-120b", "%/llama", "%/LFM2-8B-A1B-Q4_K_M.gguf"), OK);
    check(w, 0, "20B", "openai/gpt-oss-20b", "x");
    check(w, 1, "gpt-oss-120b", "openai/gpt-oss-120b", "gpt-oss-120b");
    check(w, 2, "llama", "meta-llama/Llama-2-7b-hf", "llama");
    check(w, 3, "LFM2-8B-A1B-Q4_K_M", "LiquidAI/LFM2-8B-A1B", "LFM2-8B-A1B-Q4_K_M.gguf");
    static const struct {
        const char *name;
        size_t is;
    } calls[] = {
        {"20b", 0},         {"gpt-oss-20b", 0}, {"OSS-20B", 0},     {"openai/gpt-oss-20b", 0},
        {"120b", 1},        {"oss-120b", 1},    {" llama2-7b ", 2}, {"Llama-2-7b-hf", 2},
        {"lfm2-8b-a1b", 3}, {"qwen3-4b", 4},    {"gpt-oss", 4},     {"openai/gpt-oss", 4},
    };
    for (size_t i = 0; i < countof(calls); i++)
        is_called(w, calls[i].name, calls[i].is);
    llm_absent absent[LLM_ALIASED];
    assert_int_equal(llm__absent(absent, w->all, w->n), 1);
    assert_true(str_eq(absent[0].alias, STR("qwen3-4b")));
    assert_true(str_eq(absent[0].id, STR("Qwen/Qwen3-4B")));
}

static void a_folder_of_models_is_all_of_them(void **state) {
    world *w = *state;
    folders_put(&w->f, "b/config.json", "{}");
    folders_put(&w->f, "a.gguf", "GGUF");
    folders_put(&w->f, "c/notes.txt", "none");
    folders_put(&w->f, ".hidden/config.json", "{}");
    folders_put(&w->f, "models--d--e/refs/main", "77");
    folders_put(&w->f, "models--d--e/snapshots/77/config.json", "{}");
    assert_int_equal(READ(w, NULL, "%,int4"), OK);
    assert_int_equal(w->n, 3);
    check(w, 0, "a", "a", "a.gguf");
    check(w, 1, "b", "b", "b");
    check(w, 2, "e", "d/e", "models--d--e/snapshots/77");
    assert_true(w->all[2].has_type && w->all[2].type == KERN_INT4);
    err e = {0};
    assert_int_equal(READ(w, &e, "one=%"), E_ARG);
    assert_non_null(strstr(e.msg, "3 models lie there"));
    folders_put(&w->f, "deep/only/config.json", "{}");
    assert_int_equal(READ(w, NULL, "one=%/deep"), OK);
    check(w, 0, "one", "one", "deep/only");
}

static void wrong_specs_are_named(void **state) {
    world *w = *state;
    folders_put(&w->f, "m/config.json", "{}");
    folders_put(&w->f, "odd=name/config.json", "{}");
    static const struct {
        const char *spec, *says;
    } bad[] = {
        {"", "--model \"\": a model wants a folder or a file"},
        {"name=", "--model \"name=\": a model wants a folder or a file"},
        {"=%/m", "a name has 1 to 96 letters, digits"},
        {"a b=%/m", "a name has 1 to 96 letters, digits"},
        {"m=%/m", "two models are called \"m\""},
    };
    for (size_t i = 0; i < countof(bad); i++) {
        err e = {0};
        assert_int_equal(READ(w, &e, "%/m", bad[i].spec), E_ARG);
        if (!strstr(e.msg, bad[i].says)) fail_msg("%s", e.msg);
    }
    assert_int_equal(READ(w, NULL, "%/odd=name"),
                     OK);  // a path that is there has no name before it
    check(w, 0, "odd-name", "odd-name", "odd=name");
    assert_int_equal(READ(w, NULL, "gone=%/nothing,here", "%/m"), OK);  // loading it will fail
    check(w, 0, "gone", "gone", "nothing,here");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_folder_is_called_as_it_is, world_open, world_close),
        cmocka_unit_test_setup_teardown(the_hubs_cache_is_known, world_open, world_close),
        cmocka_unit_test_setup_teardown(aliases_are_for_models_that_are_there, world_open,
                                        world_close),
        cmocka_unit_test_setup_teardown(a_folder_of_models_is_all_of_them, world_open, world_close),
        cmocka_unit_test_setup_teardown(wrong_specs_are_named, world_open, world_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
