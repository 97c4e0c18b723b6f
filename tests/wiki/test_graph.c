// Categories, links back, redirects to here: against tables kept by the test.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/wiki/data.h"
#include "tests/wiki/small.h"

enum { PAGES = 400, NAMES = 60 };

static uint64_t seed = 7;

static uint64_t draw(uint64_t below) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % below;
}

// The pages' titles do not matter here: that there are PAGES of them does.
static void write_pages(store_out *o) {
    static small_title t[PAGES];
    for (size_t i = 0; i < PAGES; i++)
        t[i].title = arena_fmt(&data_arena, "%04zu", i);
    small_titles(o, t, PAGES);
}

static store_out *begin(const char *name) {
    store_out *o = calloc(1, sizeof *o);
    assert_int_equal(store_out_open(o, data_path(name), WIKI__MAGIC, WIKI__VERSION, NULL), OK);
    return o;
}

static void end(wiki_index *ix, store_out *o, const char *name) {
    assert_int_equal(store_out_commit(o, NULL), OK);
    store_out_abort(o);
    free(o);
    small_open(ix, data_path(name));
}

// --- Categories ------------------------------------------------------------------------------

static str names[NAMES];
static bool is_member[NAMES][PAGES];

static int cmp_name(const void *a, const void *b) {
    return store_fold_cmp(*(const str *)a, *(const str *)b);
}

static void make_names(void) {
    static const char *const some[] = {"Physics", "physics", "PHYSICS", "Physicists", "Cafés",
                                       "Cafes",   "東京",    "1984",    "A",          "a",
                                       "Ünder",   "A b",     "École",   "école"};
    for (size_t i = 0; i < NAMES; i++)
        names[i] = i < countof(some) ? str_of(some[i])
                                     : arena_fmt(&data_arena, "Name %zu of many", i * 7919 % 1000);
    qsort(names, NAMES, sizeof *names, cmp_name);
    for (size_t i = 0; i < NAMES; i++)
        for (size_t p = 0; p < PAGES; p++)
            is_member[i][p] = draw(NAMES) <= i || p == i;
}

static void write_categories(store_out *o) {
    store_sort *sort;
    store_merge *m;
    uint8_t rec[STORE_RECORD_MAX];
    uint64_t n;
    assert_int_equal(store_sort_open(&sort, data_dir, 1 << 20, NULL), OK);
    for (size_t p = PAGES; p-- > 0;)
        for (size_t i = 0; i < NAMES; i++)
            for (int twice = 0; is_member[i][p] && twice < 2; twice++) {
                size_t len = wiki__category_record(rec, names[i], (uint32_t)p);
                assert_int_equal(store_sort_add(sort, rec, len, NULL), OK);
            }
    assert_int_equal(store_merge_open(&m, &sort, 1, 1 << 20, NULL), OK);
    assert_int_equal(wiki__categories_write(o, m, data_dir, &n, NULL), OK);
    assert_int_equal(n, NAMES);
    store_merge_close(m);
    store_sort_close(sort);
}

static void check_members(const wiki_index *ix, size_t at, size_t max, size_t skip) {
    int64_t ranks[PAGES];
    size_t total, seen = 0, n = 0;
    size_t got = wiki_index_members(ranks, max, skip, &total, ix, at);
    for (size_t p = 0; p < PAGES; p++) {
        if (!is_member[at][p] || seen++ < skip || n == max) continue;
        assert_true(n < got);
        assert_int_equal(ranks[n++], p);
    }
    assert_int_equal(got, n);
    assert_int_equal(total, seen);
}

static void check_found(const wiki_index *ix, const char *typed, const char *want) {
    int64_t at = wiki_index_category_find(ix, str_of(typed), data_arena);
    if (at < 0 || !str_eq(names[at], str_of(want))) print_message("category '%s'\n", typed);
    assert_true(at >= 0 && at < NAMES);
    assert_string_equal(arena_cstr(&data_arena, names[at]), want);
}

