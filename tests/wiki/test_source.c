// The reader and random reads against bytes the test packed itself, or unpacked with libbz2 alone.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wiki/bz2.h"
#include "wiki/source.h"

#include <bzlib.h>
#include <glob.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dump_path[] = "/tmp/test-source-XXXXXX";
static arena data_arena;

static int data_setup(void **state) {
    (void)state;
    int fd = mkstemp(dump_path);
    return fd < 0 || close(fd) || arena_open(&data_arena, 64 << 20, NULL);
}

static int data_teardown(void **state) {
    (void)state;
    arena_close(&data_arena);
    return unlink(dump_path);
}

static const char *data_write(str bytes) {
    FILE *f = fopen(dump_path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, f), bytes.len);
    assert_int_equal(fclose(f), 0);
    return dump_path;
}

// --- Oracle ----------------------------------------------------------------------------------

static str pack(str xml, size_t per_stream, int level) {
    char *dst = malloc(xml.len * 2 + (xml.len / per_stream + 1) * 1024);
    size_t at = 0;
    for (size_t i = 0; i < xml.len; i += per_stream) {
        unsigned n = (unsigned)(xml.len * 2 + 1024);
        str part = str_first(str_skip(xml, i), per_stream);
        assert_int_equal(BZ2_bzBuffToBuffCompress(dst + at, &n, (char *)part.ptr,
                                                  (unsigned)part.len, level, 0, 0),
                         BZ_OK);
        at += n;
    }
    return (str){dst, at};
}

static str unpack_all(str packed) {
    size_t cap = packed.len * 60 + 1024, n = 0;
    char *dst = malloc(cap);
    while (packed.len) {
        bz_stream z = {.next_in = (char *)packed.ptr, .avail_in = (unsigned)packed.len};
        assert_int_equal(BZ2_bzDecompressInit(&z, 0, 0), BZ_OK);
        z.next_out = dst + n;
        z.avail_out = (unsigned)(cap - n);
        assert_int_equal(BZ2_bzDecompress(&z), BZ_STREAM_END);
        n = cap - z.avail_out;
        packed = str_skip(packed, packed.len - z.avail_in);
        BZ2_bzDecompressEnd(&z);
    }
    return (str){dst, n};
}

// Pages of pseudo-random text, some longer than a block of level 1.
static str make_xml(size_t pages, size_t longest) {
    char *dst = malloc(pages * (longest + 64) + 64);
    size_t n = (size_t)sprintf(dst, "<mediawiki>\n");
    uint64_t x = 1;
    for (size_t i = 0; i < pages; i++) {
        n += (size_t)sprintf(dst + n, i % 5 ? "<page>" : "<page id=\"%zu\">", i);
        for (size_t k = i * 7919 % longest; k; k--) {
            x = x * 6364136223846793005U + 1442695040888963407U;
            dst[n++] = (char)('a' + (x >> 59) % 26);
        }
        n += (size_t)sprintf(dst + n, "</page>\n");
    }
    return (str){dst, n + (size_t)sprintf(dst + n, "</mediawiki>\n")};
}

// --- Reading in order ------------------------------------------------------------------------

typedef struct gather {
    wiki_reader *r;
    pthread_mutex_t lock;
    str want;
    uint64_t n_bytes, n_chunks, sum_numbers, n_last;
    bool is_wrong;
    status failed;
    err why;
} gather;

static bool is_good(const gather *g, const wiki_chunk *c) {
    bool fits = c->off <= g->want.len && c->text.len <= g->want.len - c->off && c->text.len;
    bool ends = c->is_last == (c->off + c->text.len == g->want.len);
    bool starts = c->off == 0 || str_starts(c->text, STR("<page"));
    return fits && ends && starts && !memcmp(c->text.ptr, g->want.ptr + c->off, c->text.len);
}

static void *gather_some(void *arg) {
    gather *g = arg;
    for (;;) {
        bool more = true;
        wiki_chunk c;
        err e = {0};
        status s = wiki_reader_next(&more, &c, g->r, &e);
        pthread_mutex_lock(&g->lock);
        if (s) g->failed = s, g->why = e;
        if (more && !s) {
            g->is_wrong |= !is_good(g, &c);
            g->n_last += c.is_last;
            g->n_bytes += c.text.len;
            g->n_chunks++;
            g->sum_numbers += c.number;
        }
        pthread_mutex_unlock(&g->lock);
        if (s || !more) return NULL;
        wiki_reader_give_back(g->r, &c);
    }
}

