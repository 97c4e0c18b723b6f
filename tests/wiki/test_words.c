// Words and search: against a scan of every title, and edit distances computed the long way.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "os/clock.h"
#include "tests/wiki/data.h"
#include "tests/wiki/small.h"

#include <ctype.h>

static uint64_t seed = 1;

static uint64_t draw(uint64_t below) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % below;
}

static int64_t never(void) {
    return os_now_ns() + (int64_t)600e9;
}

// --- Cutting ---------------------------------------------------------------------------------

static void join_word(void *arg, str word) {
    buf_add(arg, word);
    buf_byte(arg, '|');
}

static void cuts(void **state) {
    (void)state;
    static const struct {
        const char *title, *words;
    } cases[] = {
        {"", ""},
        {"theory of relativity", "theory|of|relativity|"},
        {"  a--b  ", "a|b|"},
        {"c++", "c|"},
        {"einstein's", "einstein|s|"},
        {"o'brien (actor)", "o|brien|actor|"},
        {"1,000 km2", "1|000|km2|"},
        {"straße", "straße|"},
        {"жук №5", "жук|5|"},
        {"東京タワー abc", "東|京|タ|ワ|ー|abc|"},
        {"abc東", "abc|東|"},
        {"हिन्दी भाषा", "हिन्दी|भाषा|"},
        {"ไทย", "ไ|ท|ย|"},
        {"นี่", "นี่|"},
        {"می\xe2\x80\x8cخواهم", "می\xe2\x80\x8cخواهم|"},
        {"a\xff"
         "b",
         "a|b|"},
        {"\xcc\x81x", "x|"},
        {"½ x²", "½|x²|"},
        {"😀", ""},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        buf b;
        buf_init(&b, &data_arena, 0);
        wiki__words_of(str_of(cases[i].title), join_word, &b);
        buf_byte(&b, 0);
        assert_string_equal(b.ptr, cases[i].words);
    }
}

static void long_words_lose_their_end(void **state) {
    (void)state;
    char text[3000];
    buf b;
    for (size_t i = 0; i < 1000; i++)
        memcpy(text + 3 * i, "क", 3);
    buf_init(&b, &data_arena, 0);
    wiki__words_of((str){text, sizeof text}, join_word, &b);
    assert_true(b.len > 64 && b.len < 128);
    assert_true(utf8_valid(buf_str(&b)));
    assert_int_equal((b.len - 1) % 3, 0);
}

static const char *const vocabulary[] = {
    "the",     "of",       "theory",   "relativity", "Einstein", "einsteins",  "list", "lists",
    "a",       "an",       "Ant",      "history",    "historic", "prehistory", "42",   "1984",
    "Berlin",  "berliner", "Bernard",  "quantum",    "quantity", "Mechanics",  "of",   "In",
    "theatre", "general",  "generals", "special",    "species",  "x",          "xy",   "xyz",
};

// --- Naive search ----------------------------------------------------------------------------

typedef struct naive {
    const small_title *t;
    size_t n, n_words;
    char word[8][64];  // of the query
    char folded[256];
} naive;

static size_t fold_words(char words[][64], size_t max, const char *text) {
    size_t n = 0;
    for (const char *p = text; *p && n < max;) {
        size_t len = 0;
        while (isalnum((unsigned char)p[len]))
            len++;
        for (size_t i = 0; i < len; i++)
            words[n][i] = (char)tolower(p[i]);
        words[n][len] = 0;
        n += len > 0;
        p += len + (p[len] != 0 && !len) + (p[len] != 0 && len);
    }
    return n;
}

// Optimal string alignment, the whole matrix.
static unsigned edits(const char *a, const char *b) {
    unsigned d[65][65];
    size_t n = strlen(a), m = strlen(b);
    for (size_t i = 0; i <= n; i++)
        for (size_t j = 0; j <= m; j++) {
            if (!i || !j) {
                d[i][j] = (unsigned)(i + j);
                continue;
            }
            unsigned v = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (d[i - 1][j] + 1 < v) v = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < v) v = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                d[i - 2][j - 2] + 1 < v)
                v = d[i - 2][j - 2] + 1;
            d[i][j] = v;
        }
    return d[n][m];
}

