// Extension tags: names, text shown as it stands, poems, indicators, maps, style sheets.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/wikitext/world.h"
#include "wikitext/ext.h"

static const world_page pages[] = {
    {"Template:S.css", "/* c */ .a, b > i { color: red; position: fixed; x: url(y) }\n"
                       "@import 'z'; @media print { .p { margin: 0 } } </style><b>"},
    {"Template:Not a sheet", "x"},
    {"Template:Styled", "<templatestyles src=\"S.css\" />x"},
    {NULL, NULL},
};

static int setup(void **state) {
    world_use(pages);
    return world_setup(state);
}

static void names_are_known(void **state) {
    (void)state;
    static const char *const known[] = {"categorytree", "ce",
                                        "charinsert",   "chem",
                                        "gallery",      "graph",
                                        "hiero",        "imagemap",
                                        "indicator",    "inputbox",
                                        "langconvert",  "languages",
                                        "mapframe",     "maplink",
                                        "math",         "nowiki",
                                        "phonos",       "poem",
                                        "pre",          "quiz",
                                        "ref",          "references",
                                        "score",        "section",
                                        "source",       "syntaxhighlight",
                                        "templatedata", "templatestyles",
                                        "timeline",     "translate",
                                        "tvar",         "REF",
                                        "NoWiki"};
    static const char *const unknown[] = {"",    "b",    "r",      "re", "reference", "referencess",
                                          "div", "html", "script", "1",  "\xff",      "zzz"};
    for (size_t i = 0; i < countof(known); i++)
        if (!wt_ext_known(str_of(known[i]))) fail_msg("%s", known[i]);
    for (size_t i = 0; i < countof(unknown); i++)
        if (wt_ext_known(str_of(unknown[i]))) fail_msg("%s", unknown[i]);
}

static const struct {
    const char *text, *part;  // what the page has in it; "" in front of "!" of what it has not
} cases[] = {
    {"<nowiki>''a'' <b> &amp; {{x}}</nowiki>", "<p>''a'' &lt;b&gt; &amp; {{x}}\n</p>"},
    {"a<nowiki/>b", "<p>ab\n</p>"},
    {"<pre>\n''a'' <b>\n\nb</pre>", "<pre>''a'' &lt;b&gt;\n\nb</pre>"},
    {"<pre class=x onclick=y><nowiki>[[a]]</nowiki> &lt;</pre>",
     "<pre class=\"x\">[[a]] &lt;</pre>"},
    {"<pre><nowiki>open", "<pre>&lt;nowiki&gt;open</pre>"},
    {"<html><b>x</b></html>", "&lt;html&gt;<b>x</b>&lt;/html&gt;"},
    // code
    {"<syntaxhighlight lang=\"c\">\n  a < b;\n</syntaxhighlight>",
     "<div class=\"mw-highlight mw-highlight-lang-c mw-content-ltr\" dir=\"ltr\"><pre>  a &lt; b;"
     "</pre></div>"},
    {"<source lang=py inline>a\nb</source>",
     "<code class=\"mw-highlight mw-highlight-lang-py mw-content-ltr\" dir=\"ltr\">a b</code>"},
    {"<source lang='\"><b>'>x</source>", "!<b>"},
    // poems
    {"<poem>\na\n b\n::c\n\nd\n</poem>", "a<br />\n&#160;b<br />\n"},
    {"<poem>\na\n b\n::c\n\nd\n</poem>", "margin-inline-start: 2em;\">c</span><br />"},
    {"<poem class=\"q\" style=\"color:red\">''x''</poem>",
     "<div class=\"poem q\" style=\"color:red\">"},
    {"<poem compact>x</poem>", "<div class=\"poem\">x</div>"},
    // marks and what is looked through
    {"a<section begin=x />b<section end=\"x\"/>c", "<p>abc\n</p>"},
    {"<section>'''b'''</section>", "&lt;section&gt;<b>b</b>&lt;/section&gt;"},
    {"<translate>'''b''' <tvar name=1>x</tvar></translate>", "<b>b</b> x"},
    {"a<languages/>b", "ab"},
    {"<langconvert from=a to=b>''x''</langconvert>", "<i>x</i>"},
    // boxes of what we cannot draw
    {"<timeline>\nImageSize = <b>\n</timeline>",
     "<details class=\"wt-ext wt-ext-timeline\"><summary>timeline</summary><pre>ImageSize = "
     "&lt;b&gt;</pre></details>"},
    {"<score>\\c4</score>", "<pre>\\c4</pre>"},
    {"<hiero>A1</hiero>", "<pre>A1</pre>"},
    // maps
    {"<maplink latitude=\"52.5\" longitude=\"-13.4\" zoom=9 text=\"B&lt;\"/>",
     "href=\"https://www.openstreetmap.org/?mlat=52.5&amp;mlon=-13.4#map=9/52.5/-13.4\""},
    {"<maplink latitude=\"52.5\" longitude=\"-13.4\"/>", ">52.5\xc2\xb0N 13.4\xc2\xb0W</a>"},
    {"<maplink latitude=\"152.5\" longitude=\"x\">{}</maplink>", "<pre>{}</pre>"},
    {"<imagemap>\nImage:Foobar.jpg|200px\n# no\nrect 1 2 3 4 [[A|B]]\ndesc none\n</imagemap>",
     "<li><a href="},
    {"<categorytree mode=pages>Category:A b</categorytree>", ">A b</a>"},
    // style sheets
    {"{{Styled}}", ".mw-parser-output .a,.mw-parser-output b > i{color: red;}"
                   "@media print{.mw-parser-output .p{margin: 0;}}</style>"},
    {"{{Styled}}", "!url("},
    {"{{Styled}}", "!fixed"},
    {"<templatestyles src=\"No.css\"/>", "No such style sheet: Template:No.css"},
    {"<templatestyles src=\"Not a sheet\"/>", "Not a style sheet: Template:Not a sheet"},
    {"<templatestyles/>", "must not be empty"},
    {"<templatestyles src=\"S.css\" wrapper=\".w\"/>", ".mw-parser-output .w .a"},
    {"<templatestyles src=\"S.css\" wrapper=\"}\"/>", ">.mw-parser-output .a"},
};

