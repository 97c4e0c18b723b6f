// The build on odd dumps, its snapshots, and the memory it holds.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/wiki/data.h"
#include "wiki/inside.h"

#include <bzlib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>

static wiki_build_result built(const char *dump) {
    wiki_build_result r;
    err e = {0};
    if (data_build(dump, &r, &e)) fail_msg("%s", e.msg);
    return r;
}

static wiki_index *opened(const char *dump) {
    os_file_stat st;
    wiki_index *ix;
    err e = {0};
    assert_int_equal(os_stat(&st, dump, &e), OK);
    const char *path = wiki_index_path(&data_arena, dump);
    if (wiki_index_open(&ix, path, st.len, st.mtime_ns, &e)) fail_msg("%s", e.msg);
    return ix;
}

static wiki_page page_of(const wiki_index *ix, const char *title) {
    wiki_page p;
    int64_t rank = wiki_index_find(ix, str_of(title));
    if (rank == WIKI_NO_RANK) fail_msg("no %s", title);
    wiki_index_get(&p, ix, rank, &data_arena);
    return p;
}

#define EMPTY_SHA1 "phoiac9h4m842xq45sp7s6u21eteeq1"

static void odd_texts(void **state) {
    (void)state;
    const char *dump = data_write(
        "odd.xml",
        STR("<mediawiki>"
            "<page><title>Deleted</title><revision><text deleted=\"deleted\" /><sha1>x</sha1>"
            "</revision></page>"
            "<page><title>Empty</title><revision><text /><sha1>" EMPTY_SHA1 "</sha1></revision>"
            "</page><page><title>No text</title><revision><sha1>" EMPTY_SHA1 "</sha1></revision>"
            "</page><page><title>No revision</title></page>"
            "<page><title>No digest</title><revision><text>[[Empty]]</text><sha1 /></revision>"
            "</page><page><title>Wrong</title><revision><text>x</text><sha1>" EMPTY_SHA1 "</sha1>"
            "</revision></page>"
            "<page><title>Code</title><revision><model>Scribunto</model><text>[[Deleted]]</text>"
            "</revision></page>"
            "<page><title>Data</title><revision><model>json</model><text>[[Deleted]]</text>"
            "</revision></page></mediawiki>"));
    wiki_build_result r = built(dump);
    assert_int_equal(r.n_pages, 8);
    assert_int_equal(r.n_bad_sha1, 1);
    assert_int_equal(r.n_without_sha1, 6);  // all but Empty and Wrong
    assert_int_equal(r.n_links, 1);         // what is no wikitext has no links
    wiki_index *ix = opened(dump);
    assert_true(page_of(ix, "Wrong").is_bad_sha1);
    assert_false(page_of(ix, "Empty").is_bad_sha1);
    assert_int_equal(page_of(ix, "Empty").score, 12);
    assert_int_equal(page_of(ix, "Deleted").score, 0);
    wiki_index_close(ix);
}

static void one_page(void **state) {
    (void)state;
    const char *dump = data_write("one.xml", STR("<page><title>x</title></page>"));
    wiki_build_result r = built(dump);
    assert_int_equal(r.n_pages, 1);
    wiki_index *ix = opened(dump);
    wiki_page p = page_of(ix, "x");
    assert_int_equal(p.off, 0);
    assert_int_equal(p.len, 29);
    assert_int_equal(wiki_index_site(ix)->n_ns, 0);  // no siteinfo
    wiki_index_close(ix);
    dump = data_write("none.xml", STR(DATA_SITE DATA_END));
    assert_int_equal(built(dump).n_pages, 0);
    ix = opened(dump);
    assert_int_equal(wiki_index_find(ix, STR("x")), WIKI_NO_RANK);
    wiki_index_close(ix);
}