static unsigned allowed(const char *word) {
    return strlen(word) >= 8 ? 2 : strlen(word) >= 4 ? 1 : 0;
}

static unsigned prefix_edits(const char *word, const char *of) {
    unsigned least = 99;
    for (size_t len = 0; len <= strlen(of); len++) {
        char part[64];
        snprintf(part, sizeof part, "%.*s", (int)len, of);
        unsigned k = edits(word, part);
        least = k < least ? k : least;
    }
    return least;
}

// How the last word of the query is compared is decided by all words there are.
typedef enum fit { EXACT, PREFIX, NEAR, NEAR_PREFIX } fit;

static bool fits(const char *query, const char *word, fit f, unsigned round) {
    unsigned most = allowed(query) < round ? allowed(query) : round;
    if (!strcmp(query, word)) return true;
    if (f != EXACT && f != NEAR && !strncmp(query, word, strlen(query))) return true;
    if (most > 1 && query[0] != word[0]) return false;
    if (most && edits(query, word) <= most) return true;
    return f == NEAR_PREFIX && most && prefix_edits(query, word) <= most;
}

static bool any_word(const naive *q, const char *query, fit f, unsigned round) {
    for (size_t i = 0; i < q->n; i++) {
        char words[32][64], title[256];
        snprintf(title, sizeof title, "%.*s", STR_ARG(q->t[i].title));
        size_t n = fold_words(words, 32, title);
        for (size_t k = 0; k < n; k++)
            if (fits(query, words[k], f, round)) return true;
    }
    return false;
}

static size_t count_titles(const naive *q, const char *word) {
    size_t count = 0;
    for (size_t i = 0; i < q->n; i++) {
        char words[32][64], title[256];
        snprintf(title, sizeof title, "%.*s", STR_ARG(q->t[i].title));
        size_t n = fold_words(words, 32, title), k = 0;
        while (k < n && strcmp(words[k], word))
            k++;
        count += k < n;
    }
    return count;
}

static bool title_fits(const naive *q, size_t rank, unsigned round, fit last) {
    char words[32][64], title[256];
    snprintf(title, sizeof title, "%.*s", STR_ARG(q->t[rank].title));
    size_t n = fold_words(words, 32, title);
    for (size_t i = 0; i < q->n_words; i++) {
        bool found = false;
        for (size_t k = 0; k < n && !found; k++)
            found = fits(q->word[i], words[k], i + 1 < q->n_words ? NEAR : last, round);
        if (!found) return false;
    }
    return true;
}

typedef struct hit {
    uint64_t key;
    int64_t rank;
} hit;

static int cmp_hit(const void *a, const void *b) {
    const hit *x = a, *y = b;
    if (x->key != y->key) return x->key > y->key ? -1 : 1;
    return x->rank < y->rank ? -1 : 1;
}

static unsigned class_of(const naive *q, size_t rank) {
    char folded[256] = "";
    size_t n = q->t[rank].title.len;
    for (size_t i = 0; i < n && i < 255; i++)
        folded[i] = (char)tolower(q->t[rank].title.ptr[i]);
    if (!strcmp(folded, q->folded)) return 2;
    return strncmp(folded, q->folded, strlen(q->folded)) ? 0 : 1;
}

// The near word to put in place of a query's word that no title has: nearest, then in most titles.
static void naive_nearest(char out[64], const naive *q, const char *query, bool is_last, fit f,
                          unsigned round) {
    unsigned least = 99;
    size_t most = 0;
    if (any_word(q, query, is_last ? PREFIX : EXACT, 0)) return;
    for (size_t i = 0; i < countof(vocabulary); i++) {
        char word[64] = "";
        for (size_t k = 0; vocabulary[i][k]; k++)
            word[k] = (char)tolower(vocabulary[i][k]);
        if (!fits(query, word, is_last ? f : NEAR, round) || !any_word(q, word, EXACT, 0)) continue;
        unsigned d = is_last && f == NEAR_PREFIX ? prefix_edits(query, word) : edits(query, word);
        size_t count = count_titles(q, word);
        bool is_better = d != least      ? d < least
                         : count != most ? count > most
                                         : strcmp(word, out) < 0;
        if (is_better) least = d, most = count, strcpy(out, word);
    }
}

