// Parser functions in a small wiki: what depends on the world, on limits and on what is not asked
// for. What MediaWiki says of several thousand calls stands in test_func_golden.c.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/wikitext/world.h"

static const world_page pages[] = {
    {"Main Page", "front"},
    {"Project:Sub", "x"},
    {"Template:Echo", "{{{1}}}"},
    {"Template:Deep", "{{#if:{{{1|}}}|yes {{{1}}}|no}}"},
    {"Template:Switch", "{{#switch:{{{1}}}|a|b={{echo|AB}}|c=C|#default=other}}"},
    {"Template:Nope", "{{#ifexist:{{{1}}}|there|gone}}"},
    {"MediaWiki:Own", "own $1 and $2 of {{SITENAME}}"},
    {"MediaWiki:Edit", "change"},
    {"Category:Full", "x"},
    {"Template:SITENAME:x", "template 1"},
    {"Template:Sitename", "template 2"},
    {"Template:PAGENAME", "template 3"},
    {"Template:Ns:no such", "template 4"},
    {"Template:Uc", "template 5"},
    {"Template:CURRENTDAY:x", "template 6"},
    {"Template:Int:", "template 7"},
    {"Template:NUMBEROFPAGES", "template 8"},
    {0},
};

typedef struct pair {
    const char *text, *want;
} pair;

static void check(const pair *pairs, size_t n) {
    int n_wrong = 0;
    world_use(pages);
    for (size_t i = 0; i < n; i++) {
        const char *got = world_expand(pairs[i].text);
        if (!strcmp(got, pairs[i].want)) continue;
        n_wrong++;
        print_error("%s: \"%s\", not \"%s\"\n", pairs[i].text, got, pairs[i].want);
    }
    world_forget();
    assert_int_equal(n_wrong, 0);
}

static void in_templates(void **state) {
    (void)state;
    static const pair pairs[] = {
        {"{{deep}}", "no"},
        {"{{deep|}}", "no"},
        {"{{deep|x}}", "yes x"},
        {"{{switch|a}}", "AB"},
        {"{{switch|b}}", "AB"},
        {"{{switch|c}}", "C"},
        {"{{switch|}}", "other"},
        {"{{#if:{{echo| }}|y|n}}", "n"},
        {"{{#switch:{{echo|a}}|{{echo|a}}=1|2}}", "1"},
        {"{{#switch:|=empty|x}}", "empty"},
        {"{{#ifeq:{{echo|1}}|01|same|not}}", "same"},
        {"{{uc:{{echo|é}}}}", "É"},
        {"{{#expr:{{echo|2}}*3}}", "6"},
        {"{{#iferror:{{#expr:1/0}}|bad|good}}", "bad"},
        {"{{#iferror:{{#time:Y|nonsense}}|bad}}", "bad"},
        {"{{lc:{{PAGENAME}}}}", "main page"},
        {"{{padleft:{{#len:abc}}|3}}", "003"},
    };
    check(pairs, countof(pairs));
}

