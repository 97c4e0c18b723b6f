// Pages made to hurt (adversarial.h), small: every one ends within its limits, says so, and is
// well-formed HTML. bench/adversarial has them large, with a clock.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/wikitext/adversarial.h"
#include "tests/wikitext/htmlcheck.h"

enum { SMALL = 16 << 10, ROOM = 1 << 30 };

static arena text_mem, mem, scratch;

static int open_all(void **state) {
    (void)state;
    return arena_open(&text_mem, 64 << 20, NULL) || arena_open(&mem, ROOM, NULL) ||
           arena_open(&scratch, ROOM, NULL);
}

static int close_all(void **state) {
    (void)state;
    arena_close(&text_mem), arena_close(&mem), arena_close(&scratch);
    return 0;
}

static wt_page render(const adversary *a, size_t bytes, const wt_limits *limits) {
    wt_page page;
    arena_reset(&text_mem, 1 << 20), arena_reset(&mem, 4 << 20);
    str text = adversary_text(a, bytes, &text_mem);
    wt_options o = adversary_options(a);
    if (limits) o.limits = *limits;
    assert_int_equal(wt_render(&page, text, &o, &mem, scratch), OK);
    const char *why = html_check(page.html);
    if (why) print_error("%s: %s\n", a->name, why);
    assert_null(why);
    return page;
}

static const adversary *named(const char *name) {
    for (size_t i = 0; i < countof(adversaries); i++)
        if (!strcmp(adversaries[i].name, name)) return &adversaries[i];
    fail_msg("no page %s", name);
    return NULL;
}

static size_t count(str s, const char *what) {
    size_t n = 0;
    for (size_t at = 0; (at += str_find(str_skip(s, at), str_of(what))) < s.len; at++)
        n++;
    return n;
}

static void all_end_well(void **state) {
    (void)state;
    for (size_t i = 0; i < countof(adversaries); i++) {
        const adversary *a = &adversaries[i];
        wt_page page = render(a, SMALL, NULL);
        if (a->over & ~page.over) print_error("%s: over %x\n", a->name, page.over);
        assert_false(a->over & ~page.over);
        assert_false(page.over & (WT_OVER_TIME | WT_OVER_MEMORY | WT_OVER_OUTPUT));
        assert_true(page.nodes <= 1000000 + SMALL && page.expanded_bytes <= 2 << 20);
        assert_true(page.argument_bytes <= 2 << 20);
        bool is_told = count(page.html, "class=\"wt-limits\"") == 1;
        assert_int_equal(is_told, (page.over & ~WT_OVER_LOOP) != 0);
    }
}

// Whatever the time is, it is over: what is left comes as it was typed, and is well-formed still.
static void all_end_when_time_is_over(void **state) {
    (void)state;
    for (size_t i = 0; i < countof(adversaries); i++) {
        const wt_limits limits = {.deadline_ns = 1};
        wt_page page = render(&adversaries[i], SMALL, &limits);
        assert_false(page.over & (WT_OVER_MEMORY | WT_OVER_OUTPUT));
    }
    wt_page page = render(named("bomb"), 1 << 20, &(wt_limits){.deadline_ns = 1});
    assert_true(page.over & WT_OVER_TIME);
    assert_int_equal(count(page.html, "it took too long"), 1);
}

static void small_limits_hold(void **state) {
    (void)state;
    const wt_limits limits = {
        .nodes = 100, .expanded_bytes = 1000, .argument_bytes = 1000, .depth = 5, .expensive = 3};
    for (size_t i = 0; i < countof(adversaries); i++) {
        wt_page page = render(&adversaries[i], SMALL, &limits);
        assert_true(page.nodes <= 100 + SMALL && page.expanded_bytes <= 1000);
        assert_true(page.argument_bytes <= 1000);
    }
}

static void output_is_cut(void **state) {
    (void)state;
    const wt_limits limits = {.output_bytes = 4000};
    static const char *const names[] = {"[[a]]", "* deeper", "<div>", "&amp;", "<b><p>"};
    for (size_t i = 0; i < countof(names); i++) {
        wt_page page = render(named(names[i]), SMALL, &limits);
        assert_true(page.over & WT_OVER_OUTPUT);
        assert_true(page.html.len < 32 * 4000);
    }
}

// 10,000 tables in each other: as deep as the tree goes, and no end tag is missing.
static void tables_nest(void **state) {
    (void)state;
    wt_page page = render(named("{| nested"), 100000, NULL);
    size_t n = count(page.html, "<table>");
    assert_true(n >= 100 && n <= 10000);
    assert_int_equal(n, count(page.html, "</table>"));
}

static void loops_are_told(void **state) {
    (void)state;
    wt_page page = render(named("loop"), 8, NULL);
    assert_int_equal(count(page.html, "Template loop detected"), 1);
    page = render(named("loop of two"), 8, NULL);
    assert_int_equal(count(page.html, "Template loop detected"), 4);
}

// No text makes a marker: what stands for another's nowiki is what was typed.
static void markers_are_not_forged(void **state) {
    (void)state;
    static const char *const names[] = {"&#127;", "7F", "urldecode forged", "cut markers"};
    for (size_t i = 0; i < countof(names); i++)
        assert_int_equal(count(render(named(names[i]), 400, NULL).html, "\x7F"), 0);
    wt_page page = render(named("urldecode forged"), 48, NULL);
    assert_int_equal(count(page.html, "x"), 1);
}

// A name longer than the table of names that it is looked up in.
static void long_headings(void **state) {
    (void)state;
    wt_page page = render(named("= 5 MB"), 1 << 18, NULL);
    assert_int_equal(page.n_sections, 1);
    assert_int_equal(count(page.html, "<h6"), 1);
}

// Contents of so many headings would be longer than the page: it goes without, and says so.
static void many_headings(void **state) {
    (void)state;
    wt_page page = render(named("== a =="), 70000, NULL);
    assert_true(page.has_toc && count(page.html, "id=\"toc\"") == 1);
    page = render(named("== a =="), 170000, NULL);
    assert_true(page.n_sections > 20000 && page.over & WT_OVER_OUTPUT);
    assert_int_equal(count(page.html, "id=\"toc\""), 0);
    assert_int_equal(count(page.html, "<h2"), page.n_sections);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_end_well),
        cmocka_unit_test(all_end_when_time_is_over),
        cmocka_unit_test(small_limits_hold),
        cmocka_unit_test(output_is_cut),
        cmocka_unit_test(tables_nest),
        cmocka_unit_test(loops_are_told),
        cmocka_unit_test(markers_are_not_forged),
        cmocka_unit_test(long_headings),
        cmocka_unit_test(many_headings),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
