// Tags and attributes of wikitext: what is allowed keeps what is harmless, all else is text.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "html/tags.h"
#include "wikitext/inside.h"

static arena mem, scratch;
static wt_parser parser;

static str sanitized(str in) {
    buf out;
    buf_init(&out, &mem, 0);
    wt_sanitize(&out, &parser, in, scratch);
    assert_false(out.failed);
    return buf_str(&out);
}

static void assert_same(str got, const char *wanted) {
    assert_string_equal(arena_cstr(&mem, got), wanted);
}

typedef struct row {
    const char *in, *wanted;
} row;

static void check_rows(const row *rows, size_t n) {
    for (size_t i = 0; i < n; i++)
        assert_same(sanitized(str_of(rows[i].in)), rows[i].wanted);
}

static void test_tags(void **state) {
    (void)state;
    static const row rows[] = {
        {"<B>a</B>", "<b>a</b>"},
        {"<script>a</script>", "&lt;script&gt;a&lt;/script&gt;"},
        {"<img src=x><a href=x><style><iframe><input>",
         "&lt;img src=x&gt;&lt;a href=x&gt;&lt;style&gt;&lt;iframe&gt;&lt;input&gt;"},
        {"<s.foo>s</s>", "&lt;s.foo&gt;s</s>"},
        {"a < b > c <3", "a &lt; b &gt; c &lt;3"},
        {"<br><br/><br /></br>", "<br><br/><br/></br>"},
        {"<li/><span/><hr/>", "<li></li><span><hr/>"},
        {"<b <i>", "&lt;b <i>"},
        {"<b", "&lt;b"},
        {"<b\n\tclass=x\n>", "<b class=\"x\">"},
        {"</b class=x>", "</b>"},
        {"<div title=\"a>b\">", "<div title=\"a\">b\"&gt;"},
        {"<tbody><td>", "&lt;tbody&gt;<td>"},
        {"<meta itemprop=a content=b><meta http-equiv=refresh content=5>",
         "<meta itemprop=\"a\" content=\"b\">&lt;meta http-equiv=refresh content=5&gt;"},
        {"<link itemprop=a href=http://x><link rel=stylesheet href=//x>",
         "<link itemprop=\"a\" href=\"http&#58;//x\">&lt;link rel=stylesheet href=//x&gt;"},
    };
    check_rows(rows, countof(rows));
}

static void test_comments(void **state) {
    (void)state;
    static const row rows[] = {
        {"a<!-- b -->c", "ac"},
        {"a\n<!-- b -->\nc", "a\nc"},
        {"a\n  <!-- b -->  \nc", "a\nc"},
        {"a\n<!-- b --> c", "a\n c"},
        {"a\n<!-- b --><!-- c -->\nd", "a\nd"},
        {"a<!-- b", "a&lt;!-- b"},
        {"<!<!-- a -->-- b -->c", "c"},
        {"<!<!-- a -->-- b", "&lt;!-- b"},
        {"<<!---->!-- a -->c", "c"},
        {"<!-- a -->", ""},
    };
    check_rows(rows, countof(rows));
}

static void test_attributes(void **state) {
    (void)state;
    static const row rows[] = {
        {"<b CLASS = 'x' onclick=y ID=\"a b\">", "<b class=\"x\" id=\"a&#95;b\">"},
        {"<b class=a id=i class=b>", "<b class=\"b\" id=\"i\">"},
        {"<b id=''>", "<b>"},
        {"<b title='  a\n b&quot;&amp;&#60; '>", "<b title=\"a b&quot;&amp;&lt;\">"},
        {"<b title='&#10;a'>", "<b title=\"&#10;a\">"},
        {"<b title=\"[[a]] {{b}} c|d ''e'' __f__\">",
         "<b title=\"&#91;&#91;a&#93;&#93; &#123;&#123;b&#125;&#125; c&#124;d "
         "&#39;&#39;e&#39;&#39; "
         "&#95;&#95;f&#95;&#95;\">"},
        {"<b title='RFC 1 ISBN 2 PMID 3 IRP'>",
         "<b title=\"&#82;FC 1 &#73;SBN 2 &#80;MID 3 IRP\">"},
        {"<b title='http://a mailto:b //c xhttps://d e:f'>",
         "<b title=\"http&#58;//a mailto&#58;b //c xhttps&#58;//d e:f\">"},
        {"<b data-x=1 data-mw=2 data-mw-y=3 data-ooui=4 data-parsoid=5 data-a:b=6 data-a_b=7>",
         "<b data-x=\"1\">"},
        {"<b xmlns:a=b xmlns:c='javascript:d'>", "<b xmlns:a=\"b\">"},
        {"<b itemprop='x javascript:y' about=a typeof=vbscript>", "<b about=\"a\">"},
        {"<b about=javascripts>", "<b about=\"javascripts\">"},
        {"<b tabindex=1><i tabindex=0>", "<b><i tabindex=\"0\">"},
        {"<b itemtype=a><b itemscope itemtype=a>", "<b><b itemscope=\"\" itemtype=\"a\">"},
        {"<b aria-label=x aria-owns='a  b' aria-foo=y role=z>",
         "<b aria-label=\"x\" aria-owns=\"a b\" role=\"z\">"},
        {"<td align=left colspan=2 cite=x><q cite=x align=left>",
         "<td align=\"left\" colspan=\"2\"><q cite=\"x\">"},
        {"<link itemprop=a href='javascript:x'>", "<link itemprop=\"a\">"},
        {"<b style='a:url(b)'>", "<b style=\"/* insecure input */\">"},
        {"<b title=\"open>", "<b title=\"open\">"},
        {"<b =x title=y>", "<b title=\"y\">"},
        {"<b \xC3\xA9=1 data-\xC3\xA9=2 data-\xE2\x82\xAC=3>", "<b data-\xC3\xA9=\"2\">"},
        {"<b title=a class=\"\xFF\">", "<b>"},
        {"<b title=a/b/>", "<b title=\"a/b\">"},
    };
    check_rows(rows, countof(rows));
}

