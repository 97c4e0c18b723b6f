// Expansion: arguments, templates, functions' calls, sections of pages, limits, what it costs.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/wikitext/world.h"
#include "wikitext/expand.h"
#include "wikitext/func.h"
#include "wikitext/module.h"

typedef struct example {
    const char *text, *flat;
} example;

static void check(const example *rows, size_t n) {
    for (size_t i = 0; i < n; i++)
        assert_string_equal(world_expand(rows[i].text), rows[i].flat);
}

static const world_page pages[] = {
    {"Template:Echo", "{{{1|nothing}}}"},
    {"Template:Named", "[{{{a}}}|{{{b|no {{{c|d}}} }}}]"},
    {"Template:Both", "{{{1}}}-{{{x}}}"},
    {"Template:Doc", "a<noinclude>b</noinclude><includeonly>c</includeonly>"},
    {"Template:Only", "a<onlyinclude>b{{{1}}}</onlyinclude>c"},
    {"Template:Alias", "#REDIRECT [[Template:Echo]]"},
    {"Template:Self", "x{{Self}}"},
    {"Template:Ping", "{{Pong}}"},
    {"Template:Pong", "{{Ping}}"},
    {"Template:List", "* a"},
    {"Template:PAGENAME", "a template"},
    {"Template:Table", "{|\n|}"},
    {"Template:Headed", "== In ==\n"},
    {"Template:Deep", "{{#if:{{{1}}}|{{Echo|{{Echo|x}}}}|}}"},
    {"Template:Quiet", "<!-- c -->\n<!-- d -->e"},
    {"Template:Comma", "a,b"},
    {"Template:Equals", "{{{k=v|w}}}"},
    {"Main Page/Sub", "sub {{{1|}}}"},
    {"Plain", "page {{Echo|in it}}"},
    {"Talk:Plain", "talk"},
    {"Template:Talk", "template talk"},
    {"Sections", "a<section begin=one />B{{Echo|!}}<section end=one />c<section begin=\"two\"/>D"
                 "<section end=\"two\"/>e<section begin=one />F<section end=one/>"},
    {"Parts", "intro\n== One ==\n1\n=== Sub ===\ns\n==Two==\n2\n"},
    {0},
};

static void arguments(void **state) {
    (void)state;
    static const example rows[] = {
        {"", ""},
        {"plain", "plain"},
        {"{{echo}}", "nothing"},
        {"{{echo|a}}", "a"},
        {"{{ echo | a }}", " a "},
        {"{{echo|1= a }}", "a"},
        {"{{echo|a|1=b}}", "b"},
        {"{{echo|1=b|a}}", "a"},
        {"{{echo|}}", ""},
        {"{{echo|x=y}}", "nothing"},
        {"{{echo|a=b=c}}", "nothing"},
        {"{{echo|1=b=c}}", "b=c"},
        {"{{_echo_|a}}", "a"},
        {"{{Template:Echo|a}}", "a"},
        {"{{template : echo|a}}", "a"},
        {"{{{{echo|echo}}|a}}", "a"},
        {"{{named|a=1|b=2}}", "[1|2]"},
        {"{{named|a=1\n|b=\n2\n}}", "[1|2]"},
        {"{{named}}", "[{{{a}}}|no d ]"},
        {"{{named|c=3}}", "[{{{a}}}|no 3 ]"},
        {"{{named|{{echo|a}}=1}}", "[1|no d ]"},
        {"{{named|a={{echo|x=y}}}}", "[nothing|no d ]"},
        {"{{both|p|x= q }}", "p-q"},
        {"{{both|{{both|1|x=2}}|x={{both|3|x=4}}}}", "1-2-3-4"},
        {"{{echo|{{{1|outer}}}}}", "outer"},
        {"{{{1}}} {{{1|}}} {{{1|a|b}}} {{{ a }}}", "{{{1}}}  a {{{ a }}}"},
        {"{{{a|b=c}}}", "b=c"},
        {"{{{{{{a|b}}}|c}}}", "c"},
        {"{{equals|k=v}}", "w"},
        {"{{echo|[[a|b]]}}", "[[a|b]]"},
        {"{{echo|a<!-- | -->b}}", "ab"},
        {"{{echo|1|2|3|4|5|6|7|8|9|10|1=11}}", "11"},
        {"{{echo|1|2|3|4|5|6|7|8|9|10}}", "1"},
    };
    world_use(pages);
    check(rows, countof(rows));
}

