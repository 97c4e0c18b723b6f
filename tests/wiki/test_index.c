// The index against a naive scan of the dump, which the test keeps in an array: titles, places,
// flags and targets of every page, and prefixes. Real dumps give the counts that were measured by
// hand.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/wiki/data.h"
#include "wiki/inside.h"

#include <bzlib.h>

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

static wiki_index *open_index(const char *dump) {
    os_file_stat st;
    wiki_index *ix;
    err e = {0};
    assert_int_equal(os_stat(&st, dump, NULL), OK);
    if (wiki_index_open(&ix, data_index(dump), st.len, st.mtime_ns, &e)) fail_msg("%s", e.msg);
    return ix;
}

static wiki_index *open_small(void) {
    wiki_build_result r;
    return open_index(build_small(&r));
}

static wiki_page page_at(const wiki_index *ix, int64_t rank) {
    wiki_page p;
    wiki_index_get(&p, ix, rank, &data_arena);
    return p;
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
    wiki_index *ix = open_small();
    assert_true(str_eq(page_at(ix, wiki_index_find(ix, STR("AT&T"))).title, STR("AT&T")));
    assert_int_equal(wiki_index_find(ix, STR("AT&amp;T")), WIKI_NO_RANK);
    assert_int_equal(wiki_index_find(ix, STR("at&t")), WIKI_NO_RANK);
    assert_int_not_equal(wiki_index_find(ix, STR("anthill")), WIKI_NO_RANK);
    assert_int_equal(wiki_index_find(ix, STR("")), WIKI_NO_RANK);
    wiki_index_close(ix);
}

static void offsets_span_the_page(void **state) {
    (void)state;
    wiki_index *ix = open_small();
    wiki_page p = page_at(ix, wiki_index_find(ix, STR("Zebra")));  // the last of the dump
    str xml = {small_dump + p.off, p.len};
    assert_true(str_starts(xml, STR("<page>")) && str_ends(xml, STR("</page>")));
    assert_true(str_find(xml, STR("The last page.")) < xml.len);
    p = page_at(ix, wiki_index_find(ix, STR("Twice")));  // of two the last
    assert_true(str_find((str){small_dump + p.off, p.len}, STR("second")) < p.len);
    wiki_index_close(ix);
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
        {"aNt", "Ant"},
    };
    wiki_index *ix = open_small();
    for (size_t i = 0; i < countof(cases); i++) {
        int64_t rank = wiki_index_resolve(ix, str_of(cases[i].text), data_arena);
        if (rank < 0) fail_msg("\"%s\" was not found", cases[i].text);
        assert_string_equal(arena_cstr(&data_arena, page_at(ix, rank).title), cases[i].title);
    }
    assert_int_equal(wiki_index_resolve(ix, STR("Nothing"), data_arena), WIKI_NO_RANK);
    assert_int_equal(wiki_index_resolve(ix, STR("#"), data_arena), WIKI_NO_RANK);
    assert_int_equal(wiki_index_resolve(ix, STR(""), data_arena), WIKI_NO_RANK);
    wiki_index_close(ix);
}

static void redirects(void **state) {
    (void)state;
    wiki_index *ix = open_small();
    int64_t rank = wiki_index_find(ix, STR("ANT")), ant = wiki_index_find(ix, STR("Ant"));
    assert_true(page_at(ix, rank).is_redirect && page_at(ix, rank).target == ant);
    assert_int_equal(wiki_index_follow(ix, rank), ant);
    assert_int_equal(wiki_index_follow(ix, ant), ant);
    rank = wiki_index_find(ix, STR("Loop A"));
    assert_int_equal(page_at(ix, rank).target, wiki_index_find(ix, STR("Loop B")));
    assert_int_equal(wiki_index_follow(ix, rank), WIKI_NO_RANK);
    rank = wiki_index_find(ix, STR("To nowhere"));
    assert_true(page_at(ix, rank).is_redirect && page_at(ix, rank).target == WIKI_NO_RANK);
    assert_int_equal(wiki_index_follow(ix, rank), WIKI_NO_RANK);
    wiki_index_close(ix);
}

