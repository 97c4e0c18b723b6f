// The index: real dumps give the counts that were measured by hand, titles are found however they
// are written, and no damage to dump or index does more than give an error.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/wiki/data.h"
#include "wiki/wiki.h"

static const char small_dump[] =
    DATA_SITE DATA_PAGE("Ant", "Ants.") DATA_PAGE("AT&amp;T", "A company.")
        DATA_PAGE("Café", "Coffee.") DATA_PAGE("Ant farm", "Ants at home.")
            DATA_REDIRECT("ANT", "ant") DATA_REDIRECT("Loop A", "Loop B")
                DATA_REDIRECT("Loop B", "Loop A") DATA_REDIRECT("To nowhere", "Nowhere")
                    DATA_PAGE("Twice", "first") DATA_PAGE("Éclair", "Cake.")
                        DATA_PAGE("Category:Ants", "All ants.") DATA_PAGE("Twice", "second")
                            DATA_PAGE("東京", "Tokyo.") DATA_PAGE("anthill", "Lower case.")
                                DATA_PAGE("Zebra", "The last page.") DATA_END;

static const char *build_small(wiki_build_result *r) {
    err e = {0};
    const char *dump = data_write("small.xml", (str){small_dump, sizeof small_dump - 1});
    if (data_build(dump, r, &e)) fail_msg("%s", e.msg);
    return dump;
}

static wiki open_small(void) {
    wiki_build_result r;
    const char *dump = build_small(&r);
    wiki w;
    err e = {0};
    if (wiki_open(&w, dump, NULL, &e)) fail_msg("%s", e.msg);
    return w;
}

static void counts(void **state) {
    (void)state;
    wiki_build_result r;
    build_small(&r);
    assert_int_equal(r.n_pages, 14);
    assert_int_equal(r.n_redirects, 4);
    assert_int_equal(r.n_duplicates, 1);
    assert_int_equal(r.n_without_sha1, 15);
    assert_int_equal(r.n_bad_sha1, 0);
    assert_int_equal(r.xml_bytes, sizeof small_dump - 1);
    assert_false(r.is_open_ended);
}

static void find_is_exact(void **state) {
    (void)state;
    wiki w = open_small();
    wiki_page p;
    assert_true(wiki_index_find(&p, w.index, STR("AT&T")));
    assert_true(str_eq(p.title, STR("AT&T")));
    assert_false(wiki_index_find(&p, w.index, STR("AT&amp;T")));
    assert_false(wiki_index_find(&p, w.index, STR("at&t")));
    assert_true(wiki_index_find(&p, w.index, STR("anthill")));
    assert_false(wiki_index_find(&p, w.index, STR("")));
    wiki_close(&w);
}

static void offsets_span_the_page(void **state) {
    (void)state;
    wiki w = open_small();
    wiki_page p;
    assert_true(wiki_index_find(&p, w.index, STR("Zebra")));  // the last of the dump (W3)
    assert_memory_equal(small_dump + p.off, "<page>", 6);
    assert_memory_equal(small_dump + p.off + p.len - 7, "</page>", 7);
    str xml = wiki_page_xml(&w, &p);
    assert_true(xml.len == p.len && str_find(xml, STR("The last page.")) < xml.len);
    wiki_close(&w);
}

static void last_duplicate_wins(void **state) {
    (void)state;
    wiki w = open_small();
    wiki_page p;
    assert_true(wiki_index_find(&p, w.index, STR("Twice")));
    wiki_revision r;
    assert_int_equal(wiki_revision_parse(&r, wiki_page_xml(&w, &p), &data_arena, NULL), OK);
    assert_true(str_eq(r.text, STR("second")));
    wiki_close(&w);
}

static void resolve_takes_what_people_write(void **state) {
    (void)state;
    static const struct {
        const char *text, *title;
    } cases[] = {
        {"AT&T", "AT&T"},
        {"AT&amp;T", "AT&T"},
        {"Ant_farm", "Ant farm"},
        {"ant farm", "Ant farm"},
        {" ant__farm#Food", "Ant farm"},
        {"ANT FARM", "Ant farm"},
        {"café", "Café"},
        {"CAFÉ", "Café"},
        {"Cafe\xcc\x81", "Café"},
        {"éclair", "Éclair"},
        {"東京", "東京"},
        {"category:ants", "Category:Ants"},
        {":Category: ants", "Category:Ants"},
        {"anthill", "anthill"},
        {"ANT", "ANT"},
        {"aNt", "ANT"},
    };
    wiki w = open_small();
    for (size_t i = 0; i < countof(cases); i++) {
        wiki_page p;
        if (!wiki_index_resolve(&p, w.index, str_of(cases[i].text), data_arena))
            fail_msg("\"%s\" was not found", cases[i].text);
        assert_string_equal(arena_cstr(&data_arena, p.title), cases[i].title);
    }
    wiki_page p;
    assert_false(wiki_index_resolve(&p, w.index, STR("Nothing"), data_arena));
    assert_false(wiki_index_resolve(&p, w.index, STR("#"), data_arena));
    assert_false(wiki_index_resolve(&p, w.index, STR(""), data_arena));
    wiki_close(&w);
}

static void redirects(void **state) {
    (void)state;
    wiki w = open_small();
    wiki_page p;
    assert_true(wiki_index_find(&p, w.index, STR("ANT")));
    assert_true(p.is_redirect && str_eq(p.redirect, STR("ant")));
    assert_true(wiki_index_follow(&p, w.index, data_arena));
    assert_true(str_eq(p.title, STR("Ant")));
    assert_true(wiki_index_find(&p, w.index, STR("Loop A")));
    assert_false(wiki_index_follow(&p, w.index, data_arena));
    assert_true(wiki_index_find(&p, w.index, STR("To nowhere")));
    assert_false(wiki_index_follow(&p, w.index, data_arena));
    assert_true(str_eq(p.title, STR("To nowhere")));
    wiki_close(&w);
}

