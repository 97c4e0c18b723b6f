// Behaviour switches: which leave the text, what they leave, which bits they set.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/wikitext/world.h"

static void switches(void **state) {
    (void)state;
    static const struct {
        const char *text, *want;
        unsigned bits;
    } cases[] = {
        {"", "", 0},
        {"a b", "a b", 0},
        {"a__NOTOC__b", "ab", WT_SWITCH(NOTOC)},
        {"__notoc__", "", WT_SWITCH(NOTOC)},
        {"__NoToC__ __FORCETOC__", " ", WT_SWITCH(NOTOC) | WT_SWITCH(FORCETOC)},
        {"x __TOC__ y", "x " WT_TOC_PLACE " y", WT_SWITCH(TOC)},
        {"__TOC__ y __TOC__", WT_TOC_PLACE " y ", WT_SWITCH(TOC)},
        {"__toc__", WT_TOC_PLACE, WT_SWITCH(TOC)},
        {"___TOC___", "_" WT_TOC_PLACE "_", WT_SWITCH(TOC)},
        {"__HIDDENCAT__ __hiddencat__", " __hiddencat__", WT_SWITCH(HIDDENCAT)},
        {"__INDEX____NOINDEX__", "", WT_SWITCH(INDEX) | WT_SWITCH(NOINDEX)},
        {"__noindex__", "__noindex__", 0},
        {"__NOTC__ __NOTITLECONVERT__", " ", WT_SWITCH(NOTITLECONVERT)},
        {"__NOCC__", "", WT_SWITCH(NOCONTENTCONVERT)},
        {"__NEWSECTIONLINK__", "", WT_SWITCH(NEWSECTIONLINK)},
        {"__STATICREDIRECT__", "", WT_SWITCH(STATICREDIRECT)},
        {"__DISAMBIG__", "", WT_SWITCH(DISAMBIG)},
        {"__NOEDITSECTION__", "", WT_SWITCH(NOEDITSECTION)},
        {"__NOGALLERY__", "", WT_SWITCH(NOGALLERY)},
        {"__NOSUCH__", "__NOSUCH__", 0},
        {"__init__ a__b__c", "__init__ a__b__c", 0},
        {"__NOTOC", "__NOTOC", 0},
        {"__NOTOC_", "__NOTOC_", 0},
        {"_NOTOC__", "_NOTOC__", 0},
        {"__NO TOC__", "__NO TOC__", 0},
        {"__", "__", 0},
        {"______", "______", 0},
        {"__NOTOC__NOTOC__", "NOTOC__", WT_SWITCH(NOTOC)},
        {"__aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa__",
         "__aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa__", 0},
    };
    wt_options o = world_options();
    for (size_t i = 0; i < countof(cases); i++) {
        wt_parser *p = world_parser(&o);
        buf out;
        buf_init(&out, p->mem, 0);
        wt_switches(&out, p, str_of(cases[i].text), world_scratch);
        assert_string_equal(arena_cstr(p->mem, buf_str(&out)), cases[i].want);
        assert_int_equal(p->switches, cases[i].bits);
    }
}

// A second piece of the same page has no second place for the contents.
static void one_place(void **state) {
    (void)state;
    wt_options o = world_options();
    wt_parser *p = world_parser(&o);
    for (int i = 0; i < 2; i++) {
        buf out;
        buf_init(&out, p->mem, 0);
        wt_switches(&out, p, STR("a__TOC__b"), world_scratch);
        assert_string_equal(arena_cstr(p->mem, buf_str(&out)), i ? "ab" : "a" WT_TOC_PLACE "b");
    }
}

static void in_pages(void **state) {
    (void)state;
    wt_options o = world_options();
    wt_page page = world_page_of("__NOINDEX__\nx", &o);
    assert_true(page.switches & WT_SWITCH(NOINDEX));
    assert_true(str_find(page.html, STR("NOINDEX")) == page.html.len);
    page = world_page_of("__TOC__\n== a ==\nb", &o);
    assert_true(page.has_toc);
    page = world_page_of("__NOTOC__\n== a ==\n== b ==\n== c ==\n== d ==\n", &o);
    assert_false(page.has_toc);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(switches),
        cmocka_unit_test(one_place),
        cmocka_unit_test(in_pages),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