static void naive_correct(naive *q, unsigned round, fit last) {
    q->folded[0] = 0;
    for (size_t i = 0; i < q->n_words; i++) {
        char word[64];
        strcpy(word, q->word[i]);
        naive_nearest(word, q, q->word[i], i + 1 == q->n_words, last, round);
        sprintf(q->folded + strlen(q->folded), "%s%s", i ? " " : "", word);
    }
}

static size_t naive_search(hit *out, naive *q, size_t *exact) {
    bool *seen = calloc(q->n + 1, sizeof *seen);
    size_t n = 0;
    const char *last = q->word[q->n_words - 1];
    for (unsigned round = 0; round < 3 && !n; round++) {
        fit f = PREFIX;
        if (round && !any_word(q, last, PREFIX, round)) f = NEAR_PREFIX;
        if (round) naive_correct(q, round, f);
        for (size_t i = 0; i < q->n; i++) {
            if (seen[i] || (!title_fits(q, i, round, f) && !class_of(q, i))) continue;
            seen[i] = true;
            out[n++] = (hit){(uint64_t)(3 - round) << 32 | class_of(q, i) << 8 | q->t[i].score,
                             (int64_t)i};
        }
        if (!round) *exact = n;
    }
    free(seen);
    qsort(out, n, sizeof *out, cmp_hit);
    return n;
}

static void check_query(const wiki_index *ix, const small_title *t, size_t n, const char *query,
                        size_t max) {
    naive q = {.t = t, .n = n};
    hit *want = calloc(n + 1, sizeof *want);
    int64_t got[256];
    size_t exact = 0;
    wiki_search info;
    for (size_t i = 0; query[i]; i++)
        q.folded[i] = (char)tolower(query[i]);
    q.n_words = fold_words(q.word, 8, query);
    size_t n_want = naive_search(want, &q, &exact);
    size_t n_got = wiki_index_search(&info, got, max, ix, str_of(query), never(), data_arena);
    if (n_got != min_size(n_want, max)) print_message("query '%s'\n", query);
    assert_int_equal(n_got, min_size(n_want, max));
    for (size_t i = 0; i < n_got; i++)
        if (got[i] != want[i].rank) {
            print_message("query '%s', place %zu: %.*s, not %.*s\n", query, i,
                          STR_ARG(t[got[i]].title), STR_ARG(t[want[i].rank].title));
            fail();
        }
    assert_int_equal(info.is_fuzzy, n_got && !exact);
    if (!info.is_cut) assert_int_equal(info.total, exact >= max ? exact : n_want);
    assert_true(info.total >= n_got && info.total <= max_size(exact, n_want));
    free(want);
}

// --- Random titles ---------------------------------------------------------------------------

static const char *random_words(size_t most) {
    buf b;
    buf_init(&b, &data_arena, 0);
    for (size_t n = 1 + draw(most); n--;) {
        buf_add(&b, str_of(vocabulary[draw(1 + draw(countof(vocabulary)))]));
        if (n) buf_add(&b, draw(9) ? STR(" ") : STR(", "));
    }
    buf_byte(&b, 0);
    return b.ptr;
}

static size_t random_titles(small_title *t, size_t n) {
    for (size_t i = 0; i < n; i++) {
        t[i].title = str_of(random_words(5));
        t[i].score = (uint8_t)(draw(4) ? draw(40) : draw(256));
    }
    return small_sort(t, n);
}

static char *with_typo(const char *query) {
    size_t n = strlen(query), at = draw(n + 1);
    char *p = arena_alloc(&data_arena, n + 2), c = (char)('a' + draw(26));
    switch (draw(4)) {
    case 0:
        sprintf(p, "%.*s%c%s", (int)at, query, c, query + at);
        break;
    case 1:
        sprintf(p, "%.*s%s", (int)at, query, query + at + (at < n));
        break;
    case 2:
        strcpy(p, query);
        if (at < n) p[at] = c;
        break;
    default:
        strcpy(p, query);
        if (at + 1 < n) p[at] = query[at + 1], p[at + 1] = query[at];
    }
    return p;
}

