// Stacks of dumps and building in the background: what a view shows against what the test wrote
// into the dumps, with readers in and out all the time.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/wiki/data.h"
#include "wiki/view.h"

#include <bzlib.h>

enum { PAGES = 300, NAMES = 12 };

static uint64_t seed = 3;

static uint32_t dice(uint32_t n) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

// --- Dumps the test knows --------------------------------------------------------------------

// Of page i in a layer: absent, an article, or a redirect to another page.
typedef struct known {
    bool is_there;
    int leads_to;  // -1: an article
    unsigned categories;
} known;

typedef struct known_dump {
    known page[PAGES];
    const char *path;
    str xml;
} known_dump;

static void add_page(buf *b, const known *k, int i, const char *month) {
    buf_fmt(b, "  <page>\n    <title>Page %d</title>\n    <ns>0</ns>\n    <id>%d</id>\n", i, i + 1);
    if (k->leads_to >= 0) buf_fmt(b, "    <redirect title=\"Page %d\" />\n", k->leads_to);
    buf_fmt(b, "    <revision><id>1</id><timestamp>2026-%s-01T00:00:00Z</timestamp><text>", month);
    buf_fmt(b, "Text of %d in %s.", i, month);
    for (int c = 0; c < NAMES; c++)
        if (k->categories >> c & 1) buf_fmt(b, "\n[[Category:Name %c]]", 'A' + c);
    buf_add(b, STR("</text></revision>\n  </page>\n"));
}

static void make_known(known_dump *d, const char *name, const char *month, uint32_t one_in) {
    buf b;
    buf_init(&b, &data_arena, 1 << 20);
    buf_add(&b, STR(DATA_SITE));
    for (int i = 0; i < PAGES; i++) {
        known *k = &d->page[i];
        *k = (known){.is_there = !dice(one_in), .leads_to = dice(4) ? -1 : (int)dice(PAGES)};
        if (k->leads_to < 0) k->categories = dice(1 << NAMES) & dice(1 << NAMES);
        if (k->is_there) add_page(&b, k, i, month);
    }
    buf_add(&b, STR(DATA_END));
    d->xml = buf_str(&b);
    d->path = data_write(name, d->xml);
}

static void must_build(const char *dump) {
    wiki_build_result r;
    err e = {0};
    if (data_build(dump, &r, &e)) fail_msg("%s", e.msg);
}

static wiki *open_all(const known_dump *d, size_t n) {
    const char *paths[WIKI_LAYERS_MAX];
    wiki *w;
    err e = {0};
    for (size_t i = 0; i < n; i++)
        paths[i] = d[i].path;
    wiki_options o = {.dumps = paths, .n_dumps = n};
    if (wiki_open(&w, &o, &e)) fail_msg("%s", e.msg);
    return w;
}

// --- Layers ----------------------------------------------------------------------------------

// The layer in which page i is seen; -1: in none. Months rise with the layers here.
static int seen_in(const known_dump *d, int n, int i) {
    while (--n >= 0 && !d[n].page[i].is_there)
        continue;
    return n;
}

static int naive_end(const known_dump *d, int n, int i) {
    for (int hop = 0; hop <= WIKI_REDIRECT_MAX; hop++) {
        int layer = seen_in(d, n, i);
        if (layer < 0) return -1;
        int to = d[layer].page[i].leads_to;
        if (to < 0) return i;
        if (!d[layer].page[to].is_there) return -1;  // a target is one of the same dump
        i = to;
    }
    return -1;
}

static void check_page(const wiki_view *v, const known_dump *d, int n, int i) {
    arena a = data_arena;
    str title = arena_fmt(&a, "Page %d", i), xml, whole;
    int layer = seen_in(d, n, i);
    wiki_hit h;
    assert_int_equal(wiki_find(&h, v, title, &a), layer >= 0);
    if (layer < 0) return;
    assert_int_equal(h.layer, layer);
    assert_true(h.page.id == (uint32_t)i + 1 && str_eq(h.page.title, title));
    assert_int_equal(wiki_page_xml(&xml, v, &h, &a, NULL), OK);
    assert_true(str_find(xml, arena_fmt(&a, "Text of %d in 0%d.", i, layer + 1)) < xml.len);
    uint64_t base = 0;
    for (int k = 0; k < layer; k++)
        base += d[k].xml.len;
    assert_true(str_eq(xml, (str){d[layer].xml.ptr + (h.page.off - base), h.page.len}));
    assert_int_equal(wiki_read(&whole, v, h.page.off, h.page.len, &a, NULL), OK);
    assert_true(str_eq(whole, xml));
    assert_int_equal(h.page.is_redirect, d[layer].page[i].leads_to >= 0);
    int end = naive_end(d, n, i);
    assert_int_equal(wiki_follow(&h, v, &a), end >= 0);
    if (end >= 0) assert_int_equal(h.page.id, end + 1);
}

