// Headings from lines, their ids, their sections, the contents, and the boxes around them.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world.h"

typedef struct pair {
    const char *in, *out;
} pair;

static void test_lines(void **state) {
    (void)state;
    static const pair cases[] = {
        {"", ""},
        {"a == b ==", "a == b =="},
        {"==a==", "<h2 data-mw-h>a</h2>"},
        {"x\n= a =\ny", "x\n<h1 data-mw-h>a</h1>\ny"},
        {"====== a ======", "<h6 data-mw-h>a</h6>"},
        {"======= a =======", "<h6 data-mw-h>= a =</h6>"},
        // The smaller side counts.
        {"=a==", "<h1 data-mw-h>a=</h1>"},
        {"===a==", "<h2 data-mw-h>=a</h2>"},
        // Something must stand between.
        {"=", "="},
        {"==", "=="},
        {"===", "<h1 data-mw-h>=</h1>"},
        {"=====", "<h2 data-mw-h>=</h2>"},
        {"== ==", "<h2 data-mw-h> </h2>"},
        {"==\n===\n", "==\n<h1 data-mw-h>=</h1>"},
        {"==a== b", "==a== b"},
        {" ==a==", " ==a=="},
        // Space and empty lines behind go.
        {"==\ta =b \t==\t \nc", "<h2 data-mw-h>a =b</h2>\nc"},
        {"==a==\n\n \n c", "<h2 data-mw-h>a</h2>\n c"},
        {"==a==\n \n==b==\n\n", "<h2 data-mw-h>a</h2>\n<h2 data-mw-h>b</h2>"},
    };
    wt_options o = world_options();
    for (size_t i = 0; i < countof(cases); i++)
        assert_string_equal(world_pass(wt_headings, world_parser(&o), cases[i].in), cases[i].out);
}

static const char *rendered(const char *in, wt_page *page) {
    wt_options o = world_options();
    *page = world_page_of(in, &o);
    return arena_cstr(&world_mem, page->html);
}

static void has(const char *in, const char *part) {
    wt_page page;
    const char *html = rendered(in, &page);
    if (!strstr(html, part)) print_error("no %s in\n%s\n", part, html);
    assert_non_null(strstr(html, part));
}

#define BOX(level, inside)                                                                         \
    "<div class=\"mw-heading mw-heading" level "\"><h" level " " inside "</h" level "></div>"

static void test_markup(void **state) {
    (void)state;
    has("== Early life ==", BOX("2", "id=\"Early_life\">Early life"));
    has("=== ''a'' & <b>b</b>===", BOX("3", "id=\"a_&amp;_b\"><span id=\"a_.26_b\"></span>"
                                            "<i>a</i> &amp; <b>b</b>"));
    has("<h2>x</h2>", "<h2 id=\"x\" class=\"mw-html-heading\">x</h2>");
    has("<h2 id=y class=z style='color:red'>x</h2>",
        "<h2 id=\"y\" style=\"color:red\" class=\"z mw-html-heading\">x</h2>");
    // What is left open inside stays inside.
    has("==<div>a==\nb", BOX("2", "id=\"a\"><div>a</div>") "\n<p>b\n</p>");
    // What only looks like a heading on its way.
    has("==x==\na data-mw-h=\"0\"> b\n==y==", "</div>\n<p>a data-mw-h=\"0\"&gt; b\n</p>\n<div");
    has("<i title='&lt;h2 data-mw-h=\"0\">'>c</i>", "title=\"&lt;h2 data-mw-h=&quot;0&quot;\">");
    // A mark that stands in no heading's front shows nowhere.
    has("<h3>x\n=b=", "x\n</h3><h1>b</h1>");
    // An end that is none of the heading's.
    has("<h2>a</h3>b", "<h2 id=\"a\" class=\"mw-html-heading\">a</h2><p>b</p>");
}

