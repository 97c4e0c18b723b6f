// tests/wikitext/adversarial.h -- pages made to hurt a renderer: what test_adversarial.c looks at
// when they are small, and bench/bench_adversarial.c times when they are large.
//
// A page is head, then `unit` n times, then `close` n times, then foot; "\1" in a unit becomes its
// number. Templates are a short list beside it.
#ifndef TESTS_WIKITEXT_ADVERSARIAL_H
#define TESTS_WIKITEXT_ADVERSARIAL_H

#include "wikitext/wikitext.h"

typedef struct adversary_page {
    const char *title, *text;
} adversary_page;

typedef struct adversary {
    const char *name, *head, *unit, *close, *foot;
    size_t most;                  // units; 0: as many as the size asks for
    unsigned over;                // WT_OVER_* that it must end in, at any size from 64 KB on
    const adversary_page *pages;  // ended by a row without title
} adversary;

static const adversary_page adversary_bomb[] = {
    {"Template:A", "{{B}}{{B}}"}, {"Template:B", "{{C}}{{C}}"}, {"Template:C", "{{D}}{{D}}"},
    {"Template:D", "{{E}}{{E}}"}, {"Template:E", "{{F}}{{F}}"}, {"Template:F", "{{G}}{{G}}"},
    {"Template:G", "{{H}}{{H}}"}, {"Template:H", "{{I}}{{I}}"}, {"Template:I", "{{J}}{{J}}"},
    {"Template:J", "{{K}}{{K}}"}, {"Template:K", "{{L}}{{L}}"}, {"Template:L", "{{M}}{{M}}"},
    {"Template:M", "{{N}}{{N}}"}, {"Template:N", "{{O}}{{O}}"}, {"Template:O", "{{P}}{{P}}"},
    {"Template:P", "{{Q}}{{Q}}"}, {"Template:Q", "{{R}}{{R}}"}, {"Template:R", "{{S}}{{S}}"},
    {"Template:S", "{{T}}{{T}}"}, {"Template:T", "{{U}}{{U}}"}, {"Template:U", "{{V}}{{V}}"},
    {"Template:V", "{{W}}{{W}}"}, {"Template:W", "{{X}}{{X}}"}, {"Template:X", "{{Y}}{{Y}}"},
    {"Template:Y", "{{Z}}{{Z}}"}, {"Template:Z", "lol"},        {0}};
static const adversary_page adversary_arguments[] = {{"Template:A", "{{B|{{{1}}}{{{1}}}}}"},
                                                     {"Template:B", "{{C|{{{1}}}{{{1}}}}}"},
                                                     {"Template:C", "{{D|{{{1}}}{{{1}}}}}"},
                                                     {"Template:D", "{{E|{{{1}}}{{{1}}}}}"},
                                                     {"Template:E", "{{F|{{{1}}}{{{1}}}}}"},
                                                     {"Template:F", "{{G|{{{1}}}{{{1}}}}}"},
                                                     {"Template:G", "{{H|{{{1}}}{{{1}}}}}"},
                                                     {"Template:H", "{{I|{{{1}}}{{{1}}}}}"},
                                                     {"Template:I", "{{J|{{{1}}}{{{1}}}}}"},
                                                     {"Template:J", "{{{1}}}{{{1}}}"},
                                                     {"Template:One", "{{{1}}}"},
                                                     {0}};
static const adversary_page adversary_loops[] = {{"Template:Self", "x{{Self}}"},
                                                 {"Template:Ping", "{{Pong}}{{Pong}}"},
                                                 {"Template:Pong", "{{Ping}}{{Ping}}"},
                                                 {"Template:By name", "{{By {{{1|name}}}}}"},
                                                 {"Template:Section", "{{#lst:Page|a}}"},
                                                 {"Template:R", "#REDIRECT [[Template:R]]"},
                                                 {0}};
