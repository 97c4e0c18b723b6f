// Lists, paragraphs and <pre> by a leading space; the colon of a term; the tags that matter.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world.h"

typedef struct pair {
    const char *in, *out;
} pair;

static const char *blocks(const char *in, bool line_start) {
    wt_options o = world_options();
    wt_parser *p = world_parser(&o);
    buf out;
    buf_init(&out, p->mem, 0);
    wt_blocks(&out, p, str_of(in), line_start, world_scratch);
    return arena_cstr(p->mem, buf_str(&out));
}

static void check_all(const pair *cases, size_t n) {
    for (size_t i = 0; i < n; i++)
        assert_string_equal(blocks(cases[i].in, true), cases[i].out);
}

static void test_paragraphs(void **state) {
    (void)state;
    static const pair cases[] = {
        {"", ""},
        {"a", "<p>a\n</p>"},
        {"a\nb", "<p>a\nb\n</p>"},
        {"a\n\nb", "<p>a\n</p><p>b\n</p>"},
        {"a\n\n\nb", "<p>a\n</p><p><br />\nb\n</p>"},
        {"a\n\n\n\nb", "<p>a\n</p><p><br />\n</p><p>b\n</p>"},
        {"\na", "<p>a\n</p>"},
        {"\n\na", "<p><br />\na\n</p>"},
        {"\n", "<p><br />\n</p>"},
        {"a\n \t \nb", "<p>a\n</p><p>b\n</p>"},
    };
    check_all(cases, countof(cases));
}

static void test_pre(void **state) {
    (void)state;
    static const pair cases[] = {
        {" a\n  b\nc", "<pre>a\n b\n</pre>\n<p>c\n</p>"},
        {" a\n \n b", "<pre>a\n\nb\n</pre>"},
        {" a\n\n b", "<pre>a\n</pre>\n<pre>b\n</pre>"},
        {" \na", "<p>a\n</p>"},
        {"\ta", "<p>\ta\n</p>"},
        {" <div>a</div>", " <div>a</div>"},
        {"<blockquote>\n a\n</blockquote>\n b",
         "<blockquote>\n<p> a\n</p>\n</blockquote>\n<pre>b\n</pre>"},
        {"<pre>\n* a\n\n b</pre>\nc", "<pre>\n* a\n\n b</pre>\n<p>c\n</p>"},
        {"* <pre>a\n* b</pre>\nc", "<ul><li><pre>a</li>\n<li>b</pre></li></ul>\n<p>c\n</p>"},
    };
    check_all(cases, countof(cases));
}

static void test_tags(void **state) {
    (void)state;
    static const pair cases[] = {
        // No paragraphs from the tag to its end.
        {"<table>\na\n</table>\nb", "<table>\na\n</table>\n<p>b\n</p>"},
        {"<p>a\nb\n</p>\nc", "<p>a\nb\n</p>\n<p>c\n</p>"},
        {"<H2>a</H2>\nb", "<H2>a</H2>\n<p>b\n</p>"},
        {"<td>\na\n</td>\nb", "<td>\n<p>a\n</p>\n</td>\nb"},
        {"<li>\na\n</li>\nb", "<li>\na\n</li>\nb"},
        // Paragraphs on the next line, whichever end it is.
        {"a<div>\nb", "a<div>\n<p>b\n</p>"},
        {"x\n</center>\nb", "<p>x\n</p>\n</center>\n<p>b\n</p>"},
        {"<hr />\n\na", "<hr />\n<p>a\n</p>"},
        {"<mw:x>\na", "<mw:x>\n<p>a\n</p>"},
        {WT_TOC_PLACE "\na", WT_TOC_PLACE "\n<p>a\n</p>"},
        // Nothing to do with blocks.
        {"<b>a</b>\n<preview>\n<ulx>", "<p><b>a</b>\n<preview>\n<ulx>\n</p>"},
        {"a < b <", "<p>a < b <\n</p>"},
        // Style sheets open and close nothing.
        {"<style>a</style>\n\nb", "<style>a</style>\n<p>b\n</p>"},
        {"a\n\n<link x> <style>b</style>c</style>\t<link>\nd",
         "<p>a\n</p>\n<link x> <style>b</style>c</style>\t<link>\n<p>d\n</p>"},
        {"<style>a</style> b", "<p><style>a</style> b\n</p>"},
        {"<style>a", "<p><style>a\n</p>"},
        {"<linked>", "<p><linked>\n</p>"},
    };
    check_all(cases, countof(cases));
}

