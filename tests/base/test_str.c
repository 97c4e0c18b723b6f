// String views, numbers and the error record.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>

static void assert_str(str got, const char *want) {
    assert_int_equal(got.len, strlen(want));
    assert_memory_equal(got.len ? got.ptr : "", want, got.len);
}

static void test_compare(void **state) {
    (void)state;
    assert_true(str_eq((str){0}, STR("")));
    assert_false(str_eq(STR("a"), STR("b")));
    assert_false(str_eq(STR("a"), STR("ab")));
    assert_true(str_cmp(STR("a"), STR("ab")) < 0);
    assert_true(str_cmp(STR("b"), STR("ab")) > 0);
    assert_true(str_cmp(STR("z"), STR("\xC3\xA9")) < 0);  // bytes are unsigned
    assert_int_equal(str_cmp((str){0}, (str){0}), 0);
    assert_true(str_eq_nocase(STR("Content-TYPE"), STR("content-type")));
    assert_false(str_eq_nocase(STR("a@"), STR("a`")));  // only letters fold
    assert_false(str_eq_nocase(STR("ab"), STR("abc")));
    assert_true(str_starts(STR("abc"), STR("ab")));
    assert_true(str_starts(STR("abc"), STR("")));
    assert_false(str_starts(STR("ab"), STR("abc")));
    assert_true(str_starts_nocase(STR("ABc"), STR("ab")));
    assert_true(str_ends(STR("abc"), STR("bc")));
    assert_false(str_ends(STR("c"), STR("bc")));
}

static void test_find(void **state) {
    (void)state;
    assert_int_equal(str_find_byte(STR("abcb"), 'b'), 1);
    assert_int_equal(str_find_byte(STR("abc"), 'x'), 3);
    assert_int_equal(str_find_byte((str){0}, 'x'), 0);
    assert_int_equal(str_find(STR("a\0bc"), STR("bc")), 2);
    assert_int_equal(str_find(STR("abc"), STR("")), 0);
    assert_int_equal(str_find(STR("abc"), STR("abcd")), 3);
    assert_int_equal(str_find((str){0}, STR("a")), 0);
}

static void test_cut(void **state) {
    (void)state;
    str rest = STR("a,,b");
    assert_str(str_cut(&rest, ','), "a");
    assert_str(str_cut(&rest, ','), "");
    assert_str(str_cut(&rest, ','), "b");
    assert_int_equal(rest.len, 0);
    assert_str(str_cut(&rest, ','), "");
    assert_str(str_trim(STR(" \t\r\n a b \n")), "a b");
    assert_str(str_trim(STR(" \n ")), "");
    assert_str(str_first(STR("abc"), 9), "abc");
    assert_str(str_skip(STR("abc"), 9), "");
    assert_str(str_skip(STR("abc"), 1), "bc");
    assert_null(str_skip((str){0}, 5).ptr);
}

static void test_u64(void **state) {
    (void)state;
    uint64_t v = 7;
    assert_true(str_parse_u64(&v, STR("18446744073709551615")));
    assert_true(v == UINT64_MAX);
    assert_true(str_parse_u64(&v, STR("0007")));
    assert_int_equal(v, 7);
    const char *bad[] = {"",
                         " 1",
                         "1 ",
                         "+1",
                         "-1",
                         "0x1",
                         "1.",
                         "18446744073709551616",
                         "99999999999999999999",
                         "1\xC2\xB2"};
    for (size_t i = 0; i < countof(bad); i++)
        assert_false(str_parse_u64(&v, str_of(bad[i])));
    assert_false(str_parse_u64(&v, STR("1\0")));
    assert_int_equal(v, 7);  // left alone
}

static void test_i64(void **state) {
    (void)state;
    int64_t v = 7;
    assert_true(str_parse_i64(&v, STR("-9223372036854775808")));
    assert_true(v == INT64_MIN);
    assert_true(str_parse_i64(&v, STR("9223372036854775807")));
    assert_true(v == INT64_MAX);
    assert_true(str_parse_i64(&v, STR("-0")));
    assert_int_equal(v, 0);
    const char *bad[] = {"", "-", "--1", "9223372036854775808", "-9223372036854775809", "+1"};
    for (size_t i = 0; i < countof(bad); i++)
        assert_false(str_parse_i64(&v, str_of(bad[i])));
}