static void templates(void **state) {
    (void)state;
    static const example rows[] = {
        {"{{doc}}", "ac"},
        {"{{only|x}}", "bx"},
        {"{{alias|x}}", "x"},
        {"{{quiet}}", "\ne"},
        {"{{:plain}}", "page in it"},
        {"{{:missing}}", "[[:Missing]]"},
        {"{{talk:plain}}", "talk"},
        {"{{talk}}", "template talk"},
        {"{{a<b}}", "{{a<b}}"},
        {"{{a<b|{{echo|x}}|k={{echo|y}}}}", "{{a<b|x|k=y}}"},
        {"{{a|{{b", "{{a|{{b"},
        {"{{}}", "{{}}"},
        {"{{|x}}", "{{|x}}"},
        {"{{wikipedia:Foo|x}}", "{{wikipedia:Foo|x}}"},
        {"{{subst:echo|{{echo|x}}}}", "{{subst:echo|x}}"},
        {"{{safesubst:echo|x}}", "x"},
        {"{{ {{{|safesubst:}}}echo|x}}", "x"},
        {"{{msg:echo|x}}{{MSG:echo|y}}{{raw:echo|z}}", "xyz"},
        {"{{raw:PAGENAME}} {{PAGENAME}}", "a template Main Page"},
        {"<noinclude>a</noinclude><includeonly>b</includeonly>c", "ac"},
        {"x{{list}}", "x\n* a"},
        {"{{list}}", "\n* a"},
        {"x\n{{list}}", "x\n* a"},
        {"x{{table}}", "x\n{|\n|}"},
        {"\n{{ {{echo|list}} }}", "\n* a"},
        {"{{{{echo|list}}}}", "{list}"},
        {"x{{echo|* a}}", "x\n* a"},
        {"x{{echo|#}}", "x\n#"},
        {"x{{echo|!}}", "x!"},
    };
    world_use(pages);
    check(rows, countof(rows));
}

static void missing(void **state) {
    (void)state;
    world_use(pages);
    wt_options o = world_options();
    o.families = NULL;
    wt_parser *p = world_parser(&o);
    assert_true(
        str_eq(wt_expand_text(p, STR("{{missing|a=b}}"), NULL), STR("[[:Template:Missing]]")));
    assert_true(str_eq(wt_expand_text(p, STR("{{/Sub|x}}"), NULL), STR("[[:Template:/Sub]]")));
    o.families = &families;
    str shown = wt_expand_text(p, STR("{{missing|a=bcd}}"), NULL);
    assert_true(str_find(shown, STR("bcd")) < shown.len);
}

static void subpages(void **state) {
    (void)state;
    static const world_page sub[] = {{"Talk:A/B", "b"}, {"Talk:A/B/C", "c"}, {0}};
    static const example rows[] = {
        {"{{/C}}", "c"},
        {"{{/C/}}", "c"},
        {"{{../}}", "[[:Talk:A]]"},
        {"{{../B/C}}", "c"},
        {"{{../../X}}", "{{../../X}}"},
        {"{{ /D }}", "[[:Talk:A/B/D]]"},
    };
    wt_options o = world_options();
    o.title = STR("Talk:A/B");
    world_use(sub);
    for (size_t i = 0; i < countof(rows); i++) {
        wt_parser *p = world_parser(&o);
        str got = wt_expand_text(p, str_of(rows[i].text), NULL);
        assert_string_equal(arena_cstr(&world_mem, got), rows[i].flat);
    }
}