static void categories(void **state) {
    (void)state;
    wiki_index ix;
    store_out *o = begin("categories.idx");
    make_names();
    write_pages(o);
    write_categories(o);
    end(&ix, o, "categories.idx");
    assert_int_equal(wiki_index_categories(&ix), NAMES);
    for (size_t i = 0; i < NAMES; i++) {
        size_t n, want = 0;
        for (size_t p = 0; p < PAGES; p++)
            want += is_member[i][p];
        assert_true(str_eq(wiki_index_category(&n, &ix, i, &data_arena), names[i]));
        assert_int_equal(n, want);
        assert_int_equal(wiki_index_category_find(&ix, names[i], data_arena), i);
        check_members(&ix, i, PAGES, 0);
        check_members(&ix, i, 1 + draw(9), draw(20));
        check_members(&ix, i, 0, 0);
    }
    check_found(&ix, "Physics", "Physics");
    check_found(&ix, "physics", "physics");
    check_found(&ix, "_Physicists ", "Physicists");
    check_found(&ix, "physicists", "Physicists");
    check_found(&ix, "PHYSICISTS", "Physicists");
    check_found(&ix, "a_b", "A b");
    check_found(&ix, "under", "Ünder");
    check_found(&ix, "école", "école");
    assert_int_equal(wiki_index_category_find(&ix, STR("Nope"), data_arena), -1);
    assert_int_equal(wiki_index_category_find(&ix, STR(""), data_arena), -1);
    assert_int_equal(wiki_index_category_find(&ix, STR("\xff\xfe"), data_arena), -1);
    store_in_close(&ix.file);
}

static void category_ranges(void **state) {
    (void)state;
    wiki_index ix;
    store_out *o = begin("ranges.idx");
    make_names();
    write_pages(o);
    write_categories(o);
    end(&ix, o, "ranges.idx");
    static const char *const prefixes[] = {"",          "p",      "PHYS", "physics", "cafe",
                                           "caf\u00e9", "name 1", "zz",   "東"};
    for (size_t i = 0; i < countof(prefixes); i++) {
        size_t lo, hi;
        str folded = store_fold_in(str_of(prefixes[i]), &data_arena);
        wiki_index_category_range(&lo, &hi, &ix, str_of(prefixes[i]), data_arena);
        assert_true(lo <= hi && hi <= NAMES);
        for (size_t at = 0; at < NAMES; at++) {
            bool starts = str_starts(store_fold_in(names[at], &data_arena), folded);
            assert_int_equal(starts, at >= lo && at < hi);
        }
    }
    store_in_close(&ix.file);
}

static void names_that_are_none(void **state) {
    (void)state;
    uint8_t rec[STORE_RECORD_MAX];
    static char longest[STORE_KEY_MAX + 1];
    memset(longest, 'x', sizeof longest);
    assert_int_equal(wiki__category_record(rec, STR(""), 0), 0);
    assert_int_equal(wiki__category_record(rec, STR("a\0b"), 0), 0);
    assert_int_equal(wiki__category_record(rec, (str){longest, sizeof longest}, 0), 0);
    assert_true(wiki__category_record(rec, str_first((str){longest, sizeof longest}, STORE_KEY_MAX),
                                      0) > 0);
}

static void without_sections(void **state) {
    (void)state;
    wiki_index ix;
    store_out *o = begin("none.idx");
    write_pages(o);
    end(&ix, o, "none.idx");
    size_t lo, hi, total, n;
    int64_t rank;
    assert_int_equal(wiki_index_categories(&ix), 0);
    assert_int_equal(wiki_index_category(&n, &ix, 0, &data_arena).len, 0);
    assert_int_equal(wiki_index_category_find(&ix, STR("A"), data_arena), -1);
    wiki_index_category_range(&lo, &hi, &ix, STR("a"), data_arena);
    assert_int_equal(lo, hi);
    assert_int_equal(wiki_index_members(&rank, 1, 0, &total, &ix, 0), 0);
    assert_int_equal(wiki_index_backlinks(&rank, 1, 0, &total, &ix, 0), 0);
    assert_int_equal(wiki_index_redirects_to(&rank, 1, 0, &total, &ix, 0), 0);
    store_in_close(&ix.file);
}

// --- Links -----------------------------------------------------------------------------------

static bool links[PAGES][PAGES];  // to, from