static void check_random(size_t n_titles, size_t n_queries) {
    small_title *t = calloc(n_titles, sizeof *t);
    size_t n = random_titles(t, n_titles);
    wiki_index ix;
    small_index(&ix, t, n, true, data_dir, data_path("random.idx"));
    for (size_t i = 0; i < n_queries; i++) {
        const char *query = random_words(3);
        size_t max = draw(3) ? 10 : 1 + draw(100);
        check_query(&ix, t, n, query, max);
        str cut = str_first(str_of(query), 1 + draw(strlen(query)));
        check_query(&ix, t, n, arena_cstr(&data_arena, str_trim(cut)), max);
        const char *typo = with_typo(query);
        naive q = {0};
        if (fold_words(q.word, 8, typo) && str_eq(str_trim(str_of(typo)), str_of(typo)))
            check_query(&ix, t, n, typo, max);
    }
    store_in_close(&ix.file);
    free(t);
}

static void search_is_a_scan(void **state) {
    (void)state;
    check_random(1, 20);
    check_random(40, 60);
    check_random(700, 80);
}

// So many that frequent words go the dense way.
static void frequent_words_too(void **state) {
    (void)state;
    check_random(12000, 12);
}

static void nothing_in_nothing_out(void **state) {
    (void)state;
    wiki_index ix;
    small_index(&ix, NULL, 0, true, data_dir, data_path("empty.idx"));
    wiki_search info;
    int64_t ranks[4];
    assert_int_equal(wiki_index_search(&info, ranks, 4, &ix, STR("einstein"), never(), data_arena),
                     0);
    assert_int_equal(info.total, 0);
    store_in_close(&ix.file);
}

// --- What people type ------------------------------------------------------------------------

static const char *const people[] = {
    "Theory of relativity",
    "Einstein",
    "Albert Einstein",
    "O'Brien",
    "C++",
    "Москва",
    "東京",
    "東京タワー",
    "Zürich",
    "São Paulo",
    "Relative",
    "Theodore Roosevelt",
    "Einstein (unit)",
    "AC/DC",
    "!!!",
};

static void check_first(const wiki_index *ix, const small_title *t, const char *query,
                        const char *want, bool is_fuzzy) {
    wiki_search info;
    int64_t ranks[10];
    size_t n =
        wiki_index_search(&info, ranks, countof(ranks), ix, str_of(query), never(), data_arena);
    if (!n || !str_eq(t[ranks[0]].title, str_of(want))) print_message("query '%s'\n", query);
    assert_true(n > 0);
    assert_string_equal(arena_cstr(&data_arena, t[ranks[0]].title), want);
    assert_int_equal(info.is_fuzzy, is_fuzzy);
    assert_false(info.is_cut);
}

static void people_find(bool with_words) {
    static const struct {
        const char *query, *want;
        bool is_fuzzy, needs_words;
    } cases[] = {
        {"theory relativity", "Theory of relativity", false, true},
        {"relativity theory", "Theory of relativity", false, true},
        {"relativty theroy", "Theory of relativity", true, true},
        {"theory_of_relativ", "Theory of relativity", false, false},
        {"einstien", "Einstein", true, false},
        {"EINSTEIN", "Einstein", false, false},
        {"  einstein  ", "Einstein", false, false},
        {"obrien", "O'Brien", true, false},
        {"o'brien", "O'Brien", false, false},
        {"brien", "O'Brien", false, true},
        {"москва", "Москва", false, false},
        {"мосвка", "Москва", true, false},
        {"タワー 東京", "東京タワー", false, true},
        {"東京", "東京", false, false},
        {"zurich", "Zürich", false, false},
        {"paulo sao", "São Paulo", false, true},
        {"c++", "C++", false, false},
        {"!!", "!!!", false, false},
        {"dc ac", "AC/DC", false, true},
        {"Einstein (u", "Einstein (unit)", false, false},
    };
    small_title t[countof(people)];
    for (size_t i = 0; i < countof(people); i++)
        t[i] = (small_title){str_of(people[i]), (uint8_t)i};
    size_t n = small_sort(t, countof(people));
    wiki_index ix;
    small_index(&ix, t, n, with_words, data_dir, data_path("people.idx"));
    for (size_t i = 0; i < countof(cases); i++)
        if (with_words || !cases[i].needs_words)
            check_first(&ix, t, cases[i].query, cases[i].want, cases[i].is_fuzzy);
    store_in_close(&ix.file);
}