static void loops(void **state) {
    (void)state;
#define LOOP(name) "<span class=\"error\">Template loop detected: [[" name "]]</span>"
    static const example rows[] = {
        {"{{self}}", "x" LOOP("Template:Self")},
        {"{{ping}}", LOOP("Template:Ping")},
        {"{{echo|{{echo|{{echo|x}}}}}}", "x"},
        {"{{self}}{{self}}", "x" LOOP("Template:Self") "x" LOOP("Template:Self")},
    };
    world_use(pages);
    check(rows, countof(rows));
}

static void headings(void **state) {
    (void)state;
    world_use(pages);
    wt_options o = world_options();
    wt_parser *p = world_parser(&o);
    str got = wt_expand_text(p, STR("== A ==\n{{headed}}\n=B=\n{{echo|\n==C==\n}}"), p->frame);
    assert_string_equal(arena_cstr(&world_mem, got),
                        "==\x7Fh00000000\x7F A ==\n==\x7Fh00000001\x7F In ==\n\n"
                        "=\x7Fh00000002\x7F"
                        "B=\n\n==C==\n");
    const wt_heading_mark *marks = p->marks.at;
    assert_int_equal(p->marks.n, 3);
    assert_true(str_eq(marks[0].title, STR("Main Page")) && marks[0].index == 1);
    assert_true(str_eq(marks[1].title, STR("Template:Headed")) && marks[1].index == 1);
    assert_true(str_eq(marks[2].title, STR("Main Page")) && marks[2].index == 2);
}

static void as_written(void **state) {
    (void)state;
    world_use(pages);
    assert_string_equal(world_expand("{{msgnw:doc}}"),
                        "a&#60;noinclude&#62;b&#60;/noinclude&#62;"
                        "&#60;includeonly&#62;c&#60;/includeonly&#62;");
    static const world_page marks[] = {
        {"Template:M", "* a\n\n: b ''c'' !!d__e__\n----\n {|[[{{x|{{{1}}}}}]] http://x ~~~ - !"},
        {0}};
    world_use(marks);
    assert_string_equal(world_expand("{{msgnw:m|1}}"),
                        "&#42; a\n&#10;&#58; b &#39;&#39;c&#39;&#39; !&#33;d_&#95;e_&#95;\n-&#45;--"
                        "\n&#32;&#123;&#124;&#91;&#91;&#123;&#123;x&#124;&#123;&#123;&#123;1"
                        "&#125;&#125;&#125;&#125;&#125;&#93;&#93; http&#58;//x ~&#126;~ - !");
}

static void messages(void **state) {
    (void)state;
    static const world_page own[] = {{"MediaWiki:Own", "ours"}, {0}};
    world_use(own);
    assert_string_equal(world_expand("{{MediaWiki:own}}"), "ours");
    assert_string_equal(world_expand("{{MediaWiki:Greeting}}"), "Hello $1, from Main Page");
    assert_string_equal(world_expand("{{MediaWiki:Nothing}}"), "[[:MediaWiki:Nothing]]");
}

// --- Functions -----------------------------------------------------------------------------------

static void finds_functions(void **state) {
    (void)state;
    assert_non_null(wt_func_find(STR("#lst"), true));
    assert_ptr_equal(wt_func_find(STR("#LST"), true), wt_func_find(STR("#lst"), true));
    assert_null(wt_func_find(STR("lst"), true));
    assert_null(wt_func_find(STR("#lst"), false));
    assert_non_null(wt_func_find(STR("DEFAULTSORT"), true));
    assert_null(wt_func_find(STR("defaultsort"), true));
    assert_null(wt_func_find(STR("#DEFAULTSORT"), true));
    assert_null(wt_func_find(STR("nosuchfunction"), true));
    assert_null(wt_func_find(STR(""), true));
    assert_null(wt_func_find(STR("#"), true));
    char *big = arena_alloc(&world_mem, 1000);
    assert_null(wt_func_find((str){memset(big, 'a', 1000), 1000}, true));
}

