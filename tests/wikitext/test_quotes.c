// Apostrophes: every state with every mark, the rule for odd lines, and that long lines are linear.

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
    {"it's", "it's"},
    {"'", "'"},
    {"''a''", "<i>a</i>"},
    {"'''a'''", "<b>a</b>"},
    {"'''''a'''''", "<i><b>a</b></i>"},
    {"a ''b\nc'' d", "a <i>b</i>\nc<i> d</i>"},
    {"x\n''a''\n\n'''b'''\ny", "x\n<i>a</i>\n\n<b>b</b>\ny"},
    // Four: the first is text. More than five: all but the last five are.
    {"''''a''''", "'<b>a'</b>"},
    {"''''''a''''''", "'<i><b>a'</b></i>"},
    {"'''''''''''''a''", "''''''''<b><i>a</i></b>"},
    // What a run of five opens depends on what closes first.
    {"'''''a''b'''", "<b><i>a</i>b</b>"},
    {"'''''a'''b''", "<i><b>a</b>b</i>"},
    {"'''''a", "<b><i>a</i></b>"},
    {"'''''", ""},
    {"a '''''\nb", "a \nb"},
    // A run of five with something open.
    {"''a'''''b'''", "<i>a</i><b>b</b>"},
    {"'''a'''''b''", "<b>a</b><i>b</i>"},
    {"'''a''b'''''c", "<b>a<i>b</i></b>c"},
    {"''a'''b'''''c", "<i>a<b>b</b></i>c"},
    // Crossed.
    {"'''a''b'''c''", "<b>a<i>b</i></b><i>c</i>"},
    {"''a'''b''c'''", "<i>a<b>b</b></i><b>c</b>"},
    // Open at the end of the line.
    {"'''a", "<b>a</b>"},
    {"''a", "<i>a</i>"},
    // Both odd: one bold is an apostrophe and an italic...
    {"l'''amour''", "l'<i>amour</i>"},
    {"'''a''", "'<i>a</i>"},
    {"''a'''b", "<i>a'</i>b"},
    {"one ''two '''three d'''e", "one <i>two <b>three d</b>e</i>"},
    // ...behind a word of one letter rather than behind a longer one, and the first of them...
    {"abc'''d e'''f ''g'''h", "abc<b>d e'<i>f </i>g</b>h"},
    {"aa '''bb c'''d ''ee'''ff", "aa <b>bb c'<i>d </i>ee</b>ff"},
    {"a '''b ccc'''d ''e'''f", "a <b>b ccc'<i>d </i>e</b>f"},
    // ...or else behind a space. What stands behind the mark before counts, not the line.
    {"a '''b ''c", "a '<i>b </i>c"},
    {"a '''b c '''d '''e ''f", "a '<i>b c <b>d </b>e </i>f"},
    {"a ''b'''c '''d'''e", "a <i>b'</i>c <b>d</b>e"},
};

static void test_cases(void **state) {
    (void)state;
    wt_options o = world_options();
    for (size_t i = 0; i < countof(cases); i++)
        assert_string_equal(world_pass(wt_quotes, world_parser(&o), cases[i].in), cases[i].out);
}

static void test_str(void **state) {
    (void)state;
    wt_options o = world_options();
    str plain = STR("it's plain");
    wt_parser *p = world_parser(&o);
    assert_ptr_equal(wt_quotes_str(p, plain, world_scratch).ptr, plain.ptr);
    assert_true(str_eq(wt_quotes_str(p, STR("''a''"), world_scratch), STR("<i>a</i>")));
}

// A line of a megabyte: as many marks as fit, and nothing but apostrophes.
static void test_long_lines(void **state) {
    (void)state;
    wt_options o = world_options();
    char *text = arena_alloc(&world_mem, (1 << 20) + 1);
    for (size_t i = 0; i < 1 << 20; i++)
        text[i] = i % 4 == 3 ? 'a' : '\'';
    const char *out = world_pass(wt_quotes, world_parser(&o), text);
    assert_int_equal(strlen(out), (1 << 20) / 8 * strlen("<b>a</b>a"));
    memset(text, '\'', 1 << 20);
    out = world_pass(wt_quotes, world_parser(&o), text);
    assert_int_equal(strlen(out), (1 << 20) - 5);
    world_forget();
}

// Without room for the marks the text is left as it is.
static void test_no_room(void **state) {
    (void)state;
    wt_options o = world_options();
    wt_parser *p = world_parser(&o);
    ARENA_ON_STACK(small, 64);
    buf out;
    buf_init(&out, p->mem, 0);
    wt_quotes(&out, p, STR("a\n''b''\nc"), small);
    assert_true(str_eq(buf_str(&out), STR("a\n''b''\nc")));
    assert_true(p->over & WT_OVER_MEMORY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_str),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