static void of_the_world(void **state) {
    (void)state;
    static const pair pairs[] = {
        {"{{#ifexist:Main Page|y|n}}", "y"},
        {"{{#ifexist:main Page#x|y|n}}", "y"},
        {"{{#ifexist:Nowhere|y|n}}", "n"},
        {"{{#ifexist:Media:Foobar.jpg|y|n}}", "y"},
        {"{{#ifexist:Media:Nope.jpg|y|n}}", "n"},
        {"{{#ifexist:Special:RecentChanges|y|n}}", "y"},
        {"{{#ifexist:Special:Nothing|y|n}}", "n"},
        {"{{#ifexist:wikipedia:Main Page|y|n}}", "n"},
        {"{{#ifexist:a<b|y|n}}", "n"},
        {"{{SITENAME}}", "MediaWiki"},
        {"{{SERVER}} {{SERVERNAME}} {{SCRIPTPATH}}.", "http://example.org example.org ."},
        {"{{STYLEPATH}} {{ARTICLEPATH}}", "/skins /wiki/$1"},
        {"{{NUMBEROFPAGES}} {{NUMBEROFPAGES:R}}", "5,678 5678"},
        {"{{NUMBEROFARTICLES}} {{NUMBEROFFILES}} {{NUMBEROFUSERS}}", "1,234 42 0"},
        {"{{PAGEID}} {{REVISIONID}} {{PAGEID:Nope}}.", "7 1337 ."},
        {"{{REVISIONTIMESTAMP}} {{REVISIONYEAR}} {{REVISIONMONTH}} {{REVISIONMONTH1}}",
         "20231114221320 2023 11 11"},
        {"{{REVISIONDAY}} {{REVISIONDAY2}} {{REVISIONDAY:Nope}}.", "14 14 ."},
        {"{{PAGESIZE:Project:Sub}} {{PAGESIZE:Nope}}", "1 0"},
        {"{{filepath:Foobar.jpg}} {{filepath:File:Foobar.jpg|nowiki}}",
         "/images/Foobar.jpg /images/Foobar.jpg"},
        {"{{fullurl:wikipedia:Foo bar}}", "http://en.wikipedia.org/wiki/Foo_bar"},
        {"{{localurl:Foo|a=b&c}}", "/index.php?title=Foo&a=b&c"},
        {"{{localurle:Foo|a=b&c}}", "/index.php?title=Foo&amp;a=b&amp;c"},
        {"{{CURRENTYEAR}}-{{CURRENTMONTH}}-{{CURRENTDAY2}}T{{CURRENTTIME}}", "2023-11-14T22:13"},
        {"{{CURRENTMONTHNAME}} {{CURRENTDAYNAME}} {{CURRENTDOW}} {{CURRENTWEEK}}",
         "November Tuesday 2 46"},
        {"{{LOCALTIMESTAMP}} {{LOCALHOUR}}", "20231114221320 22"},
        {"{{#time:Y-m-d|+1 day}}", "2023-11-15"},
        {"{{#time:Y-m-d|last monday}}", "2023-11-13"},
        {"{{int:greeting|you}}", "Hello you, from Main Page"},
        {"{{int:own|1}}", "own 1 and $2 of MediaWiki"},
        {"{{int:edit}}", "change"},
        {"{{int:size-bytes|1}} {{int:size-bytes|2}}", "1 byte 2 bytes"},
        {"{{int:no such}}", "⧼no_such⧽"},
        {"{{ns:4}} {{ns:project talk}} {{nse:3}}", "Project Project talk User_talk"},
        {"{{#language:de}} {{#language:de|en}} {{#language:qqq}}", "Deutsch German qqq"},
        {"{{#dir:he}} {{#dir:de}} {{#dir:}} {{#dir:ps}}", "rtl ltr ltr rtl"},
        {"{{#special:RECENTCHANGES}}", "Special:RecentChanges"},
        {"{{#property:P31}}{{#statements:P31}}.", "."},
    };
    check(pairs, countof(pairs));
}

// What is written like a function but is none is a template.
static void not_functions(void **state) {
    (void)state;
    static const pair pairs[] = {
        {"{{SITENAME:x}}", "template 1"}, {"{{sitename}}", "template 2"},
        {"{{PAGENAME|x}}", "template 3"}, {"{{ns:no such}}", "template 4"},
        {"{{uc}}", "template 5"},         {"{{CURRENTDAY:x}}", "template 6"},
        {"{{int:}}", "template 7"},       {"{{NUMBEROFPAGES|R}}", "template 8"},
        {"{{#if}}", "{{#if}}"},           {"{{#nothing:x}}", "{{#nothing:x}}"},
    };
    check(pairs, countof(pairs));
}

// Markers are neither changed nor counted.
static void markers(void **state) {
    (void)state;
    world_use(pages);
    wt_options o = world_options();
    static const pair pairs[] = {
        {"{{uc:a<nowiki>b</nowiki>c}}", "AbC"},
        {"{{lc:A<nowiki>B</nowiki>C}}", "aBc"},
        {"{{formatnum:1234<nowiki>5678</nowiki>9}}", "1,23456789"},
        {"{{#len:a<nowiki>bcd</nowiki>}}", "1"},
        {"{{urlencode:a<nowiki>b</nowiki> c}}", "a+c"},
        {"{{anchorencode:a<nowiki>b</nowiki> c}}", "a_c"},
        {"{{padleft:x|3|<nowiki>-</nowiki>}}", "x"},
        {"{{#if:<nowiki/>|y|n}}", "y"},
        {"{{#replace:abc|b|<nowiki>x</nowiki>}}", "ac"},
    };
    for (size_t i = 0; i < countof(pairs); i++) {
        wt_parser *p = world_parser(&o);
        str got = wt_unstrip_str(p, wt_expand_text(p, str_of(pairs[i].text), p->frame), "gxn");
        assert_string_equal(arena_cstr(p->mem, got), pairs[i].want);
    }
}

// What comes decoded may not become a marker.
static void forged_markers(void **state) {
    (void)state;
    static const pair pairs[] = {
        {"{{#urldecode:%7Fn00000000%7F}}", "?n00000000?"},
        {"{{#urldecode:a%00b}}", "a\xEF\xBF\xBD"
                                 "b"},
    };
    check(pairs, countof(pairs));
}