static void gather_all(gather *g, const char *path, str want, int n_threads, size_t chunk_bytes) {
    *g = (gather){.want = want, .lock = PTHREAD_MUTEX_INITIALIZER};
    wiki_reader_options o = {path, n_threads, chunk_bytes};
    g->failed = wiki_reader_open(&g->r, &o, &g->why);
    if (g->failed) return;
    pthread_t t[4];
    for (int i = 0; i < n_threads; i++)
        assert_int_equal(pthread_create(&t[i], NULL, gather_some, g), 0);
    for (int i = 0; i < n_threads; i++)
        pthread_join(t[i], NULL);
}

static void read_anywhere(const char *path, str want, const wiki_reader *r) {
    size_t n;
    const wiki_block *b = wiki_reader_blocks(&n, r);
    wiki_source_options o = {.blocks = b, .n_blocks = n, .cache_bytes = 1 << 20};
    wiki_source s;
    err e = {0};
    if (wiki_source_open(&s, path, &o, &e)) fail_msg("%s", e.msg);
    assert_int_equal(s.len, want.len);
    for (uint64_t i = 0, x = 7; i < 40; i++) {
        x = x * 6364136223846793005U + 1442695040888963407U;
        uint64_t off = (x >> 20) % (want.len + 1), len = (x >> 8) % 3000;
        if (len > want.len - off) len = want.len - off;
        arena a = data_arena;
        str got;
        if (wiki_source_read(&got, &s, off, len, &a, &e)) fail_msg("%s", e.msg);
        assert_true(str_eq(got, (str){want.ptr + off, len}));
    }
    str got;
    assert_int_equal(wiki_source_read(&got, &s, want.len, 1, &data_arena, &e), E_ARG);
    wiki_source_close(&s);
}

static void same_chunks(str file, str want, size_t chunk_bytes) {
    arena keep = data_arena;
    const char *path = data_write(file);
    for (int n = 1; n <= 4; n++) {
        gather g;
        gather_all(&g, path, want, n, chunk_bytes);
        if (g.failed) fail_msg("%s", g.why.msg);
        assert_false(g.is_wrong);
        assert_int_equal(g.n_bytes, want.len);
        assert_int_equal(wiki_reader_len(g.r), want.len);
        assert_int_equal(g.sum_numbers, g.n_chunks * (g.n_chunks - !!g.n_chunks) / 2);
        if (n == 1) read_anywhere(path, want, g.r);
        wiki_reader_close(g.r);
    }
    data_arena = keep;
}

static void made_files(void **state) {
    (void)state;
    str xml = make_xml(100, 5000), big = make_xml(9, 700000);
    same_chunks(xml, xml, 10000);
    for (int level = 1; level <= 9; level += 8)
        for (size_t per = 7001; per < xml.len * 4; per *= 9) {
            str packed = pack(xml, per, level);
            same_chunks(packed, xml, 0);
            free((char *)packed.ptr);
        }
    str packed = pack(big, big.len, 1);
    same_chunks(packed, big, 0);
    free((char *)packed.ptr);
    free((char *)xml.ptr);
    free((char *)big.ptr);
}

// Page starts on both sides of every block border.
static void split_tags(void **state) {
    (void)state;
    str xml = STR("<mediawiki><page>a</page><page >b</page><page>cc</page></mediawiki>");
    for (size_t per = 1; per <= xml.len; per++) {
        str packed = pack(xml, per, 9);
        same_chunks(packed, xml, 0);
        free((char *)packed.ptr);
    }
}

static void runs_and_empty_streams(void **state) {
    (void)state;
    size_t n = 2000000;
    char *run = malloc(n);
    memset(run, 'a', n);
    memcpy(run, "<page>", 6);
    str packed = pack((str){run, n}, n, 9);
    same_chunks(packed, (str){run, n}, 0);
    str empty = {"BZh9\x17\x72\x45\x38\x50\x90\0\0\0\0", 14};
    char *all = malloc(packed.len * 2 + 42);
    size_t at = 0;
    str parts[] = {empty, packed, empty, empty};
    for (size_t i = 0; i < countof(parts); at += parts[i++].len)
        memcpy(all + at, parts[i].ptr, parts[i].len);
    same_chunks((str){all, at}, (str){run, n}, 0);
    free(all);
    free(run);
    free((char *)packed.ptr);
}

static void real_files(void **state) {
    (void)state;
    glob_t g = {0};
    glob("../shared/data/wiki/*.bz2", 0, NULL, &g);
    glob("../shared/data/wiki/*/*.bz2", GLOB_APPEND, NULL, &g);
    if (!g.gl_pathc) skip();
    for (size_t i = 0; i < g.gl_pathc; i++) {
        os_map m;
        if (os_map_open(&m, g.gl_pathv[i], OS_MAP_SEQUENTIAL, NULL)) fail();
        str xml = unpack_all(os_map_str(&m));
        same_chunks(os_map_str(&m), xml, 0);
        os_map_close(&m);
        free((char *)xml.ptr);
    }
    globfree(&g);
}