static void reads_arguments(void **state) {
    (void)state;
    world_use(pages);
    wt_options o = world_options();
    wt_parser *p = world_parser(&o);
    wt_tree tree;
    wt_preprocess(&tree, STR("{{f: a |b= {{echo|c}} | d |1|2|3|4|5|6|7=8}}"), false, p->mem);
    const wt_node *parts = tree.root->child->child->next;
    const wt_node *all[9];
    for (size_t i = 0; i < countof(all); i++, parts = parts->next)
        all[i] = parts;
    wt_call calls[] = {{.p = p, .frame = p->frame, .first = STR("a"), .part = all[0], .n = 10},
                       {.p = p, .first = STR("a"), .part = all[0], .parts = all, .n = 10}};
    for (size_t i = 0; i < countof(calls); i++) {
        const wt_call *c = &calls[i];
        str key, value;
        assert_true(str_eq(wt_call_arg(c, 0), STR("a")));
        assert_true(str_eq(wt_call_arg(c, 1), STR("b= c")));
        assert_true(str_eq(wt_call_arg(c, 2), STR("d")));
        assert_true(str_eq(wt_call_arg(c, 9), STR("7=8")));
        assert_true(str_eq(wt_call_arg(c, 10), STR("")));
        assert_true(wt_call_has(c, 9) && !wt_call_has(c, 10));
        assert_true(wt_call_pair(&key, &value, c, 1));
        assert_true(str_eq(key, STR("b")) && str_eq(value, STR("c")));
        assert_false(wt_call_pair(&key, &value, c, 2));
        assert_true(str_eq(key, STR("")) && str_eq(value, STR("d")));
        assert_ptr_equal(wt_call_part(c, 3), all[2]);
        assert_null(wt_call_part(c, 0));
    }
}

static void sections(void **state) {
    (void)state;
    static const example rows[] = {
        {"{{#lst:Sections|one}}", "B!F"},
        {"{{#section:Sections|two}}", "D"},
        {"{{#lst:Sections|one|two}}", "B!cDF"},
        {"{{#lst:Sections|none}}", ""},
        {"{{#lst:Nothing|one}}", "[[:Nothing]]"},
        {"{{#lstx:Sections|one}}", "acDe"},
        {"{{#lstx:Sections|two|(cut)}}", "aB!c(cut)eF"},
        {"{{#lsth:Parts|one}}", "\n1\n===\x7Fh00000000\x7F Sub ===\ns\n"},
        {"{{#lsth:Parts|Two}}", "\n2\n"},
        {"{{#section-h:Parts|Sub}}", "\ns\n"},
        {"{{#lsth:Parts|One|Sub}}", "\n1\n"},
        {"{{#lsth:Parts|None}}", ""},
    };
    world_use(pages);
    check(rows, countof(rows));
}

static void own_title(void **state) {
    (void)state;
    wt_options o = world_options();
    wt_parser *p = world_parser(&o);
    assert_true(str_eq(wt_expand_text(p, STR("{{DEFAULTSORT: b }}"), NULL), STR("")));
    assert_true(str_eq(p->default_sort, STR("b")));
    assert_true(str_eq(wt_expand_text(p, STR("{{DEFAULTSORT:c|noreplace}}"), NULL), STR("")));
    assert_true(str_eq(p->default_sort, STR("b")));
    str warning = wt_expand_text(p, STR("{{DEFAULTSORT:d}}"), NULL);
    assert_true(str_find(warning, STR("overrides earlier")) < warning.len);
    assert_true(str_eq(p->default_sort, STR("d")));
    assert_true(str_eq(wt_expand_text(p, STR("{{DEFAULTSORT:e|noerror}}"), NULL), STR("")));
    assert_true(str_eq(wt_expand_text(p, STR("{{DISPLAYTITLE:main Page}}"), NULL), STR("")));
    assert_true(str_eq(p->display_title, STR("main Page")));
    warning = wt_expand_text(p, STR("{{DISPLAYTITLE:Other}}"), NULL);
    assert_true(str_find(warning, STR("ignored")) < warning.len);
    assert_true(str_eq(p->display_title, STR("main Page")));
}

