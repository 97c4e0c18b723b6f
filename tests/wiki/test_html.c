// The renderer: what common wikitext becomes, that nothing in the output can run, that it is
// balanced, and that hostile text costs linear time.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/wiki/data.h"
#include "tests/wiki/htmlcheck.h"
#include "wiki/wiki.h"

static arena scratch, out_mem;

static int setup(void **state) {
    return data_setup(state) || arena_open(&scratch, 256 << 20, NULL) ||
           arena_open(&out_mem, 1 << 30, NULL);
}

static int teardown(void **state) {
    arena_close(&scratch);
    arena_close(&out_mem);
    return data_teardown(state);
}

static bool exists(void *arg, str title) {
    (void)arg;
    return !str_starts(title, STR("Missing"));
}

// Every rendering in this file is checked to be safe and balanced.
static str render(str text) {
    wiki_html_options o = {.exists = exists, .link_prefix = "/wiki/wiki/"};
    buf b;
    arena_reset(&out_mem, 0);
    buf_init(&b, &out_mem, 0);
    assert_true(wiki_html(&b, text, (str){0}, &o, scratch));
    const char *why = html_check(buf_str(&b));
    if (why)
        fail_msg("%s\n--- from\n%.*s\n--- came\n%.*s", why, STR_ARG(text), STR_ARG(buf_str(&b)));
    return buf_str(&b);
}

// --- What becomes of what --------------------------------------------------------------------