static void check_categories(const wiki_view *v, const known_dump *d, int n, size_t skip) {
    arena a = data_arena;
    wiki_category_row rows[NAMES + 1];
    uint64_t total;
    size_t got = wiki_categories(rows, 5, skip, &total, v, STR("name "), &a);
    assert_int_equal(total, NAMES);
    assert_int_equal(got, skip < NAMES ? min_size(5, NAMES - skip) : 0);
    for (size_t k = 0; k < got; k++) {
        unsigned c = (unsigned)(skip + k);
        size_t want = 0;
        for (int i = 0; i < PAGES; i++) {
            int layer = seen_in(d, n, i);
            want += layer >= 0 && (d[layer].page[i].categories >> c & 1);
        }
        assert_true(str_eq(rows[k].name, arena_fmt(&a, "Name %c", 'A' + (int)c)));
        assert_int_equal(rows[k].n_members, want);
        wiki_hits hits;
        str name;
        assert_true(wiki_category(&hits, &name, v, rows[k].name, PAGES, 0, &a));
        assert_int_equal(hits.total, want);
        assert_int_equal(hits.n, want);
        for (size_t i = 0; i < hits.n; i++) {
            int page = (int)hits.hits[i].page.id - 1;
            assert_int_equal(hits.hits[i].layer, seen_in(d, n, page));
            assert_true(d[hits.hits[i].layer].page[page].categories >> c & 1);
        }
    }
}

static int by_bytes(const void *a, const void *b) {
    return str_cmp(*(const str *)a, *(const str *)b);
}

static void check_prefix(const wiki_view *v, const known_dump *d, int n, str prefix) {
    arena a = data_arena;
    str want[PAGES];
    size_t n_want = 0;
    for (int i = 0; i < PAGES; i++) {
        str title = arena_fmt(&a, "Page %d", i);
        if (seen_in(d, n, i) >= 0 && str_starts(title, prefix)) want[n_want++] = title;
    }
    qsort(want, n_want, sizeof *want, by_bytes);
    for (size_t skip = 0; skip <= n_want; skip += 1 + n_want / 3) {
        wiki_hits hits;
        wiki_prefix(&hits, v, prefix, 20, skip, &a);
        assert_int_equal(hits.total, n_want);
        assert_int_equal(hits.n, min_size(20, n_want - skip));
        for (size_t i = 0; i < hits.n; i++)
            assert_true(str_eq(hits.hits[i].page.title, want[skip + i]));
    }
    wiki_hits best;
    wiki_suggest(&best, v, prefix, WIKI_SUGGEST_MAX, -1, &a);
    assert_int_equal(best.total, n_want);
    for (size_t i = 0; i < best.n; i++) {
        wiki_hit h;  // with its id, which a suggestion is without
        wiki_get(&h, v, best.hits[i].layer, best.hits[i].page.rank, &a);
        assert_true(str_eq(h.page.title, best.hits[i].page.title));
        assert_int_equal(h.layer, seen_in(d, n, (int)h.page.id - 1));
    }
}

static void layers(void **state) {
    (void)state;
    static known_dump d[3];
    make_known(&d[0], "base.xml", "01", 1);
    make_known(&d[1], "later.xml", "02", 4);
    make_known(&d[2], "latest.xml", "03", 9);
    for (int n = 1; n <= 3; n++) {
        must_build(d[n - 1].path);
        wiki *w = open_all(d, (size_t)n);
        wiki_view *v = wiki_enter(w);
        uint64_t len = 0;
        size_t n_seen = 0;
        for (int i = 0; i < n; i++)
            len += d[i].xml.len;
        for (int i = 0; i < PAGES; i++) {
            check_page(v, d, n, i);
            n_seen += seen_in(d, n, i) >= 0;
        }
        assert_int_equal(wiki_view_pages(v), n_seen);
        assert_int_equal(wiki_view_xml_len(v), len);
        for (size_t skip = 0; skip <= NAMES; skip++)
            check_categories(v, d, n, skip);
        static const char *const prefixes[] = {"", "Page", "Page 1", "Page 29", "Pagf"};
        for (size_t i = 0; i < countof(prefixes); i++)
            check_prefix(v, d, n, str_of(prefixes[i]));
        str out;
        assert_int_equal(wiki_read(&out, v, len - 1, 2, &data_arena, NULL), E_ARG);
        wiki_leave(v);
        wiki_close(w);
    }
}