// --- Modules -------------------------------------------------------------------------------------

static bool invoke(void *arg, buf *out, wt_parser *p, str module, str function,
                   const wt_frame *frame) {
    if (str_eq(function, STR("decline"))) return false;
    assert_ptr_equal(arg, &pages);
    wt_named args[4];
    size_t n = wt_frame_args(args, countof(args), p, frame);
    buf_fmt(out, "%.*s/%.*s", STR_ARG(module), STR_ARG(function));
    for (size_t i = 0; i < n; i++)
        buf_fmt(out, " %.*s:%.*s", STR_ARG(args[i].name), STR_ARG(args[i].value));
    str outer;
    if (wt_frame_arg(&outer, p, frame->parent, STR("1")))
        buf_fmt(out, " outer:%.*s", STR_ARG(outer));
    return true;
}

static void modules(void **state) {
    (void)state;
    static const world_page with[] = {
        {"Template:Call", "{{#invoke:foo|{{echo|main}}|x|k= v |{{{1}}}|2=z}}"},
        {"Template:Echo", "{{{1}}}"},
        {0},
    };
    static const wt_module runner = {(void *)(uintptr_t)&pages, invoke};
    world_use(with);
    wt_options o = world_options();
    o.module = &runner;
    wt_parser *p = world_parser(&o);
    str got = wt_expand_text(p, STR("{{call|y}}"), NULL);
    assert_string_equal(arena_cstr(&world_mem, got), "Module:Foo/main 1:x k:v 2:z outer:y");
    assert_true(wt_expand_text(p, STR("{{#invoke:foo|decline}}"), NULL).len > 0);
}

// --- Limits --------------------------------------------------------------------------------------

static wt_parser *limited(wt_limits limits) {
    wt_options *o = arena_new(&world_mem, wt_options);
    *o = world_options();
    wt_parser *p = world_parser(o);
#define LIMIT(field)                                                                               \
    if (limits.field) p->limits.field = limits.field
    LIMIT(nodes);
    LIMIT(expanded_bytes);
    LIMIT(argument_bytes);
    LIMIT(depth);
    LIMIT(deadline_ns);
#undef LIMIT
    return p;
}

static bool shows(wt_parser *p, const char *text, const char *what) {
    str got = wt_unstrip_str(p, wt_expand_text(p, str_of(text), NULL), "gxn");
    return str_find(got, str_of(what)) < got.len;
}

static void limits(void **state) {
    (void)state;
    static const world_page bombs[] = {
        {"Template:Ten", "0123456789"},
        {"Template:B0", "x"},
        {"Template:B1", "{{B0|{{{1}}}}}{{B0|{{{1}}}}}"},
        {"Template:Twice", "{{{1}}}{{{1}}}{{{1}}}"},
        {"Template:Down1", "{{Down2}}"},
        {"Template:Down2", "{{Down3}}"},
        {"Template:Down3", "end"},
        {0},
    };
    world_use(bombs);
    wt_parser *p = limited((wt_limits){.expanded_bytes = 25});
    assert_true(shows(p, "{{ten|1}}{{ten|2}}{{ten|3}}",
                      "01234567890123456789[[:Template:Ten]]<!-- WARNING: template omitted"));
    assert_int_equal(p->over, WT_OVER_EXPANDED);
    assert_int_equal(p->page->expanded_bytes, 20);
    p = limited((wt_limits){.argument_bytes = 9});
    assert_true(shows(p, "{{twice|abcd}}", "abcdabcd<!-- WARNING: argument omitted"));
    assert_int_equal(p->over, WT_OVER_ARGUMENTS);
    p = limited((wt_limits){.depth = 2});
    assert_true(shows(p, "{{down1}}", "Template recursion depth limit exceeded (2)"));
    assert_int_equal(p->over, WT_OVER_DEPTH);
    p = limited((wt_limits){.nodes = 5});
    assert_true(shows(p, "{{ten|1}}{{ten|2}}{{ten|3}}{{ten|4}}{{ten|5}}{{ten|6}}",
                      "Node-count limit exceeded"));
    assert_int_equal(p->over, WT_OVER_NODES);
    p = limited((wt_limits){.deadline_ns = 1});
    char *many = arena_alloc(&world_mem, 60001);
    for (int i = 0; i < 10000; i++)
        memcpy(many + i * 6, "{{b0}}", 6);
    assert_true(shows(p, many, "is used up"));
    assert_int_equal(p->over, WT_OVER_TIME);
    assert_true(shows(p, "{{b0}}", "{{b0}}"));
}