static const adversary_page adversary_deep[] = {
    {"Template:D", "{{#if:{{{1|}}}|{{D2|{{{1}}}}}}}"}, {"Template:D2", "{{D3|{{{1}}}}}"}, {0}};
static const adversary_page adversary_sheet[] = {{"Template:S.css", ".a{color:red}"}, {0}};

static const adversary adversaries[] = {
    // Brackets and quotes alone.
    {"[", .unit = "["},
    {"]", .unit = "]"},
    {"{", .unit = "{"},
    {"}", .unit = "}"},
    {"'", .unit = "'"},
    {"''", .unit = "''a'''b"},
    {"'' lines", .unit = "''a '''b\n"},
    {"[[ ]]", .unit = "[[", .close = "]]"},
    {"[ ]", .unit = "[", .close = "]"},
    {"{{ }}", .unit = "{{", .close = "}}"},
    {"{{{ }}}", .unit = "{{{", .close = "}}}"},
    {"{{{a|", .unit = "{{{a|", .close = "}}}"},
    {"{{{ 100k", .unit = "{{{", .most = 100000},
    {"{{{ }} }", .unit = "{{{ }} "},
    {"{[{[", .unit = "{{[[", .close = "]]}}"},
    {"]] [[", .unit = "]] [["},
    {"-{", .unit = "-{", .close = "}-"},
    {"mixed", .unit = "[[{{{|[http:''<b>-{"},
    // Links.
    {"[[a", .unit = "[[a"},
    {"[[a|", .unit = "[[a|"},
    {"[[a\\n", .unit = "[[a|b\n"},
    {"[[a]]", .unit = "[[a]]"},
    {"[[aN]]", .unit = "[[a\1|x]] "},
    {"[[a|[[", .unit = "[[a|[[b]]"},
    {"[[File nested", .unit = "[[File:A.png|thumb|", .close = "]]"},
    {"[[File:", .unit = "[[File:A.png|thumb|x]]\n"},
    {"[[File options", .head = "[[File:A.png", .unit = "|a=b|20px", .foot = "]]"},
    {"[[File open", .unit = "[[File:A.png|"},
    {"[[Category", .unit = "[[Category:A\1]]"},
    {"[[fr:", .unit = "[[fr:A\1]]"},
    {"[http", .unit = "[http://a "},
    {"[http x]", .unit = "[http://a x]"},
    {"http", .unit = "http://a"},
    {"http ", .unit = "http://a.b/c "},
    {"http://((", .head = "http://a", .unit = "("},
    {"http&lt;", .head = "http://a", .unit = "&amp;"},
    {"RFC", .unit = "RFC 1 ISBN 0123456789 PMID "},
    {"ISBN -", .head = "ISBN ", .unit = "1-"},
    // Blocks.
    {"lines", .unit = "\n"},
    {"blank lines", .unit = " \n"},
    {"pre lines", .unit = " a\n"},
    {"paragraphs", .unit = "a\n\n"},
    {"* deep", .head = "\n", .unit = "*", .most = 100000},
    {"* deeper", .unit = "*****a\n*\n"},
    {"* # : ;", .unit = "*#:;a:b\n;#*:\n"},
    {"* N deep", .unit = "::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::a\n"},
    {"; :", .head = ";", .unit = "a:"},
    {";", .unit = ";a:b\n"},
    {"; '' :", .head = ";", .unit = "''a:[[b:c]] "},
    {"list in a table", .head = "{|\n|\n", .unit = "*", .most = 100000, .foot = "\n|}"},
    {"= 5 MB", .unit = "="},
    {"== a ==", .unit = "== a ==\n"},
    {"== N ==", .unit = "== a\1 ==\n"},
    {"== <b>", .unit = "== <b>''a ==\n"},
    {"= open", .unit = "== a\n"},
    {"<h2>", .unit = "<h2>a</h2>"},
    {"<h2", .unit = "<h2>a"},
    {"----", .unit = "----"},
    {"__TOC__", .unit = "__TOC__"},
    {"__", .unit = "__"},
    {"french spaces", .unit = " ! \xC2\xAB a : "},
    // Tables.
    {"{| nested", .unit = "{|\n|\n", .close = "\n|}", .most = 10000},
    {"{| open", .unit = "{|\n"},
    {"{| rows", .head = "{|\n", .unit = "|-\n| a || b\n", .foot = "|}"},
    {"{| cells", .head = "{|\n|", .unit = "a||", .foot = "\n|}"},
    {"{| !!", .head = "{|\n!", .unit = "a!!b|", .foot = "\n|}"},
    {"{| attrs", .head = "{|\n", .unit = "| a=b c=\"d\" | e\n", .foot = "|}"},
    {"{| text", .head = "{|\n", .unit = "text\n", .foot = "|}"},
    {"{| captions", .head = "{|\n", .unit = "|+ a\n", .foot = "|}"},
    {"<table> nested", .unit = "<table><tr><td>", .close = "</td></tr></table>"},
    {"<table>", .unit = "<table>"},
    {"<table> text", .head = "<table>", .unit = "a<b>"},
    {"<table> <a", .unit = "<table>[http://a b"},
    {"<tr>", .unit = "<tr><td>"},
    // Tags.
    {"<b>", .unit = "<b>"},
    {"<b><i>", .unit = "<b><i>"},
    {"<b><p>", .unit = "<b><p>"},
    {"<b></p>", .unit = "<b></p>x"},
    {"<i><b></i>", .unit = "<i><b>x</i></b>"},
    {"<b id=N>", .unit = "<b id=\1>x<p>"},
    {"<div>", .unit = "<div>", .close = "</div>"},
    {"</div>", .unit = "</div>"},
    {"<p>", .unit = "<p>"},
    {"<ul><li>", .unit = "<ul><li>"},
    {"<dl><dd>", .unit = "<dl><dd>"},
    {"<ruby><rt>", .unit = "<ruby><rt>"},
    {"<span>", .unit = "<span>"},
    {"<font color=N>", .unit = "<font color=\1>"},
    {"<small></div>", .unit = "<div><small></div>"},
    {"<", .unit = "<"},
    {"<a", .unit = "<a"},
    {"<span x", .unit = "<span x"},
    {"<span x=", .unit = "<span x=\"y>"},
    {">", .unit = ">"},
    {"<!--", .unit = "<!--"},
    {"<!-- -->", .unit = "<!-- -->\n"},
    {"attributes", .head = "<span ", .unit = "data-a\1=\"b\" ", .foot = ">x</span>"},
    {"long attribute", .head = "<span title=\"", .unit = "a&", .foot = "\">x</span>"},
    {"long style", .head = "<span style=\"", .unit = "a:b;\\61/**/", .foot = "\">x</span>"},
    {"style /*", .head = "<span style=\"", .unit = "/*", .foot = "\">x</span>"},
    {"class", .head = "<span class=\"", .unit = "a ", .foot = "\">x</span>"},
    {"&", .unit = "&"},
    {"&amp;", .unit = "&amp;"},
    {"&#127;", .unit = "&#127;\"'`UNIQ--nowiki-00000000-QINU`'\"&#x7f;g00000000&#x7F;"},
    {"7F", .unit = "\x7Fg00000000\x7F"},
    {"no UTF-8", .unit = "\xFF\xE6"},
    {"CR", .unit = "\r"},
    {"U+0338", .unit = "<b>\xCC\xB8</b>\xCC\xB8"},
    // Extensions.
    {"<ref>", .unit = "<ref>"},
    {"<ref>x", .unit = "<ref>x</ref>"},
    {"<ref> nested", .unit = "<ref>x", .close = "</ref>"},
    {"<ref name=N>", .unit = "<ref name=\"n\1\">x</ref>"},
    {"<ref name/>", .head = "<ref name=a>x</ref>", .unit = "<ref name=a/>"},
    {"<ref group=N>", .unit = "<ref group=\"g\1\">x</ref>"},
    {"<ref follow", .head = "<ref name=a>x</ref>", .unit = "<ref follow=a>y</ref>"},
    {"<ref names differ", .unit = "<ref name=a>\1</ref>"},
    {"<references>", .unit = "<references/><ref>x</ref>"},
    {"<references>N", .head = "<references>", .unit = "<ref name=n\1>x</ref>",
     .foot = "</references>"},
    {"#tag:ref", .unit = "{{#tag:ref|", .close = "}}", .most = 1000},
    {"#tag:ref name", .unit = "{{#tag:ref|a|name=\1}}"},
    {"<nowiki>", .unit = "<nowiki>"},
    {"<nowiki/>", .unit = "<nowiki/>"},
    {"<nowiki>x", .unit = "<nowiki>x</nowiki>"},
    {"<pre>", .unit = "<pre>"},
    {"<pre>x", .unit = "<pre>x</pre>"},
    {"<poem>", .unit = "<poem>", .close = "</poem>"},
    {"<poem> lines", .head = "<poem>", .unit = "a\n", .foot = "</poem>"},
    {"<gallery>", .head = "<gallery>\n", .unit = "A.png|b\n", .foot = "</gallery>"},
    {"<gallery> nested", .unit = "<gallery>\nA.png|", .close = "\n</gallery>"},
    {"<gallery> many", .unit = "<gallery>\nA.png\n</gallery>"},
    {"<math>", .head = "<math>", .unit = "\\frac{a}{b}+", .foot = "c</math>"},
    {"<math> deep", .head = "<math>", .unit = "{", .close = "}", .foot = "</math>"},
    {"<math> many", .unit = "<math>a_1</math>"},
    {"<syntaxhighlight>", .unit = "<syntaxhighlight lang=c>x</syntaxhighlight>"},
    {"<indicator>", .unit = "<indicator name=\1>x</indicator>"},
    {"<imagemap>", .unit = "<imagemap>\nFile:A.png|x\nrect 1 2 3 4 [[a]]\n</imagemap>"},
    {"<templatestyles>", .unit = "<templatestyles src=S.css />", .pages = adversary_sheet},
    {"<section>", .unit = "<section begin=a\1 />x<section end=a\1 />"},
    {"<noinclude>", .unit = "<noinclude>"},
    {"<onlyinclude>", .unit = "<onlyinclude>x"},
    {"<includeonly>", .unit = "<includeonly>", .close = "</includeonly>"},
    {"unknown tag", .unit = "<mapframe>x</mapframe>"},
    {"#tag:poem deep", .unit = "{{#tag:poem|", .close = "}}", .most = 1000},
    // Functions.
    {"#if nested", .unit = "{{#if:x|", .close = "}}", .most = 10000},
    {"#if", .unit = "{{#if:x|y|z}}"},
    {"#switch cases", .head = "{{#switch:q", .unit = "|a\1=b", .foot = "|z}}"},
    {"#switch open", .unit = "{{#switch:"},
    {"#switch many", .unit = "{{#switch:a|b|c|a=d}}"},
    {"#expr +", .head = "{{#expr:1", .unit = "+1", .foot = "}}"},
    {"#expr (", .head = "{{#expr:", .unit = "(", .foot = "}}"},
    {"#expr ^", .head = "{{#expr:9", .unit = "^9", .foot = "}}"},
    {"#expr 1", .head = "{{#expr:", .unit = "1", .foot = "}}"},
    {"#expr many", .unit = "{{#expr:1e9^1e9 round 1e9}}"},
    {"#time", .unit = "{{#time:Y-m-d xrY|+\1 days}}"},
    {"#time format", .head = "{{#time:", .unit = "Y xjF ", .foot = "}}"},
    {"#time words", .head = "{{#time:Y|", .unit = "+1 day ", .foot = "}}"},
    {"#ifexist", .unit = "{{#ifexist:a\1|b|c}}", .over = WT_OVER_EXPENSIVE},
    {"padleft", .unit = "{{padleft:|500|ab}}", .over = 0},
    {"padleft nested", .unit = "{{padleft:|500|", .close = "}}", .most = 40},
    {"#replace", .head = "{{#replace:", .unit = "a", .foot = "|a|aaaaaaaaaaaaaaaaaaaa}}"},
    {"#replace nested", .unit = "{{#replace:", .close = "|a|aaaaaaaaaa}}", .most = 20},
    {"#explode", .head = "{{#explode:", .unit = "a,", .foot = "|,|-1}}"},
    {"#titleparts", .head = "{{#titleparts:", .unit = "a/", .foot = "|-1|2}}"},
    {"#rel2abs", .head = "{{#rel2abs:", .unit = "../a/", .foot = "}}"},
    {"lc:", .head = "{{lc:", .unit = "A", .foot = "}}"},
    {"urlencode nested", .unit = "{{urlencode:%", .close = "}}", .most = 100},
    {"formatnum", .head = "{{formatnum:", .unit = "1", .foot = "}}"},
    {"PAGENAME", .unit = "{{PAGENAME}}"},
    {"DEFAULTSORT", .unit = "{{DEFAULTSORT:\1}}"},
    {"DISPLAYTITLE", .unit = "{{DISPLAYTITLE:<b>Page</b>}}"},
    {"#invoke", .unit = "{{#invoke:Module|f|a=\1}}"},
    {"urldecode forged", .unit = "<nowiki>x</nowiki>{{urldecode:%7Fn00000000%7F}}"},
    {"cut markers", .unit = "{{#sub:<nowiki>x</nowiki>|2}}{{padleft:|3|<nowiki>x</nowiki>}}"},
    // Templates.
    {"bomb", .unit = "{{A}}", .over = WT_OVER_NODES, .pages = adversary_bomb},
    {"bomb of arguments", .head = "{{A|", .unit = "abcdefgh", .foot = "}}",
     .over = WT_OVER_ARGUMENTS, .pages = adversary_arguments},
    {"loop", .unit = "{{Self}}", .over = WT_OVER_LOOP, .pages = adversary_loops},
    {"loop of two", .unit = "{{Ping}}", .over = WT_OVER_LOOP, .pages = adversary_loops},
    {"loop by name", .unit = "{{By name}}", .over = WT_OVER_LOOP, .pages = adversary_loops},
    {"loop of a redirect", .unit = "{{R}}", .pages = adversary_loops},
    {"loop of sections", .unit = "<section begin=a/>{{Section}}<section end=a/>",
     .pages = adversary_loops},
    {"missing", .unit = "{{missing \1|x=y}}"},
    {"infobox", .unit = "{{infobox x|name=a\1|image=b.png}}"},
    {"cite", .unit = "<ref>{{cite web|url=http://a.b/\1|title=c|last=d}}</ref>"},
    {"nested arguments", .unit = "{{One|", .close = "}}", .most = 10000,
     .pages = adversary_arguments},
    {"many arguments", .head = "{{One", .unit = "|\1=a", .foot = "}}",
     .pages = adversary_arguments},
    {"many unnamed", .head = "{{One", .unit = "|a", .foot = "}}", .pages = adversary_arguments},
    {"one name", .head = "{{One", .unit = "|a=b", .foot = "}}", .pages = adversary_arguments},
    {"infobox rows", .head = "{{infobox", .unit = "|label\1=a|data\1=b", .foot = "}}"},
    {"many calls", .unit = "{{One|a}}", .pages = adversary_arguments},
    {"two of three", .unit = "{{D|x}}", .pages = adversary_deep},
};