static wt_parser *expanded(const wt_options *o, const char *text, const char *want) {
    wt_parser *p = world_parser(o);
    str got = wt_expand_text(p, str_of(text), p->frame);
    if (want) assert_string_equal(arena_cstr(p->mem, got), want);
    return p;
}

static void expensive(void **state) {
    (void)state;
    world_use(pages);
    wt_options o = world_options();
    wt_parser *p = expanded(&o, "{{#ifexist:Main Page|a|b}}{{PAGESIZE:Project:Sub}}", "a1");
    assert_int_equal(p->page->expensive, 2);
    p = world_parser(&o);
    p->limits.expensive = 1;
    str got =
        wt_expand_text(p, STR("{{#ifexist:Main Page|a|b}}{{#ifexist:Main Page|c|d}}"), p->frame);
    assert_string_equal(arena_cstr(p->mem, got), "ad");
    assert_true(p->over & WT_OVER_EXPENSIVE);
}

// Branches that are not taken cost nothing.
static void lazy(void **state) {
    (void)state;
    static const pair pairs[] = {
        {"{{#if:x|a|{{#ifexist:Main Page}}}}", "a"},
        {"{{#ifeq:1|1|a|{{#ifexist:Main Page}}}}", "a"},
        {"{{#switch:a|a=1|{{#ifexist:Main Page}}=2|b={{#ifexist:Main Page}}}}", "1"},
        {"{{#switch:b|a={{#ifexist:Main Page}}|b=1}}", "1"},
        {"{{#ifexpr:0|{{#ifexist:Main Page}}|b}}", "b"},
        {"{{#iferror:a|{{#ifexist:Main Page}}}}", "a"},
    };
    world_use(pages);
    wt_options o = world_options();
    for (size_t i = 0; i < countof(pairs); i++)
        assert_int_equal(expanded(&o, pairs[i].text, pairs[i].want)->page->expensive, 0);
}

static void volatility(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool is_volatile;
    } cases[] = {
        {"{{CURRENTTIME}}", true},
        {"{{LOCALYEAR}}", true},
        {"{{#time:Y}}", true},
        {"{{#time:Y|now}}", true},
        {"{{#time:Y|+1 day}}", true},
        {"{{#time:Y|January}}", true},
        {"{{#time:Y|2001-02-03}}", false},
        {"{{#time:Y|@0}}", false},
        {"{{#time:d F Y|2001-02-03 +1 day}}", false},
        {"{{PAGENAME}}", false},
        {"{{REVISIONYEAR}}", false},
        {"{{#time:H|2001}}", true},
    };
    world_use(pages);
    wt_options o = world_options();
    for (size_t i = 0; i < countof(cases); i++)
        assert_int_equal(expanded(&o, cases[i].text, NULL)->page->is_volatile,
                         cases[i].is_volatile);
}

static void too_many_formats(void **state) {
    (void)state;
    world_use(pages);
    wt_options o = world_options();
    wt_parser *p = world_parser(&o);
    buf b;
    buf_init(&b, p->mem, 1 << 16);
    for (int i = 0; i < 61; i++)
        buf_fmt(&b, "{{#time:%0100d|2001}}", 0);
    str got = wt_expand_text(p, buf_str(&b), p->frame);
    str tail = STR("<strong class=\"error\">Error: Too many #time calls.</strong>");
    assert_true(str_ends(got, tail));
    assert_int_equal(got.len, 60 * 100 + tail.len);
}

static void tags(void **state) {
    (void)state;
    static const pair pairs[] = {
        {"{{#tag:div|a=b|class=\"x\"|id = y z|unnamed}}", "<div class=\"x\" id=\"y z\">a=b</div>"},
        {"{{#tag:br}}", "<br/>"},
        {"{{#tag:B| x }}", "<b> x </b>"},
        {"{{#tag:span|x|title='a\"b'}}", "<span title=\"a&quot;b\">x</span>"},
    };
    check(pairs, countof(pairs));
    world_use(pages);
    wt_options o = world_options();
    wt_parser *p = world_parser(&o);
    str got = wt_expand_text(p, STR("{{#tag:nowiki|''{{echo|x}}''}}"), p->frame);
    assert_string_equal(arena_cstr(p->mem, wt_unstrip_str(p, got, "gxn")), "''x''");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_templates),
        cmocka_unit_test(of_the_world),
        cmocka_unit_test(not_functions),
        cmocka_unit_test(markers),
        cmocka_unit_test(forged_markers),
        cmocka_unit_test(expensive),
        cmocka_unit_test(lazy),
        cmocka_unit_test(volatility),
        cmocka_unit_test(too_many_formats),
        cmocka_unit_test(tags),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
