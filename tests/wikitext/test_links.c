// [[Links]]: what is one, where it leads, what stands in its place while the page is made.

#include "tests/wikitext/link_world.h"

typedef struct pair {
    const char *in, *out;
} pair;

static str render(const char *in) {
    str text = wt_unstrip_str(&world_parser, world_run(wt_links, str_of(in)), "gx");
    return wt_unstrip_str(&world_parser, world_run(wt_holders, text), "gxn");
}

static void check(const pair *cases, size_t n) {
    for (size_t i = 0; i < n; i++)
        assert_str_equal(render(cases[i].in), cases[i].out);
}

#define PAGE(url, title) "<a href=\"/wiki/" url "\" title=\"" title "\">"

static void pages(void **state) {
    (void)state;
    static const pair cases[] = {
        {"a [[foo bar]] b", "a " PAGE("Foo_bar", "Foo bar") "foo bar</a> b"},
        {"[[foo|x]]s 'y", PAGE("Foo", "Foo") "xs</a> 'y"},
        {"[[foo]]s, [[foo]]S", PAGE("Foo", "Foo") "foos</a>, " PAGE("Foo", "Foo") "foo</a>S"},
        {"[[foo|a|b]]", PAGE("Foo", "Foo") "a|b</a>"},
        {"[[foo|''i'']]", PAGE("Foo", "Foo") "<i>i</i></a>"},
        {"[[a''b''c]]", PAGE("A%27%27b%27%27c", "A&#39;&#39;b&#39;&#39;c") "a''b''c</a>"},
        {"[[foo#A b]]", PAGE("Foo#A_b", "Foo") "foo#A b</a>"},
        {"[[#a \"b]]", "<a href=\"#a_&quot;b\">#a \"b</a>"},
        {"[[:foo]]", PAGE("Foo", "Foo") "foo</a>"},
        {"[[:Category:x]]", PAGE("Category:X", "Category:X") "Category:x</a>"},
        {"[[Foo%20bar]]", PAGE("Foo_bar", "Foo bar") "Foo bar</a>"},
        {"[[AT&amp;T]]", PAGE("AT%26T", "AT&amp;T") "AT&amp;T</a>"},
        {"[[Red]]", "<a href=\"/index.php?title=Red&amp;action=edit&amp;redlink=1\" class=\"new\" "
                    "title=\"Red (page does not exist)\">Red</a>"},
        {"[[Red#x|y]]", "<a href=\"/index.php?title=Red&amp;action=edit&amp;redlink=1\" "
                        "class=\"new\" title=\"Red (page does not exist)\">y</a>"},
        {"[[Lead]]", "<a href=\"/wiki/Lead\" class=\"mw-redirect\" title=\"Lead\">Lead</a>"},
        {"[[page]]", "<a class=\"mw-selflink selflink\">page</a>"},
        {"[[page#x|y]]z", "<a class=\"mw-selflink-fragment\" href=\"#x\">yz</a>"},
    };
    world_start("Page");
    check(cases, countof(cases));
}

static void not_links(void **state) {
    (void)state;
    static const char *const cases[] = {
        "[[",       "]]",          "[[]]",           "[[|x]]",
        "[[a",      "[[a|b",       "[[a|b]",         "[[a\nb]]",
        "[[a{b]]",  "[[a<b]]",     "[[http://x|y]]", "[[http://x]]",
        "[[../x]]", "[[%3Cb%3E]]", "[[Talk:]]",      "[[a|]]",
        "[a]",      "[[:]]",       "[[a~~~b]]",      "[[::x]]",
    };
    world_start("Page");
    for (size_t i = 0; i < countof(cases); i++)
        assert_str_equal(render(cases[i]), cases[i]);
}