// Without siteinfo namespaces are the English ones.
static void no_siteinfo(void **state) {
    (void)state;
    const char *dump = data_write(
        "nosite.xml", STR("<mediawiki>" DATA_PAGE("A", "[[category:x y]] [[template:b]] [[b]]")
                              DATA_PAGE("B", "") DATA_PAGE("Template:B", "") DATA_END));
    wiki_build_options o = {.dump = dump, .with = WIKI_WITH_ALL};
    wiki_build_result r;
    err e = {0};
    if (wiki_index_build(&r, &o, &e)) fail_msg("%s", e.msg);
    assert_int_equal(r.n_links, 2);
    assert_int_equal(r.n_categories, 1);
    wiki_index *ix = opened(dump);
    assert_true(wiki_index_category_find(ix, STR("X y"), data_arena) >= 0);
    wiki_index_close(ix);
}

// The last page of a title stays, and links of those it replaced count nothing.
static void duplicates(void **state) {
    (void)state;
    static const char last[] = DATA_PAGE("A", "the last one");
    const char *dump = data_write(
        "twice.xml", STR(DATA_SITE DATA_PAGE("A", "[[B]]") DATA_PAGE("B", "[[A]]")
                             DATA_REDIRECT("A", "B") DATA_PAGE("A", "the last one") DATA_END));
    wiki_build_result r = built(dump);
    assert_int_equal(r.n_pages, 2);
    assert_int_equal(r.n_duplicates, 2);
    assert_int_equal(r.n_redirects, 0);
    assert_int_equal(r.n_links, 1);
    wiki_index *ix = opened(dump);
    wiki_page p = page_of(ix, "A");
    str xml = data_read(dump);
    assert_int_equal(p.off, xml.len - strlen(DATA_END) - strlen(last) + 2);
    assert_false(p.is_redirect);
    assert_int_equal(p.score, 12);
    assert_int_equal(page_of(ix, "B").score, 0);
    wiki_index_close(ix);
}

// R0 leads to R1 and so on to R6, which leads to A. Five hops are followed. The link to a redirect
// counts for it and for its article; a redirect's own link lends, and is none to be counted.
static void redirect_chains(void **state) {
    (void)state;
    const char *dump = data_write(
        "chain.xml",
        STR(DATA_SITE DATA_REDIRECT("R0", "R1") DATA_REDIRECT("R1", "R2") DATA_REDIRECT("R2", "R3")
                DATA_REDIRECT("R3", "R4") DATA_REDIRECT("R4", "R5") DATA_REDIRECT("R5", "R6")
                    DATA_REDIRECT("R6", "A") DATA_REDIRECT("L1", "L2") DATA_REDIRECT("L2", "L1")
                        DATA_REDIRECT("Lost", "Nowhere") DATA_PAGE("A", "[[R6]] [[R1]] [[r6|x]]")
                            DATA_PAGE("C", "[[R3]] [[Lost]]") DATA_END));
    wiki_build_result r = built(dump);
    assert_int_equal(r.n_redirects, 10);
    assert_int_equal(r.n_links, 4);
    wiki_index *ix = opened(dump);
    wiki_page a = page_of(ix, "A");
    assert_int_equal(a.score, 19);  // R6 and R3: round(12 * log2(3)); R1 is too far away
    assert_int_equal(page_of(ix, "R6").score, 12);
    assert_int_equal(page_of(ix, "R0").score, 0);
    assert_int_equal(wiki_index_follow(ix, page_of(ix, "R2").rank), a.rank);
    assert_int_equal(wiki_index_follow(ix, page_of(ix, "R1").rank), WIKI_NO_RANK);
    assert_int_equal(wiki_index_follow(ix, page_of(ix, "L1").rank), WIKI_NO_RANK);
    assert_int_equal(page_of(ix, "Lost").target, WIKI_NO_RANK);
    wiki_index_close(ix);
}

// --- Links on a page -------------------------------------------------------------------------

