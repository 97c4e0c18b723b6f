// Arenas: alignment, zeroing, limits, scratch by value, reset.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_zero(const char *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (p[i]) return false;
    return true;
}

static void test_alloc(void **state) {
    (void)state;
    arena a;
    assert_int_equal(arena_open(&a, 10000, NULL), OK);
    assert_int_equal(a.reserve, 12288);  // whole pages
    for (size_t len = 0; len < 40; len++) {
        char *p = arena_alloc(&a, len);
        assert_int_equal((uintptr_t)p % 16, 0);
        assert_true(is_zero(p, len));
        memset(p, 0xAA, len);
    }
    assert_true(a.used <= a.reserve);
    arena_close(&a);
    arena_close(&a);
    assert_null(a.base);
}

static void test_limits(void **state) {
    (void)state;
    arena a;
    assert_int_equal(arena_open(&a, 8192, NULL), OK);
    assert_null(arena_try(&a, 8193));
    assert_null(arena_try(&a, SIZE_MAX));
    assert_null(arena_try_array(&a, SIZE_MAX / 2, 3));
    assert_null(arena_try_array(&a, 1025, 8));
    assert_int_equal(a.used, 0);
    assert_non_null(arena_try_array(&a, 1024, 8));
    assert_int_equal(arena_room(&a), 0);
    assert_non_null(arena_try(&a, 0));
    assert_null(arena_try(&a, 1));
    arena_close(&a);
    err e = {0};
    assert_int_equal(arena_open(&a, (size_t)1 << 60, &e), E_MEMORY);
    assert_int_equal(e.code, E_MEMORY);
    assert_null(a.base);
}

static int dies(void (*f)(arena *), arena *a) {
    pid_t pid = fork();
    if (pid == 0) {
        close(STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);  // cmocka's own handler goes on with the tests
        f(a);
        _exit(0);
    }
    int how = 0;
    waitpid(pid, &how, 0);
    return WIFSIGNALED(how) ? WTERMSIG(how) : 0;
}

static void too_much(arena *a) {
    arena_alloc(a, 9000);
}
static void too_many(arena *a) {
    arena_alloc_array(a, SIZE_MAX, 2);
}
static void enough(arena *a) {
    arena_alloc(a, 100);
}

static void test_running_out_ends_the_process(void **state) {
    (void)state;
    arena a;
    assert_int_equal(arena_open(&a, 8192, NULL), OK);
    assert_int_equal(dies(too_much, &a), SIGABRT);
    assert_int_equal(dies(too_many, &a), SIGABRT);
    assert_int_equal(dies(enough, &a), 0);
    arena_close(&a);
}

static size_t use_scratch(arena scratch) {
    memset(arena_alloc(&scratch, 64), 0xFF, 64);
    return scratch.used;
}

static void test_scratch(void **state) {
    (void)state;
    arena a;
    assert_int_equal(arena_open(&a, 8192, NULL), OK);
    assert_true(use_scratch(a) > 0);
    assert_int_equal(a.used, 0);
    assert_true(is_zero(arena_alloc(&a, 64), 64));  // over the same, dirty bytes
    arena_close(&a);
}

static void test_reset(void **state) {
    (void)state;
    arena a;
    assert_int_equal(arena_open(&a, 1 << 20, NULL), OK);
    const size_t keeps[] = {0, 1, 4096, 5000, 1 << 20, (size_t)1 << 30};
    for (size_t i = 0; i < countof(keeps); i++) {
        memset(arena_alloc(&a, 1 << 20), 0xFF, 1 << 20);
        arena_reset(&a, keeps[i]);
        assert_int_equal(a.used, 0);
        assert_true(is_zero(arena_alloc(&a, 1 << 20), 1 << 20));
        arena_reset(&a, 0);
    }
    arena_close(&a);
}

static void test_copies(void **state) {
    (void)state;
    arena a;
    assert_int_equal(arena_open(&a, 1 << 16, NULL), OK);
    str s = arena_str(&a, STR("a\0b"));
    assert_int_equal(s.len, 3);
    assert_memory_equal(s.ptr, "a\0b", 4);
    assert_string_equal(arena_cstr(&a, (str){0}), "");
    s = arena_fmt(&a, "%s-%d", "x", 42);
    assert_int_equal(s.len, 4);
    assert_string_equal(s.ptr, "x-42");
    assert_int_equal(arena_fmt(&a, "%5000d", 1).len, 5000);
    int *n = arena_array(&a, int, 3);
    assert_int_equal(n[0] | n[1] | n[2], 0);
    arena_close(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloc),   cmocka_unit_test(test_limits),
        cmocka_unit_test(test_scratch), cmocka_unit_test(test_running_out_ends_the_process),
        cmocka_unit_test(test_reset),   cmocka_unit_test(test_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