// --- Kept pages ------------------------------------------------------------------------------

static const char *packed(const char *name, str text) {
    unsigned n = (unsigned)text.len + 1024;
    char *p = arena_alloc(&data_arena, n);
    assert_int_equal(BZ2_bzBuffToBuffCompress(p, &n, (char *)text.ptr, (unsigned)text.len, 9, 0, 0),
                     BZ_OK);
    return data_write(name, (str){p, n});
}

static void templates_are_kept(void **state) {
    (void)state;
    enum { TEMPLATES = 400, TEXT = 2000 };
    char *filler = memset(arena_alloc(&data_arena, TEXT + 1), 'x', TEXT);
    buf b;
    buf_init(&b, &data_arena, 1 << 20);
    buf_add(&b, STR(DATA_SITE));
    for (int i = 0; i < TEMPLATES; i++)
        buf_fmt(&b,
                "<page><title>Template:T%d</title><ns>10</ns><id>%d</id><revision><id>1</id>"
                "<text>%d %s</text></revision></page>\n",
                i, i + 1, i, filler);
    buf_add(&b, STR(DATA_END));
    const char *dump = packed("templates.xml.bz2", buf_str(&b));
    must_build(dump);
    wiki *w;
    err e = {0};
    wiki_options o = {
        .dumps = &dump, .n_dumps = 1, .index = data_index(dump), .cache_bytes = 4 << 20};
    if (wiki_open(&w, &o, &e)) fail_msg("%s", e.msg);
    for (int i = 0; i < 5000; i++) {
        arena a = data_arena;
        int which = i < 2000 ? 0 : (int)dice(TEMPLATES);
        wiki_view *v = wiki_enter(w);
        wiki_hit h;
        str xml;
        assert_true(wiki_find(&h, v, arena_fmt(&a, "Template:T%d", which), &a));
        assert_int_equal(wiki_page_xml(&xml, v, &h, &a, &e), OK);
        assert_true(str_eq(xml, (str){b.ptr + h.page.off, h.page.len}));
        wiki_leave(v);
    }
    wiki_state s;
    wiki_state_get(&s, w);
    assert_int_equal(s.kept.hits + s.kept.misses, 5000);
    assert_true(s.kept.hits >= 1999 && s.kept.evicted > 0);
    assert_true(s.kept.bytes > 0 && s.kept.bytes <= (4 << 20) / 8);
    wiki_close(w);
}

// --- In the background -----------------------------------------------------------------------

// Many pages, packed so that they come in several blocks.
enum { MANY = 60000 };

static const char *make_many(const char *name) {
    arena text;
    buf b;
    assert_int_equal(arena_open(&text, 64 << 20, NULL), OK);
    buf_init(&b, &text, 0);
    buf_add(&b, STR(DATA_SITE));
    for (int i = 0; i < MANY; i++)
        buf_fmt(&b,
                "<page><title>Page %d</title><ns>0</ns><id>%d</id><revision><id>1</id><text>Text "
                "%d</text></revision></page>\n",
                i, i + 1, i);
    buf_add(&b, STR(DATA_END));
    const char *path = packed(name, buf_str(&b));
    arena_close(&text);
    return path;
}

typedef struct reader {
    wiki *w;
    _Atomic(bool) *stop;
    uint64_t n_reads, n_partial;
    bool went_back;  // a later view had fewer pages
    uint64_t seed;
    arena mem;
} reader;

// One look into what is seen now: a page that is there is the page of its number.
static bool look(reader *r, uint64_t *last) {
    arena a = r->mem;
    wiki_view *v = wiki_enter(r->w);
    bool is_right = true;
    if (v) {
        wiki_hit h;
        str xml;
        uint64_t n = wiki_view_pages(v);
        r->went_back |= n < *last;
        *last = n;
        r->n_reads++, r->n_partial += wiki_view_is_partial(v);
        r->seed = r->seed * 6364136223846793005u + 1442695040888963407u;
        uint64_t i = (r->seed >> 33) % MANY;
        if (wiki_find(&h, v, arena_fmt(&a, "Page %llu", (unsigned long long)i), &a))
            is_right = !wiki_page_xml(&xml, v, &h, &a, NULL) && h.page.id == i + 1 &&
                       str_find(xml, arena_fmt(&a, "Text %llu<", (unsigned long long)i)) < xml.len;
        else
            is_right = wiki_view_is_partial(v);
    }
    wiki_leave(v);
    return is_right;
}

