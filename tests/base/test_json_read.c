// The reader of JSON against texts that RFC 8259 allows and texts that it does not.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json_read.h"

#include <stdio.h>
#include <stdlib.h>

static arena mem;

static int setup(void **state) {
    (void)state;
    return arena_open(&mem, 64 << 20, NULL) ? 1 : 0;
}

static int teardown(void **state) {
    (void)state;
    arena_close(&mem);
    return 0;
}

static const json_value *read_ok(const char *text) {
    const json_value *v;
    err e = {0};
    size_t before = mem.used;
    if (json_read(&v, str_of(text), &mem, &e)) fail_msg("%s: %s", text, e.msg);
    assert_true(mem.used - before <= json_read_arena(strlen(text)));
    return v;
}

static void refuse(str text, status code, const char *says) {
    const json_value *v;
    err e = {0};
    assert_int_equal(json_read(&v, text, &mem, &e), code);
    assert_null(v);
    assert_string_equal(e.msg, says);
}

static void assert_text(const json_value *v, const char *want) {
    str s;
    assert_true(json_is_str(&s, v));
    assert_int_equal(s.len, strlen(want));
    assert_memory_equal(s.ptr, want, s.len);
}

static void values_of_each_kind(void **state) {
    (void)state;
    const json_value *v =
        read_ok(" {\"a\": [1, -2.5e3, true, null, \"x\"], \"b\": {\"c\": false}} \n");
    const json_value *a = json_get(v, "a");
    int64_t i;
    double d;
    bool b;
    assert_int_equal(a->n, 5);
    assert_true(json_is_int(&i, &a->items[0]) && i == 1);
    assert_true(json_is_number(&d, &a->items[1]) && d == -2500);
    assert_false(json_is_int(&i, &a->items[1]));
    assert_true(json_is_bool(&b, &a->items[2]) && b);
    assert_int_equal(a->items[3].kind, JSON_NULL);
    assert_text(&a->items[4], "x");
    assert_true(json_is_bool(&b, json_get(json_get(v, "b"), "c")) && !b);
    assert_null(json_get(json_get(v, "none"), "c"));
    assert_null(json_get(a, "0"));
    assert_int_equal(read_ok("[]")->n, 0);
    assert_int_equal(read_ok("{}")->n, 0);
}

static void whole_numbers_have_bounds(void **state) {
    (void)state;
    int64_t i;
    double d;
    assert_true(json_is_int(&i, read_ok("-9223372036854775808")) && i == INT64_MIN);
    const json_value *v = read_ok("9223372036854775808");
    assert_false(json_is_int(&i, v));
    assert_true(json_is_number(&d, v) && d == 0x1p63);
    assert_true(json_is_number(&d, read_ok("1E+2")) && d == 100);
    assert_true(json_is_number(&d, read_ok("-0")) && d == 0);
}

static void strings_are_unescaped(void **state) {
    (void)state;
    assert_text(read_ok("\"\""), "");
    assert_text(read_ok("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), "\"\\/\b\f\n\r\t");
    assert_text(read_ok("\"\\u00e9\\u20AC\\ud83d\\ude00\""),
                "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    assert_text(read_ok("\"\xe2\x82\xac\""), "\xe2\x82\xac");
    str s;
    assert_true(json_is_str(&s, read_ok("\"a\\u0000b\"")));
    assert_int_equal(s.len, 3);
}