static void expect_prefix(const wiki_index *ix, const char *prefix, size_t max, size_t skip,
                          size_t want_total, const char *want) {
    int64_t ranks[16];
    size_t total;
    size_t n = wiki_index_prefix(ranks, max, skip, &total, ix, str_of(prefix), data_arena);
    buf got;
    arena a = data_arena;
    buf_init(&got, &a, 256);
    for (size_t i = 0; i < n; i++) {
        char title[STORE_KEY_MAX];
        str t = store_dict_get(&ix->titles, (size_t)ranks[i], title, NULL);
        buf_fmt(&got, "%s%.*s", i ? "|" : "", STR_ARG(t));
    }
    assert_string_equal(arena_cstr(&a, buf_str(&got)), want);
    assert_int_equal(total, want_total);
}

static void prefixes(void **state) {
    (void)state;
    wiki_index *ix = open_small();
    expect_prefix(ix, "ant", 16, 0, 4, "ANT|Ant|Ant farm|anthill");
    expect_prefix(ix, "ant", 2, 1, 4, "Ant|Ant farm");
    expect_prefix(ix, "ant", 2, 4, 4, "");
    expect_prefix(ix, "ant", 0, 0, 4, "");
    expect_prefix(ix, "Ant", 16, 0, 2, "Ant|Ant farm");
    expect_prefix(ix, "Ant_f", 16, 0, 1, "Ant farm");
    expect_prefix(ix, "aNT", 16, 0, 0, "");
    expect_prefix(ix, "at&t", 16, 0, 1, "AT&T");
    expect_prefix(ix, "AT&amp;T", 16, 0, 1, "AT&T");
    expect_prefix(ix, "é", 16, 0, 1, "Éclair");
    expect_prefix(ix, "東", 16, 0, 1, "東京");
    expect_prefix(ix, "zzz", 16, 0, 0, "");
    expect_prefix(ix, "", 3, 0, 14, "ANT|AT&T|Ant");
    wiki_index_close(ix);
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

typedef struct naive_page {
    wiki__page p;
    str title, folded, redirect;
    size_t order;
} naive_page;

typedef struct naive {
    naive_page *page;
    size_t n;
    wiki_site site;
} naive;

static str unpack(str file) {
    size_t cap = 64 << 20, used = 0;
    char *to = arena_alloc(&data_arena, cap);
    while (file.len) {  // streams behind each other
        bz_stream z = {.next_in = (char *)file.ptr, .avail_in = (unsigned)file.len};
        z.next_out = to + used, z.avail_out = (unsigned)(cap - used);
        assert_int_equal(BZ2_bzDecompressInit(&z, 0, 0), BZ_OK);
        assert_int_equal(BZ2_bzDecompress(&z), BZ_STREAM_END);
        used = cap - z.avail_out;
        file = str_skip(file, file.len - z.avail_in);
        BZ2_bzDecompressEnd(&z);
    }
    return (str){to, used};
}

static int by_title(const void *a, const void *b) {
    const naive_page *x = a, *y = b;
    int c = store_fold_cmp(x->title, y->title);
    return c ? c : (x->order < y->order) - (x->order > y->order);  // the last of the dump first
}

static naive read_naive(str xml) {
    naive all = {.page = arena_array(&data_arena, naive_page, 4096)};
    wiki__dump d;
    err e = {0};
    assert_int_equal(wiki__dump_open(&d, xml, &all.site, &data_arena, &e), OK);
    for (bool more = true;;) {
        naive_page *to = &all.page[all.n];
        if (wiki__dump_next(&more, &to->p, &d, &e)) fail_msg("%s", e.msg);
        if (!more) break;
        to->title = wiki_decode_entities(to->p.title, &data_arena);
        to->redirect = wiki_decode_entities(to->p.redirect, &data_arena);
        to->folded = store_fold_in(to->title, &data_arena);
        to->order = all.n++;
        assert_true(all.n < 4096);
    }
    qsort(all.page, all.n, sizeof *all.page, by_title);
    size_t n = 0;
    for (size_t i = 0; i < all.n; i++)
        if (!n || !str_eq(all.page[n - 1].title, all.page[i].title)) all.page[n++] = all.page[i];
    all.n = n;
    return all;
}

static int64_t naive_find(const naive *all, str title) {
    for (size_t i = 0; i < all->n; i++)
        if (str_eq(all->page[i].title, title)) return (int64_t)i;
    return WIKI_NO_RANK;
}

static void check_page(const wiki_index *ix, const naive *all, size_t rank) {
    arena a = data_arena;
    wiki_page p;
    const naive_page *want = &all->page[rank];
    wiki_index_get(&p, ix, (int64_t)rank, &a);
    assert_true(p.rank == (int64_t)rank && str_eq(p.title, want->title));
    assert_int_equal(p.off, want->p.off);
    assert_int_equal(p.len, want->p.len);
    assert_int_equal(p.id, wiki__page_id(want->p.id));
    if (want->p.ns.len) assert_int_equal(p.ns, wiki__ns_key(want->p.ns));
    assert_int_equal(p.is_redirect, want->p.is_redirect);
    int32_t ns;
    str fragment;
    int64_t target = WIKI_NO_RANK;
    if (p.is_redirect)
        target =
            naive_find(all, wiki_title_normalise(&ns, &fragment, &all->site, want->redirect, &a));
    if (p.target != target)
        fail_msg("\"%.*s\" leads to %lld, not %lld", STR_ARG(p.title), (long long)p.target,
                 (long long)target);
    assert_int_equal(wiki_index_find(ix, p.title), rank);
    assert_int_equal(wiki_index_resolve(ix, p.title, a), rank);
    int64_t folded = wiki_index_resolve(ix, want->folded, a);
    assert_true(folded >= 0);
    assert_true(str_eq(all->page[folded].folded, want->folded) ||
                !str_eq(all->page[folded].title, want->folded));
}

static int by_bytes(const void *a, const void *b) {
    return str_cmp(*(const str *)a, *(const str *)b);
}

// Prefixes of a title: folded, and as they stand when they have upper case.
static void check_prefix(const wiki_index *ix, const naive *all, str prefix) {
    enum { MAX = 50 };
    arena a = data_arena;
    str folded = store_fold_in(prefix, &a);
    bool is_exact = wiki__has_upper(prefix);
    int64_t lo, hi, ranks[MAX];
    size_t n_folded = 0, n = 0, total;
    str *want = arena_array(&a, str, all->n);
    for (size_t i = 0; i < all->n; i++) {
        bool has_fold = str_starts(all->page[i].folded, folded);
        n_folded += has_fold;
        if (has_fold && (!is_exact || str_starts(all->page[i].title, prefix)))
            want[n++] = all->page[i].title;
    }
    qsort(want, n, sizeof *want, by_bytes);
    wiki_index_range(&lo, &hi, ix, prefix, a);
    assert_int_equal(hi - lo, n_folded);
    for (size_t skip = 0; skip < n + MAX; skip = skip * 3 + 7) {
        size_t got = wiki_index_prefix(ranks, MAX, skip, &total, ix, prefix, a);
        assert_int_equal(total, n);
        assert_int_equal(got, n > skip ? min_size(n - skip, MAX) : 0);
        for (size_t i = 0; i < got; i++)
            assert_true(str_eq(all->page[ranks[i]].title, want[skip + i]));
    }
}

static void check_dump(const char *dump) {
    str xml = unpack(data_read(dump));
    naive all = read_naive(xml);
    wiki_index *ix = open_index(dump);
    assert_int_equal(wiki_index_pages(ix), all.n);
    assert_int_equal(wiki_index_xml_len(ix), xml.len);
    for (size_t i = 0; i < all.n; i++)
        check_page(ix, &all, i);
    for (size_t i = 0; i < all.n; i += 1 + all.n / 40)
        for (size_t n = 0; n <= all.page[i].title.len; n++)
            if (n == all.page[i].title.len || (all.page[i].title.ptr[n] & 0xc0) != 0x80)
                check_prefix(ix, &all, str_first(all.page[i].title, n));
    wiki_index_close(ix);
}

static void real_dumps(void **state) {
    (void)state;
    for (size_t i = 0; i < countof(real); i++) {
        arena before = data_arena;
        const char *dump = data_shared(real[i].file);
        wiki_build_result r;
        err e = {0};
        if (data_build(dump, &r, &e)) fail_msg("%s: %s", real[i].file, e.msg);
        if (real[i].pages != UINT64_MAX) assert_int_equal(r.n_pages, real[i].pages);
        if (real[i].redirects != UINT64_MAX) assert_int_equal(r.n_redirects, real[i].redirects);
        assert_int_equal(r.n_bad_sha1, real[i].bad);
        assert_int_equal(r.n_without_sha1, real[i].without);
        check_dump(dump);
        arena_reset(&data_arena, before.used);
        data_arena = before;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(find_is_exact),
        cmocka_unit_test(offsets_span_the_page),
        cmocka_unit_test(resolve_takes_what_people_write),
        cmocka_unit_test(redirects),
        cmocka_unit_test(prefixes),
        cmocka_unit_test(real_dumps),
    };
    return cmocka_run_group_tests(tests, data_setup, data_teardown);
}
