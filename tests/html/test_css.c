// Styles: what is harmless stays as it is, what could load or run something does not.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "html/html.h"

static arena mem;

static void assert_css(const char *style, const char *wanted) {
    arena_reset(&mem, 1 << 20);
    assert_string_equal(arena_cstr(&mem, html_css(str_of(style), &mem)), wanted);
}

static void test_harmless_styles_stay(void **state) {
    (void)state;
    static const char *const styles[] = {
        "color: red; border: 1px solid #aaa",
        "width:50% !important",
        "font-family: 'A b', \"c\"",
        "/* message */",
        "curl: x; attribute: attr(x)",
        "background: linear-gradient(red, blue)",
        "",
    };
    for (size_t i = 0; i < countof(styles); i++)
        assert_css(styles[i], styles[i]);
}

static void test_escapes_and_comments_are_undone(void **state) {
    (void)state;
    assert_css("c\\6Flor:red", "color:red");
    assert_css("c\\6F lor:red", "color:red");
    assert_css("c\\olor", "color");
    assert_css("a:'\\22 b\\\\'", "a:'\\22 b\\5c '");
    assert_css("a\\\nb", "ab");
    assert_css("a:b/* c */;d", "a:b ;d");
    assert_css("a:b/* c", "a:b");
    assert_css("a/*/b*/c", "a c");
    assert_css("a/* /*/b", "a b");
    assert_css("/*/*/b", " b");
    assert_css("*/*/a/*b*/c", "*");
    assert_css("expres/**/sion(1)", "expres sion(1)");
    assert_css("a&#58;b", "a:b");
    assert_css("a&amp;#58;b", "a&#58;b");  // once
    assert_css("a\\", "a\\5c ");
}

static void test_dangerous_styles_go(void **state) {
    (void)state;
    static const char *const styles[] = {
        "background:url(x)",
        "background: URL (x)",
        "a:u\\72l(x)",
        "a:\\75\\72\\6c(x)",
        "a:expression(1)",
        "width:EXPRESSION (1)",
        "a:expr\\65ssion",
        "accelerator : x",
        "-o-link:attr(title)",
        "-o-link-source:current",
        "-o-replace:x",
        "behavior:x",
        "-moz-binding:x",
        "filter: progid:x",
        "a:image(x)",
        "a:image-set(x)",
        "a:src(x)",
        "@import 'x'",
        "a:attr(x url)",
        "a:attr(x,url)",
        "u&#114;l(x)",
        "a:u\\\nrl(x)",
        "a:attr ( b attr(x url)",
    };
    for (size_t i = 0; i < countof(styles); i++)
        assert_css(styles[i], "/* insecure input */");
}

static void test_control_characters_go(void **state) {
    (void)state;
    static const char *const styles[] = {"a:\x01",       "a:\\b x",        "a:\x7F",    "a:\\0",
                                         "a:\\110000 b", "a:\xEF\xBF\xBD", "a:\\d800 x"};
    for (size_t i = 0; i < countof(styles); i++)
        assert_css(styles[i], "/* invalid control char */");
}

// Long ones: each byte is looked at a bounded number of times.
static void test_long_styles_end(void **state) {
    (void)state;
    static const char *const parts[] = {"attr(",   "/*", "\\",      "url ",
                                        "attr(x,", "*/", "-o-link", "a\\61"};
    for (size_t i = 0; i < countof(parts); i++) {
        arena_reset(&mem, 1 << 20);
        str part = str_of(parts[i]);
        buf in;
        buf_init(&in, &mem, 1 << 20);
        for (int k = 0; k < 20000; k++)
            buf_add(&in, part);
        str style = html_css(buf_str(&in), &mem);
        assert_true(style.len <= 4 * in.len);
    }
}

static int open_arenas(void **state) {
    (void)state;
    return arena_open(&mem, 64 << 20, NULL);
}
static int close_arenas(void **state) {
    (void)state;
    arena_close(&mem);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_harmless_styles_stay),
        cmocka_unit_test(test_escapes_and_comments_are_undone),
        cmocka_unit_test(test_dangerous_styles_go),
        cmocka_unit_test(test_control_characters_go),
        cmocka_unit_test(test_long_styles_end),
    };
    return cmocka_run_group_tests(tests, open_arenas, close_arenas);
}
