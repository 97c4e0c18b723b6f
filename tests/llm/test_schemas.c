// Compiled schemas are kept by what they were compiled from, the least used dropped first, and
// live while somebody holds them.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "llm/llm.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static int n_made;

static status make(schema **out, void *arg, err *e) {
    (void)arg;
    __atomic_fetch_add(&n_made, 1, __ATOMIC_SEQ_CST);
    return schema_open(out, NULL, e);
}

static status make_none(schema **out, void *arg, err *e) {
    (void)out, (void)arg;
    return err_set(e, E_UNSUPPORTED, "no");
}

static llm_schema *get(bool *was_there, llm_schemas *s, const char *key) {
    llm_schema *one;
    assert_int_equal(llm_schema_get(&one, was_there, s, str_of(key), make, NULL, NULL), OK);
    assert_non_null(llm_schema_of(one));
    return one;
}

static bool is_kept(llm_schemas *s, const char *key) {
    bool was_there;
    llm_schema_release(s, get(&was_there, s, key));
    return was_there;
}

static void test_kept(void **state) {
    (void)state;
    llm_schemas *s = llm_schemas_open();
    assert_non_null(s);
    assert_false(is_kept(s, "a"));
    assert_true(is_kept(s, "a"));
    assert_false(is_kept(s, "b"));
    assert_true(is_kept(s, "a"));
    assert_false(is_kept(s, ""));
    assert_true(is_kept(s, ""));
    llm_schemas_close(s);
}

static void test_the_least_used_goes(void **state) {
    (void)state;
    llm_schemas *s = llm_schemas_open();
    char key[16];
    for (int i = 0; i < LLM_SCHEMAS_MAX; i++) {
        snprintf(key, sizeof key, "%d", i);
        assert_false(is_kept(s, key));
    }
    assert_true(is_kept(s, "0"));     // so that 1 is the oldest
    assert_false(is_kept(s, "new"));  // in its place
    assert_true(is_kept(s, "0"));
    assert_true(is_kept(s, "2"));
    assert_false(is_kept(s, "1"));
    llm_schemas_close(s);
}

static void test_held_ones_live(void **state) {
    (void)state;
    llm_schemas *s = llm_schemas_open();
    bool was_there;
    char key[16];
    llm_schema *held = get(&was_there, s, "held");
    for (int i = 0; i < 2 * LLM_SCHEMAS_MAX; i++) {
        snprintf(key, sizeof key, "%d", i);
        is_kept(s, key);
    }
    assert_false(is_kept(s, "held"));  // dropped from the table
    assert_true(schema_state_bytes(llm_schema_of(held)) > 0);
    llm_schema_release(s, held);
    llm_schemas_close(s);
}

static void test_what_does_not_compile_is_not_kept(void **state) {
    (void)state;
    llm_schemas *s = llm_schemas_open();
    llm_schema *one;
    bool was_there;
    err e = {0};
    for (int i = 0; i < 2; i++)
        assert_int_equal(llm_schema_get(&one, &was_there, s, STR("x"), make_none, NULL, &e),
                         E_UNSUPPORTED);
    llm_schemas_close(s);
}

static void *many(void *arg) {
    char key[16];
    for (int i = 0; i < 400; i++) {
        snprintf(key, sizeof key, "%d", i % 40);
        is_kept(arg, key);
    }
    return NULL;
}

static void test_threads(void **state) {
    (void)state;
    llm_schemas *s = llm_schemas_open();
    pthread_t t[4];
    for (size_t i = 0; i < countof(t); i++)
        assert_int_equal(pthread_create(&t[i], NULL, many, s), 0);
    for (size_t i = 0; i < countof(t); i++)
        pthread_join(t[i], NULL);
    llm_schemas_close(s);
}

// --- Keys ----------------------------------------------------------------------------------------

static str key_of(const char *text, arena *a) {
    const json_value *v = NULL;
    buf out;
    if (text) assert_int_equal(json_read(&v, str_of(text), a, NULL), OK);
    buf_init(&out, a, 0);
    llm_schema_key(&out, v);
    assert_false(out.failed);
    return buf_str(&out);
}

static void test_keys_differ(void **state) {
    (void)state;
    static const char *const values[] = {
        NULL,
        "null",
        "true",
        "false",
        "0",
        "1",
        "1.0",
        "1.5",
        "\"\"",
        "\"1\"",
        "[]",
        "{}",
        "[[]]",
        "[[], []]",
        "[[[]]]",
        "[1, 2]",
        "[12]",
        "[\"a\", \"b\"]",
        "[\"ab\"]",
        "{\"a\": 1}",
        "{\"a\": \"1\"}",
        "{\"b\": 1}",
        "{\"a\": 1, \"b\": 2}",
        "{\"b\": 2, \"a\": 1}",  // an order of properties is one of texts
        "\"s1:a\"",
        "[\"1:a\"]",
    };
    arena a;
    assert_int_equal(arena_open(&a, 64 << 20, NULL), OK);
    str keys[countof(values)];
    for (size_t i = 0; i < countof(values); i++) {
        keys[i] = key_of(values[i], &a);
        for (size_t k = 0; k < i; k++)
            if (str_eq(keys[i], keys[k])) fail_msg("%s and %s", values[k], values[i]);
        assert_true(str_eq(keys[i], key_of(values[i], &a)));
    }
    arena_close(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_the_least_used_goes),
        cmocka_unit_test(test_held_ones_live),
        cmocka_unit_test(test_what_does_not_compile_is_not_kept),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_keys_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
