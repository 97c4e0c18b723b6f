// The preprocessor: trees of braces, brackets, headings, comments and tags, written as text.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/wikitext/world.h"

// T"text" {name|key=value|value} {{name}} for arguments, H2#1[...], <ext>, !comment, ~ignored.
static void show(buf *out, const wt_node *node);

static void show_call(buf *out, const wt_node *node, const char *open, const char *close) {
    buf_add(out, str_of(open));
    if (node->line_start) buf_byte(out, '^');
    show(out, node->child->child);
    for (const wt_node *part = node->child->next; part; part = part->next) {
        buf_byte(out, '|');
        bool is_named = part->child->kind == WT_KEY;
        if (is_named) {
            assert_int_equal(part->index, 0);
            show(out, part->child->child);
            buf_byte(out, '=');
        } else {
            buf_fmt(out, "%u:", part->index);
        }
        show(out, is_named ? part->child->next->child : part->child->child);
    }
    buf_add(out, str_of(close));
}

static void show(buf *out, const wt_node *node) {
    for (; node; node = node->next)
        switch (node->kind) {
        case WT_TEXT:
            buf_fmt(out, "'%.*s'", STR_ARG(node->text));
            break;
        case WT_TEMPLATE:
            show_call(out, node, "{", "}");
            break;
        case WT_ARG:
            show_call(out, node, "{{", "}}");
            break;
        case WT_HEADING:
            buf_fmt(out, "H%d#%u[", node->level, node->index);
            show(out, node->child);
            buf_byte(out, ']');
            break;
        case WT_EXT:
            buf_fmt(out, "<%.*s(%.*s)%s%.*s(%.*s)>", STR_ARG(node->text), STR_ARG(node->tag->attrs),
                    node->tag->has_inner ? ":" : "/", STR_ARG(node->tag->inner),
                    STR_ARG(node->tag->close));
            break;
        case WT_COMMENT:
            buf_fmt(out, "!(%.*s)", STR_ARG(node->text));
            break;
        case WT_IGNORE:
            buf_fmt(out, "~(%.*s)", STR_ARG(node->text));
            break;
        default:
            fail_msg("kind %d in a list", (int)node->kind);
        }
}

static const char *tree_of(const char *text, bool is_included) {
    wt_tree tree;
    wt_preprocess(&tree, str_of(text), is_included, &world_mem);
    assert_false(tree.is_cut);
    buf out, again;
    buf_init(&out, &world_mem, 0);
    show(&out, tree.root->child);
    buf_init(&again, &world_mem, 0);
    wt_unparse(&again, tree.root);
    assert_string_equal(arena_cstr(&world_mem, buf_str(&again)), text);
    return arena_cstr(&world_mem, buf_str(&out));
}

typedef struct example {
    const char *text, *tree;
} example;

static void check(const example *rows, size_t n, bool is_included) {
    for (size_t i = 0; i < n; i++)
        assert_string_equal(tree_of(rows[i].text, is_included), rows[i].tree);
}

static void braces(void **state) {
    (void)state;
    static const example rows[] = {
        {"", ""},
        {"plain { } [ ] | = text", "'plain { } [ ] | = text'"},
        {"a {{b}} c", "'a '{'b'}' c'"},
        {"{{b|x|y=z=w|u}}", "{'b'|1:'x'|'y'='z=w'|2:'u'}"},
        {"{{b||=|}}", "{'b'|1:|=|2:}"},
        {"{{a=b}}", "{'a=b'}"},
        {"{{{x}}}", "{{'x'}}"},
        {"{{{x|y|z=1}}}", "{{'x'|1:'y'|'z'='1'}}"},
        {"{{{{x}}}}", "'{'{{'x'}}'}'"},
        {"{{{{{x}}}}}", "{{{'x'}}}"},
        {"{{{{{x}}|y}}}", "{{{'x'}|1:'y'}}"},
        {"{{{{{{x}}}}}}", "{{{{'x'}}}}"},
        {"{{{x}}", "'{'{'x'}"},
        {"{{x}}}", "{'x'}'}'"},
        {"{{x}", "'{{x}'"},
        {"{x}}", "'{x}}'"},
        {"{{x|{{y}", "'{{x''|''{{y}'"},
        {"{{a|[[b|c=d]]|e}}", "{'a'|1:'[[b|c=d]]'|2:'e'}"},
        {"{{a|[[b|c=d|e}}", "'{{a''|''[[b|c=d|e}}'"},
        {"{{a|[b|c]}}", "{'a'|1:'[b'|2:'c]'}"},
        {"[[a{{b|c}}d]]", "'[[a'{'b'|1:'c'}'d]]'"},
        {"[[[[a]]]]", "'[[[[a]]]]'"},
        {"[[[a]]", "'[[[a]]'"},
        {"\n{{x}}{{y}}", "'\n'{^'x'}{'y'}"},
        {"\n{{{{x}}|y}}", "'\n'{^{'x'}|1:'y'}"},
        {"{{#if:x|a=b}}", "{'#if:x'|'a'='b'}"},
        {"{{a|b\n=c}}", "{'a'|'b\n'='c'}"},
    };
    check(rows, countof(rows), false);
}

