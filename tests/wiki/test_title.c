// Titles: entities, normal form, namespaces.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/wiki/data.h"

static const wiki_site site = {
    .ns = {{0, STR_INIT(""), false},
           {4, STR_INIT("Wikipedia"), false},
           {6, STR_INIT("Datei"), false},
           {10, STR_INIT("Vorlage"), false},
           {14, STR_INIT("Kategorie"), false},
           {828, STR_INIT("Modul"), true}},
    .n_ns = 6,
};

static void entities(void **state) {
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"a", "a"},
        {"", ""},
        {"&amp;&lt;&gt;&quot;&apos;", "&<>\"'"},
        {"&#65;&#x42;", "AB"},
        {"&#x1F600;", "😀"},
        {"&#0;", "&#0;"},
        {"&#xD800;", "&#xD800;"},
        {"&#x110000;", "&#x110000;"},
        {"&#99999999999;", "&#99999999999;"},
        {"&nope;", "&nope;"},
        {"&", "&"},
        {"&#", "&#"},
        {"&#x;", "&#x;"},
        {"&amp", "&amp"},
        {"&amp;lt;", "&lt;"},
        {"AT&amp;T", "AT&T"},
        {"&#233", "&#233"},
        {"x&lt;&", "x<&"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        str got = wiki_decode_entities(str_of(cases[i].text), &data_arena);
        assert_string_equal(arena_cstr(&data_arena, got), cases[i].want);
    }
    str plain = STR("nothing to decode");
    assert_ptr_equal(wiki_decode_entities(plain, &data_arena).ptr, plain.ptr);
}

static void normal_form(void **state) {
    (void)state;
    static const struct {
        const char *text, *title, *fragment;
        int32_t ns;
    } cases[] = {
        {"foo bar", "Foo bar", "", 0},
        {"  foo__bar_ ", "Foo bar", "", 0},
        {"foo\xc2\xa0"
         "bar",
         "Foo bar", "", 0},
        {"foo&nbsp;bar", "Foo bar", "", 0},
        {"Foo#Bar baz", "Foo", "Bar baz", 0},
        {"#x", "", "x", 0},
        {":foo", "Foo", "", 0},
        {"éa", "Éa", "", 0},
        {"ßa", "ßa", "", 0},
        {"ǆ", "Ǆ", "", 0},
        {"აბ", "აბ", "", 0},
        {"e\xcc\x81", "É", "", 0},
        {"kategorie: foo", "Kategorie:Foo", "", 14},
        {"Category:foo", "Kategorie:Foo", "", 14},
        {"IMAGE:foo.jpg", "Datei:Foo.jpg", "", 6},
        {"Image_talk:x", "Image talk:x", "", 0},
        {"project:x", "Wikipedia:X", "", 4},
        {"modul:foo", "Modul:foo", "", 828},
        {"Unknown:foo", "Unknown:foo", "", 0},
        {":Kategorie:x", "Kategorie:X", "", 14},
        {"AT&amp;T", "AT&T", "", 0},
        {"a:", "A:", "", 0},
        {"\xe2\x80\x8e"
         "foo",
         "Foo", "", 0},
        {"", "", "", 0},
        {"_", "", "", 0},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        int32_t ns;
        str fragment;
        str got = wiki_title_normalise(&ns, &fragment, &site, str_of(cases[i].text), &data_arena);
        assert_string_equal(arena_cstr(&data_arena, got), cases[i].title);
        assert_string_equal(arena_cstr(&data_arena, fragment), cases[i].fragment);
        assert_int_equal(ns, cases[i].ns);
    }
}

static void namespaces_without_siteinfo(void **state) {
    (void)state;
    const wiki_site none = {0};
    assert_int_equal(wiki_ns_named(NULL, STR("category"))->key, 14);
    assert_int_equal(wiki_ns_named(&none, STR("User_talk"))->key, 3);
    assert_null(wiki_ns_named(NULL, STR("")));
    assert_null(wiki_ns_named(NULL, STR("Nope")));
    assert_null(wiki_ns_of(&site, 99));
    assert_null(wiki_ns_named(&site, STR("Help")));  // English name of one this wiki lacks
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entities),
        cmocka_unit_test(normal_form),
        cmocka_unit_test(namespaces_without_siteinfo),
    };
    return cmocka_run_group_tests(tests, data_setup, data_teardown);
}
