// Search and links: hostile queries over a small good index, then good queries over the same index
// with some of its bytes changed. The first byte says how many changes the input begins with (three
// bytes each: place, place, value); the rest is the query.

#include "fuzz/fuzz.h"
#include "os/clock.h"
#include "tests/wiki/small.h"

#include <unistd.h>

static const char *const titles[] = {
    "Theory of relativity",
    "Einstein",
    "Albert Einstein",
    "O'Brien",
    "C++",
    "東京タワー",
    "Zürich",
    "Of Mice and Men",
    "List of lists",
    "Москва",
    "Theoretical physics",
    "हिन्दी",
    "!!!",
    "A",
    "AA",
};

static arena mem;
static str file;       // of the good index
static char *damaged;  // as long
static wiki_index good;

static void add_edges(store_out *o, int section, const char *dir) {
    store_sort *sort;
    store_merge *m;
    CHECK(!store_sort_open(&sort, dir, 1 << 20, NULL));
    for (uint8_t i = 0; i < 30; i++)
        CHECK(!store_sort_add(sort, (uint8_t[8]){0, 0, 0, i % 7, 0, 0, 0, i % 13}, 8, NULL));
    CHECK(!store_merge_open(&m, &sort, 1, 1 << 20, NULL));
    CHECK(!wiki__graph_write(o, section, m, countof(titles), dir, NULL));
    store_merge_close(m);
    store_sort_close(sort);
}

static void add_categories(store_out *o, const char *dir) {
    static uint8_t rec[STORE_RECORD_MAX];
    store_sort *sort;
    store_merge *m;
    uint64_t n;
    CHECK(!store_sort_open(&sort, dir, 1 << 20, NULL));
    for (uint32_t i = 0; i < 40; i++) {
        size_t len = wiki__category_record(rec, str_of(titles[i % 9]), i % countof(titles));
        CHECK(!store_sort_add(sort, rec, len, NULL));
    }
    CHECK(!store_merge_open(&m, &sort, 1, 1 << 20, NULL));
    CHECK(!wiki__categories_write(o, m, dir, &n, NULL));
    store_merge_close(m);
    store_sort_close(sort);
}

static void make_good(void) {
    char dir[] = "/tmp/fuzz-search-XXXXXX";
    static store_out o;
    small_title t[countof(titles)];
    CHECK(!arena_open(&mem, 256 << 20, NULL) && mkdtemp(dir));
    const char *path = arena_fmt(&mem, "%s/small.idx", dir).ptr;
    for (size_t i = 0; i < countof(titles); i++)
        t[i] = (small_title){str_of(titles[i]), (uint8_t)(i * 9)};
    CHECK(small_sort(t, countof(titles)) == countof(titles));
    CHECK(!store_out_open(&o, path, WIKI__MAGIC, WIKI__VERSION, NULL));
    small_titles(&o, t, countof(titles));
    small_words(&o, t, countof(titles), dir);
    add_categories(&o, dir);
    add_edges(&o, WIKI__BACKLINKS, dir);
    add_edges(&o, WIKI__LEADS, dir);
    CHECK(!store_out_commit(&o, NULL));
    small_open(&good, path);
    file = os_map_str(&good.file.map);
    unlink(path);
    rmdir(dir);
}

static void ask(const wiki_index *ix, str query) {
    int64_t ranks[20], deadline = os_now_ns() + (int64_t)20e9;
    size_t total, lo, hi;
    wiki_search info;
    size_t n = wiki_index_search(&info, ranks, 1 + query.len % 20, ix, query, deadline, mem);
    CHECK(info.total >= n);
    for (size_t i = 0; i < n; i++)
        CHECK(ranks[i] >= 0 && (size_t)ranks[i] < ix->titles.n);
    int64_t at = wiki_index_category_find(ix, query, mem);
    CHECK(at < (int64_t)wiki_index_categories(ix));
    wiki_index_category_range(&lo, &hi, ix, query, mem);
    CHECK(lo <= hi && hi <= wiki_index_categories(ix));
    for (size_t i = 0; i < 16; i++) {
        arena a = mem;
        wiki_index_category(&total, ix, i, &a);
        n = wiki_index_members(ranks, 20, i % 3, &total, ix, i);
        n += wiki_index_backlinks(ranks, 20, i % 3, &total, ix, (int64_t)i - 1);
        n += wiki_index_redirects_to(ranks, 20, i % 3, &total, ix, (int64_t)i - 1);
        CHECK(n <= 60);
    }
}

static void ask_damaged(const uint8_t *data, size_t n_changes) {
    static const char *const queries[] = {
        "theory relativity", "einstien", "a", "of li", "東京", "!"};
    memcpy(damaged, file.ptr, file.len);
    for (size_t i = 0; i < n_changes; i++)
        damaged[(data[3 * i] << 8 | data[3 * i + 1]) % file.len] = (char)data[3 * i + 2];
    const store_header *h = good.file.h;
    str section[WIKI__SECTIONS];
    for (int i = 0; i < WIKI__SECTIONS; i++)
        section[i] = (str){damaged + h->section[i].off, h->section[i].len};
    wiki_index ix = {0};
    small_open_sections(&ix, section);
    for (size_t i = 0; i < countof(queries); i++)
        ask(&ix, str_of(queries[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    if (!mem.base) {
        make_good();
        CHECK((damaged = aligned_alloc(64, align_up(file.len, 64))) != NULL);
    }
    if (!len) return 0;
    size_t n_changes = min_size(data[0] % 16, (len - 1) / 3);
    str query = {(const char *)data + 1 + 3 * n_changes, len - 1 - 3 * n_changes};
    ask(&good, query);
    if (n_changes) ask_damaged(data + 1, n_changes);
    return 0;
}