// A page's links count once each, however many there are and whichever way they are written.
static void links_of_one_page(void **state) {
    (void)state;
    enum { LINKS = 20000 };
    arena mem;
    buf b;
    assert_int_equal(arena_open(&mem, 16 << 20, NULL), OK);
    buf_init(&b, &mem, 0);
    buf_add(&b, STR("<mediawiki><page><title>A</title><revision><text>"));
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < LINKS; i++)
            buf_fmt(&b, round == 1 ? "[[p_%d|x]]" : "[[P %d]]", i);
    buf_add(&b, STR("</text></revision></page>"));
    for (int i = 0; i < LINKS; i += 2)
        buf_fmt(&b, "<page><title>P %d</title></page>", i);
    buf_add(&b, STR("</mediawiki>"));
    const char *dump = data_write("many.xml", buf_str(&b));
    arena_close(&mem);
    assert_int_equal(built(dump).n_links, LINKS / 2);
}

// --- Snapshots -------------------------------------------------------------------------------

typedef struct shots {
    size_t n;
    const char *dump;
    uint64_t last;
    bool is_packed;
} shots;

static void on_snapshot(void *arg, const char *path, const wiki_progress *p) {
    shots *s = arg;
    os_file_stat st;
    wiki_index *ix;
    err e = {0};
    assert_int_equal(os_stat(&st, s->dump, &e), OK);
    if (wiki_index_open(&ix, path, st.len, st.mtime_ns, &e)) fail_msg("%s", e.msg);
    assert_int_equal(wiki_index_pages(ix), p->pages);
    assert_true(p->pages > s->last);
    s->last = p->pages;
    s->n++;
    size_t n_blocks;
    wiki_index_blocks(&n_blocks, ix);
    assert_int_equal(n_blocks > 0, s->is_packed);
    for (uint64_t rank = 0; rank < p->pages; rank += 997) {
        arena a = data_arena;
        wiki_page page;
        wiki_index_get(&page, ix, (int64_t)rank, &a);
        assert_int_equal(wiki_index_find(ix, page.title), rank);
        assert_true(page.off + page.len <= wiki_index_xml_len(ix));
    }
    wiki_index_close(ix);
    assert_int_equal(unlink(path), 0);
}

static str synthetic(arena *a, int n) {
    buf b;
    buf_init(&b, a, 0);
    buf_add(&b, STR(DATA_SITE));
    for (int i = 0; i < n; i++)
        buf_fmt(&b,
                "<page><title>Page %d</title><ns>0</ns><id>%d</id><revision><text>[[Page %d]] "
                "[[Page %d]] %.400d</text></revision></page>\n",
                (int)((unsigned)i * 7919u % (unsigned)n), i + 1, i / 2, i / 3, i);
    buf_add(&b, STR(DATA_END));
    return buf_str(&b);
}

static str packed(str text, arena *a) {
    unsigned n = (unsigned)text.len + text.len / 50 + 1024;
    char *p = arena_alloc(a, n);
    assert_int_equal(BZ2_bzBuffToBuffCompress(p, &n, (char *)text.ptr, (unsigned)text.len, 1, 0, 0),
                     BZ_OK);
    return (str){p, n};
}

static void snapshots(void **state) {
    (void)state;
    enum { N = 80000 };
    arena mem;
    assert_int_equal(arena_open(&mem, 256 << 20, NULL), OK);
    str xml = synthetic(&mem, N);
    const char *dumps[] = {data_write("shots.xml", xml),
                           data_write("shots.xml.bz2", packed(xml, &mem))};
    arena_close(&mem);
    str whole[2];
    for (int i = 0; i < 2; i++) {
        shots s = {.dump = dumps[i], .is_packed = i == 1};
        wiki_build_options o = {.dump = dumps[i],
                                .index = wiki_index_path(&data_arena, dumps[i]),
                                .n_threads = 3,
                                .with = WIKI_WITH_LINKS,
                                .snapshot = on_snapshot,
                                .snapshot_pages = 1000,
                                .arg = &s};
        wiki_build_result r;
        err e = {0};
        if (wiki_index_build(&r, &o, &e)) fail_msg("%s", e.msg);
        assert_true(s.n >= 2);
        whole[i] = data_read(o.index);
        o.snapshot = NULL;
        if (wiki_index_build(&r, &o, &e)) fail_msg("%s", e.msg);
        assert_int_equal(r.n_pages, N);
        assert_true(str_eq(whole[i], data_read(o.index)));
    }
}

