// Footnotes: what a <ref> becomes, lists, names, groups, definitions, errors, hostile names.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/wikitext/world.h"

#define MARK(id, note, label)                                                                      \
    "<sup id=\"" id "\" class=\"reference\"><a href=\"#" note                                      \
    "\"><span class=\"cite-bracket\">&#91;</span>" label                                           \
    "<span class=\"cite-bracket\">&#93;</span></a></sup>"
#define LIST(items)                                                                                \
    "<div class=\"mw-references-wrap\"><ol class=\"references\">\n" items "</ol></div>"
#define ITEM(id, back, text)                                                                       \
    "<li id=\"" id "\"><span class=\"mw-cite-backlink\">" back                                     \
    "</span> <span class=\"reference-text\">" text "</span>\n</li>\n"
#define UP(id) "<a href=\"#" id "\">\xe2\x86\x91</a>"

static const world_page pages[] = {
    {"Template:Cited", "<ref name=\"{{{1}}}\">{{{1}}}</ref>"},
    {"Template:Tagged", "{{#tag:ref|{{{1}}}|name=t}}"},
    {"Template:Loop", "<ref>{{Loop}}{{Loop}}</ref>"},
    {NULL, NULL},
};

static int setup(void **state) {
    world_use(pages);
    return world_setup(state);
}

static bool holds(const char *html, const char *part) {
    return strstr(html, part) != NULL;
}

static void expect(const char *text, const char *part) {
    const char *html = world_render(text);
    if (!holds(html, part)) fail_msg("no\n%s\n--- from\n%s\n--- in\n%s", part, text, html);
}

static void expect_none(const char *text, const char *part) {
    const char *html = world_render(text);
    if (holds(html, part)) fail_msg("%s\n--- from\n%s\n--- in\n%s", part, text, html);
}

static unsigned count(const char *html, const char *part) {
    unsigned n = 0;
    for (; (html = strstr(html, part)); html += strlen(part))
        n++;
    return n;
}

static void notes_and_their_list(void **state) {
    (void)state;
    static const char text[] = "a<ref>''one''</ref> b<ref>two</ref>\n\n<references />";
    expect(text, "<p>a" MARK("cite_ref-1", "cite_note-1", "1") " b" MARK("cite_ref-2",
                                                                         "cite_note-2", "2"));
    expect(text, LIST(ITEM("cite_note-1", UP("cite_ref-1"), "<i>one</i>")
                          ITEM("cite_note-2", UP("cite_ref-2"), "two")));
}

static void a_name_is_one_note(void **state) {
    (void)state;
    static const char text[] = "<ref name=a>x</ref><ref name=\"a\" /><ref name=a/>\n<references/>";
    expect(text, MARK("cite_ref-a_1-0", "cite_note-a-1", "1"));
    expect(text, MARK("cite_ref-a_1-2", "cite_note-a-1", "1"));
    expect(text, "<li id=\"cite_note-a-1\"><span class=\"mw-cite-backlink\">\xe2\x86\x91 "
                 "<sup><a href=\"#cite_ref-a_1-0\">a</a></sup> "
                 "<sup><a href=\"#cite_ref-a_1-1\">b</a></sup> "
                 "<sup><a href=\"#cite_ref-a_1-2\">c</a></sup></span> "
                 "<span class=\"reference-text\">x</span>\n</li>");
    // used before it has its text
    expect("<ref name=a /><ref name=a>late</ref><references/>", ">late</span>");
}

static void backlinks_have_letters_beyond_z(void **state) {
    (void)state;
    char text[2048] = "<ref name=q>x</ref>";
    for (int i = 0; i < 27; i++)
        strcat(text, "<ref name=q/>");
    const char *html = world_render(text);
    assert_true(holds(html, "cite_ref-q_1-25\">z</a>"));
    assert_true(holds(html, "cite_ref-q_1-26\">aa</a>"));
    assert_true(holds(html, "cite_ref-q_1-27\">ab</a>"));
}