static void test_ids(void **state) {
    (void)state;
    static const struct {
        const char *in, *id, *old;  // old: of former days, "" the same
    } cases[] = {
        {"a", "a", ""},
        {"a  b_c&nbsp;d&#x2009;", "a_b_c_d", ""},
        {"\xC3\xA9", "\xC3\xA9", ".C3.A9"},
        {"_ a\tb _", "a_b", "a.09b"},
        {"&nbsp; a", "_a", ""},
        {"1.2:3-4", "1.2:3-4", ""},
        {"<sup>a</sup><span title=\"x\">b</span>", "ab", ""},
        {"[[Main Page|c]]s", "cs", ""},
        {"&lt;b>", "&lt;b&gt;", ".3Cb.3E"},
        {"a&#x200E;b", "ab", ""},
        {"x<nowiki>[y]</nowiki>", "x[y]", "x.5By.5D"},
        {"50 % !", "50_%_!", "50_.25_.21"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        const char *in = arena_cstr(&world_mem, arena_fmt(&world_mem, "== %s ==", cases[i].in));
        str want = arena_fmt(&world_mem, "<h2 id=\"%s\">%s%s%s", cases[i].id,
                             *cases[i].old ? "<span id=\"" : "", cases[i].old,
                             *cases[i].old ? "\"></span>" : "");
        has(in, arena_cstr(&world_mem, want));
    }
}

static void test_equal_ids(void **state) {
    (void)state;
    wt_page page;
    rendered("==a==\n==A==\n==a_2==\n==a==\n<h2>a 3</h2>\n==\xC3\xA9==\n==\xC3\xA9==\n", &page);
    static const char *const want[] = {"a",     "A_2",      "a_2_2",     "a_3",
                                       "a_3_2", "\xC3\xA9", "\xC3\xA9_2"};
    assert_int_equal(page.n_sections, countof(want));
    for (size_t i = 0; i < countof(want); i++)
        assert_string_equal(arena_cstr(&world_mem, page.sections[i].anchor), want[i]);
}

static void test_many_equal_ids(void **state) {
    (void)state;
    enum { N = 50000 };
    buf in;
    buf_init(&in, &world_mem, 0);
    for (int i = 0; i < N; i++)
        buf_add(&in, STR("<h2>a</h2>\n"));
    wt_options o = world_options();
    wt_parser *p = world_parser(&o);
    buf out;
    buf_init(&out, p->mem, 0);
    wt_format_headings(&out, p, buf_str(&in), true, world_scratch);
    assert_non_null(strstr(arena_cstr(p->mem, buf_str(&out)), "id=\"a_50000\""));
    world_forget();
}

static void test_sections(void **state) {
    (void)state;
    static const world_page pages[] = {{"Template:T", "== t ==\nx\n=== u ==="}, {0}};
    static const struct {
        int level, toc_level;
        const char *number, *html, *text, *from;
        int32_t index;
    } want[] = {
        {3, 1, "1", "a", "a", "Main Page", 1},
        {4, 2, "1.1", "<i>b</i> <span dir=\"rtl\">c</span>", "b c", "Main Page", 2},
        {2, 1, "2", "t", "t", "", 0},
        {3, 2, "2.1", "u", "u", "", 0},
        {5, 3, "2.1.1", "d", "d", "", 0},
        {4, 3, "2.1.2", "e &amp; &lt;", "e & <", "Main Page", 3},
        {1, 1, "3", "f", "f", "Main Page", 4},
    };
    wt_page page;
    world_use(pages);
    const char *html =
        rendered("=== a ===\n====''b'' <span dir=rtl class=x>c</span><span id=y></span>"
                 "====\n{{T}}\n<h5>d</h5>\n==== e & &lt; ====\n= f =\n",
                 &page);
    assert_int_equal(page.n_sections, countof(want));
    for (size_t i = 0; i < countof(want); i++) {
        const wt_section *s = &page.sections[i];
        assert_int_equal(s->level, want[i].level);
        assert_int_equal(s->toc_level, want[i].toc_level);
        assert_string_equal(arena_cstr(&world_mem, s->number), want[i].number);
        assert_string_equal(arena_cstr(&world_mem, s->html), want[i].html);
        assert_string_equal(arena_cstr(&world_mem, s->text), want[i].text);
        assert_string_equal(arena_cstr(&world_mem, s->from), want[i].from);
        assert_int_equal(s->index, want[i].index);
        const char *at = i == 4 ? "<h5 id=\"d\"" : "<div class=\"mw-heading";
        assert_memory_equal(html + s->at, at, strlen(at));
    }
    world_use(NULL);
}

// A heading between rows comes out in front of its table.
static void test_sections_ascend(void **state) {
    (void)state;
    wt_page page;
    const char *html = rendered("{|\n|\n== a ==\n|-\n<h2>b</h2>\n|\n== c ==\n|}\n== d ==\n", &page);
    assert_int_equal(page.n_sections, 4);
    assert_true(strstr(html, "id=\"b\"") < strstr(html, "id=\"a\""));
    for (size_t i = 1; i < page.n_sections; i++)
        assert_true(page.sections[i - 1].at <= page.sections[i].at);
    static const char box[] = "<div class=\"mw-heading mw-heading2\"><h2 id=\"d";
    assert_memory_equal(html + page.sections[3].at, box, strlen(box));
}

static void test_contents(void **state) {
    (void)state;
    static const char rows[] =
        "</span></div>\n<ul>\n<li class=\"toclevel-1 tocsection-1\"><a href=\"#a\">"
        "<span class=\"tocnumber\">1</span> <span class=\"toctext\">a</span></a>\n<ul>\n"
        "<li class=\"toclevel-2 tocsection-2\"><a href=\"#b\"><span class=\"tocnumber\">1.1</span> "
        "<span class=\"toctext\">b</span></a>\n<ul>\n"
        "<li class=\"toclevel-3 tocsection-3\"><a href=\"#c\"><span "
        "class=\"tocnumber\">1.1.1</span> "
        "<span class=\"toctext\">c</span></a></li>\n</ul>\n</li>\n</ul>\n</li>\n"
        "<li class=\"toclevel-1 tocsection-4\"><a href=\"#d\"><span class=\"tocnumber\">2</span> "
        "<span class=\"toctext\">d</span></a></li>\n</ul>\n</div>\n\n";
    static const char text[] = "x\n==a==\n===b===\n====c====\n==d==\n";
    wt_page page;
    const char *html = rendered(text, &page), *toc = strstr(html, "<div id=\"toc\" class=\"toc\"");
    assert_true(page.has_toc);
    assert_memory_equal(html, "<p>x\n</p>\n<div id=\"toc\"", 22);
    assert_non_null(strstr(html, rows));
    assert_non_null(toc);
    assert_null(strstr(toc + 1, "<div id=\"toc\""));
    // Three are too few; o.no_toc leaves them out, but has_toc says that they are wanted.
    assert_null(strstr(rendered("==a==\n==b==\n==c==\n", &page), "toc"));
    assert_false(page.has_toc);
    wt_options o = world_options();
    o.no_toc = true;
    page = world_page_of(text, &o);
    assert_true(page.has_toc);
    assert_null(strstr(arena_cstr(&world_mem, page.html), "toc"));
    o.no_toc = false, o.toc_levels = 1;
    page = world_page_of(text, &o);
    assert_null(strstr(arena_cstr(&world_mem, page.html), "toclevel-2"));
}

static void test_edit_links(void **state) {
    (void)state;
    static const world_page pages[] = {{"Template:T", "== t? =="}, {0}};
    wt_options o = world_options();
    o.edit_links = true;
    world_use(pages);
    wt_page page = world_page_of("== a \"b\" ==\n{{T}}\n<h2>c</h2>", &o);
    const char *html = arena_cstr(&world_mem, page.html);
    assert_non_null(
        strstr(html, "</h2><span class=\"mw-editsection\"><span class=\"mw-editsection-bracket\">["
                     "</span><a href=\"/index.php?title=Main_Page&amp;action=edit&amp;section=1\" "
                     "title=\"Edit section: a &quot;b&quot;\">edit</a>"));
    assert_non_null(strstr(html, "title=Template:T&amp;action=edit&amp;section=T-1\" "
                                 "title=\"Edit section: t?\">"));
    assert_non_null(strstr(html, "mw-html-heading\">c</h2>"));
    world_use(NULL);
}

static void test_legacy_ids(void **state) {
    (void)state;
    wt_options o = world_options();
    o.legacy_ids = true;
    wt_page page = world_page_of("==\xC3\xA9==\n", &o);
    assert_non_null(strstr(arena_cstr(&world_mem, page.html), "<h2 id=\".C3.A9\">\xC3\xA9</h2>"));
}

static void test_french_spaces(void **state) {
    (void)state;
    static const pair cases[] = {
        {"", ""},
        {"a ?", "a&#160;?"},
        {"a ! b ; c", "a&#160;! b&#160;; c"},
        {"a :b :_ :) :", "a :b :_&#160;:)&#160;:"},
        {" :\xC3\xA9 :\xE2\x80\x94", " :\xC3\xA9&#160;:\xE2\x80\x94"},
        {"\xC2\xAB a \xC2\xBB", "\xC2\xAB&#160;a&#160;\xC2\xBB"},
        {"\xE2\x80\xB9 a \xE2\x80\xBA", "\xE2\x80\xB9&#160;a&#160;\xE2\x80\xBA"},
        {"\xC2\xAB ?", "\xC2\xAB&#160;?"},
        {"\xC2\xA9 \xE2\x82\xAC 5 %", "\xC2\xA9 \xE2\x82\xAC 5&#160;%"},
        {"?", "?"},
        {"\xC2", "\xC2"},
        // Not in tags, comments, style sheets and scripts.
        {"a < ? <a b=\"c : d\"> ?", "a <&#160;? <a b=\"c : d\">&#160;?"},
        {"<!-- ? > ? --> ?<style>a : b</style> :",
         "<!-- ? > ? -->&#160;?<style>a : b</style>&#160;:"},
        {"<script> ?", "<script> ?"},
        {"<b", "<b"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        buf out;
        buf_init(&out, &world_mem, 0);
        wt_french_spaces(&out, str_of(cases[i].in));
        assert_string_equal(arena_cstr(&world_mem, buf_str(&out)), cases[i].out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_markup),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_equal_ids),
        cmocka_unit_test(test_many_equal_ids),
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_sections_ascend),
        cmocka_unit_test(test_contents),
        cmocka_unit_test(test_edit_links),
        cmocka_unit_test(test_legacy_ids),
        cmocka_unit_test(test_french_spaces),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
