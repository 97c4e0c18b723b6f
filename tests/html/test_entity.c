// Character references, ids and escaping.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "html/entity.h"
#include "html/html.h"

static arena mem;

typedef struct row {
    const char *in, *wanted;
} row;

static void assert_same(str got, const char *wanted) {
    assert_string_equal(arena_cstr(&mem, got), wanted);
}

static str normalised(str in) {
    buf out;
    buf_init(&out, &mem, 0);
    html_charrefs(&out, in);
    return buf_str(&out);
}

static void test_references_are_normalised(void **state) {
    (void)state;
    static const row rows[] = {
        {"a&amp;b&lt;&gt;&quot;", "a&amp;b&lt;&gt;&quot;"},
        {"&", "&amp;"},
        {"& b &; &#; &#x; &#xg;", "&amp; b &amp;; &amp;#; &amp;#x; &amp;#xg;"},
        {"&nbsp;&eacute;&apos;", "&#160;&#233;&#39;"},
        {"&foo;&nbsp", "&amp;foo;&amp;nbsp"},
        {"&#065;&#x41;&#X0041;", "&#65;&#x41;&#x41;"},
        {"&#0;&#8;&#13;&#127;&#128;&#55296;&#65534;&#1114112;",
         "&amp;#0;&amp;#8;&amp;#13;&amp;#127;&amp;#128;&amp;#55296;&amp;#65534;&amp;#1114112;"},
        {"&#9;&#10;&#160;&#65533;&#1114111;", "&#9;&#10;&#160;&#65533;&#1114111;"},
        {"&#99999999999999999999;", "&amp;#99999999999999999999;"},
        {"&acE;", "&#8766;&#819;"},
        {"&\xD7\xA8\xD7\x9C\xD7\x9E;", "&#8207;"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        str once = normalised(str_of(rows[i].in));
        assert_same(once, rows[i].wanted);
        assert_same(normalised(once), rows[i].wanted);
    }
}

static void test_references_are_decoded(void **state) {
    (void)state;
    static const row rows[] = {
        {"a&amp;b&lt;&#65;&#x42;", "a&b<AB"},
        {"&nbsp;", "\xC2\xA0"},
        {"&#0;&#xD800;", "\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"&foo; & &#; &amp", "&foo; & &#; &amp"},
        {"&amp;lt;", "&lt;"},
        {"&fjlig;", "fj"},
    };
    for (size_t i = 0; i < countof(rows); i++)
        assert_same(html_decode(str_of(rows[i].in), &mem), rows[i].wanted);
    str plain = STR("nothing");
    assert_ptr_equal(html_decode(plain, &mem).ptr, plain.ptr);
}

static void test_names_are_in_order_and_found(void **state) {
    (void)state;
    for (int i = 0; i < ENTITY_COUNT; i++) {
        int32_t cp[2];
        if (i) assert_true(strcmp(entity_rows[i - 1].name, entity_rows[i].name) < 0);
        assert_true(html_entity(cp, str_of(entity_rows[i].name)));
        assert_int_equal(cp[0], entity_rows[i].cp);
        assert_int_equal(cp[1], entity_rows[i].more);
    }
    int32_t cp[2];
    assert_false(html_entity(cp, STR("NBSP")));
    assert_false(html_entity(cp, STR("")));
    assert_false(html_entity(cp, STR("CounterClockwiseContourIntegralx")));
}

static void test_ids_and_fragments(void **state) {
    (void)state;
    assert_same(html_id(STR("a b\tc\nd_\"<"), &mem), "a_b_c_d_\"<");
    assert_same(html_id(STR("\xC3\xA6: v"), &mem), "\xC3\xA6:_v");
    buf long_id;
    buf_init(&long_id, &mem, 4096);
    for (int i = 0; i < 2000; i++)
        buf_add(&long_id, STR("\xC3\xA6"));
    assert_int_equal(html_id(buf_str(&long_id), &mem).len, 2048);
    buf out;
    buf_init(&out, &mem, 0);
    html_fragment(&out, STR("a%20b%c%%41\xC3\xA6"));
    assert_same(buf_str(&out), "a%2520b%c%%2541\xC3\xA6");
}

static void test_escape(void **state) {
    (void)state;
    buf out;
    buf_init(&out, &mem, 0);
    html_escape(&out, STR("a<b>&\"'c"));
    assert_same(buf_str(&out), "a&lt;b&gt;&amp;&quot;&#039;c");
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
        cmocka_unit_test(test_references_are_normalised),
        cmocka_unit_test(test_references_are_decoded),
        cmocka_unit_test(test_names_are_in_order_and_found),
        cmocka_unit_test(test_ids_and_fragments),
        cmocka_unit_test(test_escape),
    };
    return cmocka_run_group_tests(tests, open_arenas, close_arenas);
}