static void groups_count_by_themselves(void **state) {
    (void)state;
    static const char text[] = "<ref>a</ref><ref group=note>b</ref><ref group=\"lower-alpha\">c"
                               "</ref><ref group=lower-roman>d</ref>\n<references group=note/>\n"
                               "<references group=lower-alpha />\n<references/>";
    expect(text, MARK("cite_ref-2", "cite_note-2", "note 1"));
    expect(text, MARK("cite_ref-3", "cite_note-3", "a"));
    expect(text, MARK("cite_ref-4", "cite_note-4", "i"));
    expect(text, "<ol class=\"references\" data-mw-group=\"note\">\n<li id=\"cite_note-2\">");
    // the group without a list of its own is listed at the end
    const char *html = world_render(text);
    const char *last = strstr(html, "data-mw-group=\"lower-roman\"");
    assert_non_null(last);
    assert_true(last > strstr(html, "<ol class=\"references\">\n<li id=\"cite_note-1\">"));
}

static void a_list_comes_by_itself(void **state) {
    (void)state;
    expect("a<ref>x</ref>\n\nb", LIST(ITEM("cite_note-1", UP("cite_ref-1"), "x")));
    expect_none("a", "references");
}

static void many_notes_stand_in_columns(void **state) {
    (void)state;
    char text[512] = "";
    for (int i = 0; i < 10; i++)
        strcat(text, "<ref>x</ref>");
    expect_none(text, "mw-references-columns");
    strcat(text, "<ref>x</ref>");
    expect(text, "<div class=\"mw-references-wrap mw-references-columns\">");
    strcat(text, "<references responsive=0 />");
    expect_none(text, "mw-references-wrap");
}

static void definitions_stand_in_the_list(void **state) {
    (void)state;
    static const char text[] = "a<ref name=b/> c<ref name=a />\n<references>\n<ref name=a>A</ref>\n"
                               "<ref name=b>B</ref>\n</references>";
    expect(text,
           LIST(ITEM("cite_note-b-1", "<a href=\"#cite_ref-b_1-0\">\xe2\x86\x91</a>", "B")
                    ITEM("cite_note-a-2", "<a href=\"#cite_ref-a_2-0\">\xe2\x86\x91</a>", "A")));
    // the same by a function: its notes were uses for a moment
    static const char tagged[] = "a<ref name=b/>\n{{#tag:references|<ref name=b>B</ref>}}";
    expect(tagged,
           LIST(ITEM("cite_note-b-1", "<a href=\"#cite_ref-b_1-0\">\xe2\x86\x91</a>", "B")));
    expect("<ref>x</ref><references><ref name=z>y</ref></references>",
           "Cite error: <code>&lt;ref&gt;</code> tag with name \"z\" defined in "
           "<code>&lt;references&gt;</code> is not used in prior text.");
    expect("<ref>x</ref><references><ref>y</ref></references>", "has no name attribute.");
    expect("<ref name=a/><references><ref name=a></ref></references>", "has no content.");
    expect("<ref name=a/><references><ref name=a group=g>x</ref></references>",
           "has conflicting group attribute \"g\".");
}

static void details_stand_below(void **state) {
    (void)state;
    static const char text[] = "<ref name=a>Book</ref><ref name=a details=\"p. 3\" /><references/>";
    expect(text, MARK("cite_ref-2", "cite_note-2", "1.1"));
    expect(text, "<span class=\"reference-text\">Book</span>\n"
                 "<ol class=\"mw-subreference-list\"><li id=\"cite_note-2\">");
    expect("<ref name=a>Book</ref><ref extends=a>more</ref><references/>", ">more</span>");
}

static void a_note_goes_on(void **state) {
    (void)state;
    expect("<ref name=a>one</ref><ref follow=a>two</ref><references/>", ">one two</span>");
}

static void notes_in_notes(void **state) {
    (void)state;
    static const char text[] = "{{#tag:ref|out <ref name=in>inner</ref>}}<references/>";
    const char *html = world_render(text);
    assert_true(holds(html, ">inner</span>"));
    assert_true(holds(html, "out <sup"));
    // found while the list is written
    expect("<ref>a {{tagged|deep}}</ref><references/>", ">deep</span>");
    assert_int_equal(count(world_render("<ref>a {{tagged|deep}}</ref>"), "<li id"), 2);
    world_render("<ref>{{Loop}}</ref>");  // ends
}

