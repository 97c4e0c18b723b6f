// Links out: in brackets, bare, and by number.

#include "tests/wikitext/link_world.h"

typedef struct pair {
    const char *in, *out;
} pair;

static void check(world_pass *pass, const pair *cases, size_t n) {
    for (size_t i = 0; i < n; i++)
        assert_str_equal(world_run(pass, str_of(cases[i].in)), cases[i].out);
}

#define TEXT(url)   "<a rel=\"nofollow\" class=\"external text\" href=\"" url "\">"
#define NUMBER(url) "<a rel=\"nofollow\" class=\"external autonumber\" href=\"" url "\">"
#define FREE(url)   "<a rel=\"nofollow\" class=\"external free\" href=\"" url "\">"

static void bracketed(void **state) {
    (void)state;
    static const pair cases[] = {
        {"[http://a.b c d] e", TEXT("http://a.b") "c d</a> e"},
        {"[http://a.b]", NUMBER("http://a.b") "[1]</a>"},
        {"[http://a.b ]", NUMBER("http://a.b") "[2]</a>"},
        {"[http://a.b  c]d", TEXT("http://a.b") "c</a>d"},
        {"[http://a.b\xC2\xA0"
         "c]",
         TEXT("http://a.b") "c</a>"},
        {"[http://a.b/1[2 x]", TEXT("http://a.b/1") "[2 x</a>"},
        {"[http://a.b c\nd]", "[http://a.b c\nd]"},
        {"[http://a.b", "[http://a.b"},
        {"[http:// c]", "[http:// c]"},
        {"[nope://a.b c]", "[nope://a.b c]"},
        {"[[http://a.b c]]", "[" TEXT("http://a.b") "c</a>]"},
        {"[http://[::1]/x y]", TEXT("http://[::1]/x") "y</a>"},
        {"[http://a.b/x&lt;i y]", TEXT("http://a.b/x") "&lt;i y</a>"},
        {"[http://a/?x=1&amp;y=2&z z]", TEXT("http://a/?x=1&amp;y=2&amp;z") "z</a>"},
        {"[http://a/'\" z]", TEXT("http://a/&#39;") "\" z</a>"},
        {"[http://a|b c]", TEXT("http://a%7Cb") "c</a>"},
        {"[http://a.b&#10; c]", TEXT("http://a.b%0A") "c</a>"},
        {"[http://a\xC2\xAD"
         "b/\xC2\xAD c]",
         TEXT("http://ab/\xC2\xAD") "c</a>"},
        {"[http://%5B::1%5D:8/ c]", TEXT("http://[::1]:8/") "c</a>"},
        {"[http://a.b http://c.d/e.png]", TEXT("http://a.b") "http://c.d/e.png</a>"},
        {"a]b[c", "a]b[c"},
        {"", ""},
    };
    world_start("X");
    check(wt_extlinks, cases, countof(cases));
}

static void bare(void **state) {
    (void)state;
    static const pair cases[] = {
        {"see http://a.b/c, d", "see " FREE("http://a.b/c") "http://a.b/c</a>, d"},
        {"http://a.b.,;:!?\\ c", FREE("http://a.b") "http://a.b</a>.,;:!?\\ c"},
        {"(http://a.b)", "(" FREE("http://a.b") "http://a.b</a>)"},
        {"http://a.b/(c).", FREE("http://a.b/(c)") "http://a.b/(c)</a>."},
        {"http://a.b/&amp;", FREE("http://a.b/&amp;") "http://a.b/&amp;</a>"},
        {"http://a.b/&amp;;", FREE("http://a.b/&amp;") "http://a.b/&amp;</a>;"},
        {"http://a.b/;", FREE("http://a.b/") "http://a.b/</a>;"},
        {"http://a.b&nbsp;c", FREE("http://a.b") "http://a.b</a>&nbsp;c"},
        {"http://a.b&#60;c", FREE("http://a.b") "http://a.b</a>&#60;c"},
        {"http://a.b&#x3e;c", FREE("http://a.b") "http://a.b</a>&#x3e;c"},
        {"http:// http://; x", "http:// http://; x"},
        {"xhttp://a", "xhttp://a"},
        {"0http://a", "0http://a"},
        {"x-http://a", "x-" FREE("http://a") "http://a</a>"},
        {"x:http://a", "x:" FREE("http://a") "http://a</a>"},
        {"http://a<i>b</i>", FREE("http://a") "http://a</a><i>b</i>"},
        {"<a href=\"http://a\">http://b</a>", "<a href=\"http://a\">http://b</a>"},
        {"<i title=\"http://a\">http://b</i>",
         "<i title=\"http://a\">" FREE("http://b") "http://b</a></i>"},
        {"<a x\n>http://b</a>", "<a x\n>" FREE("http://b") "http://b</a></a>"},
        {"a: b :c <d", "a: b :c <d"},
        {"//a.b", "//a.b"},
        {"http://c.d/e.png", FREE("http://c.d/e.png") "http://c.d/e.png</a>"},
    };
    world_start("X");
    check(wt_magic_links, cases, countof(cases));
}