static void tags_are_shown(void **state) {
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        const char *html = world_render(cases[i].text), *part = cases[i].part;
        bool is_wanted = part[0] != '!';
        if (is_wanted != (strstr(html, part + !is_wanted) != NULL))
            fail_msg("%s\n--- from\n%s\n--- in\n%s", part, cases[i].text, html);
    }
}

static void a_sheet_is_written_once(void **state) {
    (void)state;
    const char *html = world_render("{{Styled}}{{Styled}}");
    const char *one = strstr(html, "<style");
    assert_non_null(one);
    assert_null(strstr(one + 1, "<style"));
    wt_options o = world_options();
    wt_page page = world_page_of("{{Styled}}", &o);
    bool is_noted = false;
    for (size_t i = 0; i < page.n_used; i++)
        is_noted |= str_eq(page.used[i].title, STR("Template:S.css")) && page.used[i].hash;
    assert_true(is_noted);
}

static const struct {
    const char *css, *written;
} sheets[] = {
    {"", ""},
    {"a{}", ""},
    {"a{color:red}", ".s a{color:red;}"},
    {"a{color:red", ".s a{color:red;}"},
    {"a{color:red}}b{color:blue}", ".s a{color:red;}.s b{color:blue;}"},
    {"html.x a, body { color: red }", "html.x .s a,.s body{color: red;}"},
    {"@font-face{src:url(x)} a{top:0}", ".s a{top:0;}"},
    {"@charset \"x\"; a{top:0}", ".s a{top:0;}"},
    {"@media x{@media y{a{top:0}}}", "@media x{@media y{.s a{top:0;}}}"},
    {"a{--x:1;top:0}", ".s a{top:0;}"},
    {"a{position:sticky;position:absolute}", ".s a{position:absolute;}"},
    {"a{p\\osition:fixed}", ""},
    {"a{width:calc(1}b{top:0}", ""},
    {"a[x='}']{top:0}", ".s a[x='}']{top:0;}"},
    {"a::before{content:'<'}", ".s a::before{content:'';}"},
    {"a{background:image(x)}", ""},
};

static void sheets_stay_inside(void **state) {
    (void)state;
    for (size_t i = 0; i < countof(sheets); i++) {
        buf b;
        buf_init(&b, &world_mem, 0);
        wt_style_sheet(&b, str_of(sheets[i].css), STR(".s"), world_scratch);
        const char *is = arena_cstr(&world_mem, buf_str(&b));
        if (strcmp(is, sheets[i].written) != 0)
            fail_msg("%s\nis   %s\nnot  %s", sheets[i].css, is, sheets[i].written);
    }
}

static void indicators_stand_aside(void **state) {
    (void)state;
    wt_options o = world_options();
    wt_page page = world_page_of("a<indicator name=\"x\">''i''</indicator>"
                                 "<indicator name=y><div>d</indicator>"
                                 "<indicator name=x>again</indicator>",
                                 &o);
    assert_int_equal(page.n_indicators, 2);
    assert_true(str_eq(page.indicators[0].anchor, STR("x")));
    assert_true(str_eq(page.indicators[0].html, STR("again")));
    assert_true(str_eq(str_trim(page.indicators[1].html), STR("<div>d</div>")));
    assert_null(strstr(world_render("a<indicator name=\"x\">i</indicator>"), "i</"));
    assert_non_null(
        strstr(world_render("<indicator name=' '>i</indicator>"),
               "<span class=\"error\"><strong>Error:</strong> Page status indicators'"));
}

static void hostile_tags_end(void **state) {
    (void)state;
    enum { N = 20000 };
    static const char *const pieces[] = {"<poem>\n:",     "<pre><nowiki>",           "<ref>",
                                         "<nowiki>",      "<section begin=x>",       "<translate>",
                                         "<imagemap>a\n", "<references><ref name=a>"};
    for (size_t i = 0; i < countof(pieces); i++) {
        buf b;
        buf_init(&b, &world_mem, 0);
        for (int k = 0; k < N / 10; k++)
            buf_add(&b, str_of(pieces[i]));
        wt_options o = world_options();
        wt_page page = world_page_of(arena_cstr(&world_mem, buf_str(&b)), &o);
        assert_true(str_find_byte(page.html, WT_MARK) == page.html.len);
        world_forget();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_known),         cmocka_unit_test(tags_are_shown),
        cmocka_unit_test(a_sheet_is_written_once), cmocka_unit_test(sheets_stay_inside),
        cmocka_unit_test(indicators_stand_aside),  cmocka_unit_test(hostile_tags_end),
    };
    return cmocka_run_group_tests(tests, setup, world_teardown);
}
