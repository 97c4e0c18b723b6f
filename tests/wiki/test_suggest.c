// Suggestions against a sort of all titles, over random titles with many equal scores.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/wiki/data.h"
#include "tests/wiki/small.h"

enum { TITLES = 30000, TOP = 10 };

static small_title titles[TITLES];
static size_t n_titles;
static uint64_t seed = 1;

static uint32_t dice(uint32_t n) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

static void make_titles(void) {
    static char room[TITLES][8];
    for (size_t i = 0; i < TITLES; i++) {
        size_t len = 1 + dice(7);
        for (size_t k = 0; k < len; k++)
            room[i][k] = "abcABC e"[dice(k ? 8 : 6)];
        titles[i] = (small_title){{room[i], len}, (uint8_t)(dice(40) ? dice(4) : dice(256))};
    }
    n_titles = small_sort(titles, TITLES);
}

static int by_score(const void *a, const void *b) {
    const wiki_suggestion *x = a, *y = b;
    if (x->is_exact != y->is_exact) return y->is_exact - x->is_exact;
    return x->score != y->score ? y->score - x->score : (x->rank > y->rank) - (x->rank < y->rank);
}

static size_t naive(wiki_suggestion *out, str prefix) {
    char p[64], t[64];
    str want = {p, store_fold(p, prefix)};
    size_t n = 0;
    for (size_t i = 0; i < n_titles; i++) {
        str folded = {t, store_fold(t, titles[i].title)};
        if (!str_starts(folded, want)) continue;
        bool is_exact = want.len && folded.len == want.len;
        out[n++] = (wiki_suggestion){(int64_t)i, titles[i].score, is_exact};
    }
    qsort(out, n, sizeof *out, by_score);
    return n;
}

static void as_a_sort_of_all_titles(void **state) {
    (void)state;
    static wiki_suggestion want[TITLES];
    static wiki__facts facts;
    wiki_index ix;
    make_titles();
    small_index(&ix, titles, n_titles, false, data_dir, data_path("suggest.idx"));
    ix.facts = &facts;
    assert_true(wiki__best_check(ix.best, ix.titles.n_blocks));
    for (int i = 0; i < 400; i++) {
        str t = titles[dice((uint32_t)n_titles)].title;
        str prefix = str_first(t, i ? dice((uint32_t)t.len + 1) : 0);
        wiki_suggestion got[TOP];
        int64_t total;
        size_t n = wiki_index_suggest(got, TOP, &total, &ix, prefix, -1, NULL, NULL, data_arena);
        size_t all = naive(want, prefix);
        assert_int_equal(total, all);
        assert_int_equal(n, min_size(all, TOP));
        for (size_t k = 0; k < n; k++)
            if (got[k].rank != want[k].rank || got[k].is_exact != want[k].is_exact)
                fail_msg("\"%.*s\": line %zu", STR_ARG(prefix), k);
    }
    store_in_close(&ix.file);
}

// --- Redirects, namespaces, titles left out -----------------------------------------------------

static bool is_pear(void *arg, int64_t rank) {
    wiki_page p;
    arena a = data_arena;
    wiki_index_get(&p, arg, rank, &a);
    return str_eq(p.title, STR("Appear"));
}

static void expect(const wiki_index *ix, int ns, bool skips, const char *want) {
    wiki_suggestion got[TOP];
    int64_t total;
    arena a = data_arena;
    buf b;
    buf_init(&b, &a, 256);
    size_t n = wiki_index_suggest(got, TOP, &total, ix, STR("app"), ns, skips ? is_pear : NULL,
                                  (void *)ix, data_arena);
    for (size_t i = 0; i < n; i++) {
        wiki_page p;
        arena scratch = data_arena;
        scratch.used += 4096;  // behind the buf
        wiki_index_get(&p, ix, got[i].rank, &scratch);
        buf_fmt(&b, "%s%.*s", i ? "|" : "", STR_ARG(p.title));
    }
    buf_byte(&b, 0);
    assert_string_equal(b.ptr, want);
}

// One line for an article, whatever redirects to it match; its best spelling.
static void one_line_for_each_article(void **state) {
    (void)state;
    const char *dump = data_write(
        "lines.xml",
        STR(DATA_SITE DATA_PAGE("Apple", "x") DATA_PAGE("Appear", "[[Apple]]") DATA_PAGE(
            "Fruit", "[[Apple]] [[Applied fruit]]") DATA_PAGE("Pear", "[[Appear]]")
                DATA_REDIRECT("Apples", "Apple") DATA_REDIRECT("App fruit", "Apple")
                    DATA_REDIRECT("Applied fruit", "Fruit") DATA_REDIRECT(
                        "App nowhere",
                        "Gone") "<page><title>Category:App</title><ns>14</ns><id>3</id><revision>"
                                "<text>x</text></revision></page>" DATA_END));
    wiki_build_result r;
    err e = {0};
    os_file_stat st;
    wiki_index *ix;
    assert_int_equal(data_build(dump, &r, &e), OK);
    assert_int_equal(os_stat(&st, dump, &e), OK);
    assert_int_equal(wiki_index_open(&ix, data_index(dump), st.len, st.mtime_ns, &e), OK);
    expect(ix, -1, false, "Apple|Appear|Applied fruit|App nowhere");
    expect(ix, -1, true, "Apple|Applied fruit|App nowhere");
    expect(ix, 14, false, "");
    expect(ix, 0, false, "Apple|Appear|Applied fruit|App nowhere");
    wiki_index_close(ix);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_a_sort_of_all_titles),
                                       cmocka_unit_test(one_line_for_each_article)};
    return cmocka_run_group_tests(tests, data_setup, data_teardown);
}