static void test_allowed_attributes(void **state) {
    (void)state;
    assert_true(wt_attr_allowed(STR("td"), STR("colspan")));
    assert_true(wt_attr_allowed(STR("TD"), STR("class")));
    assert_false(wt_attr_allowed(STR("div"), STR("colspan")));
    assert_false(wt_attr_allowed(STR("div"), STR("onclick")));
    assert_false(wt_attr_allowed(STR("script"), STR("class")));
    assert_true(wt_attr_allowed(STR("ol"), STR("start")));
    assert_false(wt_attr_allowed(STR("math"), STR("lang")));
    assert_true(wt_attr_allowed(STR("math"), STR("style")));
}

static void test_markers_in_attributes_are_replaced(void **state) {
    (void)state;
    buf in;
    buf_init(&in, &mem, 0);
    buf_add(&in, STR("<b style=\""));
    wt_strip_add(&in, &parser, WT_STRIP_NOWIKI, STR("a:url(x)"));
    buf_add(&in, STR("\">"));
    assert_same(sanitized(buf_str(&in)), "<b style=\"/* insecure input */\">");
}

static void test_reading_attributes(void **state) {
    (void)state;
    wt_attr attrs[4];
    str text = STR("a=1 B='x &amp; y' c A=2 d=\"\" e=5");
    assert_int_equal(wt_attrs_read(attrs, countof(attrs), text, &mem), 4);
    static const row wanted[] = {{"a", "2"}, {"b", "x & y"}, {"c", ""}, {"d", ""}};
    for (size_t i = 0; i < countof(wanted); i++) {
        assert_same(attrs[i].name, wanted[i].in);
        assert_same(attrs[i].value, wanted[i].wanted);
    }
    assert_int_equal(wt_attrs_read(attrs, countof(attrs), STR(" / > = "), &mem), 0);
}

static void test_schemes(void **state) {
    (void)state;
    assert_int_equal(wt_scheme(STR("HTTP://x")), 7);
    assert_int_equal(wt_scheme(STR("mailto:x")), 7);
    assert_int_equal(wt_scheme(STR("sips:x")), 5);
    assert_int_equal(wt_scheme(STR("javascript:x")), 0);
    assert_int_equal(wt_scheme(STR("//x")), 0);
    assert_int_equal(wt_scheme(STR("")), 0);
    assert_true(wt_url_allowed(STR("//x")));
    assert_true(wt_url_allowed(STR("https://x")));
    assert_false(wt_url_allowed(STR("https://")));
    assert_false(wt_url_allowed(STR("https://a b")));
    assert_false(wt_url_allowed(STR("data:x")));
}

static void test_every_element_is_found(void **state) {
    (void)state;
    for (int id = TAG_WRAP + 1; id < TAG_COUNT; id++) {
        assert_int_equal(tag_find(str_of(tag_rows[id].name)), id);
        assert_int_equal(strlen(tag_rows[id].name), tag_rows[id].len);
    }
    assert_int_equal(tag_find(STR("BlockQuote")), TAG_BLOCKQUOTE);
    assert_int_equal(tag_find(STR("")), TAG_UNKNOWN);
    assert_int_equal(tag_find(STR("script")), TAG_UNKNOWN);
    assert_int_equal(tag_find(STR("abcdefghijklmnopq")), TAG_UNKNOWN);
}

static void test_long_texts_end(void **state) {
    (void)state;
    static const char *const parts[] = {"<",       "<b", "<!--",      "<!---->",   " <!--a-->",
                                        "<b a=b ", ">",  "<!<!---->", "\n <!---->"};
    for (size_t i = 0; i < countof(parts); i++) {
        arena_reset(&mem, 1 << 20);
        str part = str_of(parts[i]);
        buf in;
        buf_init(&in, &mem, 1 << 20);
        for (int k = 0; k < 20000; k++)
            buf_add(&in, part);
        assert_true(sanitized(buf_str(&in)).len <= 8 * in.len);
    }
}

static void test_a_tag_of_a_megabyte(void **state) {
    (void)state;
    arena_reset(&mem, 1 << 20);
    buf in;
    buf_init(&in, &mem, 1 << 20);
    buf_add(&in, STR("<b"));
    for (int i = 0; i < 100000; i++)
        buf_fmt(&in, " data-%d=x", i);
    buf_add(&in, STR(">"));
    str out = sanitized(buf_str(&in));
    assert_true(str_starts(out, STR("<b data-0=\"x\" data-1=\"x\"")));
    assert_true(str_ends(out, STR(" data-127=\"x\">")));
}

static int open_arenas(void **state) {
    (void)state;
    parser.mem = &mem;
    return arena_open(&mem, (size_t)1 << 30, NULL) || arena_open(&scratch, (size_t)1 << 30, NULL);
}
static int close_arenas(void **state) {
    (void)state;
    arena_close(&mem);
    arena_close(&scratch);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_comments),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_allowed_attributes),
        cmocka_unit_test(test_markers_in_attributes_are_replaced),
        cmocka_unit_test(test_reading_attributes),
        cmocka_unit_test(test_schemes),
        cmocka_unit_test(test_every_element_is_found),
        cmocka_unit_test(test_long_texts_end),
        cmocka_unit_test(test_a_tag_of_a_megabyte),
    };
    return cmocka_run_group_tests(tests, open_arenas, close_arenas);
}
