// Tables: every mark, cells in a line, attributes, nesting, what is left open, bounds.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world.h"

static const struct {
    const char *in, *out;
} cases[] = {
    {"", ""},
    {"no table\n", "no table\n"},
    {"a | b || c\n|-\n! x\n|}", "a | b || c\n|-\n! x\n|}"},
    {"text {| is not one", "text {| is not one"},
    {"x {|\n{|\n|a\n|}", "x {|\n<table>\n<tr>\n<td>a\n</td></tr></table>"},
    {"{|\n|a\n|}", "<table>\n<tr>\n<td>a\n</td></tr></table>"},
    {"x\n{|\n|a\n|}\ny\n", "x\n<table>\n<tr>\n<td>a\n</td></tr></table>\ny\n"},
    // Rows and cells.
    {"{|\n|a||b\n|-\n!c!!d||e\n|}",
     "<table>\n<tr>\n<td>a</td>\n<td>b\n</td></tr>\n<tr>\n<th>c</th>\n"
     "<th>d</th>\n<th>e\n</th></tr></table>"},
    {"{|\n|-----\n|-\n| a !! b\n|}", "<table>\n\n\n<tr>\n<td>a !! b\n</td></tr></table>"},
    {"{|\n|a\nb\n\n c\n|}", "<table>\n<tr>\n<td>a\nb\n\n c\n</td></tr></table>"},
    {"{|\n!<b title=\"!!\">a</b>!!<i !!b\n|}",
     "<table>\n<tr>\n<th><b title=\"!!\">a</b></th>\n<th><i</th>\n<th>b\n</th></tr></table>"},
    {"{|\n!a!!!b\n|}", "<table>\n<tr>\n<th>a</th>\n<th>!b\n</th></tr></table>"},
    // Captions stand outside of rows.
    {"{|\n|+ a\n|b\n|}", "<table>\n<caption>a\n</caption>\n<tr>\n<td>b\n</td></tr></table>"},
    {"{|\n|b\n|+a||c\n|d\n|}", "<table>\n<tr>\n<td>b\n</td>\n<caption>a</caption>\n<caption>c\n"
                               "</caption>\n<td>d\n</td></tr></table>"},
    // Attributes, and bars that are none of theirs.
    {"{| class=x\n|- id=y\n| title=z | a|b\n|}", "<table class=\"x\">\n\n<tr id=\"y\">\n"
                                                 "<td title=\"z\">a|b\n</td></tr></table>"},
    {"{|\n|- id=a\n|- id=b\n|+c\n|d\n|}",
     "<table>\n\n\n<caption>c\n</caption>\n<tr id=\"b\">\n<td>d\n</td></tr></table>"},
    {"{|\n|+ id=a | b\n! id=c | d || id=e | f\n|}",
     "<table>\n<caption id=\"a\">b\n</caption>\n<tr>\n<th id=\"c\">d</th>\n<th "
     "id=\"e\">f\n</th></tr>"
     "</table>"},
    {"{|\n|[[a|b]]\n| -{a|b\n|x[[|y\n|}", "<table>\n<tr>\n<td>[[a|b]]\n</td>\n<td>-{a|b\n</td>\n"
                                          "<td>x[[|y\n</td></tr></table>"},
    {"{|\n|\n|| |\n|}", "<table>\n<tr>\n<td>\n</td>\n<td>|\n</td></tr></table>"},
    // What closes a table closes what is in it; the rest of the line stays.
    {"{|\n|}", "<table>\n<tr><td></td></tr></table>"},
    {"{|\n|-\n|} x ", "<table>\n\n</table> x"},
    {"{|\n|a\n|-\n|}y", "<table>\n<tr>\n<td>a\n</td></tr>\n</table>y"},
    {"{|\n|a\n|}\n|b", "<table>\n<tr>\n<td>a\n</td></tr></table>\n|b"},
    // Left open.
    {"{|\n|a", "<table>\n<tr>\n<td>a\n</td>\n</tr>\n</table>"},
    {"{|\n!a", "<table>\n<tr>\n<th>a\n</td>\n</tr>\n</table>"},
    {"{|\n|-", "<table>\n\n</table>"},
    {"{|", ""},
    {"{|\n\n", "<table>\n\n\n<tr><td></td></tr>\n</table>"},
    // In each other.
    {"{|\n|\n{|\n|a\n|}\n|}",
     "<table>\n<tr>\n<td>\n<table>\n<tr>\n<td>a\n</td></tr></table>\n</td></tr></table>"},
    {"{|\n{|\n|a",
     "<table>\n<table>\n<tr>\n<td>a\n</td>\n</tr>\n</table>\n<tr><td></td></tr>\n</table>"},
    // Set in by colons; and space around marks.
    {":: {|\n|a\n|} b",
     "<dl><dd><dl><dd><table>\n<tr>\n<td>a\n</td></tr></table> b</dd></dl></dd></dl>"},
    {"  {|\n\t|-\n  |a  \n |}  ", "<table>\n\n<tr>\n<td>a\n</td></tr></table>"},
    {":a\n{|\n:b\n{c\n|}", ":a\n<table>\n:b\n{c\n<tr><td></td></tr></table>"},
};

