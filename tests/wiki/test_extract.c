// What wikitext says to the index: links as MediaWiki normalises them, categories, disambiguation.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "wiki/extract.h"

static arena mem;
static buf got;

static int setup(void **state) {
    (void)state;
    return arena_open(&mem, 64 << 20, NULL);
}

static int teardown(void **state) {
    (void)state;
    arena_close(&mem);
    return 0;
}

static void on_found(void *arg, const wiki_extracted *x) {
    (void)arg;
    buf_fmt(&got, "%s%s%.*s", got.len ? "," : "", x->kind == WIKI_CATEGORY ? "C=" : "",
            STR_ARG(x->title));
    if (x->sort_key.len) buf_fmt(&got, "~%.*s", STR_ARG(x->sort_key));
}

static void expect(const char *text, const char *want) {
    static const wiki_site site = {
        .ns = {{.key = 0}, {6, STR_INIT("File"), false}, {14, STR_INIT("Category"), false}},
        .n_ns = 3,
    };
    arena own;
    assert_int_equal(arena_open(&own, 1 << 20, NULL), OK);
    buf_init(&got, &own, 0);
    wiki_extract(str_of(text), &site, mem, on_found, NULL);
    buf_byte(&got, 0);
    assert_string_equal(got.ptr, want);
    arena_close(&own);
}

static void links(void **state) {
    (void)state;
    expect("", "");
    expect("[[", "");
    expect("no [http://x y] link", "");
    expect("[[Ant]]", "Ant");
    expect("[[ant]]s and [[Bee|bees]]", "Ant,Bee");
    expect("[[ant farm#Food|x]]", "Ant farm");
    expect("[[#Food]]", "");
    expect("[[ ant__farm ]]", "Ant farm");
    expect("[[AT&amp;T]] [[éclair]]", "AT&T,Éclair");
    expect("[[a\nb]] [[a{b]] [[c", "");
    expect("[[c|d", "");
    expect("[[a]] [[b", "A");
    expect("[[[[a]]]]", "A");
    expect("[[Ant]][[Ant]]", "Ant,Ant");
    expect("[[2001: A Space Odyssey]]", "2001: A Space Odyssey");
}

static void namespaces(void **state) {
    (void)state;
    expect("[[File:A.jpg|thumb|An [[ant]] here]]", "Ant");
    expect("[[Category:Ants]]", "C=Category:Ants");
    expect("[[Category:Ants|Key, odd]]", "C=Category:Ants~Key, odd");
    expect("[[category: ants]]", "C=Category:Ants");
    expect("[[:Category:Ants]]", "Category:Ants");
    expect("[[:File:A.jpg]]", "File:A.jpg");
}

static void hidden(void **state) {
    (void)state;
    expect("<nowiki>[[a]]</nowiki>[[b]]", "B");
    expect("<NoWiki >[[a]]</NOWIKI >[[b]]", "B");
    expect("<nowiki/>[[a]]", "A");
    expect("<nowiki>[[a]]", "A");
    expect("<!-- [[a]] <nowiki> -->[[b]]", "B");
    expect("[[b]]<!-- [[a]]", "B");
    expect("<ref>[[a]]</ref> <n>[[b]]", "A,B");
}

static void disambiguation(void **state) {
    (void)state;
    const char *yes[] = {
        "{{disambig}}",  "x\n{{Disambiguation|geo}}", "{{ hndis |X}}",  "{{Begriffsklärung}}",
        "{{homonymie}}", "{{desambiguación}}",        "{{曖昧さ回避}}", "{{消歧义}}",
        "{{توضيح}}",     "{{неоднозначность}}",       "a __DISAMBIG__"};
    const char *no[] = {
        "",      "disambig",    "{{disambiguation needed}}", "{{about|x}}", "{disambig}",
        "{{dab", "{{{dab}}}x{{"};
    for (size_t i = 0; i < countof(yes); i++)
        if (!wiki_is_disambiguation(STR("X"), str_of(yes[i]))) fail_msg("%s", yes[i]);
    for (size_t i = 0; i < countof(no) - 1; i++)
        if (wiki_is_disambiguation(STR("X"), str_of(no[i]))) fail_msg("%s", no[i]);
    assert_true(wiki_is_disambiguation(STR("Ant (disambiguation)"), STR("")));
    assert_false(wiki_is_disambiguation(STR("Ant (insect)"), STR("")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links),
        cmocka_unit_test(namespaces),
        cmocka_unit_test(hidden),
        cmocka_unit_test(disambiguation),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