static void test_f64(void **state) {
    (void)state;
    double v = 7;
    assert_true(str_parse_f64(&v, STR("-1.5e2")));
    assert_true(v == -150);
    assert_true(str_parse_f64(&v, STR(".5")));
    assert_true(v == 0.5);
    const char *bad[] = {"", "nan", "inf", "1e999", "0x10", " 1", "1 ", "1.5f", "e", ".", "--1"};
    for (size_t i = 0; i < countof(bad); i++)
        assert_false(str_parse_f64(&v, str_of(bad[i])));
    char digits[80];
    memset(digits, '1', sizeof digits);
    assert_true(str_parse_f64(&v, (str){digits, 63}));
    assert_false(str_parse_f64(&v, (str){digits, 64}));
}

static void test_hash(void **state) {
    (void)state;
    char text[40] = {0};
    uint64_t seen[41];
    for (size_t n = 0; n <= 40; n++) {  // zeros of every length differ
        seen[n] = str_hash((str){text, n}, 0);
        for (size_t i = 0; i < n; i++)
            assert_true(seen[i] != seen[n]);
    }
    assert_true(str_hash(STR("a"), 1) != str_hash(STR("a"), 2));
    assert_true(str_hash(STR("a"), 1) == str_hash(STR("a"), 1));
    int low = 0;  // the low bits spread: 256 keys over 256 slots hit well over half of them
    bool hit[256] = {false};
    for (int i = 0; i < 256; i++) {
        char key[2] = {(char)i, 'k'};
        bool *h = &hit[str_hash((str){key, 2}, 0) & 255];
        low += !*h;
        *h = true;
    }
    assert_true(low > 130);
}

static void test_err(void **state) {
    (void)state;
    err e = {0};
    assert_int_equal(err_set(&e, E_LIMIT, "%s: %d", "x", 5), E_LIMIT);
    assert_int_equal(e.code, E_LIMIT);
    assert_string_equal(e.msg, "x: 5");
    errno = ENOENT;
    assert_int_equal(err_sys(&e, "%s", "file"), E_NOT_FOUND);
    assert_string_equal(e.msg, "file: No such file or directory");
    assert_int_equal(e.sys, ENOENT);
    assert_int_equal(err_in(&e, "loading %d", 3), E_NOT_FOUND);
    assert_string_equal(e.msg, "loading 3: file: No such file or directory");
    const struct {
        int sys;
        status code;
    } map[] = {{EEXIST, E_EXISTS}, {ENOSPC, E_LIMIT}, {EFBIG, E_LIMIT}, {EMFILE, E_LIMIT},
               {ENOMEM, E_MEMORY}, {EAGAIN, E_AGAIN}, {EPERM, E_IO}};
    for (size_t i = 0; i < countof(map); i++) {
        errno = map[i].sys;
        assert_int_equal(err_sys(NULL, "x"), map[i].code);
    }
    assert_int_equal(err_set(NULL, E_ARG, "x"), E_ARG);
    assert_int_equal(err_in(NULL, "x"), E_IO);
    assert_string_equal(status_text(E_FORMAT), "malformed data");
    assert_string_equal(status_text((status)999), "unknown status");
}

// A message that is too long is cut and stays a string.
static void test_long_err(void **state) {
    (void)state;
    char text[500];
    memset(text, 'x', sizeof text);
    for (size_t n = sizeof((err *)0)->msg - 12; n < sizeof text; n++) {
        err e = {0};
        errno = ENOENT;
        err_sys(&e, "%.*s", (int)n, text);
        assert_true(strlen(e.msg) < sizeof e.msg);
        assert_true(strlen(e.msg) >= sizeof e.msg - 12);
        err_in(&e, "%.*s", (int)n, text);
        assert_int_equal(strlen(e.msg), sizeof e.msg - 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare),  cmocka_unit_test(test_find),
        cmocka_unit_test(test_cut),      cmocka_unit_test(test_u64),
        cmocka_unit_test(test_i64),      cmocka_unit_test(test_f64),
        cmocka_unit_test(test_hash),     cmocka_unit_test(test_err),
        cmocka_unit_test(test_long_err),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
