// Verifying: what is right passes, and each thing that is wrong is found and named.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/wiki/data.h"
#include "wiki/inside.h"

#include <bzlib.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { PAGES = 3000 };

typedef struct named {
    char first[64];
    char why[64];
    size_t n;
} named;

static void on_bad(void *arg, str title, const char *why) {
    named *x = arg;
    if (!x->n++) {
        snprintf(x->first, sizeof x->first, "%.*s", STR_ARG(title));
        snprintf(x->why, sizeof x->why, "%s", why);
    }
}

static str sha1_of(str text) {
    char digits[WIKI__SHA1_DIGITS];
    assert_true(wiki__sha1(digits, text));
    return arena_str(&data_arena, (str){digits, sizeof digits});
}

// Pages "P0".."PN", every third a redirect; page `bad` has a wrong digest, if it is one.
static const char *make_dump(const char *name, int n, int bad) {
    arena mem;
    buf b;
    assert_int_equal(arena_open(&mem, 16 << 20, NULL), OK);
    buf_init(&b, &mem, 0);
    buf_add(&b, STR(DATA_SITE));
    for (int i = 0; i < n; i++) {
        arena saved = data_arena;
        str text = arena_fmt(&data_arena, "a & b of page %d", i);
        buf_fmt(&b, "<page><title>P&amp;%d</title><ns>0</ns><id>%d</id>", i, i + 1);
        if (i % 3 == 1) buf_fmt(&b, "<redirect title=\"P&amp;%d\" />", i - 1);
        buf_fmt(&b,
                "<revision><text>a &amp; b of page %d</text><sha1>%.*s</sha1></revision></page>\n",
                i, STR_ARG(sha1_of(i == bad ? STR("other") : text)));
        data_arena = saved;
    }
    buf_add(&b, STR(DATA_END));
    const char *path = data_write(name, buf_str(&b));
    arena_close(&mem);
    return path;
}

static void build(const char *dump) {
    wiki_build_result r;
    err e = {0};
    if (data_build(dump, &r, &e)) fail_msg("%s", e.msg);
}

static status verify(wiki_verify_result *r, named *x, const char *dump, const char *index,
                     const char *stream_index, int threads, err *e) {
    *x = (named){0};
    wiki_build_options o = {
        .dump = dump, .index = index, .n_threads = threads, .bad_page = on_bad, .arg = x};
    return wiki_index_verify(r, &o, stream_index, e);
}

static void clean(void **state) {
    (void)state;
    const char *dump = make_dump("clean.xml", PAGES, -1);
    build(dump);
    for (int threads = 0; threads <= 3; threads++) {
        wiki_verify_result r;
        named x;
        err e = {0};
        if (verify(&r, &x, dump, NULL, NULL, threads, &e)) fail_msg("%s", e.msg);
        assert_int_equal(r.n_pages, PAGES);
        assert_int_equal(r.n_bad_sha1 + r.n_without_sha1 + r.n_missing + x.n, 0);
    }
}

static void wrong_digest(void **state) {
    (void)state;
    const char *dump = make_dump("digest.xml", 50, 17);
    build(dump);
    wiki_verify_result r;
    named x;
    err e = {0};
    if (verify(&r, &x, dump, NULL, NULL, 2, &e)) fail_msg("%s", e.msg);
    assert_int_equal(r.n_bad_sha1, 1);
    assert_int_equal(r.n_missing, 0);  // the index knows that it is bad
    assert_int_equal(x.n, 1);
    assert_string_equal(x.first, "P&17");
    assert_non_null(strstr(x.why, "sha1"));
}

