// A file of sections comes back as it was written, and every damage is found by open or verify.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "store/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "TESTFILE"

static char path[64];
static arena mem;

static int setup(void **state) {
    (void)state;
    snprintf(path, sizeof path, "/tmp/test-store-%d", (int)getpid());
    return arena_open(&mem, 64 << 20, NULL);
}

static int teardown(void **state) {
    (void)state;
    arena_close(&mem);
    return unlink(path);
}

static char byte_at(size_t i) {
    return (char)(i * 31 ^ i >> 8);
}

static void write_file(size_t len) {
    store_out *o = arena_new(&mem, store_out);
    assert_int_equal(store_out_open(o, path, MAGIC, 3, NULL), OK);
    assert_int_equal(store_out_begin(o, 2, NULL), OK);
    for (size_t i = 0; i < len; i++) {
        char c = byte_at(i);
        assert_int_equal(store_out_put(o, &c, 1, NULL), OK);
    }
    assert_int_equal(store_out_begin(o, 5, NULL), OK);
    assert_int_equal(store_out_begin(o, 0, NULL), OK);
    store_sink sink = store_out_sink(o);
    assert_int_equal(sink.put(sink.arg, "last", 4, NULL), OK);
    assert_int_equal(store_out_commit(o, NULL), OK);
    store_out_abort(o);
}

static void comes_back(void **state) {
    (void)state;
    size_t lens[] = {0, 1, 63, 64, STORE_SUM_BLOCK, 3 * STORE_SUM_BLOCK + 1};
    for (size_t k = 0; k < countof(lens); k++) {
        write_file(lens[k]);
        store_in in;
        assert_int_equal(store_in_open(&in, path, MAGIC, 3, NULL), OK);
        str s = store_in_section(&in, 2);
        assert_int_equal(s.len, lens[k]);
        for (size_t i = 0; i < s.len; i++)
            if (s.ptr[i] != byte_at(i)) fail_msg("byte %zu of %zu", i, s.len);
        assert_true((uintptr_t)s.ptr % STORE_ALIGN == 0);
        assert_true(str_eq(store_in_section(&in, 0), STR("last")));
        assert_int_equal(store_in_section(&in, 5).len, 0);
        assert_int_equal(store_in_section(&in, 7).len, 0);
        assert_int_equal(store_in_verify(&in, NULL), OK);
        assert_true(in.h->section[2].sum == store_sum(s));
        store_in_close(&in);
    }
}

static void expect(status want, const char *what) {
    store_in in;
    err e = {0};
    status s = store_in_open(&in, path, MAGIC, 3, &e);
    if (!s) {
        s = store_in_verify(&in, &e);
        store_in_close(&in);
    }
    if (s != want) fail_msg("%s: %s", what, status_text(s));
    if (want) assert_true(e.msg[0] != 0);
}

static void flip(off_t at) {
    int fd = open(path, O_RDWR);
    char c;
    assert_int_equal(pread(fd, &c, 1, at), 1);
    c ^= 0x10;
    assert_int_equal(pwrite(fd, &c, 1, at), 1);
    close(fd);
}

static void damage_is_found(void **state) {
    (void)state;
    write_file(200000);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    for (off_t at = 0; at < st.st_size; at += at < 1000 ? 1 : 1009) {
        bool is_padding = at >= (off_t)sizeof(store_header) &&
                          at < (off_t)align_up(sizeof(store_header), STORE_ALIGN);
        flip(at);
        expect(is_padding ? OK : E_FORMAT, "a flipped bit");
        flip(at);
    }
    expect(OK, "mended again");
    off_t cuts[] = {
        0, 4, 8, 20, sizeof(store_header) - 1, sizeof(store_header), 100000, st.st_size - 1};
    for (size_t i = countof(cuts); i-- > 0;) {
        assert_int_equal(truncate(path, cuts[i]), 0);
        expect(E_FORMAT, "cut short");
    }
}

static void other_kinds_are_refused(void **state) {
    (void)state;
    write_file(10);
    store_in in;
    assert_int_equal(store_in_open(&in, path, "OTHERONE", 3, NULL), E_FORMAT);
    assert_int_equal(store_in_open(&in, path, MAGIC, 4, NULL), E_FORMAT);
    assert_int_equal(store_in_open(&in, "/tmp/no such file", MAGIC, 3, NULL), E_NOT_FOUND);
}

// A header that is whole but lies: its checksum is right, its sections are outside.
static void sections_outside_are_refused(void **state) {
    (void)state;
    struct {
        uint64_t off, len;
    } lies[] = {{64, 10}, {1 << 30, 1}, {0, 100}, {2048, UINT64_MAX - 100}, {2047, 1}};
    for (size_t i = 0; i < countof(lies); i++) {
        write_file(10);
        int fd = open(path, O_RDWR);
        store_header h;
        assert_int_equal(pread(fd, &h, sizeof h, 0), sizeof h);
        h.section[9].off = lies[i].off, h.section[9].len = lies[i].len;
        h.sum = store_sum((str){(char *)&h, offsetof(store_header, sum)});
        assert_int_equal(pwrite(fd, &h, sizeof h, 0), sizeof h);
        close(fd);
        expect(E_FORMAT, "a section outside");
    }
}

static void abort_leaves_the_old(void **state) {
    (void)state;
    write_file(77);
    store_out *o = arena_new(&mem, store_out);
    assert_int_equal(store_out_open(o, path, MAGIC, 3, NULL), OK);
    assert_int_equal(store_out_begin(o, 2, NULL), OK);
    store_out_abort(o);
    store_in in;
    assert_int_equal(store_in_open(&in, path, MAGIC, 3, NULL), OK);
    assert_int_equal(store_in_section(&in, 2).len, 77);
    store_in_close(&in);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),
        cmocka_unit_test(damage_is_found),
        cmocka_unit_test(other_kinds_are_refused),
        cmocka_unit_test(sections_outside_are_refused),
        cmocka_unit_test(abort_leaves_the_old),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
