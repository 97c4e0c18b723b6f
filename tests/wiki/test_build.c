// The build: the same bytes whatever the threads and the memory, links as a naive count has them,
// and nothing left behind by damage, limits or a kill.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/wiki/data.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { N = 400, LINKS = 5 };

static uint64_t rng = 7;
static int link_of[N][LINKS];  // target page, or -1
static int leads_to[N];        // of a redirect; -1: an article

static int rnd(int n) {
    rng = rng * 6364136223846793005u + 1442695040888963407u;
    return (int)((rng >> 33) % (uint64_t)n);
}

// Page i is an article that links, or a redirect; chains and loops of redirects come by chance.
static const char *make_dump(const char *name) {
    arena text;
    buf b;
    assert_int_equal(arena_open(&text, 8 << 20, NULL), OK);
    buf_init(&b, &text, 0);
    buf_add(&b, STR(DATA_SITE));
    for (int i = 0; i < N; i++) {
        leads_to[i] = rnd(3) ? -1 : rnd(N);
        buf_fmt(&b, "  <page><title>P%d</title><ns>0</ns><id>%d</id>", i, i + 1);
        if (leads_to[i] >= 0) buf_fmt(&b, "<redirect title=\"P%d\" />", leads_to[i]);
        buf_add(&b, STR("<revision><id>1</id><text>"));
        for (int k = 0; k < LINKS; k++) {
            link_of[i][k] = leads_to[i] >= 0 ? -1 : rnd(N);
            if (link_of[i][k] >= 0) buf_fmt(&b, "[[p%d|x]] ", link_of[i][k]);
        }
        buf_add(&b, STR("</text></revision></page>\n"));
    }
    buf_add(&b, STR(DATA_END));
    const char *path = data_write(name, buf_str(&b));
    arena_close(&text);
    return path;
}

static bool links_to(int from, int to) {
    for (int k = 0; k < LINKS; k++)
        if (link_of[from][k] == to) return true;
    return false;
}

static int naive_end(int i) {
    for (int hops = 0; leads_to[i] >= 0; hops++) {
        if (hops == WIKI_REDIRECT_MAX) return -1;
        i = leads_to[i];
    }
    return i;
}

static size_t naive_count(int page) {
    size_t n = 0;
    for (int to = 0; to < N; to++) {
        if (to != page && (leads_to[to] < 0 || naive_end(to) != page)) continue;
        for (int from = 0; from < N; from++)
            n += links_to(from, to);
    }
    return n;
}

static uint8_t naive_score(size_t n) {  // in long double: 12*log2(1+n) is never near a half here
    long double x = 1, step = 1.029302236643492039L;  // 2^(1/24)
    int halves = 0;
    while (x * step <= (long double)(1 + n) + 1e-12L)
        x *= step, halves++;
    return (uint8_t)((halves + 1) / 2);
}

static void scores_as_counted(void **state) {
    (void)state;
    const char *dump = make_dump("links.xml");
    wiki_build_result r;
    err e = {0};
    if (data_build(dump, &r, &e)) fail_msg("%s", e.msg);
    os_file_stat st;
    wiki_index *ix;
    assert_int_equal(os_stat(&st, dump, NULL), OK);
    const char *path = wiki_index_path(&data_arena, dump);
    if (wiki_index_open(&ix, path, st.len, st.mtime_ns, &e)) fail_msg("%s", e.msg);
    assert_int_equal(r.n_pages, N);
    for (int i = 0; i < N; i++) {
        arena a = data_arena;
        wiki_page p;
        str title = arena_fmt(&a, "P%d", i);
        int64_t rank = wiki_index_find(ix, title);
        assert_true(rank != WIKI_NO_RANK);
        wiki_index_get(&p, ix, rank, &a);
        if (p.score != naive_score(naive_count(i)))
            fail_msg("P%d: score %d, %zu links", i, p.score, naive_count(i));
        assert_int_equal(p.id, i + 1);
        assert_int_equal(p.is_redirect, leads_to[i] >= 0);
        if (leads_to[i] < 0) continue;
        wiki_index_get(&p, ix, p.target, &a);
        assert_true(str_eq(p.title, arena_fmt(&a, "P%d", leads_to[i])));
    }
    wiki_index_close(ix);
}