static void test_cases(void **state) {
    (void)state;
    wt_options o = world_options();
    for (size_t i = 0; i < countof(cases); i++)
        assert_string_equal(world_pass(wt_tables, world_parser(&o), cases[i].in), cases[i].out);
}

static void test_markers_in_attributes(void **state) {
    (void)state;
    wt_options o = world_options();
    wt_parser *p = world_parser(&o);
    buf in, out;
    buf_init(&in, p->mem, 0);
    buf_add(&in, STR("{|\n| title=\""));
    wt_strip_add(&in, p, WT_STRIP_NOWIKI, STR("a|b"));
    buf_add(&in, STR("\" | c\n|}"));
    buf_init(&out, p->mem, 0);
    wt_tables(&out, p, buf_str(&in), world_scratch);
    assert_string_equal(arena_cstr(p->mem, buf_str(&out)),
                        "<table>\n<tr>\n<td title=\"a&#124;b\">c\n</td></tr></table>");
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
    enum { DEEP = 10000 };
    wt_options o = world_options();
    const char *out = world_pass(wt_tables, world_parser(&o), repeated("{|\n|\n", DEEP));
    size_t each = strlen("<table>\n<tr>\n<td>\n") + strlen("\n</td>\n</tr>\n</table>");
    assert_int_equal(strlen(out), DEEP * each);
    world_forget();
}

// Each "|}" would repeat what the last table was set in by: 4 GB in all.
static void test_indent_is_bounded(void **state) {
    (void)state;
    enum { N = 20000 };
    wt_options o = world_options();
    wt_parser *p = world_parser(&o);
    buf in, out;
    buf_init(&in, p->mem, 0);
    buf_add(&in, str_of(repeated("{|\n", N)));
    buf_add(&in, str_of(repeated(":", N)));
    buf_add(&in, STR("{|\n"));
    buf_add(&in, str_of(repeated("|}\n", N)));
    buf_init(&out, p->mem, 0);
    wt_tables(&out, p, buf_str(&in), world_scratch);
    assert_true(p->over & WT_OVER_OUTPUT);
    assert_true(out.len < p->limits.output_bytes + 40 * in.len);
    world_forget();
}

static void test_no_room(void **state) {
    (void)state;
    wt_options o = world_options();
    wt_parser *p = world_parser(&o);
    ARENA_ON_STACK(small, 64);
    buf out;
    buf_init(&out, p->mem, 0);
    wt_tables(&out, p, STR("a\n{|\n|b\n|}"), small);
    assert_true(str_eq(buf_str(&out), STR("a\n{|\n|b\n|}")));
    assert_true(p->over & WT_OVER_MEMORY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),   cmocka_unit_test(test_markers_in_attributes),
        cmocka_unit_test(test_deep),    cmocka_unit_test(test_indent_is_bounded),
        cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