static void brackets(void **state) {
    (void)state;
    static const pair cases[] = {
        {"[[[[foo]]]]", "[[" PAGE("Foo", "Foo") "foo</a>]]"},
        {"[[foo|[x]]]", PAGE("Foo", "Foo") "[x]</a>"},
        {"[[foo|x]]]", PAGE("Foo", "Foo") "x</a>]"},
        {"[[a [[foo]] b]]", "[[a " PAGE("Foo", "Foo") "foo</a> b]]"},
        {"[[a|b [[foo]] c]]", "[[a|b " PAGE("Foo", "Foo") "foo</a> c]]"},
        {"[[a|]]b]]", PAGE("A", "A") "]]b</a>"},
    };
    world_start("Page");
    check(cases, countof(cases));
}

static void other_wikis(void **state) {
    (void)state;
    static const pair cases[] = {
        {"[[w:a b]]", "<a href=\"https://w.example.org/?t=a_b&amp;x\" class=\"extiw\" "
                      "title=\"w:a b\">w:a b</a>"},
        {"[[:fr:A|b]]c", "<a href=\"https://fr.example.org/wiki/A\" class=\"extiw\" "
                         "title=\"fr:A\">bc</a>"},
        {"[[near:A]]", "<a href=\"/near/A\" title=\"near:A\">near:A</a>"},
        {"[[here:A]]", PAGE("A", "A") "here:A</a>"},
        {"a \n [[fr:B]]\nb", "a \nb"},
        {"a [[fr:C]] b", "a  b"},
    };
    wt_parser *p = world_start("Page");
    check(cases, countof(cases));
    const str *languages = p->languages.at;
    assert_int_equal(p->languages.n, 1);  // the first of each language
    assert_str_equal(languages[0], "fr:B");
    world_start("Talk:Page");
    assert_str_equal(render("[[fr:B]]"),
                     "<a href=\"https://fr.example.org/wiki/B\" class=\"extiw\" "
                     "title=\"fr:B\">fr:B</a>");
}

static void categories(void **state) {
    (void)state;
    static const pair cases[] = {
        {"a\n[[Category:b c|d &amp; e]]\nf", "a\nf"},
        {"a\n \n[[Category:B]]", "a"},
        {"[[Category:B| ]]x", "x"},
        {"a [[category:B|x\ny]]", "a "},
    };
    wt_parser *p = world_start("Page");
    check(cases, countof(cases));
    const wt_category *rows = p->categories.at;
    assert_int_equal(p->categories.n, 4);
    assert_str_equal(rows[0].name, "B c");
    assert_str_equal(rows[0].sort_key, "d & e");
    assert_str_equal(rows[1].sort_key, "");
    assert_str_equal(rows[2].sort_key, " ");
    assert_str_equal(rows[3].sort_key, "xy");
}

static void media(void **state) {
    (void)state;
    static const pair cases[] = {
        {"[[Media:x.jpg|y]]", "<a href=\"/img/X.jpg\" class=\"internal\" title=\"X.jpg\">y</a>"},
        {"[[Media:Gone.jpg]]",
         "<a href=\"/index.php?title=Special:Upload&amp;wpDestFile=Gone.jpg\" "
         "class=\"new\" title=\"Gone.jpg\">Media:Gone.jpg</a>"},
        {"[[Media:Unseen.jpg]]", "<a href=\"/wiki/File:Unseen.jpg\" class=\"internal\" "
                                 "title=\"Unseen.jpg\">Media:Unseen.jpg</a>"},
        {"[[:File:X.jpg]]", PAGE("File:X.jpg", "File:X.jpg") "File:X.jpg</a>"},
    };
    world_start("Page");
    check(cases, countof(cases));
}

static void readers(void **state) {
    (void)state;
    world_start("User:A");
    world_options.red_links_to_editor = false;
    assert_str_equal(render("[[Red]]"), "<a href=\"/wiki/Red\" class=\"new\" "
                                        "title=\"Red (page does not exist)\">Red</a>");
    assert_str_equal(render("[[/b]]"), PAGE("User:A/b", "User:A/b") "/b</a>");
    assert_str_equal(render("[[/b/]]"), PAGE("User:A/b", "User:A/b") "b</a>");
}