static const struct {
    const char *text, *html;
} cases[] = {
    {"", ""},
    {"a\nb\n\nc", "<p>a\nb\n</p>\n<p>c\n</p>\n"},
    {"a < b & c > d \"e\"", "<p>a &lt; b &amp; c &gt; d &quot;e&quot;\n</p>\n"},
    {"&amp; &eacute; &#233; &", "<p>&amp; &eacute; &#233; &amp;\n</p>\n"},
    {"&#0; &#x110000;", "<p>&amp;#0; &amp;#x110000;\n</p>\n"},
    // apostrophes
    {"'''b''' ''i''", "<p><b>b</b> <i>i</i>\n</p>\n"},
    {"'''''bi''' i''", "<p><i><b>bi</b> i</i>\n</p>\n"},
    {"'''''ib'' b'''", "<p><b><i>ib</i> b</b>\n</p>\n"},
    {"'''b ''bi''' i''", "<p><b>b <i>bi</i></b><i> i</i>\n</p>\n"},
    {"''i", "<p><i>i</i>\n</p>\n"},
    {"L'''amour'' x", "<p>L&#39;<i>amour</i> x\n</p>\n"},
    {"it's '''''' x", "<p>it&#39;s &#39;<b><i> x</i></b>\n</p>\n"},
    // links
    {"[[Foo bar]]", "<p><a href=\"/wiki/wiki/Foo_bar\" title=\"Foo bar\">Foo bar</a>\n</p>\n"},
    {"[[foo|''x'']]s", "<p><a href=\"/wiki/wiki/Foo\" title=\"Foo\"><i>x</i>s</a>\n</p>\n"},
    {"[[A#b c|d]]", "<p><a href=\"/wiki/wiki/A#b_c\" title=\"A\">d</a>\n</p>\n"},
    {"[[#b]]", "<p><a href=\"#b\" title=\"b\">#b</a>\n</p>\n"},
    {"[[Missing x]]",
     "<p><a href=\"/wiki/wiki/Missing_x\" title=\"Missing x\" class=\"new\">Missing x</a>\n</p>\n"},
    {"[[:Category:X]]",
     "<p><a href=\"/wiki/wiki/Category:X\" title=\"Category:X\">Category:X</a>\n</p>\n"},
    {"a[[Category:X|k]]",
     "<p>a\n</p>\n<div class=\"catlinks\"><ul>\n<li><a href=\"/wiki/wiki/Category:X\" "
     "title=\"Category:X\">X</a></li>\n</ul></div>\n"},
    {"[[AC/DC?]]", "<p><a href=\"/wiki/wiki/AC%2FDC%3F\" title=\"AC/DC?\">AC/DC?</a>\n</p>\n"},
    {"[[de:Seite]]x", "<p>x\n</p>\n"},
    {"[[a", "<p>[[a\n</p>\n"},
    {"[[a\nb]]", "<p>[[a\nb]]\n</p>\n"},
    {"[[]] [[|x]]", "<p>[[]] [[|x]]\n</p>\n"},
    {"[[a|[[b]]]]", "<p>[[a|<a href=\"/wiki/wiki/B\" title=\"B\">b</a>]]\n</p>\n"},
    {"[http://x.y z w]", "<p><a href=\"http://x.y\" class=\"external\" rel=\"noopener noreferrer "
                         "nofollow\">z w</a>\n</p>\n"},
    {"see http://x.y/a.", "<p>see <a href=\"http://x.y/a\" class=\"external\" rel=\"noopener "
                          "noreferrer nofollow\">http://x.y/a</a>.\n</p>\n"},
    {"[javascript:x y]", "<p>[javascript:x y]\n</p>\n"},
    // blocks
    {"== A b ==", "<h2 id=\"A_b\">A b</h2>\n"},
    {"= A =\n= A =", "<h1 id=\"A\">A</h1>\n<h1 id=\"A_2\">A</h1>\n"},
    {"==a", "<p>==a\n</p>\n"},
    {"=====", "<h2 id=\"=\">=</h2>\n"},
    {"== <!-- c -->A == <!-- c -->\nb", "<h2 id=\"A\">A</h2>\n<p>b\n</p>\n"},
    {"* a\n* b", "<ul><li>a</li>\n<li>b</li>\n</ul>\n"},
    {"* a\n** b\n* c", "<ul><li>a<ul><li>b</li>\n</ul>\n</li>\n<li>c</li>\n</ul>\n"},
    {"*# a", "<ul><li><ol><li>a</li>\n</ol>\n</li>\n</ul>\n"},
    {"; t : d", "<dl><dt>t </dt>\n<dd> d</dd>\n</dl>\n"},
    {"# a\nb", "<ol><li>a</li>\n</ol>\n<p>b\n</p>\n"},
    {" x\n y", "<pre>x\ny\n</pre>\n"},
    {"----", "<hr>\n"},
    {"{|\n|a||b\n|-\n!c\n|}", "<table><tr><td>a\n</td>\n<td>b\n</td>\n</tr>\n<tr><th>c\n</th>\n"
                              "</tr>\n</table>\n"},
    {"{| class=\"x\"\n|+ t\n| colspan=2 | a\n|}",
     "<table class=\"x\"><caption>t\n</caption>\n<tr><td "
     "colspan=\"2\">a\n</td>\n</tr>\n</table>\n"},
    {"{|\n|\n* l\n|}", "<table><tr><td>\n<ul><li>l</li>\n</ul>\n</td>\n</tr>\n</table>\n"},
    {"{|\n|a", "<table><tr><td>a\n</td>\n</tr>\n</table>\n"},
    {"a<!-- x\ny -->b", "<p>ab\n</p>\n"},
    {"a\n<!-- x -->\nb", "<p>a\nb\n</p>\n"},
    {"__NOTOC__a __b__", "<p>a __b__\n</p>\n"},
    // tags
    {"<b>x", "<p><b>x\n</b></p>\n"},
    {"x</b></div>", "<p>x\n</p>\n"},
    {"<div>a</div>b", "<div><p>a</p>\n</div>\n<p>b\n</p>\n"},
    {"a<br>b<br/>c</br>", "<p>a<br>b<br>c<br>\n</p>\n"},
    {"<blink>x</blink>", "<p>&lt;blink&gt;x&lt;/blink&gt;\n</p>\n"},
    {"<span class=\"a\" onclick=\"b\" class=c>x</span>", "<p><span class=\"a\">x</span>\n</p>\n"},
    {"<nowiki>''<b>&amp;</nowiki>", "<p>&#39;&#39;&lt;b&gt;&amp;\n</p>\n"},
    {"<pre>\n''a''\n</pre>", "<pre>&#39;&#39;a&#39;&#39;</pre>\n"},
    {"<math>a<b</math>", "<p><code class=\"math\">a&lt;b</code>\n</p>\n"},
    {"<ul><li>a<li>b</ul>", "<ul><li>a</li>\n<li>b</li>\n</ul>\n"},
    {"<td>x</td>", "<p>x\n</p>\n"},
    // templates
    {"{{lang|fr|''oui''}}", "<p><i>oui</i>\n</p>\n"},
    {"{{nowrap|[[A|b]]}}", "<p><a href=\"/wiki/wiki/A\" title=\"A\">b</a>\n</p>\n"},
    {"{{Odd \"one\"|x}}", "<span class=\"template\" data-name=\"Odd &quot;one&quot;\"></span>"},
    {"{{Infobox x\n|a=1\n|b=\n|c=''2''\n}}",
     "<details class=\"template\"><summary>Infobox x</summary>\n<table><tr><th>a</th>\n<td>1\n"
     "</td>\n</tr>\n<tr><th>c</th>\n<td><i>2</i>\n</td>\n</tr>\n</table>\n</details>\n"},
    {"{{main|A}}", "<div class=\"hatnote\">Main article: <a href=\"/wiki/wiki/A\" "
                   "title=\"A\">A</a></div>\n"},
    {"{{formatnum:{{nowrap|12}}3}} {{lc:A}}", "<p>123 A\n</p>\n"},
    {"<b style=\"a:{{x}}\" title=\"{{y}}\" class=z>c</b>", "<p><b class=\"z\">c</b>\n</p>\n"},
    {"[http://x.y''z'']", "<p><a href=\"http://x.y\" class=\"external\" rel=\"noopener noreferrer "
                          "nofollow\"><i>z</i></a>\n</p>\n"},
    {"{{{1|x}}}", "<p>{{{1|x}}}\n</p>\n"},
    {"{{a", "<p>{{a\n</p>\n"},
    {"#REDIRECT [[foo#b|c]]", "<p class=\"redirect\">Redirect to <a href=\"/wiki/wiki/Foo#b\" "
                              "title=\"Foo\">foo#b</a></p>\n"},
};

