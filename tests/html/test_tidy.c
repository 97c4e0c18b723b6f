// The tree builder: the standard's rules and MediaWiki's paragraphs, case by case; texts made to be
// slow or deep. tests/e2e/test_tree.py compares thousands of random ones with html5lib.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "html/html.h"
#include "html/tree.h"

static arena mem, scratch;

static str tree_of(str html) {
    buf out;
    arena a = scratch;
    buf_init(&out, &mem, 0);
    tree_builder *b = arena_new(&a, tree_builder);
    tree_build(b, html, false, &a);
    tree_write(&out, b);
    assert_false(out.failed);
    return buf_str(&out);
}

static str tidied(str html) {
    buf out;
    buf_init(&out, &mem, 0);
    html_tidy(&out, html, scratch);
    assert_false(out.failed);
    return buf_str(&out);
}

static void assert_same(str got, const char *wanted) {
    got = (str){arena_cstr(&mem, got), got.len};
    assert_string_equal(got.ptr, wanted);
}

typedef struct row {
    const char *html, *wanted;
} row;

static void check_rows(str (*run)(str), const row *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        arena_reset(&mem, 1 << 20);
        assert_same(run(str_of(rows[i].html)), rows[i].wanted);
    }
}

// --- The standard --------------------------------------------------------------------------------

static void test_end_tags_may_be_left_out(void **state) {
    (void)state;
    static const row rows[] = {
        {"<p>a<p>b", "<p>a</p><p>b</p>"},
        {"<ul><li>a<li>b</ul>c", "<ul><li>a</li><li>b</li></ul>c"},
        {"<ul><li>a<ul><li>b</ul><li>c</ul>", "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>"},
        {"<dl><dt>a<dd>b<dt>c</dl>", "<dl><dt>a</dt><dd>b</dd><dt>c</dt></dl>"},
        {"<p>a<div>b</div>c</p>", "<p>a</p><div>b</div>c<p></p>"},
        {"<p>a<ul><li>b</ul>", "<p>a</p><ul><li>b</li></ul>"},
        {"<h2>a<h3>b</h3>", "<h2>a</h2><h3>b</h3>"},
        {"<h2>a</h3>b", "<h2>a</h2>b"},
        {"<ruby>a<rt>b<rp>c<rt>d</ruby>", "<ruby>a<rt>b</rt><rp>c</rp><rt>d</rt></ruby>"},
        {"<p>a<hr>b", "<p>a</p><hr />b"},
        {"a</p>b", "a<p></p>b"},
        {"a</br>b", "a<br />b"},
        {"</div></b></td>a", "a"},
        {"<div>a</span>b</div>", "<div>ab</div>"},
        {"<span>a<div>b</span>c</div>", "<span>a<div>bc</div></span>"},
    };
    check_rows(tree_of, rows, countof(rows));
}

static void test_formatting_goes_on(void **state) {
    (void)state;
    static const row rows[] = {
        {"<p><b>a<p>b", "<p><b>a</b></p><p><b>b</b></p>"},
        {"<b>a<i>b</b>c</i>d", "<b>a<i>b</i></b><i>c</i>d"},
        {"<b>a<p>b</b>c", "<b>a</b><p><b>b</b>c</p>"},
        {"<a>a<a>b", "<a>a</a><a>b</a>"},
        {"<a>a<div>b<a>c", "<a>a</a><div><a>b</a><a>c</a></div>"},
        {"<b><b><b><b>a<p>b</b></b>", "<b><b><b><b>a</b></b><p><b><b>b</b></b></p></b></b>"},
        // Three of a kind, not four.
        {"<p><b><b><b><b><p>x", "<p><b><b><b><b></b></b></b></b></p><p><b><b><b>x</b></b></b></p>"},
        {"<p><b id=\"a\"><b><b><b><p>x", "<p><b id=\"a\"><b><b><b></b></b></b></b></p><p><b "
                                         "id=\"a\"><b><b><b>x</b></b></b></b></p>"},
        {"<table><tr><td><b>a<td>b",
         "<table><tbody><tr><td><b>a</b></td><td>b</td></tr></tbody></table>"},
        {"</b>a", "a"},
    };
    check_rows(tree_of, rows, countof(rows));
}

