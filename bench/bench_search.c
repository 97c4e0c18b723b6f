// bench/bench_search.c -- search by words over an index, or over a list of titles, one per line:
//
//     bench_search INDEX.idx | TITLES [QUERIES] [COMMIT]
//
// Of TITLES an index is made beside them (TITLES.idx) and kept. Queries are words of titles drawn
// at random, so frequent words come often; one thread, a warm cache, 10 results, 20 ms at
// most; times are of the processor, not of the clock.
// With COMMIT, a line per kind as they stand in bench/results/search.tsv comes last.

#include "os/clock.h"
#include "tests/wiki/small.h"
#include "wiki/words.h"

#include <time.h>
#include <unistd.h>

enum { RESULTS = 10, LIMIT_MS = 20, WORDS_MAX = 3, TEXT_MAX = 512, NOISE = 9 };

static uint64_t seed = 1;

static uint64_t draw(uint64_t n) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint64_t)((unsigned __int128)seed * n >> 64);
}

// Most pages have few links, some have very many.
static uint8_t draw_score(void) {
    double links = 1 / (1e-7 + (double)draw(1 << 24) / (1 << 24)), log2 = 0;
    for (; links >= 2; links /= 2)
        log2++;
    return (uint8_t)(12 * (log2 + links - 1));
}

static void make_index(const char *titles, const char *path, arena *a) {
    os_map map;
    wiki_index ix;
    CHECK(!os_map_open(&map, titles, OS_MAP_SEQUENTIAL, NULL));
    str text = os_map_str(&map);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += text.ptr[i] == '\n';
    small_title *t = arena_array(a, small_title, n + 1);
    for (size_t i = 0; i < n; i++)
        t[i] = (small_title){str_cut(&text, '\n'), draw_score()};
    n = small_sort(t, n);
    small_index(&ix, t, n, true, "/tmp", path);
    store_in_close(&ix.file);
    os_map_close(&map);
}

typedef struct kind {
    const char *name;
    size_t n_words;
    bool is_cut;       // its last word's end is missing
    unsigned n_edits;  // in one word
    bool is_noise;     // letters at random in place of one word
} kind;

static const kind kinds[] = {
    {"words1", .n_words = 1},
    {"words2", .n_words = 2},
    {"words3", .n_words = 3},
    {"prefix1", .n_words = 1, .is_cut = true},
    {"prefix2", .n_words = 2, .is_cut = true},
    {"prefix3", .n_words = 3, .is_cut = true},
    {"typo1", .n_words = 1, .n_edits = 1},
    {"typo2", .n_words = 2, .n_edits = 1},
    {"typo3", .n_words = 3, .n_edits = 1},
    {"2typos1", .n_words = 1, .n_edits = 2},
    {"2typos2", .n_words = 2, .n_edits = 2},
    {"noise1", .n_words = 1, .is_noise = true},
    {"noise2", .n_words = 2, .is_noise = true},
};

// One edit behind the first letter.
static size_t misspell(char *to, str word) {
    size_t at = 1 + draw(word.len - 1);
    char c = (char)('a' + draw(26));
    memcpy(to, word.ptr, at);
    switch (draw(3)) {
    case 0:  // one more
        to[at] = c;
        memcpy(to + at + 1, word.ptr + at, word.len - at);
        return word.len + 1;
    case 1:  // another
        memcpy(to + at, word.ptr + at, word.len - at);
        to[at] = c;
        return word.len;
    default:  // one less
        memcpy(to + at, word.ptr + at + 1, word.len - at - 1);
        return word.len - 1;
    }
}

static bool is_ascii(str s) {
    for (size_t i = 0; i < s.len; i++)
        if ((uint8_t)s.ptr[i] >= 128) return false;
    return true;
}