static void by_number(void **state) {
    (void)state;
    static const pair cases[] = {
        {"RFC 12.", "<a class=\"external mw-magiclink-rfc\" rel=\"nofollow\" "
                    "href=\"https://datatracker.ietf.org/doc/html/rfc12\">RFC 12</a>."},
        {"PMID&nbsp;12", "<a class=\"external mw-magiclink-pmid\" rel=\"nofollow\" "
                         "href=\"//www.ncbi.nlm.nih.gov/pubmed/12?dopt=Abstract\">PMID 12</a>"},
        {"xRFC 12 RFC12 RFC 12x RFC x", "xRFC 12 RFC12 RFC 12x RFC x"},
        {"ISBN 0-306-40615-2", "<a href=\"/wiki/Special:BookSources/0306406152\" "
                               "class=\"internal mw-magiclink-isbn\">ISBN 0-306-40615-2</a>"},
        {"ISBN 978 0 316 09811 3", "<a href=\"/wiki/Special:BookSources/9780316098113\" "
                                   "class=\"internal mw-magiclink-isbn\">"
                                   "ISBN 978 0 316 09811 3</a>"},
        {"ISBN 978-0-1234-56-", "<a href=\"/wiki/Special:BookSources/9780123456\" "
                                "class=\"internal mw-magiclink-isbn\">ISBN 978-0-1234-56</a>-"},
        {"ISBN 123456789x", "<a href=\"/wiki/Special:BookSources/123456789X\" "
                            "class=\"internal mw-magiclink-isbn\">ISBN 123456789x</a>"},
        {"ISBN 123456789", "ISBN 123456789"},
        {"ISBN 12345678901", "ISBN 12345678901"},
        {"ISBN 1--234567890", "ISBN 1--234567890"},
        {"ISBN1234567890", "ISBN1234567890"},
    };
    world_start("X");
    check(wt_magic_links, cases, countof(cases));
}

static void options(void **state) {
    (void)state;
    world_start("X");
    world_options.external_images = true;
    assert_str_equal(world_run(wt_magic_links, STR("http://c.d/e.PNG x")),
                     "<img src=\"http://c.d/e.PNG\" alt=\"e.PNG\" /> x");
    assert_str_equal(world_run(wt_extlinks, STR("[http://a http://c.d/e.gif]")),
                     TEXT("http://a") "<img src=\"http://c.d/e.gif\" alt=\"e.gif\" /></a>");
    world_options.follow_host = "b.org";
    assert_str_equal(world_run(wt_extlinks, STR("[http://a.b.org/ x]")),
                     "<a class=\"external text\" href=\"http://a.b.org/\">x</a>");
    assert_str_equal(world_run(wt_extlinks, STR("[http://ab.org/ x]")),
                     TEXT("http://ab.org/") "x</a>");
    world_options.link_target = "_blank";
    world_options.follow_links = true;
    assert_str_equal(world_run(wt_extlinks, STR("[http://a x]")),
                     "<a target=\"_blank\" class=\"external text\" href=\"http://a\">x</a>");
}

// A million brackets and tags that lead nowhere: each is looked at once.
static void long_lines(void **state) {
    (void)state;
    static const char *const units[] = {"[http://a ", "<a ",           "<",     "http://",
                                        "[[",         "ISBN 1",        "ISBN ", "RFC ",
                                        "RFC 1x ",    "&lt;http://a(", ":"};
    for (size_t i = 0; i < countof(units); i++) {
        world_start("X");
        size_t n = strlen(units[i]), all = 2000000 / n * n;
        char *text = arena_alloc(&world_mem, all);
        for (size_t at = 0; at < all; at += n)
            memcpy(text + at, units[i], n);
        str got = world_run(wt_magic_links, world_run(wt_extlinks, (str){text, all}));
        assert_true(got.len >= all);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bracketed), cmocka_unit_test(bare),       cmocka_unit_test(by_number),
        cmocka_unit_test(options),   cmocka_unit_test(long_lines),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