static str build_as(const char *dump, int threads, size_t memory, const char *name) {
    wiki_build_result r;
    err e = {0};
    wiki_build_options o = {.dump = dump,
                            .index = data_path(name),
                            .n_threads = threads,
                            .memory = memory,
                            .with = WIKI_WITH_ALL};
    if (wiki_index_build(&r, &o, &e)) fail_msg("%s: %s", dump, e.msg);
    return data_read(o.index);
}

static void expect_same(const char *dump) {
    str first = build_as(dump, 1, 64 << 20, "first.idx");
    for (int threads = 2; threads <= 4; threads++)
        assert_true(str_eq(first, build_as(dump, threads, threads & 1 ? 0 : 64 << 20, "x.idx")));
}

static void same_bytes(void **state) {
    (void)state;
    expect_same(make_dump("same.xml"));
}

static void real_same_bytes(void **state) {
    (void)state;
    expect_same(data_shared("enwiki-sample.xml.bz2"));
    expect_same(data_shared("ltgwiki.xml.bz2"));
}

static int files_here(void) {
    DIR *d = opendir(data_dir);
    int n = 0;
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static void expect_limit(int resource, rlim_t soft) {
    signal(SIGXFSZ, SIG_IGN);
    const char *dump = make_dump("limit.xml");
    str before = build_as(dump, 2, 0, "limit.idx");
    int files = files_here();
    struct rlimit old, low;
    getrlimit(resource, &old);
    low = (struct rlimit){soft, old.rlim_max};
    setrlimit(resource, &low);
    wiki_build_result r;
    err e = {0};
    wiki_build_options o = {.dump = dump, .index = data_path("limit.idx"), .n_threads = 2};
    status s = wiki_index_build(&r, &o, &e);
    setrlimit(resource, &old);
    assert_int_equal(s, E_LIMIT);
    assert_true(e.msg[0] != 0);
    assert_int_equal(files_here(), files);
    assert_true(str_eq(before, data_read(o.index)));
}

static void full_disk(void **state) {
    (void)state;
    expect_limit(RLIMIT_FSIZE, 4096);
}

static void no_handles(void **state) {
    (void)state;
    expect_limit(RLIMIT_NOFILE, 5);
}

static void cancelled(void **state) {
    (void)state;
    _Atomic(bool) stop = true;
    wiki_build_result r;
    wiki_build_options o = {.dump = make_dump("cancel.xml"), .cancel = &stop};
    assert_int_equal(wiki_index_build(&r, &o, NULL), E_CANCELLED);
    assert_int_equal(access(wiki_index_path(&data_arena, o.dump), F_OK), -1);
}

static void killed_at_any_moment(void **state) {
    (void)state;
    const char *dump = make_dump("kill.xml");
    str before = build_as(dump, 2, 0, "kill.idx");
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork();
        if (!pid) {
            wiki_build_result r;
            wiki_build_options o = {.dump = dump, .index = data_path("kill.idx"), .with = 7};
            status s = wiki_index_build(&r, &o, NULL);
            _exit(s != OK);
        }
        usleep((useconds_t)rnd(20000));
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        str now = data_read(data_path("kill.idx"));
        assert_true(now.len > 0);
    }
    assert_true(str_eq(before, build_as(dump, 2, 0, "kill.idx")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_as_counted),    cmocka_unit_test(same_bytes),
        cmocka_unit_test(real_same_bytes),      cmocka_unit_test(full_disk),
        cmocka_unit_test(no_handles),           cmocka_unit_test(cancelled),
        cmocka_unit_test(killed_at_any_moment),
    };
    return cmocka_run_group_tests(tests, data_setup, data_teardown);
}