static void becomes(void **state) {
    (void)state;
    size_t bad = 0;
    for (size_t i = 0; i < countof(cases); i++) {
        str html = render(str_of(cases[i].text));
        if (str_eq(html, str_of(cases[i].html))) continue;
        print_error("--- text\n%s\n--- want\n%s\n--- came\n%.*s\n", cases[i].text, cases[i].html,
                    STR_ARG(html));
        bad++;
    }
    assert_int_equal(bad, 0);
}

static void footnotes(void **state) {
    (void)state;
    str html = render(STR("a<ref name=\"n\">''one''</ref>b<ref>two</ref>c<ref name=n />\n"
                          "<references />\nd<ref>three</ref>"));
    static const char *const wants[] = {
        "a<sup class=\"reference\" id=\"cite_ref-1\"><a href=\"#cite_note-1\">[1]</a></sup>b",
        "c<sup class=\"reference\"><a href=\"#cite_note-1\">[1]</a></sup>",
        "<ol class=\"references\" start=\"1\"><li id=\"cite_note-1\">",
        "<i>one</i></li>",
        "<ol class=\"references\" start=\"3\"><li id=\"cite_note-3\">",
    };
    for (size_t i = 0; i < countof(wants); i++)
        if (str_find(html, str_of(wants[i])) == html.len)
            fail_msg("%s\nis not in\n%.*s", wants[i], STR_ARG(html));
}

static const char *hosted(void *arg, str prefix) {
    (void)arg;
    return str_eq_nocase(prefix, STR("ltg")) ? "/w/ltgwiki/wiki/" : NULL;
}