static const char *nested(const char *open, const char *middle, const char *close, size_t n) {
    size_t a = strlen(open), m = strlen(middle), z = strlen(close);
    char *text = arena_alloc(&world_mem, n * (a + z) + m + 1);
    for (size_t i = 0; i < n; i++) {
        memcpy(text + i * a, open, a);
        memcpy(text + n * a + m + i * z, close, z);
    }
    memcpy(text + n * a, middle, m);
    return text;
}

static void deep(void **state) {
    (void)state;
    world_use(pages);
    wt_parser *p = limited((wt_limits){0});
    assert_true(shows(p, nested("{{{a|", "end", "}}}", 50000), "end"));
    assert_int_equal(p->over, 0);
    assert_true(shows(p, nested("{{echo|", "end", "}}", 20000), "Expansion depth limit exceeded"));
    assert_int_equal(p->over & WT_OVER_DEPTH, WT_OVER_DEPTH);
    assert_true(shows(p, nested("{{", "end", "}}", 20000), "Expansion depth limit exceeded"));
    assert_true(shows(p, nested("{{a<b|", "end", "}}", 20000), "end"));
    world_forget();
}

// An arena that is soon full ends in a note, and what follows stands as it was written.
static void little_memory(void **state) {
    (void)state;
    static const world_page grows[] = {{"Template:Grow", "{{{1}}}{{{1}}}{{{1}}}{{{1}}}"}, {0}};
    world_use(grows);
    const char *text = nested("{{grow|", "0123456789abcdef", "}}", 12);
    for (size_t room = 1 << 20; room <= 16 << 20; room *= 2) {
        arena small = {.reserve = room};
        wt_parser *p = limited((wt_limits){0});
        small.base = world_mem.base + align_up(world_mem.used, 4096);
        p->mem = &small;
        p->limits.expanded_bytes = p->limits.argument_bytes = 1u << 30;
        wt_expand_text(p, str_of(text), NULL);
        assert_int_equal((p->over & WT_OVER_MEMORY) != 0, true);
        assert_true(shows(p, "{{grow|x}}", "{{grow|x}}"));
    }
    world_forget();
}

// {{a}} calls {{b}} twice, that calls {{c}} twice...: ends soon, and in a note.
static void bombs(void **state) {
    (void)state;
    enum { LEVELS = 60 };
    static world_page bomb[LEVELS + 1];
    for (int i = 0; i < LEVELS; i++) {
        bomb[i].title = arena_fmt(&world_mem, "Template:B%d", i).ptr;
        bomb[i].text =
            arena_fmt(&world_mem, "xy{{B%d|{{{1|}}}}}{{B%d|{{{1|}}}a}}", i + 1, i + 1).ptr;
    }
    world_use(bomb);
    wt_parser *p = limited((wt_limits){0});
    str got = wt_expand_text(p, STR("{{B0}}"), NULL);
    assert_true(got.len < 4 << 20);
    assert_true(p->over & (WT_OVER_NODES | WT_OVER_EXPANDED));
    world_forget();
}