// Words of a title as the kind wants them; false when it has none such.
static bool make_query(buf *q, const kind *k, str title) {
    char folded[STORE_KEY_MAX * STORE_FOLD_GROWTH], wrong[2][TEXT_MAX];
    str rest = {folded, store_fold(folded, title)}, word[WORDS_MAX];
    size_t n = 0;
    while (n < k->n_words && wiki__word_next(&word[n], &rest))
        n++;
    if (n < k->n_words || !is_ascii((str){folded, (size_t)(rest.ptr - folded)})) return false;
    str *last = &word[n - 1];
    if (k->is_cut && last->len < 3) return false;
    if (k->is_cut) *last = str_first(*last, 2 + draw(last->len - 2));
    size_t at = draw(n);
    if (k->n_edits && word[at].len < 3 + 3 * k->n_edits) return false;
    for (unsigned i = 0; i < k->n_edits; i++)
        word[at] = (str){wrong[i], misspell(wrong[i], word[at])};
    for (size_t i = 0; i < NOISE && k->is_noise; i++)
        wrong[0][i] = (char)('a' + draw(26));
    if (k->is_noise) word[at] = (str){wrong[0], NOISE};
    q->len = 0;
    for (size_t i = 0; i < n; i++) {
        if (i) buf_byte(q, ' ');
        buf_add(q, word[i]);
    }
    return true;
}

// Of this thread: what others do on the machine is not in it.
static int64_t cpu_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int by_time(const void *x, const void *y) {
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

typedef struct sums {
    size_t n, found, cut;
} sums;

static void ask(double *took, sums *s, const wiki_index *ix, const kind *k, size_t n, arena a) {
    char key[STORE_KEY_MAX];
    int64_t ranks[RESULTS];
    wiki_search info;
    buf q;
    buf_init(&q, &a, TEXT_MAX);
    while (s->n < n) {
        size_t rank = draw(ix->titles.n);
        if (!make_query(&q, k, store_dict_get(&ix->titles, rank, key, NULL))) continue;
        int64_t cpu = cpu_ns(), deadline = os_now_ns() + LIMIT_MS * (int64_t)1000000;
        size_t got = wiki_index_search(&info, ranks, RESULTS, ix, buf_str(&q), deadline, a);
        took[s->n++] = (double)(cpu_ns() - cpu) * 1e-6;
        s->found += got > 0;
        s->cut += info.is_cut;
    }
}

static void print_kinds(const wiki_index *ix, size_t n, const char *commit, arena a) {
    double *took = arena_array(&a, double, n);
    char date[16], rows[4096];
    size_t len = 0;
    time_t now = time(NULL);
    strftime(date, sizeof date, "%Y-%m-%d", gmtime(&now));
    printf("%-8s %8s %8s %8s %8s %8s %8s   ms\n", "", "p50", "p90", "p99", "max", "found", "cut");
    for (size_t i = 0; i < countof(kinds); i++) {
        sums s = {0};
        seed = 7;
        ask(took, &s, ix, &kinds[i], n, a);
        qsort(took, n, sizeof *took, by_time);
        double p50 = took[n / 2], p99 = took[n / 100 * 99], per = 100.0 / (double)n;
        printf("%-8s %8.3f %8.3f %8.3f %8.3f %7.1f%% %7.1f%%\n", kinds[i].name, p50,
               took[n / 10 * 9], p99, took[n - 1], (double)s.found * per, (double)s.cut * per);
        len += (size_t)snprintf(rows + len, sizeof rows - len,
                                "%s\t%s\t%zu\t%s\t%.3f\t%.3f\t%.3f\n", date, commit ? commit : "",
                                ix->titles.n, kinds[i].name, p50, p99, took[n - 1]);
    }
    if (commit) fputs(rows, stdout);
}

int main(int argc, char **argv) {
    if (argc < 2) return fprintf(stderr, "bench_search INDEX.idx | TITLES [QUERIES] [COMMIT]\n"), 2;
    size_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000;
    arena a;
    wiki_index ix;
    CHECK(n >= 100 && !arena_open(&a, (size_t)8 << 30, NULL));
    const char *path = argv[1];
    if (!str_ends(str_of(path), STR(".idx"))) {
        path = arena_fmt(&a, "%s.idx", argv[1]).ptr;
        if (access(path, R_OK)) make_index(argv[1], path, &a);
    }
    small_open(&ix, path);
    CHECK(ix.titles.n && ix.words.n);
    double words = (double)store_in_section(&ix.file, WIKI__WORDS).len,
           lists = (double)store_in_section(&ix.file, WIKI__WORD_LISTS).len,
           titles = (double)ix.titles.n;
    printf("%zu titles, %zu words; bytes a title: words %.2f, lists %.2f\n", ix.titles.n,
           ix.words.n, words / titles, lists / titles);
    print_kinds(&ix, n, argc > 3 ? argv[3] : NULL, a);
    store_in_close(&ix.file);
    arena_close(&a);
    return 0;
}