static void links_to_hosted_wikis(void **state) {
    (void)state;
    static const char *const t[][2] = {
        {"[[ltg:Reigys pilsata]]", "<a href=\"/w/ltgwiki/wiki/Reigys_pilsata\" title=\"Reigys "
                                   "pilsata\">ltg:Reigys pilsata</a>"},
        {"[[:LTG: A&amp;B#c d|x]]",
         "<a href=\"/w/ltgwiki/wiki/A%26B#c_d\" title=\"A&amp;B\">x</a>"},
        {"[[ltg:\"><script>]]", "[[ltg:&quot;&gt;&lt;script&gt;]]"},  // can be no title
        {"[[ltg:a\"b]]", "href=\"/w/ltgwiki/wiki/a%22b\""},
        {"[[ltg:]] y", "y"},
        {"[[:de:Seite]]", "https://de.wikipedia.org/wiki/Seite"},
        {"[[Missing page]]", "class=\"new\""},
    };
    wiki_html_options o = {.exists = exists, .interwiki = hosted, .link_prefix = "/wiki/wiki/"};
    for (size_t i = 0; i < countof(t); i++) {
        buf b;
        arena_reset(&out_mem, 0);
        buf_init(&b, &out_mem, 0);
        assert_true(wiki_html(&b, str_of(t[i][0]), (str){0}, &o, scratch));
        const char *why = html_check(buf_str(&b));
        if (why || str_find(buf_str(&b), str_of(t[i][1])) == b.len)
            fail_msg("%s: %s\n%.*s", t[i][0], why ? why : "", STR_ARG(buf_str(&b)));
    }
}

static void other_models_are_source(void **state) {
    (void)state;
    wiki_html_options o = {0};
    buf b;
    buf_init(&b, &out_mem, 0);
    assert_true(wiki_html(&b, STR("if a < b then '''x'''"), STR("Scribunto"), &o, scratch));
    assert_true(str_eq(buf_str(&b), STR("<pre class=\"code\" data-model=\"Scribunto\">if a &lt; b "
                                        "then &#39;&#39;&#39;x&#39;&#39;&#39;</pre>\n")));
}

static void full_output_is_told(void **state) {
    (void)state;
    wiki_html_options o = {0};
    arena small;
    assert_int_equal(arena_open(&small, 4096, NULL), OK);
    buf b;
    buf_init(&b, &small, 0);
    str text = {memset(arena_alloc(&data_arena, 9000), 'x', 9000), 9000};
    assert_false(wiki_html(&b, text, (str){0}, &o, scratch));
    arena_close(&small);
    assert_false(wiki_html(&b, text, (str){0}, &o, (arena){0}));  // nor is there scratch
}

// --- Nothing runs ----------------------------------------------------------------------------