static void languages(void **state) {
    (void)state;
    static const struct {
        const char *lang, *in, *out;
    } cases[] = {
        {"ru", "[[foo]]ами!", PAGE("Foo", "Foo") "fooами</a>!"},
        {"en", "[[foo]]ами", PAGE("Foo", "Foo") "foo</a>ами"},
        {"zh", "[[foo]]s", PAGE("Foo", "Foo") "foo</a>s"},
        {"ca", "[[foo]]'n", PAGE("Foo", "Foo") "foo'n</a>"},
        {"ca", "[[foo]]''n''", PAGE("Foo", "Foo") "foo</a>''n''"},
        {"is", "x aðir[[foo]]ö", "x " PAGE("Foo", "Foo") "aðirfooö</a>"},
        {"is", "að[[a{]]", "að[[a{]]"},
        {"fr", "l'[[foo]]é", "l'" PAGE("Foo", "Foo") "fooé</a>"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        world_site.lang = str_of(cases[i].lang);
        world_start("Page");
        assert_str_equal(render(cases[i].in), cases[i].out);
    }
    world_site.lang = STR("en");
}

// A marker that is written in percents is a text: it must not become one.
static void forged(void **state) {
    (void)state;
    wt_parser *p = world_start("Page");
    buf kept;
    buf_init(&kept, &world_mem, 0);
    wt_strip_add(&kept, p, WT_STRIP_GENERAL, STR("<kept>"));
    assert_str_equal(render("[[a#%7Fg00000000%7F]]"),
                     "<a href=\"/wiki/A#%257Fg00000000%257F\" title=\"A\">a#%7Fg00000000%7F</a>");
    assert_str_equal(render("[[a#%7Fl00000000%7F%0A%00]]"),
                     "<a href=\"/wiki/A#%257Fl00000000%257F%250A%2500\" title=\"A\">"
                     "a#%7Fl00000000%7F%0A%00</a>");
    assert_str_equal(render("[[a%7Fb]]"), "[[a%7Fb]]");
}

// One question for all titles, each once; and what a heading shows of a link.
static void once(void **state) {
    (void)state;
    wt_parser *p = world_start("Page");
    str in = world_run(wt_links, STR("[[a]] [[b|x]] [[a]] [[Red]]"));
    assert_int_equal(world_asked, 0);
    buf texts;
    buf_init(&texts, &world_mem, 0);
    wt_link_texts(&texts, p, in);
    assert_str_equal(buf_str(&texts), "a x a Red");
    world_run(wt_holders, in);
    assert_int_equal(world_asked, 1);
    world_run(wt_holders, in);
    assert_int_equal(world_asked, 1);
}

// Millions of brackets: each piece is looked at once.
static void long_texts(void **state) {
    (void)state;
    static const char *const units[] = {"[[",
                                        "[[a|",
                                        "]]",
                                        "[[File:a|",
                                        "[[File:a|]]",
                                        "[[a]]",
                                        "[[File:a|x [[b]] ",
                                        "[[Category:x]] \n",
                                        "[[[[fr:x]]"};
    for (size_t i = 0; i < countof(units); i++) {
        world_start("Page");
        size_t n = strlen(units[i]), all = 400000 / n * n;
        char *text = arena_alloc(&world_mem, all);
        for (size_t at = 0; at < all; at += n)
            memcpy(text + at, units[i], n);
        str got = world_run(wt_holders, world_run(wt_links, (str){text, all}));
        assert_false(world_parser.over & WT_OVER_MEMORY);
        assert_true(got.len < 100 * all);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages),       cmocka_unit_test(not_links),  cmocka_unit_test(brackets),
        cmocka_unit_test(other_wikis), cmocka_unit_test(categories), cmocka_unit_test(media),
        cmocka_unit_test(readers),     cmocka_unit_test(languages),  cmocka_unit_test(once),
        cmocka_unit_test(forged),      cmocka_unit_test(long_texts),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