static void expect_prefix(const wiki *w, const char *prefix, size_t max, size_t skip,
                          size_t want_total, const char *want) {
    int64_t ranks[16];
    size_t total;
    size_t n = wiki_index_prefix(ranks, max, skip, &total, w->index, str_of(prefix), data_arena);
    buf got;
    buf_init(&got, &data_arena, 256);
    for (size_t i = 0; i < n; i++) {
        wiki_page p;
        wiki_index_get(&p, w->index, ranks[i]);
        buf_fmt(&got, "%s%.*s", i ? "|" : "", STR_ARG(p.title));
    }
    assert_string_equal(arena_cstr(&data_arena, buf_str(&got)), want);
    assert_int_equal(total, want_total);
}

static void prefixes(void **state) {
    (void)state;
    wiki w = open_small();
    expect_prefix(&w, "ant", 16, 0, 4, "ANT|Ant|Ant farm|anthill");
    expect_prefix(&w, "ant", 2, 1, 4, "Ant|Ant farm");
    expect_prefix(&w, "ant", 2, 4, 4, "");
    expect_prefix(&w, "ant", 0, 0, 4, "");
    expect_prefix(&w, "Ant", 16, 0, 2, "Ant|Ant farm");
    expect_prefix(&w, "Ant_f", 16, 0, 1, "Ant farm");
    expect_prefix(&w, "aNT", 16, 0, 0, "");
    expect_prefix(&w, "at&t", 16, 0, 1, "AT&T");
    expect_prefix(&w, "AT&amp;T", 16, 0, 1, "AT&T");
    expect_prefix(&w, "é", 16, 0, 1, "Éclair");
    expect_prefix(&w, "東", 16, 0, 1, "東京");
    expect_prefix(&w, "zzz", 16, 0, 0, "");
    expect_prefix(&w, "", 3, 0, 14, "ANT|AT&T|Ant");
    wiki_close(&w);
}

// --- Real dumps ------------------------------------------------------------------------------

static const struct {
    const char *file;
    uint64_t pages, redirects, bad, without;
} real[] = {
    {"enwiki-sample.xml.bz2", 206, 100, 0, 0},
    {"ltgwiki.xml.bz2", 2004, 195, 655, 0},
    {"aawiki-20260101.xml.bz2", 507, UINT64_MAX, 0, 0},
    {"enwiki-tables.xml.bz2", 5, 0, 0, 0},
    {"minidumps/ar.xml.bz2", UINT64_MAX, UINT64_MAX, 0, 0},
    {"minidumps/de.xml.bz2", UINT64_MAX, UINT64_MAX, 0, 0},
    {"minidumps/ja.xml.bz2", UINT64_MAX, UINT64_MAX, 0, 0},
    {"minidumps/zh.xml.bz2", UINT64_MAX, UINT64_MAX, 0, 0},
    {"multistream/pages-articles-p2566p2583.xml.bz2", 17, 0, 0, 0},
    {"multistream/pages-articles-p2566p2583.multistream.xml.bz2", 17, 0, 0, 0},
    {"multistream/pages-articles-p2566p2583.multistream-noheader.xml.bz2", 17, 0, 0, 0},
    {"multistream/pages-articles-p2566p2583.multistream-nofooter.xml.bz2", 17, 0, 0, 0},
};

// Every page is found by its own title, and its slice is that page.
static void check_every_page(const char *name) {
    wiki w;
    err e = {0};
    const char *slash = strrchr(name, '/');
    const char *xml = data_path(wiki_xml_path(&data_arena, slash ? slash + 1 : name));
    if (wiki_open(&w, xml, NULL, &e)) fail_msg("%s: %s", name, e.msg);
    for (size_t i = 0; i < wiki_index_pages(w.index); i++) {
        arena a = data_arena;
        wiki_page p, found;
        wiki_index_get(&p, w.index, (int64_t)i);
        assert_true(wiki_index_find(&found, w.index, p.title) && found.rank == p.rank);
        assert_true(wiki_index_resolve(&found, w.index, p.title, a) && found.rank == p.rank);
        wiki_revision r;
        if (wiki_revision_parse(&r, wiki_page_xml(&w, &p), &a, &e)) fail_msg("%s", e.msg);
        assert_true(str_eq(r.title, p.title) && r.ns == p.ns && r.page_id == p.id);
        assert_true(str_eq(r.redirect, p.redirect));
    }
    wiki_close(&w);
}

static void real_dumps(void **state) {
    (void)state;
    for (size_t i = 0; i < countof(real); i++) {
        const char *dump = data_shared(real[i].file);
        wiki_build_result r;
        err e = {0};
        if (data_build(dump, &r, &e)) fail_msg("%s: %s", real[i].file, e.msg);
        if (real[i].pages != UINT64_MAX) assert_int_equal(r.n_pages, real[i].pages);
        if (real[i].redirects != UINT64_MAX) assert_int_equal(r.n_redirects, real[i].redirects);
        assert_int_equal(r.n_bad_sha1, real[i].bad);
        assert_int_equal(r.n_without_sha1, real[i].without);
        check_every_page(real[i].file);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(find_is_exact),
        cmocka_unit_test(offsets_span_the_page),
        cmocka_unit_test(last_duplicate_wins),
        cmocka_unit_test(resolve_takes_what_people_write),
        cmocka_unit_test(redirects),
        cmocka_unit_test(prefixes),
        cmocka_unit_test(real_dumps),
    };
    return cmocka_run_group_tests(tests, data_setup, data_teardown);
}