static void refusals_say_where(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
        status code;
    } cases[] = {
        {"", "JSON line 1, column 1: the text ends too early", E_FORMAT},
        {"{\"a\": 1,\n }", "JSON line 2, column 2: a key in quotes is expected", E_FORMAT},
        {"[1,]", "JSON line 1, column 4: no value begins like this", E_FORMAT},
        {"[1 2]", "JSON line 1, column 4: \",\" or \"]\" is expected", E_FORMAT},
        {"{\"a\" 1}", "JSON line 1, column 6: \":\" is expected", E_FORMAT},
        {"[1", "JSON line 1, column 3: \",\" or \"]\" is expected", E_FORMAT},
        {"01", "JSON line 1, column 2: something follows the end", E_FORMAT},
        {"1.", "JSON line 1, column 3: a number is not complete", E_FORMAT},
        {"-", "JSON line 1, column 2: a number is not complete", E_FORMAT},
        {"+1", "JSON line 1, column 1: no value begins like this", E_FORMAT},
        {"1e999", "JSON line 1, column 6: a number is out of range or longer than 63 characters",
         E_LIMIT},
        {"\"abc", "JSON line 1, column 2: a string has no end", E_FORMAT},
        {"\"\\", "JSON line 1, column 2: a string has no end", E_FORMAT},
        {"\"a\nb\"", "JSON line 1, column 3: a control character must be escaped", E_FORMAT},
        {"\"\\x\"", "JSON line 1, column 4: no such escape", E_FORMAT},
        {"\"\\u12g4\"", "JSON line 1, column 6: four hexadecimal digits must follow \\u", E_FORMAT},
        {"\"\\ud800x\"", "JSON line 1, column 8: half of a surrogate pair", E_FORMAT},
        {"\"\\udc00\"", "JSON line 1, column 8: half of a surrogate pair", E_FORMAT},
        {"\"\xff\"", "JSON line 1, column 2: a string is no UTF-8", E_FORMAT},
        {"{\"a\":1,\"b\":2,\"a\":3}", "JSON line 1, column 20: an object has the same key twice",
         E_FORMAT},
        {"nul", "JSON line 1, column 1: no value begins like this", E_FORMAT},
        {"[1] x", "JSON line 1, column 5: something follows the end", E_FORMAT},
    };
    for (size_t i = 0; i < countof(cases); i++)
        refuse(str_of(cases[i].text), cases[i].code, cases[i].says);
}

static void nesting_has_a_limit(void **state) {
    (void)state;
    char text[2 * JSON_READ_DEPTH + 3];
    memset(text, '[', JSON_READ_DEPTH + 1);
    refuse((str){text, JSON_READ_DEPTH + 1}, E_LIMIT,
           "JSON line 1, column 66: too many nested brackets");
    memset(text + JSON_READ_DEPTH, ']', JSON_READ_DEPTH);
    const json_value *v;
    assert_int_equal(json_read(&v, (str){text, 2 * JSON_READ_DEPTH}, &mem, NULL), OK);
}

static void a_small_arena_is_an_error(void **state) {
    (void)state;
    ARENA_ON_STACK(tiny, 256);
    const json_value *v;
    assert_int_equal(json_read(&v, STR("[1, 2, 3, 4, 5, 6, 7, 8]"), &tiny, NULL), E_LIMIT);
    assert_null(v);
}

// Every member of a large object is found; the keys come in no order.
static void large_objects(void **state) {
    (void)state;
    enum { N = 20000 };
    char *text = malloc(N * 24), key[16];
    size_t len = 0;
    assert_non_null(text);
    text[len++] = '{';
    for (unsigned i = 0; i < N; i++)
        len += (size_t)sprintf(text + len, "%s\"k%u\":%u", i ? "," : "", i * 7919 % N, i);
    text[len++] = '}';
    const json_value *v;
    assert_int_equal(json_read(&v, (str){text, len}, &mem, NULL), OK);
    assert_int_equal(v->n, N);
    for (unsigned i = 0; i < N; i++) {
        int64_t got;
        sprintf(key, "k%u", i * 7919 % N);
        assert_true(json_is_int(&got, json_get(v, key)) && got == i);
    }
    assert_null(json_get(v, "k20000"));
    free(text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(values_of_each_kind), TEST(whole_numbers_have_bounds), TEST(strings_are_unescaped),
        TEST(refusals_say_where),  TEST(nesting_has_a_limit),       TEST(a_small_arena_is_an_error),
        TEST(large_objects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