static void test_tables_are_completed_and_foster(void **state) {
    (void)state;
    static const row rows[] = {
        {"<table><td>a", "<table><tbody><tr><td>a</td></tr></tbody></table>"},
        {"<table><tr><td>a<tr><th>b</table>c",
         "<table><tbody><tr><td>a</td></tr><tr><th>b</th></tr></tbody></table>c"},
        {"<table>a<tr>b<td>c</table>", "ab<table><tbody><tr><td>c</td></tr></tbody></table>"},
        {"<table> <b>a</b> </table>", "<b>a</b><table>  </table>"},
        {"<table><caption>a<td>b",
         "<table><caption>a</caption><tbody><tr><td>b</td></tr></tbody></table>"},
        {"<table><col><tr><td>a",
         "<table><colgroup><col /></colgroup><tbody><tr><td>a</td></tr></tbody></table>"},
        {"<table><colgroup> a</table>", "a<table><colgroup> </colgroup></table>"},
        {"<table><table>a", "<table></table>a<table></table>"},
        {"<table><tr><td><table><td>a</table>b</table>",
         "<table><tbody><tr><td><table><tbody><tr><td>a</td></tr></tbody></table>b</td></tr></"
         "tbody>"
         "</table>"},
        {"<table><tr><td>a</th>b</tr>c", "c<table><tbody><tr><td>ab</td></tr></tbody></table>"},
        {"<table><input type=hidden><input>", "<input /><table><input type=\"hidden\" /></table>"},
        {"<td>a<tr>b</tbody>", "ab"},
        {"<table><style>a<b</style>x", "x<table><style>a<b</style></table>"},
    };
    check_rows(tree_of, rows, countof(rows));
}

static void test_tags_as_typed(void **state) {
    (void)state;
    static const row rows[] = {
        {"<B CLASS='a' Title=b>x", "<b class=\"a\" title=\"b\">x</b>"},
        {"<b class=a class=b>x", "<b class=\"a\">x</b>"},
        {"<b class=\"a\" class=\"b\">x", "<b class=\"a\">x</b>"},
        {"<b hidden>x", "<b hidden=\"\">x</b>"},
        {"<b title='\"<>\xC2\xA0&amp;'>x", "<b title=\"&quot;&lt;&gt;&#160;&amp;\">x</b>"},
        {"<b onclick=\"x\" title=\"y\" ONLOAD=z>a", "<b title=\"y\">a</b>"},
        {"<b a=\"b\"c=\"d\">x", "<b a=\"b\" c=\"d\">x</b>"},
        {"<b a!=1 b=2>x", "<b b=\"2\">x</b>"},
        {"<br/><br /><br></br>", "<br /><br /><br /><br />"},
        {"<b/>x", "<b>x</b>"},
        {"a < b <> </> </ c> <!-- d --> <!e> <?f?> g", "a &lt; b &lt;&gt;      g"},
        {"a<!-->b<!--->c<!-- --!>d<!-- e", "abcd"},
        {"<script>a</script><x>b</x>", "ab"},
        {"a<b", "a"},
        {"a<b title='", "a"},
        {"a\xC2\xA0>\xCC\xB8"
         "b",
         "a&#160;&gt;&#x338;b"},
        {"<pre>\n a</pre><pre>\n\n b</pre><pre><b>\n",
         "<pre> a</pre><pre>\n\n b</pre><pre><b>\n</b></pre>"},
        {"&lt;&nbsp;&x&", "&lt;&nbsp;&x&"},
        {"<style>a>b</STYLE >c", "<style>a>b</style>c"},
    };
    check_rows(tree_of, rows, countof(rows));
}

static void test_math(void **state) {
    (void)state;
    static const row rows[] = {
        {"<math><mi>x</mi><mo>+</mo></math>y", "<math><mi>x</mi><mo>+</mo></math>y"},
        {"<math><mspace width=\"1em\"/><mn>1</mn></math>",
         "<math><mspace width=\"1em\"></mspace><mn>1</mn></math>"},
        {"<math><mtext>a<b>c</b></mtext></math>", "<math><mtext>a<b>c</b></mtext></math>"},
        {"<math><mrow><div>a</div>", "<math><mrow></mrow></math><div>a</div>"},
        {"<math><mrow></math>a", "<math><mrow></mrow></math>a"},
        {"<mi>a</mi>", "a"},
        {"<math/>a", "<math></math>a"},
    };
    check_rows(tree_of, rows, countof(rows));
}

// --- MediaWiki's paragraphs ----------------------------------------------------------------------