static void notes_in_templates(void **state) {
    (void)state;
    expect("{{tagged|x}} {{tagged|x}}", MARK("cite_ref-t_1-1", "cite_note-t-1", "1"));
}

static void errors_are_shown(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"<ref></ref>", "refs with no name must have content"},
        {"<ref/>", "refs with no name must have content"},
        {"<ref name=12>x</ref>", "name cannot be a simple integer"},
        {"<ref nam=a>x</ref>", "invalid names, e.g. too many"},
        {"<ref name=a/><references/>", "no text was provided for refs named <code>a</code>"},
        {"<ref>a <ref>b</ref>", "Closing <code>&lt;/ref&gt;</code> missing"},
        {"<ref name=a>x</ref><ref name=a>y</ref>", "defined multiple times with different content"},
        {"<references size=3/>", "parameter \"group\" is allowed only"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        expect(rows[i][0], rows[i][1]);
        expect(rows[i][0], "<span class=\"error mw-ext-cite-error\" lang=\"en\" dir=\"ltr\">");
    }
    expect_none("<ref name=a>x</ref><ref name=a>x</ref>", "Cite error");
}

static void names_may_be_hostile(void **state) {
    (void)state;
    static const char *const names[] = {"\"><script>x</script>",
                                        "a b  c",
                                        "<b>",
                                        "&quot;onclick=x",
                                        "\xd0\xb9",
                                        "it's",
                                        "%22",
                                        "#",
                                        "a\tb"};
    for (size_t i = 0; i < countof(names); i++) {
        char text[256];
        snprintf(text, sizeof text, "<ref name='%s'>x</ref><ref name=\"%s\"/>", names[i], names[i]);
        const char *html = world_render(text);
        assert_false(holds(html, "<script"));
        assert_false(holds(html, " onclick"));
    }
    expect("<ref name=\"a b  c\">x</ref>", "<sup id=\"cite_ref-a_b_c_1-0\"");
    expect("<ref name='&quot;x'>x</ref>", "<a href=\"#cite_note-&quot;x-1\">");
    expect("<ref group=\"&lt;i&gt;\">x</ref>", "&lt;i&gt; 1");
}

static void a_page_of_notes_is_quick(void **state) {
    (void)state;
    enum { N = 20000 };
    buf b;
    buf_init(&b, &world_mem, 0);
    for (int i = 0; i < N; i++)
        buf_fmt(&b, "<ref name=n%d>x</ref><ref name=n%d/>", N - i, i);
    for (int i = 0; i < 300; i++)  // more groups than are kept apart
        buf_fmt(&b, "<ref group=g%d>x</ref>", i);
    wt_options o = world_options();
    wt_page page;
    assert_int_equal(wt_render(&page, buf_str(&b), &o, &world_mem, world_scratch), OK);
    assert_true(str_find(page.html, STR("<li id=\"cite_note-n1-")) < page.html.len);
    world_forget();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notes_and_their_list),
        cmocka_unit_test(a_name_is_one_note),
        cmocka_unit_test(backlinks_have_letters_beyond_z),
        cmocka_unit_test(groups_count_by_themselves),
        cmocka_unit_test(a_list_comes_by_itself),
        cmocka_unit_test(many_notes_stand_in_columns),
        cmocka_unit_test(definitions_stand_in_the_list),
        cmocka_unit_test(details_stand_below),
        cmocka_unit_test(a_note_goes_on),
        cmocka_unit_test(notes_in_notes),
        cmocka_unit_test(notes_in_templates),
        cmocka_unit_test(errors_are_shown),
        cmocka_unit_test(names_may_be_hostile),
        cmocka_unit_test(a_page_of_notes_is_quick),
    };
    return cmocka_run_group_tests(tests, setup, world_teardown);
}