static void converters(void **state) {
    (void)state;
    static const example rows[] = {
        {"{{a|-{b|c=d}-|e}}", "{'a'|1:'-{b|c=d}-'|2:'e'}"},
        {"-{a}-", "'-{a}-'"},
        {"-{a}", "'-{a}'"},
        {"-{{a}}", "'-'{'a'}"},
        {"-{{{a}}}-", "'-'{{'a'}}'-'"},
        {"-{{{a}}", "'-{'{'a'}"},
        {"-{{{a}}|b}-", "'-{'{'a'}'|b}-'"},
        {"-{{{{a}}}}", "'-{'{{'a'}}'}'"},
        {"\n-{{a}}", "'\n-'{'a'}"},
        {"-{a{{b}}c}-", "'-{a'{'b'}'c}-'"},
    };
    check(rows, countof(rows), false);
}

static void headings(void **state) {
    (void)state;
    static const example rows[] = {
        {"== a ==", "H2#1['== a ==']"},
        {"=a=\n==b===\n", "H1#1['=a=']'\n'H2#2['==b===']'\n'"},
        {"x\n== a == \t\n= b", "'x\n'H2#1['== a == \t']'\n= b'"},
        {"== a == b", "'== a == b'"},
        {"x == a ==", "'x == a =='"},
        {"== a {{b|c\n==d==\n}} ==\n", "H2#2['== a '{'b'|1:'c\n''==d==''\n'}' ==']'\n'"},
        {"{{a|\n==b==\n}}", "{'a'|1:'\n''==b==''\n'}"},
        {"{{a|\n=b\n}}", "{'a'|'\n'='b\n'}"},
        {"{{a\n==b==}}\n", "'{{a\n==b==}}\n'"},
        {"[[a\n==b==\n]]", "'[[a\n'H2#1['==b==']'\n]]'"},
        {"= [[a\n==b==\n]]=", "H1#2['= [[a\n''==b==''\n]]=']"},
        {"=", "'='"},
        {"==", "'=='"},
        {"===", "H1#1['===']"},
        {"====", "H1#1['====']"},
        {"=====", "H2#1['=====']"},
        {"=======================", "H6#1['=======================']"},
        {"== a ==<!-- c -->", "H2#1['== a =='!(<!-- c -->)]"},
        {"== a == <!-- c --> <!-- d --> ", "H2#1['== a == '!(<!-- c -->)' '!(<!-- d -->)' ']"},
        {"== a ==<!-- c --> x", "'== a =='!(<!-- c -->)' x'"},
        {"== a <!-- == -->", "'== a '!(<!-- == -->)"},
        {"== {{a ==\nb}}", "'== '{'a ==\nb'}"},
    };
    check(rows, countof(rows), false);
}

static void comments(void **state) {
    (void)state;
    static const example rows[] = {
        {"a<!-- b -->c", "'a'!(<!-- b -->)'c'"},
        {"a<!-- b", "'a'!(<!-- b)"},
        {"a\n<!-- b -->\nc", "'a\n'!(<!-- b -->\n)'c'"},
        {"<!-- b -->\nc", "!(<!-- b -->)'\nc'"},
        {"a\n <!-- b --> \t\nc", "'a\n'!( <!-- b --> \t\n)'c'"},
        {"a\n <!-- b --> x\nc", "'a\n '!(<!-- b -->)' x\nc'"},
        {"a\n <!--b--> <!--c-->\nd", "'a\n'!( <!--b--> <!--c-->\n)'d'"},
        {"a\n<!-- b -->\n== c ==", "'a\n'!(<!-- b -->\n)H2#1['== c ==']"},
        {"<!-- {{a}} <nowiki> -->", "!(<!-- {{a}} <nowiki> -->)"},
        {"<!-->x-->", "!(<!-->x-->)"},
        {"{{a<!-- | -->|b}}", "{'a'!(<!-- | -->)|1:'b'}"},
    };
    check(rows, countof(rows), false);
}