static void people_find_by_words(void **state) {
    (void)state;
    people_find(true);
}

static void people_find_by_titles(void **state) {
    (void)state;
    people_find(false);
}

// --- Time, order, damage -----------------------------------------------------------------------

static void late_is_said(void **state) {
    (void)state;
    small_title *t = calloc(5000, sizeof *t);
    size_t n = random_titles(t, 5000);
    wiki_index ix;
    small_index(&ix, t, n, true, data_dir, data_path("late.idx"));
    wiki_search info;
    int64_t ranks[10];
    size_t k = wiki_index_search(&info, ranks, 10, &ix, STR("the of"), 0, data_arena);
    assert_true(info.is_cut && k <= 10 && info.total >= k);
    for (size_t i = 0; i < k; i++)
        assert_true(ranks[i] >= 0 && (size_t)ranks[i] < n);
    store_in_close(&ix.file);
    free(t);
}

static void same_titles_same_bytes(void **state) {
    (void)state;
    small_title t[300];
    size_t n = random_titles(t, countof(t));
    str bytes[2];
    for (int i = 0; i < 2; i++) {
        wiki_index ix;
        const char *path = data_path(i ? "b.idx" : "a.idx");
        small_index(&ix, t, n, true, data_dir, path);
        store_in_close(&ix.file);
        bytes[i] = data_read(path);
    }
    assert_true(str_eq(bytes[0], bytes[1]));
}

static status write_records(const char *const *word, const uint32_t *rank, size_t n) {
    store_out *o = calloc(1, sizeof *o);
    store_sort *sort;
    store_merge *m;
    assert_int_equal(store_out_open(o, data_path("rec.idx"), WIKI__MAGIC, 1, NULL), OK);
    assert_int_equal(store_sort_open(&sort, data_dir, 1 << 20, NULL), OK);
    for (size_t i = 0; i < n; i++) {
        uint8_t rec[STORE_KEY_MAX + 8];
        size_t len = word[i] ? wiki__word_record(rec, str_of(word[i]), rank[i]) : 3;
        assert_int_equal(store_sort_add(sort, rec, len, NULL), OK);
    }
    assert_int_equal(store_merge_open(&m, &sort, 1, 1 << 20, NULL), OK);
    status s = wiki__words_write(o, m, data_dir, NULL);
    store_merge_close(m);
    store_sort_close(sort);
    store_out_abort(o);
    free(o);
    return s;
}

static void records_are_checked(void **state) {
    (void)state;
    static const char *const words[] = {"a", "a", "b", "a"};
    static const uint32_t ranks[] = {1, 1, 0, 7};
    assert_int_equal(write_records(words, ranks, 4), OK);
    assert_int_equal(write_records((const char *[]){""}, ranks, 1), E_ARG);
    assert_int_equal(write_records((const char *[]){NULL}, ranks, 1), E_ARG);
    assert_int_equal(write_records(NULL, NULL, 0), OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts),
        cmocka_unit_test(long_words_lose_their_end),
        cmocka_unit_test(nothing_in_nothing_out),
        cmocka_unit_test(people_find_by_words),
        cmocka_unit_test(people_find_by_titles),
        cmocka_unit_test(search_is_a_scan),
        cmocka_unit_test(frequent_words_too),
        cmocka_unit_test(late_is_said),
        cmocka_unit_test(same_titles_same_bytes),
        cmocka_unit_test(records_are_checked),
    };
    return cmocka_run_group_tests(tests, data_setup, data_teardown);
}
