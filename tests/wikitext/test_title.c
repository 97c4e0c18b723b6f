// Titles: what is one, its normal form, its URL, pages below pages.

#include "tests/wikitext/link_world.h"
#include "wikitext/link.h"

static void accepted(void **state) {
    (void)state;
    static const struct {
        const char *text, *full, *name, *fragment, *interwiki;
        int32_t ns;
    } cases[] = {
        {"Foo", "Foo", "Foo", "", "", 0},
        {"foo bar", "Foo bar", "Foo bar", "", "", 0},
        {"  foo__bar _", "Foo bar", "Foo bar", "", "", 0},
        {"foo#Bar baz", "Foo", "Foo", "Bar baz", "", 0},
        {"Foo_#", "Foo", "Foo", "", "", 0},
        {"#x", "", "", "x", "", 0},
        {"talk:foo", "Talk:Foo", "Foo", "", "", 1},
        {"USER TALK : foo", "User talk:Foo", "Foo", "", "", 3},
        {"User_talk:foo", "User talk:Foo", "Foo", "", "", 3},
        {"Image:x.png", "File:X.png", "X.png", "", "", 6},
        {"Project:x", "Wiki:X", "X", "", "", 4},
        {"WP:x", "Wiki:X", "X", "", "", 4},
        {"module:foo", "Module:foo", "foo", "", "", 828},
        {":Category:x", "Category:X", "X", "", "", 14},
        {":x", "X", "X", "", "", 0},
        {"nope:x", "Nope:x", "Nope:x", "", "", 0},
        {"fr:foo", "foo", "foo", "", "fr", 0},
        {":FR:foo bar#a", "foo bar", "foo bar", "a", "fr", 0},
        {"w:fr:x", "fr:x", "fr:x", "", "w", 0},
        {"w:Talk:x", "Talk:x", "Talk:x", "", "w", 0},
        {"w:", "", "", "", "w", 0},
        {"here:talk:x", "Talk:X", "X", "", "", 1},
        {"here:fr:x", "x", "x", "", "fr", 0},
        {"here:", "Main Page", "Main Page", "", "", 0},
        {"AT&amp;T", "AT&T", "AT&T", "", "", 0},
        {"é", "É", "É", "", "", 0},
        {"E\xCC\x81&#x20;x", "É x", "É x", "", "", 0},
        {"a\xE2\x80\x8E"
         "b",
         "Ab", "Ab", "", "", 0},
        {"a\xC2\xA0\xE3\x80\x80"
         "b",
         "A b", "A b", "", "", 0},
        {"7% x", "7% x", "7% x", "", "", 0},
        {"a~~b", "A~~b", "A~~b", "", "", 0},
        {"a.b", "A.b", "A.b", "", "", 0},
        {"...", "...", "...", "", "", 0},
        {"a/...", "A/...", "A/...", "", "", 0},
        {"/x", "/x", "/x", "", "", 0},
        {"a#b|c<d>", "A", "A", "b|c<d>", "", 0},
    };
    wt_parser *p = world_start("X");
    for (size_t i = 0; i < countof(cases); i++) {
        wt_title t;
        assert_true(wt_title_parse(&t, p, str_of(cases[i].text), 0));
        assert_str_equal(t.full, cases[i].full);
        assert_str_equal(t.text, cases[i].name);
        assert_str_equal(t.fragment, cases[i].fragment);
        assert_str_equal(t.interwiki, cases[i].interwiki);
        assert_int_equal(t.ns, cases[i].ns);
        assert_int_equal(t.leading_colon, cases[i].text[0] == ':');
    }
}

static void refused(void **state) {
    (void)state;
    static const char *const cases[] = {
        "",
        " ",
        ":",
        "_",
        "::x",
        "Talk:",
        "a[b",
        "a]b",
        "a{b",
        "a}b",
        "a|b",
        "a<b",
        "a>b",
        "a\nb",
        "a\x7F",
        "a%41",
        "&amp;lt;",

        ".",
        "..",
        "./a",
        "../a",
        "a/./b",
        "a/../b",
        "a/.",
        "a/..",
        "a~~~",
        "Talk:File:x",
        "Talk:fr:x",
        "a\xFF",
        "\xEF\xBF\xBD",
        "Talk::x",
        "here:here:here:here:here:here:here:here:here:x",
    };
    wt_parser *p = world_start("X");
    for (size_t i = 0; i < countof(cases); i++) {
        wt_title t;
        if (wt_title_parse(&t, p, str_of(cases[i]), 0)) fail_msg("accepted: %s", cases[i]);
    }
}