static void *read_on(void *arg) {
    reader *r = arg;
    uint64_t last = 0;
    for (; !atomic_load(r->stop); usleep(50))  // three that spin would hold the builder up
        if (!look(r, &last)) return NULL;
    return r;
}

static void wait_until_built(wiki *w, wiki_state *s) {
    for (wiki_state_get(s, w); s->is_building; wiki_state_get(s, w))
        usleep(1000);
}

static void log_fails(void *arg, const char *line) {
    print_message("%s\n", line);
    atomic_store((_Atomic(bool) *)arg, true);
}

// Opens with `builds`, reads from three threads until it is built, and then looks at all of it.
static uint64_t build_behind_readers(const char *dump) {
    wiki *w;
    err e = {0};
    _Atomic(bool) stop = false, has_failed = false;
    wiki_options o = {.dumps = &dump, .n_dumps = 1, .builds = true, .memory = 64 << 20};
    o.log = log_fails, o.arg = &has_failed;
    if (wiki_open(&w, &o, &e)) fail_msg("%s", e.msg);
    pthread_t t[3];
    reader r[3] = {0};
    for (int i = 0; i < 3; i++) {
        r[i] = (reader){.w = w, .stop = &stop, .seed = (uint64_t)i};
        assert_int_equal(arena_open(&r[i].mem, 8 << 20, NULL), OK);
        assert_int_equal(pthread_create(&t[i], NULL, read_on, &r[i]), 0);
    }
    wiki_state s;
    wait_until_built(w, &s);
    assert_string_equal(s.failed, "");
    assert_false(has_failed);
    assert_int_equal(s.n_pages, MANY);
    stop = true;
    uint64_t n_partial = 0;
    for (int i = 0; i < 3; i++) {
        void *is_right;
        pthread_join(t[i], &is_right);
        assert_non_null(is_right);
        assert_false(r[i].went_back);
        n_partial += r[i].n_partial;
        arena_close(&r[i].mem);
    }
    wiki_view *v = wiki_enter(w);
    assert_false(wiki_view_is_partial(v));
    assert_int_equal(wiki_view_pages(v), MANY);
    wiki_leave(v);
    wiki_close(w);
    return n_partial;
}

static void built_behind_readers(void **state) {
    (void)state;
    const char *dump = make_many("many.xml.bz2");
    uint64_t n_partial = build_behind_readers(dump);
    for (int i = 0; i < 20 && !n_partial; i++) {  // the readers may have been held up meanwhile
        unlink(wiki_index_path(&data_arena, dump));
        n_partial = build_behind_readers(dump);
    }
    assert_true(n_partial > 0);
    str good = data_read(wiki_index_path(&data_arena, dump));
    data_write("many.xml.bz2.idx", str_first(good, good.len / 2));  // damaged
    build_behind_readers(dump);
    assert_true(str_eq(good, data_read(wiki_index_path(&data_arena, dump))));
    data_write("many.xml.bz2", data_read(dump));  // stale: another time
    assert_int_equal(access(wiki_index_path(&data_arena, dump), R_OK), 0);
    build_behind_readers(dump);
}

static void close_cancels(void **state) {
    (void)state;
    const char *dump = make_many("cancel.xml.bz2");
    for (int i = 0; i < 8; i++) {
        wiki *w;
        err e = {0};
        wiki_options o = {.dumps = &dump, .n_dumps = 1, .builds = true, .memory = 64 << 20};
        if (wiki_open(&w, &o, &e)) fail_msg("%s", e.msg);
        usleep(dice(30000));
        wiki_close(w);
        unlink(wiki_index_path(&data_arena, dump));
    }
}

