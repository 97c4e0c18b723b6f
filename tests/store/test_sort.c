// The external sort against qsort: many runs, odd records, repeated merges, and what a full disk
// does.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "store/sort.h"
#include "tests/store/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { N_MAX = 200000 };

static str *want;
static size_t n_want;

static void begin(void) {
    arena_reset(&mem, 0);
    want = arena_array(&mem, str, N_MAX);
    n_want = 0;
}

static int cmp(const void *a, const void *b) {
    return str_cmp(*(const str *)a, *(const str *)b);
}

static void add(store_sort *s, str rec) {
    assert_int_equal(store_sort_add(s, rec.ptr, rec.len, NULL), OK);
    want[n_want++] = arena_str(&mem, rec);
}

// Few letters, zeros among them, long common beginnings: what sorts go wrong on.
static str odd_record(char *to) {
    size_t n = 0, len = rnd(10) ? rnd(20) : rnd(300);
    if (rnd(3) == 0) memcpy(to, "Category:Births of", n = 18);
    for (; n < len; n++)
        to[n] = (char)(rnd(4) ? rnd(3) : rnd(256));
    return (str){to, n};
}

static void expect(store_sort **sorts, size_t n) {
    qsort(want, n_want, sizeof *want, cmp);
    store_merge *m;
    assert_int_equal(store_merge_open(&m, sorts, n, 1 << 20, NULL), OK);
    bool more;
    str rec;
    for (size_t i = 0; i < n_want; i++) {
        assert_int_equal(store_merge_next(&more, &rec, m, NULL), OK);
        assert_true(more && str_eq(rec, want[i]));
    }
    assert_int_equal(store_merge_next(&more, &rec, m, NULL), OK);
    assert_false(more);
    store_merge_close(m);
}

static void sorts_as_qsort_does(void **state) {
    (void)state;
    begin();
    store_sort *s[3];
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(store_sort_open(&s[i], "/tmp", 0, NULL), OK);
    char rec[400];
    for (size_t i = 0; i < 150000; i++)
        add(s[rnd(3)], odd_record(rec));
    assert_true(store_sort_spilled(s[0]) > 0);
    expect(s, 3);
    for (size_t i = 0; i < 3; i++)
        store_sort_close(s[i]);
}

// Snapshots merge in the middle of the adding, and the merge changes nothing.
static void merges_again_and_again(void **state) {
    (void)state;
    begin();
    store_sort *s;
    assert_int_equal(store_sort_open(&s, "/tmp", 1 << 20, NULL), OK);
    expect(&s, 1);
    char rec[400];
    for (size_t round = 0; round < 4; round++) {
        for (size_t i = 0; i < 20000; i++)
            add(s, odd_record(rec));
        expect(&s, 1);
        expect(&s, 1);
    }
    assert_int_equal(store_sort_count(s), 80000);
    store_sort_close(s);
}

static void long_and_empty_records(void **state) {
    (void)state;
    begin();
    store_sort *s;
    assert_int_equal(store_sort_open(&s, "/tmp", 1 << 20, NULL), OK);
    char *rec = arena_alloc(&mem, STORE_RECORD_MAX + 1);
    memset(rec, 'x', STORE_RECORD_MAX + 1);
    for (size_t i = 0; i < 6000; i++) {  // more than 64 runs: a level is merged
        rec[rnd(STORE_RECORD_MAX)] = (char)rnd(256);
        add(s, (str){rec, i % 7 ? STORE_RECORD_MAX - rnd(4) : 0});
    }
    expect(&s, 1);
    assert_int_equal(store_sort_add(s, rec, STORE_RECORD_MAX + 1, NULL), E_LIMIT);
    store_sort_close(s);
}

static void equal_records_are_kept(void **state) {
    (void)state;
    begin();
    store_sort *s;
    assert_int_equal(store_sort_open(&s, "/tmp", 1 << 20, NULL), OK);
    for (size_t i = 0; i < N_MAX; i++)
        add(s, STR("the same record"));
    expect(&s, 1);
    store_sort_close(s);
}

static void full_disk_is_a_limit(void **state) {
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit old, low;
    getrlimit(RLIMIT_FSIZE, &old);
    low = old;
    low.rlim_cur = 1 << 20;
    setrlimit(RLIMIT_FSIZE, &low);
    store_sort *s;
    err e = {0};
    assert_int_equal(store_sort_open(&s, "/tmp", 1 << 20, &e), OK);
    status st = OK;
    for (uint64_t i = 0; !st && i < 1000000; i++) {
        uint64_t rec[2] = {i * 0x9e3779b97f4a7c15u, i};
        st = store_sort_add(s, rec, sizeof rec, &e);
    }
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(st, E_LIMIT);
    assert_non_null(strstr(e.msg, "temporary file"));
    store_sort_close(s);
}

static void temporary_files_have_no_name(void **state) {
    (void)state;
    err e = {0};
    int fd = store_temp("/tmp", &e);
    assert_true(fd >= 0);
    char path[64], name[256];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(path, name, sizeof name - 1);
    assert_true(n > 0);
    name[n] = 0;
    assert_non_null(strstr(name, "(deleted)"));
    close(fd);
    assert_int_equal(store_temp("/nowhere at all", &e), -1);
    assert_int_equal(e.code, E_NOT_FOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorts_as_qsort_does),    cmocka_unit_test(merges_again_and_again),
        cmocka_unit_test(long_and_empty_records), cmocka_unit_test(equal_records_are_kept),
        cmocka_unit_test(full_disk_is_a_limit),   cmocka_unit_test(temporary_files_have_no_name),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