// --- Their world ---------------------------------------------------------------------------------

static const adversary *adversary_now;  // of whom source() tells

static bool adversary_source(void *arg, wt_source *out, str title, arena *a) {
    (void)arg, (void)a;
    for (const adversary_page *row = adversary_now->pages; row && row->title; row++) {
        if (!str_eq(title, str_of(row->title))) continue;
        bool is_css = str_ends(title, STR(".css"));
        *out = (wt_source){.title = str_of(row->title),
                           .text = str_of(row->text),
                           .model = is_css ? STR("sanitized-css") : STR("wikitext"),
                           .hash = str_hash(str_of(row->text), 1) | 1};
        return true;
    }
    return false;
}

static void adversary_exists(void *arg, wt_status *out, const str *titles, size_t n) {
    (void)arg;
    for (size_t i = 0; i < n; i++)
        out[i] = titles[i].len % 2 ? WT_EXISTS : WT_MISSING;
}

static bool adversary_interwiki(void *arg, wt_interwiki *out, str prefix, arena *a) {
    (void)arg, (void)a;
    *out = (wt_interwiki){.url = STR("http://fr.example/$1"), .is_language = true};
    return str_eq(prefix, STR("fr"));
}

static bool adversary_file(void *arg, wt_file *out, str name, int32_t width, arena *a) {
    (void)arg, (void)name, (void)width, (void)a;
    *out = (wt_file){.url = STR("/images/A.png"),
                     .page_url = STR("/wiki/File:A.png"),
                     .width = 400,
                     .height = 300,
                     .mime = STR("image/png")};
    return true;
}