// --- Damage ----------------------------------------------------------------------------------

// Some bits of a block say nothing (code lengths no symbol uses, padding): then the text is right.
static void must_fail(str file, str want, bool may_be_right) {
    gather g;
    gather_all(&g, data_write(file), want, 2, 0);
    assert_false(g.is_wrong);
    if (g.failed)
        assert_true(g.why.msg[0]);
    else
        assert_true(may_be_right && g.n_bytes == want.len);
    wiki_reader_close(g.r);
}

static void damaged(void **state) {
    (void)state;
    str xml = make_xml(12, 60), packed = pack(xml, 200, 9);
    char *copy = malloc(packed.len + 1);
    for (size_t i = 0; i < packed.len; i++) {
        memcpy(copy, packed.ptr, packed.len);
        copy[i] ^= (char)(1 << i % 8);
        if (i >= 3) must_fail((str){copy, packed.len}, xml, true);  // else it is no bzip2
    }
    for (size_t n = 5; n < packed.len; n++)
        if (memcmp(packed.ptr + n, "BZh9", 4)) must_fail(str_first(packed, n), xml, false);
    memcpy(copy, packed.ptr, packed.len);
    copy[packed.len] = 'x';
    must_fail((str){copy, packed.len + 1}, xml, false);
    free(copy);
    free((char *)packed.ptr);
    free((char *)xml.ptr);
}

// The last bytes of a stream are the sum of its blocks' sums: blocks that are all right in a stream
// that is not.
static void stream_sums(void **state) {
    (void)state;
    str xml = make_xml(12, 60), packed = pack(xml, xml.len, 9);
    char *copy = malloc(packed.len);
    for (size_t back = 2; back <= 4; back++) {  // the last byte may be padding
        memcpy(copy, packed.ptr, packed.len);
        copy[packed.len - back] ^= 0x10;
        must_fail((str){copy, packed.len}, xml, false);
    }
    free(copy);
    free((char *)packed.ptr);
    free((char *)xml.ptr);
}

static void hostile_map(void **state) {
    (void)state;
    str xml = make_xml(20, 500), packed = pack(xml, 1000, 9);
    const char *path = data_write(packed);
    wiki_block bad[][3] = {
        {{32, 0}, {32, 5}, {64, 9}},
        {{32, 0}, {64, 9}, {96, 5}},
        {{32, 1}, {64, 9}, {96, 50}},
        {{32, 0}, {64, 9}, {UINT64_MAX, 50}},
        {{32, 0}, {64, UINT64_MAX}, {96, UINT64_MAX}},
    };
    wiki_source s;
    err e;
    for (size_t i = 0; i < countof(bad); i++) {
        wiki_source_options o = {.blocks = bad[i], .n_blocks = 2};
        assert_int_equal(wiki_source_open(&s, path, &o, &e), E_FORMAT);
    }
    wiki_block lies[] = {{32, 0}, {packed.len * 4, 777}, {packed.len * 8, 70000}};
    wiki_source_options o = {.blocks = lies, .n_blocks = 2};
    assert_int_equal(wiki_source_open(&s, path, &o, &e), OK);
    str got;
    for (uint64_t off = 0; off < 70000; off += 769)
        assert_int_equal(wiki_source_read(&got, &s, off, 1, &data_arena, &e), E_FORMAT);
    wiki_source_close(&s);
    free((char *)packed.ptr);
    free((char *)xml.ptr);
}

static void stream_lines(void **state) {
    (void)state;
    wiki_stream_line l;
    assert_true(wiki_stream_line_parse(&l, STR("616:10:A:b &amp; c")));
    assert_int_equal(l.off, 616);
    assert_int_equal(l.page_id, 10);
    assert_true(str_eq(l.title, STR("A:b &amp; c")));
    const char *bad[] = {"", "1", "1:2", "1:2:", ":2:a", "1::a", "-1:2:a", "1:4294967296:a"};
    for (size_t i = 0; i < countof(bad); i++)
        assert_false(wiki_stream_line_parse(&l, str_of(bad[i])));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_files),  cmocka_unit_test(split_tags),
        cmocka_unit_test(real_files),  cmocka_unit_test(runs_and_empty_streams),
        cmocka_unit_test(damaged),     cmocka_unit_test(stream_sums),
        cmocka_unit_test(hostile_map), cmocka_unit_test(stream_lines),
    };
    return cmocka_run_group_tests(tests, data_setup, data_teardown);
}
