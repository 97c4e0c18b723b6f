// Bufs, escapes and JSON; strings against Python's json.dumps (tests/golden/make_json.py).

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static arena mem;
static buf b;

static int setup(void **state) {
    (void)state;
    if (arena_open(&mem, 1 << 20, NULL)) return 1;
    buf_init(&b, &mem, 0);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_close(&mem);
    return 0;
}

static void check(const char *want) {
    assert_false(b.failed);
    assert_int_equal(b.len, strlen(want));
    assert_memory_equal(b.len ? b.ptr : "", want, b.len);
    buf_reset(&b);
}

static void test_add(void **state) {
    (void)state;
    buf_add(&b, STR("abc"));
    buf_add(&b, (str){0});
    buf_byte(&b, '-');
    buf_fmt(&b, "%s%d", "x", 5);
    buf_u64(&b, 0);
    buf_u64(&b, UINT64_MAX);
    check("abc-x5018446744073709551615");
    buf_fmt(&b, "%300d", 1);
    assert_int_equal(b.len, 300);
    assert_int_equal(b.ptr[299], '1');
}

// Grows in place while last in its arena; moves, with its bytes, when something stands behind.
static void test_grow(void **state) {
    (void)state;
    buf_add(&b, STR("first"));
    const char *before = b.ptr;
    for (int i = 0; i < 1000; i++)
        buf_byte(&b, 'x');
    assert_ptr_equal(b.ptr, before);
    assert_true(mem.used >= b.cap);
    char *wall = arena_alloc(&mem, 16);
    memset(wall, 'W', 16);
    for (int i = 0; i < 5000; i++)
        buf_byte(&b, 'y');
    assert_ptr_not_equal(b.ptr, before);
    assert_int_equal(b.len, 6005);
    assert_memory_equal(b.ptr, "firstx", 6);
    assert_int_equal(b.ptr[6004], 'y');
    for (int i = 0; i < 16; i++)
        assert_int_equal(wall[i], 'W');
}

static void test_limit(void **state) {
    (void)state;
    b.limit = 5;
    buf_add(&b, STR("abc"));
    buf_fmt(&b, "%s", "de");
    check("abcde");
    b.limit = 7;
    buf_add(&b, STR("abc"));
    buf_html(&b, STR("<<"));  // the second entity does not fit, and no part of it is written
    assert_true(b.failed);
    assert_int_equal(b.len, 7);
    buf_byte(&b, 'x');
    assert_int_equal(b.len, 7);
    assert_null(buf_room(&b, 0));
    buf_reset(&b);
    assert_null(buf_room(&b, SIZE_MAX));
    assert_true(b.failed);
}

static void test_arena_full(void **state) {
    (void)state;
    size_t n = 0;
    for (; !b.failed; n++)
        buf_byte(&b, 'x');
    assert_int_equal(n - 1, mem.reserve);  // to the last byte
    assert_int_equal(b.len, mem.reserve);
}

static void test_html(void **state) {
    (void)state;
    buf_html(&b, STR("<a href=\"x\">'&amp;'</a>"));
    check("&lt;a href=&quot;x&quot;&gt;&#39;&amp;amp;&#39;&lt;/a&gt;");
    buf_html(&b, STR("plain \xC3\xA9"));
    check("plain \xC3\xA9");
    buf_html(&b, (str){0});
    check("");
}

static void test_url(void **state) {
    (void)state;
    buf_url(&b, STR("A-z_0.9~ /?\xC3\xA9%+"), "/");
    check("A-z_0.9~%20/%3F%C3%A9%25%2B");
    buf_url(&b, (str){"a\0b", 3}, "");
    check("a%00b");
}

static str unhex(str hex, char *to) {
    size_t n = 0;
    for (unsigned v; hex.len >= 2; hex = str_skip(hex, 2)) {
        sscanf((char[]){hex.ptr[0], hex.ptr[1], 0}, "%x", &v);
        to[n++] = (char)v;
    }
    return (str){to, n};
}

static void test_python_strings(void **state) {
    (void)state;
    FILE *f = fopen("tests/golden/json_strings.txt", "r");
    char line[512], text[256];
    int n = 0;
    assert_non_null(f);
    for (; fgets(line, sizeof line, f); n++) {
        json j;
        str want = str_trim(str_of(line)), hex = str_cut(&want, ' ');
        json_init(&j, &b);
        json_str(&j, unhex(hex, text));
        assert_int_equal(b.len, want.len);
        assert_memory_equal(b.ptr, want.ptr, want.len);
        buf_reset(&b);
    }
    fclose(f);
    assert_true(n > 380);
}

static void test_malformed(void **state) {
    (void)state;
    json j;
    json_init(&j, &b);
    json_str(&j, STR("a\xFF\xE2\x82z\xED\xA0\x80"));
    check("\"a\\ufffd\\ufffdz\\ufffd\\ufffd\\ufffd\"");
}

static void test_shapes(void **state) {
    (void)state;
    json j;
    json_init(&j, &b);
    json_open(&j, '{');
    json_key(&j, "a");
    json_open(&j, '[');
    json_u64(&j, UINT64_MAX);
    json_i64(&j, INT64_MIN);
    json_open(&j, '[');
    json_close(&j, ']');
    json_open(&j, '{');
    json_close(&j, '}');
    json_close(&j, ']');
    json_key(&j, "b\"");
    json_null(&j);
    json_key(&j, "c");
    json_bool(&j, true);
    json_key(&j, "d");
    json_f64(&j, 2.5, 3);
    json_key(&j, "e");
    json_f64(&j, (double)NAN, 3);
    json_key(&j, "f");
    json_f64(&j, (double)-INFINITY, 3);
    json_key(&j, "g");
    json_bool(&j, false);
    json_close(&j, '}');
    assert_int_equal(j.depth, 0);
    check("{\"a\": [18446744073709551615, -9223372036854775808, [], {}], \"b\\\"\": null, "
          "\"c\": true, \"d\": 2.500, \"e\": null, \"f\": null, \"g\": false}");
}

static void test_depth(void **state) {
    (void)state;
    json j;
    json_init(&j, &b);
    for (int i = 0; i < JSON_DEPTH_MAX - 1; i++)
        json_open(&j, '[');
    for (int i = 0; i < JSON_DEPTH_MAX - 1; i++)
        json_close(&j, ']');
    assert_int_equal(b.len, 2 * (JSON_DEPTH_MAX - 1));
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_add), T(test_grow),           T(test_limit),     T(test_arena_full), T(test_html),
        T(test_url), T(test_python_strings), T(test_malformed), T(test_shapes),     T(test_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