// An index that claims to be of this dump (same length and time) but is of another.
static void wrong_about_pages(void **state) {
    (void)state;
    const char *dump = make_dump("twin.xml", 50, -1);
    str bytes = data_read(dump);
    char *other = arena_alloc(&data_arena, bytes.len);
    memcpy(other, bytes.ptr, bytes.len);
    str title = {other, bytes.len};
    size_t at = str_find(title, STR("<title>P&amp;31<"));
    other[at + 7] = 'Q';
    size_t id = str_find(title, STR("<id>41<"));
    other[id + 4] = '7';
    os_file_stat st;
    assert_int_equal(os_stat(&st, dump, NULL), OK);
    const char *twin = data_write("twin2.xml", title);
    build(twin);
    struct timespec when[2] = {{.tv_nsec = UTIME_OMIT}, {0}};
    assert_int_equal(os_stat(&st, twin, NULL), OK);
    when[1] = (struct timespec){st.mtime_ns / 1000000000, st.mtime_ns % 1000000000};
    assert_int_equal(utimensat(AT_FDCWD, dump, when, 0), 0);
    wiki_verify_result r;
    named x;
    err e = {0};
    const char *index = wiki_index_path(&data_arena, twin);
    if (verify(&r, &x, dump, index, NULL, 1, &e)) fail_msg("%s", e.msg);
    assert_int_equal(r.n_missing, 2);  // a title that is not there, an id that is another
    assert_string_equal(x.first, "P&31");
}

static void refused(void **state) {
    (void)state;
    wiki_verify_result r;
    named x;
    err e = {0};
    const char *dump = make_dump("refused.xml", 50, -1);
    assert_int_equal(verify(&r, &x, dump, NULL, NULL, 1, &e), E_NOT_FOUND);
    build(dump);
    const char *longer = make_dump("longer.xml", 51, -1);
    const char *index = wiki_index_path(&data_arena, dump);
    assert_int_equal(verify(&r, &x, longer, index, NULL, 1, &e), E_STALE);
    _Atomic(bool) stop = true;
    wiki_build_options o = {.dump = dump, .cancel = &stop};
    assert_int_equal(wiki_index_verify(&r, &o, NULL, &e), E_CANCELLED);
}

// Every byte of the index is covered by a checksum, but for padding.
static void corrupted_index(void **state) {
    (void)state;
    const char *dump = make_dump("corrupt.xml", 50, -1);
    build(dump);
    str good = data_read(wiki_index_path(&data_arena, dump));
    char *bytes = arena_alloc(&data_arena, good.len);
    for (size_t i = 0; i < good.len; i += 13) {
        memcpy(bytes, good.ptr, good.len);
        bytes[i] ^= 0x20;
        const char *index = data_write("corrupt.idx", (str){bytes, good.len});
        wiki_verify_result r;
        named x;
        err e = {0};
        status s = verify(&r, &x, dump, index, NULL, 1, &e);
        if (s == OK) assert_int_equal(good.ptr[i], 0);
        assert_true(s == OK || s == E_FORMAT || s == E_STALE);
    }
}

// --- Multistream index -----------------------------------------------------------------------

// Lines of the titles from..to-1; `end` behind the last one.
static str lines_of(int from, int to, const char *end) {
    buf b;
    buf_init(&b, &data_arena, 1 << 20);
    for (int i = from; i < to; i++)
        buf_fmt(&b, "%d:%d:P&amp;%d%s", 500 + i / 100, i + 1, i, i + 1 < to ? "\n" : end);
    return buf_str(&b);
}

static str packed(str text) {
    unsigned n = (unsigned)text.len + text.len / 50 + 1024;
    char *p = arena_alloc(&data_arena, n);
    assert_int_equal(BZ2_bzBuffToBuffCompress(p, &n, (char *)text.ptr, (unsigned)text.len, 1, 0, 0),
                     BZ_OK);
    return (str){p, n};
}

static str joined(str a, str b) {
    char *p = arena_alloc(&data_arena, a.len + b.len);
    memcpy(p, a.ptr, a.len);
    memcpy(p + a.len, b.ptr, b.len);
    return (str){p, a.len + b.len};
}