static const char *const attacks[] = {
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//x/y.js></SCRIPT>",
    "<scr<script>ipt>x</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg/onload=alert(1)//",
    "<iframe src=javascript:alert(1)>",
    "<object data=x>",
    "<embed src=x>",
    "<style>*{x:y}</style>",
    "<link rel=stylesheet href=//x>",
    "<meta http-equiv=refresh content=0>",
    "<base href=//x/>",
    "<form action=//x><input>",
    "<button onclick=x>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href=\"http://x\">y</a>",
    "<body onload=x>",
    "<video src=x onerror=y>",
    "<math><mi//xlink:href=\"data:x\">",
    "<div onclick=alert(1)>x</div>",
    "<div ONCLICK='x'>",
    "<div/onclick=x>",
    "<div\nonclick\n=\nx>",
    "<div style=\"background:url(javascript:x)\">",
    "<div style=\"width:expression(alert(1))\">",
    "<div style=\"background:\\75rl(x)\">",
    "<div style=\"b:u/**/rl(x)\">",
    "<div style=\"-moz-binding:url(x)\">",
    "<div style=\"behavior:url(x)\">",
    "<div style=\"&#98;ackground:&#117;rl(x)\">",
    "<div style=\"position:fixed;top:0\">",
    "<div title='\"><script>x</script>'>",
    "<div title='a\" onclick=\"x'>",
    "<div title=\"a>b\">c",
    "<div class=\"x\" style=\"a\" onmouseover=x",
    "<div id='\"><b>'>",
    "<div class=`x` onclick=`y`>",
    "[javascript:alert(1) x]",
    "[ javascript:alert(1) x]",
    "[http://x\" onclick=\"y z]",
    "[http://x'onclick='y z]",
    "[//x\" onmouseover=y z]",
    "[data:text/html,x y]",
    "[vbscript:x y]",
    "[http://<script>x</script> y]",
    "[&#106;avascript:x y]",
    "[http:javascript:x y]",
    "[[javascript:alert(1)]]",
    "[[x\" onclick=\"y]]",
    "[[x|<script>y</script>]]",
    "[[x'y\"z|w]]",
    "[[File:x\" onerror=\"y|thumb|<script>]]",
    "[[File:x.jpg|link=javascript:x|thumb]]",
    "[[Category:\"><script>x</script>]]",
    "[[a#\" onclick=\"x|y]]",
    "[[:de:\" onclick=\"x]]",
    "http://x\"onclick=y",
    "http://x<script>",
    "mailto:x\" onclick=y",
    "== \" onclick=\"x ==",
    "== <script>x</script> ==",
    "== '''<div>''' ==",
    "{| onclick=x style=\"behavior:url(y)\"\n| onclick=x | y\n|}",
    "{|\n|- onclick=x\n! style=a:url(x) | y\n|}",
    "<ref name='\"><script>'>x</ref>",
    "<ref>[javascript:x y]</ref>",
    "<nowiki><script>x</script></nowiki>",
    "<pre onclick=x><script>y</script></pre>",
    "<math><script>x</script></math>",
    "<syntaxhighlight lang='\"><script>'>x</syntaxhighlight>",
    "<gallery onclick=x>\nFile:\"><script>|<script>\n</gallery>",
    "<poem><script>x</script></poem>",
    "{{\"><script>x</script>}}",
    "{{x\n|\"><script>=1\n|b=2\n}}",
    "{{cite web|title=<script>x</script>|url=javascript:x}}",
    "{{cite web|title=t|url=http://x\" onclick=\"y}}",
    "{{main|\"><script>}}",
    "{{lang|x|<script>y</script>}}",
    "{{{\"><script>}}}",
    "&lt;script&gt;x&lt;/script&gt;",
    "&#60;script&#62;",
    "<!-- --><script>x</script><!-- -->",
    "<<script>script>x</</script>script>",
    "<b title=\"</b><script>x</script>\">y",
    "'''<script>'''x</script>",
    "\x01<script\x02>x",
    "<script\x0c>x",
    "#REDIRECT [[javascript:x]]",
    "#REDIRECT [[\" onclick=\"x]]",
    "<br onclick=x>",
    "<hr style=\"a:url(x)\">",
    "<table background=javascript:x><tr><td background=x>",
    "<font color=\"expression(x)\">y</font>",
    "<noinclude><script>x</script></noinclude>",
    "<includeonly><script>",
    "</p></div></body></html>x",
};

static void nothing_runs(void **state) {
    (void)state;
    for (size_t i = 0; i < countof(attacks); i++) {
        str html = render(str_of(attacks[i]));  // html_check knows tags, attributes and schemes
        static const char *const never[] = {
            "<script", "<img", "<svg", "<iframe", "<style", "<object", "href=\"javascript", "<!--"};
        for (size_t k = 0; k < countof(never); k++)
            if (str_find(html, str_of(never[k])) < html.len)
                fail_msg("%s gave %.*s", attacks[i], STR_ARG(html));
    }
}

// The checker itself must be able to fail.
static void checker_fails(void **state) {
    (void)state;
    static const char *const bad[] = {
        "<p>",
        "</p>",
        "<b><i></b></i>",
        "<script></script>",
        "<p onclick=\"x\"></p>",
        "<p class=x></p>",
        "<a href=\"javascript:x\"></a>",
        "<p",
        "a > b",
        "<a href=\"#\"><a href=\"#\"></a></a>",
        "<p class=\"a\" class=\"b\"></p>",
        "<p style=\"a:url(x)\"></p>",
        "\xff",
        "<P></P>",
    };
    for (size_t i = 0; i < countof(bad); i++)
        assert_non_null(html_check(str_of(bad[i])));
    assert_null(html_check(STR("<p class=\"a\">x<br><a href=\"#b\">c</a></p>")));
}