static void put_be(uint8_t *to, uint32_t v) {
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void add_link(store_sort *sort, uint32_t to, uint32_t from) {
    uint8_t rec[8];
    put_be(rec, to);
    put_be(rec + 4, from);
    assert_int_equal(store_sort_add(sort, rec, sizeof rec, NULL), OK);
}

static status write_links(store_out *o, int section, store_sort *sort, size_t n_pages) {
    store_merge *m;
    assert_int_equal(store_merge_open(&m, &sort, 1, 1 << 20, NULL), OK);
    status s = wiki__graph_write(o, section, m, n_pages, data_dir, NULL);
    store_merge_close(m);
    return s;
}

static void links_back(void **state) {
    (void)state;
    store_sort *sort;
    wiki_index ix;
    store_out *o = begin("links.idx");
    write_pages(o);
    assert_int_equal(store_sort_open(&sort, data_dir, 1 << 20, NULL), OK);
    for (int i = 0; i < 5000; i++) {
        uint32_t to = (uint32_t)draw(1 + draw(PAGES)), from = (uint32_t)draw(PAGES);
        if (to % 5 == 3) continue;  // some without
        links[to][from] = true;
        add_link(sort, to, from);
    }
    assert_int_equal(write_links(o, WIKI__BACKLINKS, sort, PAGES), OK);
    assert_int_equal(write_links(o, WIKI__LEADS, sort, PAGES), OK);
    store_sort_close(sort);
    end(&ix, o, "links.idx");
    for (size_t to = 0; to < PAGES; to++) {
        int64_t back[PAGES], leads[PAGES];
        size_t total, again, want = 0, skip = draw(5);
        size_t n = wiki_index_backlinks(back, PAGES, skip, &total, &ix, (int64_t)to);
        assert_int_equal(wiki_index_redirects_to(leads, PAGES, skip, &again, &ix, (int64_t)to), n);
        assert_int_equal(total, again);
        for (size_t from = 0; from < PAGES; from++) {
            if (!links[to][from] || want++ < skip) continue;
            assert_true(want - skip <= n);
            assert_int_equal(back[want - skip - 1], from);
            assert_int_equal(leads[want - skip - 1], from);
        }
        assert_int_equal(total, want);
    }
    size_t total;
    int64_t rank;
    assert_int_equal(wiki_index_backlinks(&rank, 1, 0, &total, &ix, PAGES), 0);
    assert_int_equal(wiki_index_backlinks(&rank, 1, 0, &total, &ix, WIKI_NO_RANK), 0);
    store_in_close(&ix.file);
}

static void no_pages_no_links(void **state) {
    (void)state;
    store_sort *sort;
    store_out *o = begin("nothing.idx");
    assert_int_equal(store_sort_open(&sort, data_dir, 1 << 20, NULL), OK);
    assert_int_equal(write_links(o, WIKI__BACKLINKS, sort, 0), OK);
    add_link(sort, 0, 0);
    assert_int_equal(write_links(o, WIKI__LEADS, sort, 0), E_ARG);
    store_sort_close(sort);
    store_out_abort(o);
    free(o);
}

// One list of a million, with every member twice.
static void a_huge_list(void **state) {
    (void)state;
    enum { MANY = 1000000 };
    store_sort *sort;
    store_out *o = begin("huge.idx");
    wiki_index ix = {0};
    assert_int_equal(store_sort_open(&sort, data_dir, 4 << 20, NULL), OK);
    for (uint32_t i = 0; i < MANY; i++) {
        add_link(sort, 5, i);
        if (i % 2) add_link(sort, 5, i);
    }
    assert_int_equal(write_links(o, WIKI__BACKLINKS, sort, MANY), OK);
    store_sort_close(sort);
    end(&ix, o, "huge.idx");
    ix.titles.n = MANY;
    int64_t ranks[3];
    size_t total;
    assert_int_equal(wiki_index_backlinks(ranks, 3, MANY - 2, &total, &ix, 5), 2);
    assert_int_equal(total, MANY);
    assert_int_equal(ranks[0], MANY - 2);
    assert_int_equal(ranks[1], MANY - 1);
    store_in_close(&ix.file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(categories),          cmocka_unit_test(category_ranges),
        cmocka_unit_test(names_that_are_none), cmocka_unit_test(without_sections),
        cmocka_unit_test(links_back),          cmocka_unit_test(no_pages_no_links),
        cmocka_unit_test(a_huge_list),
    };
    return cmocka_run_group_tests(tests, data_setup, data_teardown);
}