static void expect_lines(const char *dump, const char *stream_index, uint64_t n, uint64_t missing) {
    wiki_verify_result r;
    named x;
    err e = {0};
    if (verify(&r, &x, dump, NULL, stream_index, 2, &e)) fail_msg("%s", e.msg);
    assert_int_equal(r.n_stream_lines, n);
    assert_int_equal(r.n_stream_missing, missing);
    assert_int_equal(x.n, missing);
}

static void stream_indexes(void **state) {
    (void)state;
    const char *dump = make_dump("streams.xml", PAGES, -1);
    build(dump);
    str all = lines_of(0, PAGES, "\n");
    expect_lines(dump, data_write("all.txt", all), PAGES, 0);
    expect_lines(dump, data_write("open.txt", lines_of(0, PAGES, "")), PAGES, 0);
    expect_lines(dump, data_write("one.txt.bz2", packed(all)), PAGES, 0);
    str two = joined(packed(lines_of(0, 1000, "\n")), packed(lines_of(1000, PAGES, "\n")));
    expect_lines(dump, data_write("two.txt.bz2", two), PAGES, 0);
    expect_lines(dump, data_write("more.txt", lines_of(0, PAGES + 5, "\n")), PAGES + 5, 5);
    expect_lines(dump, data_write("none.txt", STR("")), 0, 0);
    expect_lines(dump, data_write("none.txt.bz2", packed(STR(""))), 0, 0);
}

static void stream_indexes_refused(void **state) {
    (void)state;
    const char *dump = make_dump("streams2.xml", 50, -1);
    build(dump);
    str one = packed(lines_of(0, 50, "\n"));
    char *damaged = arena_alloc(&data_arena, one.len);
    memcpy(damaged, one.ptr, one.len);
    damaged[one.len / 2] ^= 1;
    char *wide = memset(arena_alloc(&data_arena, 20000), '1', 20000);
    const struct {
        const char *name;
        str bytes;
        const char *says;
    } cases[] = {
        {"cut.txt.bz2", str_first(one, one.len - 5), "cut short"},
        {"damaged.txt.bz2", {damaged, one.len}, "damaged"},
        {"plain.txt.bz2", STR("1:2:P"), "damaged"},
        {"wide.txt", {wide, 20000}, "a line of over"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        wiki_verify_result r;
        named x;
        err e = {0};
        const char *path = data_write(cases[i].name, cases[i].bytes);
        assert_int_equal(verify(&r, &x, dump, NULL, path, 1, &e), E_FORMAT);
        if (!strstr(e.msg, cases[i].says) || !strstr(e.msg, path)) fail_msg("%s", e.msg);
    }
    wiki_verify_result r;
    named x;
    err e = {0};
    assert_int_equal(verify(&r, &x, dump, NULL, data_path("absent.txt"), 1, &e), E_NOT_FOUND);
}

static void real_dump(void **state) {
    (void)state;
    const char *dump = data_shared("enwiki-sample.xml.bz2");
    const char *index = data_path("enwiki-sample.idx");
    wiki_build_options o = {.dump = dump, .index = index};
    wiki_build_result b;
    wiki_verify_result r;
    named x;
    err e = {0};
    if (wiki_index_build(&b, &o, &e)) fail_msg("%s", e.msg);
    if (verify(&r, &x, dump, index, NULL, 2, &e)) fail_msg("%s", e.msg);
    assert_int_equal(r.n_pages, b.n_pages + b.n_duplicates);
    assert_int_equal(r.n_bad_sha1, b.n_bad_sha1);
    assert_int_equal(r.n_missing, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clean),
        cmocka_unit_test(wrong_digest),
        cmocka_unit_test(wrong_about_pages),
        cmocka_unit_test(refused),
        cmocka_unit_test(corrupted_index),
        cmocka_unit_test(stream_indexes),
        cmocka_unit_test(stream_indexes_refused),
        cmocka_unit_test(real_dump),
    };
    return cmocka_run_group_tests(tests, data_setup, data_teardown);
}