// --- Linear time and bounded depth -----------------------------------------------------------

static const char *const pieces[] = {
    "[[",
    "]]",
    "{{",
    "}}",
    "{{{",
    "[[a|",
    "{{a|",
    "[http://x ",
    "<ref>",
    "<ref ",
    "</ref>",
    "<div>",
    "<div ",
    "</div>",
    "'''",
    "''",
    "'",
    "{|\n",
    "|-\n",
    "|}\n",
    "! a\n",
    "| a\n",
    "* ",
    "\n*",
    "\n*#:;",
    "<nowiki>",
    "<!--",
    "<!-- -->",
    "== a ==\n",
    "\n=",
    "<b>",
    "</b>",
    "&",
    "&#",
    "http://",
    ":",
    "__",
    "<",
    ">",
    "\n ",
    "<poem>",
    "<references>",
    "{{reflist}}",
    "<ref>a</ref>",
    "<ref name=a/>",
    "<table><tr><td>",
    "[[File:a|thumb|",
    "[[Category:a]]",
    "<span>''",
    "|",
    "=",
    "\xc3\xa9",
    "\xff",
    "{{cite a|title=",
    "<ref name=\"",
    "[[a]] ",
    "<li>",
    "<ul><li>",
    "\n\n",
    "   <!---->",
    "<gallery>\n",
    "{{!}}",
};

// Linear work takes some milliseconds a piece. Quadratic work would take minutes, and the runner's
// hang guard (`make unit`) would end the program.
static void hostile_text_ends(void **state) {
    (void)state;
    enum { BYTES = 400 << 10 };
    char *text = arena_alloc(&data_arena, BYTES);
    for (size_t i = 0; i < countof(pieces); i++) {
        size_t n = strlen(pieces[i]);
        for (size_t at = 0; at + n <= BYTES; at += n)
            memcpy(text + at, pieces[i], n);
        render((str){text, BYTES / n * n});
    }
}

static void mixtures_stay_balanced(void **state) {
    (void)state;
    uint64_t seed = 1;
    for (int run = 0; run < 3000; run++) {
        buf b;
        arena a = data_arena;
        buf_init(&b, &a, 4096);
        for (int i = 0; i < 60; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            buf_add(&b, str_of(pieces[(seed >> 33) % countof(pieces)]));
        }
        render(buf_str(&b));
    }
}

// --- Real pages ------------------------------------------------------------------------------

static void real_pages(void **state) {
    (void)state;
    static const char *const dumps[] = {"enwiki-sample.xml.bz2", "ltgwiki.xml.bz2",
                                        "aawiki-20260101.xml.bz2", "enwiki-tables.xml.bz2"};
    for (size_t i = 0; i < countof(dumps); i++) {
        wiki_build_result r;
        err e = {0};
        if (data_build(data_shared(dumps[i]), &r, &e)) fail_msg("%s", e.msg);
        wiki *w;
        if (data_open(&w, data_shared(dumps[i]), &e)) fail_msg("%s", e.msg);
        wiki_view *v = wiki_enter(w);
        for (size_t k = 0; k < wiki_view_pages(v); k++) {
            arena a = data_arena;
            wiki_hit h;
            wiki_revision rev;
            str xml;
            wiki_get(&h, v, 0, (int64_t)k, &a);
            assert_int_equal(wiki_page_xml(&xml, v, &h, &a, &e), OK);
            assert_int_equal(wiki_revision_parse(&rev, xml, &a, &e), OK);
            render(rev.text);
        }
        wiki_leave(v);
        wiki_close(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(becomes),
        cmocka_unit_test(footnotes),
        cmocka_unit_test(links_to_hosted_wikis),
        cmocka_unit_test(other_models_are_source),
        cmocka_unit_test(full_output_is_told),
        cmocka_unit_test(nothing_runs),
        cmocka_unit_test(checker_fails),
        cmocka_unit_test(hostile_text_ends),
        cmocka_unit_test(mixtures_stay_balanced),
        cmocka_unit_test(real_pages),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