static void test_bare_inline_content_gets_a_paragraph(void **state) {
    (void)state;
    static const row rows[] = {
        {"a", "<p>a</p>"},
        {" \n ", " \n "},
        {"<b>a</b>", "<p><b>a</b></p>"},
        {"a<div>b</div>c", "<p>a</p><div>b</div><p>c</p>"},
        {"<div>a</div>", "<div>a</div>"},
        {"<blockquote>a<div>b</div></blockquote>", "<blockquote><p>a</p><div>b</div></blockquote>"},
        {"<p>a</p>\nb", "<p>a</p><p>\nb</p>"},
        {"<b>a<div>b</div>c</b>d", "<p><b>a</b></p><b><div>b</div></b><p><b>c</b>d</p>"},
        {"<span><div>a</div></span>", "<span><div>a</div></span>"},
        {"<small><em></em></small><span><s><div>x</div></s></span>",
         "<p><small><em></em></small></p><span><s><div>x</div></s></span>"},
        {"<link itemprop=\"a\" />\n<style>b</style>", "<link itemprop=\"a\" />\n<style>b</style>"},
        {"<table>a<tr><td>b", "a<table><tbody><tr><td>b</td></tr></tbody></table>"},
        {"<b>x<em>y<h2>t</b>z</h2>q</em>r",
         "<p><b>x<em>y</em></b></p><b><em></em></b><em><h2><b>t</b>z</h2></em><p><em>q</em>r</p>"},
        {"<b>x<div>y</b>z</div> w", "<p><b>x</b></p><b></b><div><b>y</b>z</div><p> w</p>"},
    };
    check_rows(tidied, rows, countof(rows));
}

static void test_what_is_empty_is_marked(void **state) {
    (void)state;
    static const row rows[] = {
        {"<p></p><p>\n</p>", "<p class=\"mw-empty-elt\"></p><p class=\"mw-empty-elt\">\n</p>"},
        {"<p><br></p><p id=\"a\"></p>", "<p><br /></p><p id=\"a\"></p>"},
        {"<ul><li></li></ul>", "<ul><li class=\"mw-empty-elt\"></li></ul>"},
        {"<table><tr></table>", "<table><tbody><tr class=\"mw-empty-elt\"></tr></tbody></table>"},
        {"<div></div>", "<div></div>"},
    };
    check_rows(tidied, rows, countof(rows));
}

// --- Made to be slow or deep ---------------------------------------------------------------------

static str repeated(const char *part, size_t n) {
    str s = str_of(part);
    buf b;
    buf_init(&b, &mem, s.len * n);
    for (size_t i = 0; i < n; i++)
        buf_add(&b, s);
    return buf_str(&b);
}

static str joined(str a, str b) {
    buf out;
    buf_init(&out, &mem, a.len + b.len);
    buf_add(&out, a), buf_add(&out, b);
    return buf_str(&out);
}

static size_t count_of(str text, str part) {
    size_t n = 0;
    for (size_t at; (at = str_find(text, part)) < text.len; n++)
        text = str_skip(text, at + part.len);
    return n;
}

// Elements open at the deepest place.
static size_t depth_of(str html) {
    size_t depth = 0, deepest = 0;
    for (size_t i = 0; i + 1 < html.len; i++) {
        if (html.ptr[i] != '<') continue;
        size_t end = i + str_find_byte(str_skip(html, i), '>');
        if (html.ptr[i + 1] == '/')
            depth--;
        else if (html.ptr[end - 1] != '/')
            deepest = max_size(deepest, ++depth);
    }
    return deepest;
}

static void test_tables_in_tables_end(void **state) {
    (void)state;
    arena_reset(&mem, 1 << 20);
    str in = joined(repeated("<table><tr><td>x", 10000), repeated("</td></tr></table>q", 10000));
    str out = tidied(in);
    assert_true(depth_of(out) <= TREE_DEPTH_MAX + TREE_DEPTH_SPARE);
    // Beyond the depth tags go and text stays; balanced text stays so.
    assert_int_equal(count_of(out, STR("x")), 10000);
    assert_int_equal(count_of(out, STR("q")), 10000);
    assert_int_equal(count_of(out, STR("<table>")), count_of(out, STR("</table>")));
    assert_int_equal(count_of(out, STR("<table>")), TREE_DEPTH_MAX / 4);
    // What comes behind is not in them.
    str behind = tidied(joined(in, STR("<div>z</div>")));
    assert_true(str_ends(behind, STR("<div>z</div>")));
}