// The second dump is indexed, the first is not: it is waited for, and the second's number is 1.
static void numbers_stay(void **state) {
    (void)state;
    static known_dump later;
    const char *first = make_many("first.xml.bz2");
    make_known(&later, "second.xml", "02", 1);
    must_build(later.path);
    const char *dumps[] = {first, later.path};
    wiki *w;
    wiki_state s;
    err e = {0};
    wiki_options o = {.dumps = dumps, .n_dumps = 2, .builds = true, .memory = 64 << 20};
    if (wiki_open(&w, &o, &e)) fail_msg("%s", e.msg);
    for (s.is_building = true; s.is_building; wiki_state_get(&s, w)) {
        wiki_view *v = wiki_enter(w);
        assert_true(!v || v->n == 1 || !wiki_view_is_partial(v));
        if (v) assert_string_equal(v->layer[0]->source.file.path, first);
        wiki_leave(v);
        usleep(500);
    }
    wiki_hit h;
    wiki_view *v = wiki_enter(w);
    assert_int_equal(v->n, 2);
    assert_true(wiki_find(&h, v, STR("Page 7"), &data_arena) && h.layer == 1);
    assert_true(wiki_find(&h, v, STR("Page 59999"), &data_arena) && h.layer == 0);
    wiki_leave(v);
    wiki_close(w);
}

static void failure_is_told(void **state) {
    (void)state;
    static known_dump later;
    const char *bad = data_write("bad.xml", STR(DATA_SITE DATA_PAGE("A", "b") "<page><title>C"));
    make_known(&later, "after.xml", "02", 1);
    const char *dumps[] = {bad, later.path};
    wiki *w;
    wiki_state s;
    err e = {0};
    wiki_options o = {.dumps = dumps, .n_dumps = 2, .builds = true, .memory = 64 << 20};
    if (wiki_open(&w, &o, &e)) fail_msg("%s", e.msg);
    wait_until_built(w, &s);
    assert_non_null(strstr(s.failed, "bad.xml"));
    assert_int_equal(s.n_pages, PAGES);  // the other dump is seen all the same
    wiki_close(w);
    o.builds = false;
    assert_int_equal(wiki_open(&w, &o, &e), E_NOT_FOUND);
    assert_non_null(strstr(e.msg, "parallelopedia index"));
}

// --- Memory ----------------------------------------------------------------------------------

static size_t mapped_file_bytes(void) {
    unsigned long all, resident, shared;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu %lu %lu", &all, &resident, &shared), 3);
    fclose(f);
    return shared * 4096;
}

// A dump of 200 MB, most of it one long page, read all over: what stays mapped is bounded.
static void mapped_pages_are_let_go(void **state) {
    (void)state;
    enum { BYTES = 200 << 20, READS = 20000 };
    const char *dump = data_write("large.xml", STR(DATA_SITE "  <page><title>A</title><ns>0</ns>"
                                                             "<revision><id>1</id><text>"));
    FILE *f = fopen(dump, "ab");
    static char line[1 << 20];
    memset(line, 'x', sizeof line);
    for (size_t n = 0; n < BYTES; n += sizeof line)
        assert_int_equal(fwrite(line, 1, sizeof line, f), sizeof line);
    fputs("</text></revision></page></mediawiki>\n", f);
    assert_int_equal(fclose(f), 0);
    wiki *w;
    err e = {0};
    wiki_build_result r;
    wiki_build_options o = {.dump = dump, .memory = 64 << 20};
    if (wiki_index_build(&r, &o, &e)) fail_msg("%s", e.msg);
    if (data_open(&w, dump, &e)) fail_msg("%s", e.msg);
    size_t most = 0;
    for (int i = 0; i < READS; i++) {
        str s;
        wiki_view *v = wiki_enter(w);
        uint64_t off = ((uint64_t)dice(1 << 30) << 8) % BYTES;
        assert_int_equal(wiki_read(&s, v, off, 1, &data_arena, &e), OK);
        assert_true(s.ptr[0] != 0);
        wiki_leave(v);
        if (i % 50 == 0) most = max_size(most, mapped_file_bytes());
    }
    wiki_close(w);
    unlink(dump);
    print_message("at most %zu MiB of 200 mapped\n", most >> 20);
    assert_true(most < 64 << 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers),
        cmocka_unit_test(templates_are_kept),
        cmocka_unit_test(built_behind_readers),
        cmocka_unit_test(close_cancels),
        cmocka_unit_test(numbers_stay),
        cmocka_unit_test(failure_is_told),
        cmocka_unit_test(mapped_pages_are_let_go),
    };
    return cmocka_run_group_tests(tests, data_setup, data_teardown);
}