// Sanitizers take memory and address space of their own.
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
enum { IS_SANITIZED = 1 };
#elif defined __has_feature
enum { IS_SANITIZED = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) };
#else
enum { IS_SANITIZED = 0 };
#endif

// --- Memory ----------------------------------------------------------------------------------

static size_t anon_kib(void) {
    char line[256];
    size_t kib = 0;
    FILE *f = fopen("/proc/self/status", "re");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "RssAnon:", 8)) kib = strtoul(line + 8, NULL, 10);
    if (f) fclose(f);
    return kib;
}

typedef struct sampler {
    _Atomic(bool) stop;
    size_t most;
} sampler;

static void *sample(void *arg) {
    sampler *s = arg;
    while (!atomic_load(&s->stop)) {
        size_t now = anon_kib();
        if (now > s->most) s->most = now;
        usleep(2000);
    }
    return NULL;
}

static const char *write_titles(int n) {
    const char *path = data_path("million.xml");
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs("<mediawiki>", f);
    for (int i = 0; i < n; i++) {
        unsigned x = (unsigned)i * 2654435761u;
        fprintf(f,
                "<page><title>Title %08x of %d</title><revision><text>[[Title %08x of %d]]</text>"
                "</revision></page>\n",
                x, i, (unsigned)(i / 2) * 2654435761u, i / 2);
    }
    fputs("</mediawiki>", f);
    assert_int_equal(fclose(f), 0);
    return path;
}

// A million titles within 64 MiB, where their names and links alone are over 100. In a child, so
// that other tests' memory is not counted.
static int build_and_sample(const char *dump, size_t bound_kib) {
    sampler s = {0};
    pthread_t thread;
    size_t before = anon_kib();
    if (pthread_create(&thread, NULL, sample, &s)) return 2;
    wiki_build_options o = {
        .dump = dump, .n_threads = 2, .memory = 64 << 20, .with = WIKI_WITH_ALL};
    wiki_build_result r;
    err e = {0};
    status st = wiki_index_build(&r, &o, &e);
    atomic_store(&s.stop, true);
    pthread_join(thread, NULL);
    size_t most = s.most - before;
    print_message("%zu KiB held, %llu MB of temporary files\n", most,
                  (unsigned long long)r.temp_bytes / 1000000);
    if (st || r.n_pages != 1000000 || r.n_links != 1000000) return 3;
    return most < bound_kib ? 0 : 4;
}

static void memory_is_bounded(void **state) {
    (void)state;
    if (IS_SANITIZED) skip();
    const char *dump = write_titles(1000000);
    pid_t pid = fork();
    if (!pid) _exit(build_and_sample(dump, 80 << 10));
    int how;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
}

// With `ulimit -v 3000000`: address space is taken as pages ask for it.
static void little_address_space(void **state) {
    (void)state;
    if (IS_SANITIZED) skip();
    arena mem;
    assert_int_equal(arena_open(&mem, 64 << 20, NULL), OK);
    const char *dump = data_write("small.xml", synthetic(&mem, 20000));
    arena_close(&mem);
    pid_t pid = fork();
    if (!pid) {
        struct rlimit low = {(rlim_t)3000000 << 10, (rlim_t)3000000 << 10};
        setrlimit(RLIMIT_AS, &low);
        wiki_build_options o = {.dump = dump, .n_threads = 2, .with = WIKI_WITH_ALL};
        wiki_build_result r;
        _exit(wiki_index_build(&r, &o, NULL));
    }
    int how;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_texts),
        cmocka_unit_test(one_page),
        cmocka_unit_test(no_siteinfo),
        cmocka_unit_test(duplicates),
        cmocka_unit_test(redirect_chains),
        cmocka_unit_test(links_of_one_page),
        cmocka_unit_test(snapshots),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(little_address_space),
    };
    return cmocka_run_group_tests(tests, data_setup, data_teardown);
}