// --- What is kept --------------------------------------------------------------------------------

static void asks_once(void **state) {
    (void)state;
    world_use(pages);
    world_asked = 0;
    assert_string_equal(world_expand("{{echo|1}}{{echo|2}}{{Echo|3}}{{template:echo|4}}"), "1234");
    assert_int_equal(world_asked, 1);
}

static void keeps_expansions(void **state) {
    (void)state;
    world_use(pages);
    wt_options o = world_options();
    wt_parser *p = world_parser(&o);
    wt_expand_text(p, STR("{{named|a=1}}"), NULL);
    uint32_t first = p->page->nodes;
    assert_true(str_eq(wt_expand_text(p, STR("{{named|a=1}}"), NULL), STR("[1|no d ]")));
    uint32_t second = p->page->nodes - first;
    assert_true(second < first);
    assert_true(str_eq(wt_expand_text(p, STR("{{named|a=2}}"), NULL), STR("[2|no d ]")));
    assert_true(str_eq(wt_expand_text(p, STR("{{named|1=a}}"), NULL), STR("[{{{a}}}|no d ]")));
    uint32_t before = p->page->nodes;
    wt_expand_text(p, STR("{{headed}}"), NULL);
    wt_expand_text(p, STR("{{headed}}"), NULL);
    assert_int_equal(p->marks.n, 2);  // markers are of each call
    assert_true(p->page->nodes > before);
}

static void notes_used(void **state) {
    (void)state;
    world_use(pages);
    wt_options o = world_options();
    wt_page page = world_page_of("{{echo|1}}{{alias|2}}{{missing}}{{missing}}{{#lst:Parts}}", &o);
    static const char *const want[] = {"Template:Echo", "Template:Alias", "Template:Missing",
                                       "Parts"};
    assert_int_equal(page.n_used, countof(want));
    for (size_t i = 0; i < countof(want); i++) {
        assert_true(str_eq(page.used[i].title, str_of(want[i])));
        assert_int_equal(page.used[i].hash != 0, i != 2);
    }
}

static void explains(void **state) {
    (void)state;
    world_use(pages);
    wt_options o = world_options();
    o.explain = true;
    wt_page page = world_page_of("{{both|{{echo|abc}}|x=1}}{{echo|d}}{{#lst:Parts|x}}", &o);
    assert_int_equal(page.n_costs, 3);
    for (size_t i = 0; i < page.n_costs; i++) {
        const wt_cost *cost = &page.costs[i];
        if (str_eq(cost->name, STR("Template:Echo"))) {
            assert_int_equal(cost->calls, 2);
            assert_int_equal(cost->bytes, 4);
        } else if (str_eq(cost->name, STR("Template:Both"))) {
            assert_int_equal(cost->calls, 1);
            assert_int_equal(cost->bytes, 2);
        } else {
            assert_true(str_eq(cost->name, STR("#lst")));
        }
    }
    o.explain = false;
    assert_int_equal(world_page_of("{{echo|abc}}", &o).n_costs, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments),
        cmocka_unit_test(templates),
        cmocka_unit_test(missing),
        cmocka_unit_test(subpages),
        cmocka_unit_test(loops),
        cmocka_unit_test(headings),
        cmocka_unit_test(as_written),
        cmocka_unit_test(messages),
        cmocka_unit_test(finds_functions),
        cmocka_unit_test(reads_arguments),
        cmocka_unit_test(sections),
        cmocka_unit_test(own_title),
        cmocka_unit_test(modules),
        cmocka_unit_test(limits),
        cmocka_unit_test(deep),
        cmocka_unit_test(little_memory),
        cmocka_unit_test(bombs),
        cmocka_unit_test(asks_once),
        cmocka_unit_test(keeps_expansions),
        cmocka_unit_test(notes_used),
        cmocka_unit_test(explains),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