static void lengths(void **state) {
    (void)state;
    wt_parser *p = world_start("X");
    static char text[600];
    wt_title t;
    memset(text, 'A', sizeof text);
    assert_true(wt_title_parse(&t, p, (str){text, 255}, 0));
    assert_ptr_equal(t.full.ptr, text);  // no copy
    assert_false(wt_title_parse(&t, p, (str){text, 256}, 0));
    memcpy(text, "Special:", 8);
    assert_true(wt_title_parse(&t, p, (str){text, 8 + 512}, 0));
    assert_false(wt_title_parse(&t, p, (str){text, 8 + 513}, 0));
}

static void defaults(void **state) {
    (void)state;
    wt_parser *p = world_start("X");
    wt_title t;
    assert_true(wt_title_parse(&t, p, STR("foo"), 10));
    assert_str_equal(t.full, "Template:Foo");
    assert_true(wt_title_parse(&t, p, STR(":foo"), 10));
    assert_str_equal(t.full, "Foo");
    assert_true(wt_title_parse(&t, p, STR("user:foo"), 10));
    assert_str_equal(t.full, "User:Foo");
    world_site.lang = STR("tr");
    assert_true(wt_title_parse(&t, p, STR("istanbul"), 0));
    assert_str_equal(t.full, "\xC4\xB0stanbul");
    world_site.lang = STR("en");
}

static void urls(void **state) {
    (void)state;
    static const struct {
        const char *text, *query, *url;
    } cases[] = {
        {"Foo bar", "", "/wiki/Foo_bar"},
        {"A+B", "", "/wiki/A%2BB"},
        {"A;@$!*(),/~:B", "", "/wiki/A;@$!*(),/~:B"},
        {"A'\"&?=B", "", "/wiki/A%27%22%26%3F%3DB"},
        {"É", "", "/wiki/%C3%89"},
        {"Foo", "action=edit", "/index.php?title=Foo&action=edit"},
        {"fr:a b", "", "https://fr.example.org/wiki/a_b"},
        {"fr:a", "x=1", "https://fr.example.org/wiki/a?x=1"},
        {"w:a&b", "y=1", "https://w.example.org/?t=a%26b&x&y=1"},
    };
    wt_parser *p = world_start("X");
    for (size_t i = 0; i < countof(cases); i++) {
        wt_title t;
        buf out;
        buf_init(&out, &world_mem, 0);
        assert_true(wt_title_parse(&t, p, str_of(cases[i].text), 0));
        wt_title_url(&out, p, &t, str_of(cases[i].query));
        assert_str_equal(buf_str(&out), cases[i].url);
    }
}

static void subpages(void **state) {
    (void)state;
    static const struct {
        const char *page, *target, *title, *text;
    } cases[] = {
        {"User:A/B", "/x", "User:A/B/x", "/x"},
        {"User:A/B", "/x/", "User:A/B/x", "x"},
        {"User:A/B", "/x/#y", "User:A/B/x#y", "x#y"},
        {"User:A/B", "../", "User:A", ""},
        {"User:A/B", "../x", "User:A/x", ""},
        {"User:A/B", "../x/", "User:A/x", "x"},
        {"User:A/B", "../../x", "../../x", ""},
        {"User:A/B", "../#f", "User:A#f", ""},
        {"User:A/B", "x", "x", ""},
        {"A/B", "/x", "/x", ""},
        {"A/B", "../x", "../x", ""},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        wt_parser *p = world_start(cases[i].page);
        str text = STR("");
        assert_str_equal(wt_subpage(&text, p, str_of(cases[i].target)), cases[i].title);
        assert_str_equal(text, cases[i].text);
    }
    assert_str_equal(wt_subpage_base(STR("a/b/c")), "a/b");
    assert_str_equal(wt_subpage_base(STR("a")), "a");
}

static void redirects(void **state) {
    (void)state;
    static const struct {
        const char *text, *title;
    } cases[] = {
        {"#REDIRECT [[foo bar]]", "Foo bar"},
        {" \n#redirect:[[Foo#x|y]]z", "Foo"},
        {"#WEITERLEITUNG [[foo]]", "Foo"},
        {"#перенаправление\n[[foo]]", "Foo"},
        {"#REDIRECTION [[:Category:%66oo]]", "Category:Foo"},
        {"#REDIRECT [[fr:foo]]", "fr:foo"},
        {"#REDIRECT", ""},
        {"#REDIRECT [[foo]", ""},
        {"#REDIRECT foo [[bar]]", ""},
        {"#REDIRECT [[a{b]]", ""},
        {"REDIRECT [[foo]]", ""},
        {"", ""},
    };
    wt_parser *p = world_start("X");
    for (size_t i = 0; i < countof(cases); i++)
        assert_str_equal(wt_redirect_of(p, str_of(cases[i].text)), cases[i].title);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted),  cmocka_unit_test(refused), cmocka_unit_test(lengths),
        cmocka_unit_test(defaults),  cmocka_unit_test(urls),    cmocka_unit_test(subpages),
        cmocka_unit_test(redirects),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