static void test_lists(void **state) {
    (void)state;
    static const pair cases[] = {
        {"* a\n* b", "<ul><li>a</li>\n<li>b</li></ul>"},
        {"# a\n## b\n# c", "<ol><li>a\n<ol><li>b</li></ol></li>\n<li>c</li></ol>"},
        {"*# a\n** b\n*** c",
         "<ul><li><ol><li>a</li></ol>\n<ul><li>b\n<ul><li>c</li></ul></li></ul>"
         "</li></ul>"},
        {"* a\nb\n* c", "<ul><li>a</li></ul>\n<p>b\n</p>\n<ul><li>c</li></ul>"},
        {"* a\n\n* b", "<ul><li>a</li></ul>\n<ul><li>b</li></ul>"},
        {"x\n: a\n:: b", "<p>x\n</p>\n<dl><dd>a\n<dl><dd>b</dd></dl></dd></dl>"},
        {"*", "<ul><li></li></ul>"},
        {"*:;a", "<ul><li><dl><dd><dl><dt>a</dt></dl></dd></dl></li></ul>"},
        {"; a\n: b\n; c", "<dl><dt>a</dt>\n<dd>b</dd>\n<dt>c</dt></dl>"},
        {"; a\n:: b", "<dl><dt>a</dt>\n<dd>\n<dl><dd>b</dd></dl></dd></dl>"},
        {"; a : b\n; c:d:e", "<dl><dt>a</dt>\n<dd>b</dd>\n<dt>c</dt>\n<dd>d:e</dd></dl>"},
        {"* a<div>\nb", "<ul><li>a<div></li></ul>\n<p>b\n</p>"},
    };
    check_all(cases, countof(cases));
}

// The first ':' that is between no tags.
static void test_colon(void **state) {
    (void)state;
    static const pair cases[] = {
        {"; a<b>:</b> : c", "<dl><dt>a<b>:</b></dt>\n<dd>c</dd></dl>"},
        {";<a href=\"x:y\">z:</a>:c", "<dl><dt><a href=\"x:y\">z:</a></dt>\n<dd>c</dd></dl>"},
        {";a<br />b:c", "<dl><dt>a<br />b</dt>\n<dd>c</dd></dl>"},
        {";a</b>:c", "<dl><dt>a</b></dt>\n<dd>c</dd></dl>"},
        {";a<b>:c", "<dl><dt>a<b>:c</dt></dl>"},
        {";<!-- : -->a:c", "<dl><dt><!-- : -->a</dt>\n<dd>c</dd></dl>"},
        {";<!-- : - -- >:", "<dl><dt><!-- : - -- >:</dt></dl>"},
        {";-{a:b-{:}-:}-c:d", "<dl><dt>-{a:b-{:}-:}-c</dt>\n<dd>d</dd></dl>"},
        {";-{a:b", "<dl><dt>-{a:b</dt></dl>"},
        {";<>:a", "<dl><dt><></dt>\n<dd>a</dd></dl>"},
        {";a-b:c", "<dl><dt>a-b</dt>\n<dd>c</dd></dl>"},
    };
    check_all(cases, countof(cases));
}

static void test_rules(void **state) {
    (void)state;
    assert_string_equal(world_render("----\n------a----\n---\nb ----\n----"),
                        "<hr />\n<hr /><p>a----\n</p><p>---\nb ----\n</p>\n<hr />");
}

static void test_line_start(void **state) {
    (void)state;
    assert_string_equal(blocks("* a", false), "* a");
    assert_string_equal(blocks("a\n* b\nc", false), "a<ul><li>b</li></ul>\n<p>c\n</p>");
}

static const char *repeated(const char *what, size_t n) {
    size_t len = strlen(what);
    char *text = arena_alloc(&world_mem, n * len + 1);
    for (size_t i = 0; i < n; i++)
        memcpy(text + i * len, what, len);
    return text;
}

static void test_deep(void **state) {
    (void)state;
    enum { DEEP = 100000 };
    const char *stars = repeated("*", DEEP), *semicolons = repeated(";", DEEP);
    assert_int_equal(strlen(blocks(stars, true)), DEEP * strlen("<ul><li></li></ul>"));
    assert_int_equal(strlen(blocks(semicolons, true)), DEEP * strlen("<dl><dt></dt></dl>"));
    world_forget();
}

// A term that has no colon between no tags, looked for behind each ';'.
static void test_colons(void **state) {
    (void)state;
    str parts[] = {str_of(repeated(";", 1000)), STR("<b>"), str_of(repeated(":", 1000000))};
    buf in;
    buf_init(&in, &world_mem, 0);
    for (size_t i = 0; i < countof(parts); i++)
        buf_add(&in, parts[i]);
    const char *out = blocks(arena_cstr(&world_mem, buf_str(&in)), true);
    assert_null(strstr(out, "<dd>"));
    assert_true(strlen(out) > in.len);
    world_forget();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paragraphs), cmocka_unit_test(test_pre),
        cmocka_unit_test(test_tags),       cmocka_unit_test(test_lists),
        cmocka_unit_test(test_colon),      cmocka_unit_test(test_line_start),
        cmocka_unit_test(test_deep),       cmocka_unit_test(test_colons),
        cmocka_unit_test(test_rules),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