static void test_what_is_never_closed_ends(void **state) {
    (void)state;
    static const char *const parts[] = {
        "<b><i>",
        "<div>",
        "<b><p>",
        "<a><div>",
        "<table>",
        "<table><td>",
        "<b><table>",
        "<ul><li>",
        "<dl><dd><p>",
        "<i><blockquote>x",
        "<span><div>x",
        "<b>x<div>y",
        "</p>",
        "<p><b id=\"%\">",
        "<!--",
        "<b <i ",
        "<",
        "&",
        "<math><mi>",
        "<font><center>x</font>",
        "<b><i><u><s>x",
        "<table><b>x",
        "<li></p>",
        "<h1><b></h1>",
        "<pre>\n",
        "<style></style>x",
        "</style><style",
        "<b>x<hr></b>y",
        "<ruby><rt>x",
        "<td><caption>",
    };
    for (size_t i = 0; i < countof(parts); i++) {
        arena_reset(&mem, 1 << 20);
        str in = repeated(parts[i], 3000);
        str out = tidied(in);
        assert_true(out.len <= 64 * in.len);
        assert_true(depth_of(out) <= 4 * TREE_DEPTH_MAX);
        tree_of(in);
    }
}

// What differs is not held to three of a kind; each paragraph would open all of it again.
static void test_formatting_that_differs_is_paid_for(void **state) {
    (void)state;
    arena_reset(&mem, 1 << 20);
    buf in;
    buf_init(&in, &mem, 1 << 20);
    for (int i = 0; i < 5000; i++)
        buf_fmt(&in, "<p><font color=\"%d\">x", i);
    str out = tidied(buf_str(&in));
    assert_true(out.len <= 64 * in.len);
    assert_int_equal(count_of(out, STR("x")), 5000);
}

static void test_closing_what_holds_much_is_paid_for(void **state) {
    (void)state;
    arena_reset(&mem, 1 << 20);
    str in =
        joined(repeated("<b><div>", 200), joined(repeated("<br>", 5000), repeated("</b>", 5000)));
    str out = tidied(in);
    assert_int_equal(count_of(out, STR("<br />")), 5000);
}

static void test_a_tag_of_a_megabyte(void **state) {
    (void)state;
    arena_reset(&mem, 1 << 20);
    buf in;
    buf_init(&in, &mem, 1 << 20);
    buf_add(&in, STR("<div"));
    for (int i = 0; i < 100000; i++)
        buf_fmt(&in, " a%d=\"b\"", i);
    buf_add(&in, STR(">x</div>"));
    str out = tidied(buf_str(&in));
    assert_int_equal(count_of(out, STR("=\"b\"")), TREE_ATTRS_MAX);
    assert_true(str_ends(out, STR(">x</div>")));
}

static void test_a_full_arena_cuts_the_text(void **state) {
    (void)state;
    arena_reset(&mem, 1 << 20);
    arena small;
    buf out;
    assert_int_equal(arena_open(&small, 2 << 20, NULL), OK);
    buf_init(&out, &mem, 0);
    html_tidy(&out, repeated("<b>x</b>", 30000), small);
    size_t n = count_of(buf_str(&out), STR("<b>x</b>"));
    assert_true(n > 1000 && n < 30000);
    arena_close(&small);
}

static int open_arenas(void **state) {
    (void)state;
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
        cmocka_unit_test(test_end_tags_may_be_left_out),
        cmocka_unit_test(test_formatting_goes_on),
        cmocka_unit_test(test_tables_are_completed_and_foster),
        cmocka_unit_test(test_tags_as_typed),
        cmocka_unit_test(test_math),
        cmocka_unit_test(test_bare_inline_content_gets_a_paragraph),
        cmocka_unit_test(test_what_is_empty_is_marked),
        cmocka_unit_test(test_tables_in_tables_end),
        cmocka_unit_test(test_what_is_never_closed_ends),
        cmocka_unit_test(test_formatting_that_differs_is_paid_for),
        cmocka_unit_test(test_closing_what_holds_much_is_paid_for),
        cmocka_unit_test(test_a_tag_of_a_megabyte),
        cmocka_unit_test(test_a_full_arena_cuts_the_text),
    };
    return cmocka_run_group_tests(tests, open_arenas, close_arenas);
}