static uint64_t adversary_count(void *arg, int32_t ns) {
    (void)arg;
    return (uint64_t)(ns & 7);
}

static bool adversary_message(void *arg, str *out, str key, arena *a) {
    (void)arg, (void)out, (void)key, (void)a;
    return false;
}

static const wiki_site adversary_site = {
    .name = STR_INIT("Site"),
    .dbname = STR_INIT("enwiki"),
    .base = STR_INIT("https://en.wikipedia.org/wiki/Main_Page"),
    .lang = STR_INIT("en"),
    .ns = {{-1, STR_INIT("Special"), false},
           {0, STR_INIT(""), false},
           {1, STR_INIT("Talk"), false},
           {6, STR_INIT("File"), false},
           {8, STR_INIT("MediaWiki"), false},
           {10, STR_INIT("Template"), false},
           {14, STR_INIT("Category"), false},
           {828, STR_INIT("Module"), false}},
    .n_ns = 8,
};

static const wt_world adversary_world = {
    .site = &adversary_site,
    .now = 1700000000,
    .source = adversary_source,
    .exists = adversary_exists,
    .interwiki = adversary_interwiki,
    .file = adversary_file,
    .count = adversary_count,
    .message = adversary_message,
};

// --- Their texts ---------------------------------------------------------------------------------

static inline void adversary_unit(buf *out, const char *unit, uint64_t number) {
    for (; *unit; unit++)
        if (*unit == '\1')
            buf_u64(out, number);
        else
            buf_byte(out, *unit);
}

// A page of about `bytes` bytes; of none at all but head and foot when that is too few.
static inline str adversary_text(const adversary *a, size_t bytes, arena *mem) {
    buf out;
    size_t each = strlen(a->unit) + (a->close ? strlen(a->close) : 0), n = bytes / each;
    if (strchr(a->unit, '\1')) n = bytes / (each + 4);
    if (a->most) n = min_size(n, a->most);
    buf_init(&out, mem, bytes + 4096);
    buf_add(&out, str_of(a->head));
    for (size_t i = 0; i < n; i++)
        adversary_unit(&out, a->unit, i);
    for (size_t i = 0; a->close && i < n; i++)
        buf_add(&out, str_of(a->close));
    buf_add(&out, str_of(a->foot));
    return buf_str(&out);
}

static inline wt_options adversary_options(const adversary *a) {
    adversary_now = a;
    return (wt_options){.world = &adversary_world, .title = STR("Page"), .article_path = "/wiki/"};
}

#endif