static void inclusion(void **state) {
    (void)state;
    static const example alone[] = {
        {"a<noinclude>b</noinclude>c", "'a'~(<noinclude>)'b'~(</noinclude>)'c'"},
        {"a<includeonly>b</includeonly>c", "'a'~(<includeonly>b</includeonly>)'c'"},
        {"a<includeonly>b", "'a'~(<includeonly>b)"},
        {"a<onlyinclude>b</onlyinclude>c", "'a'~(<onlyinclude>)'b'~(</onlyinclude>)'c'"},
        {"a<IncludeOnly >b</INCLUDEONLY >c", "'a'~(<IncludeOnly >b</INCLUDEONLY >)'c'"},
        {"a<includeonly/>c", "'a'~(<includeonly/>)'c'"},
    };
    static const example included[] = {
        {"a<noinclude>b</noinclude>c", "'a'~(<noinclude>b</noinclude>)'c'"},
        {"a<noinclude>b", "'a'~(<noinclude>b)"},
        {"a<includeonly>b</includeonly>c", "'a'~(<includeonly>)'b'~(</includeonly>)'c'"},
        {"a<onlyinclude>b</onlyinclude>c<onlyinclude>d</onlyinclude>",
         "~(a<onlyinclude>)'b'~(</onlyinclude>c<onlyinclude>)'d'~(</onlyinclude>)"},
        {"a<onlyinclude>b", "'a<onlyinclude>b'"},
        {"<onlyinclude>{{a</onlyinclude>}}<onlyinclude>}}</onlyinclude>",
         "~(<onlyinclude>){'a'~(</onlyinclude>}}<onlyinclude>)}~(</onlyinclude>)"},
    };
    check(alone, countof(alone), false);
    check(included, countof(included), true);
}

static void plain_tags(void **state) {
    (void)state;
    static const example rows[] = {
        {"a < b > c</d>", "'a < b > c</d>'"},
        {"<b>{{c}}</b>", "'<b>'{'c'}'</b>'"},
        {"<<<", "'<<<'"},
        {"<noincludes>x", "'<noincludes>x'"},
        {"<noinclude", "'<noinclude'"},
        {"<noinclude <noinclude", "'<noinclude <noinclude'"},
    };
    check(rows, countof(rows), false);
}

// Work is linear: this takes forever otherwise.
static void repeated(const char *unit, size_t n, bool is_included) {
    size_t len = strlen(unit);
    char *text = arena_alloc(&world_mem, n * len);
    for (size_t i = 0; i < n; i++)
        memcpy(text + i * len, unit, len);
    wt_tree tree;
    wt_preprocess(&tree, (str){text, n * len}, is_included, &world_mem);
    buf again;
    buf_init(&again, &world_mem, n * len);
    wt_unparse(&again, tree.root);
    assert_int_equal(again.len, n * len);
    assert_memory_equal(again.ptr, text, n * len);
    world_forget();
}

static void is_linear(void **state) {
    (void)state;
    static const char *const units[] = {
        "{",
        "[",
        "}",
        "]",
        "{{",
        "{{{",
        "[[",
        "-{",
        "{{a",
        "[[a",
        "-{a",
        "{{a|",
        "{{a|b=",
        "{{a}}",
        "{{{a|",
        "<nowiki>",
        "<ref",
        "<!--",
        "<!-- -->",
        " <!-- -->",
        "\n<!-- -->",
        "\n <!-- --> ",
        "\n=",
        "=",
        "\n== a",
        "\n==a==",
        "<noinclude>",
        "<includeonly>",
        "<onlyinclude>",
        "</onlyinclude>",
        "<onlyinclude></onlyinclude>",
        "<",
        "</",
        "{{a\n==",
        "[[a\n==b==\n",
        "{{x}}}}",
        "|",
        "{{=",
        "}-",
        "-{{{",
        "\n",
        " ",
        "\n ",
        "==\n[[",
        "<!-",
        "-->",
    };
    for (size_t i = 0; i < countof(units); i++) {
        repeated(units[i], 40000, false);
        repeated(units[i], 40000, true);
    }
}

// Without room the rest is text; nothing is lost.
static void small_room(void **state) {
    (void)state;
    str text = STR("a {{b|c|d}} [[e]] {{f|{{g}}}}\n== h ==\n<!-- i --> {{j|k=l}}");
    bool was_cut = false, was_whole = false;
    for (size_t room = 0; room < 12000; room += 16) {
        arena a = world_mem;
        a.reserve = a.used + room;
        wt_tree tree;
        wt_preprocess(&tree, text, false, &a);
        arena rest = world_mem;
        rest.used += room;
        buf again;
        buf_init(&again, &rest, 0);
        wt_unparse(&again, tree.root);
        if (tree.root->child) assert_true(str_eq(buf_str(&again), text));
        was_cut |= tree.is_cut, was_whole |= !tree.is_cut;
        if (!tree.is_cut) {
            arena exact = world_mem;
            exact.reserve = exact.used + tree.room;
            wt_preprocess(&tree, text, false, &exact);
            assert_false(tree.is_cut);
            exact = world_mem;
            exact.reserve = exact.used + tree.room - 1;
            wt_preprocess(&tree, text, false, &exact);
            assert_true(tree.is_cut);
        }
    }
    assert_true(was_cut && was_whole);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(braces),    cmocka_unit_test(converters), cmocka_unit_test(headings),
        cmocka_unit_test(comments),  cmocka_unit_test(inclusion),  cmocka_unit_test(plain_tags),
        cmocka_unit_test(is_linear), cmocka_unit_test(small_room),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
