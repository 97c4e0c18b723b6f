// Log lines, clocks, processors, randomness.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "os/clock.h"
#include "os/cpu.h"
#include "os/log.h"
#include "os/rand.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char got[1 << 18];
static int saved, to;  // stderr, and the file it leads to meanwhile

static int begin(void **state) {
    (void)state;
    saved = dup(STDERR_FILENO);
    os_log_set_level(LOG_INFO);
    to = open("/tmp", O_TMPFILE | O_RDWR | O_APPEND, 0600);
    return saved < 0 || to < 0 || dup2(to, STDERR_FILENO) < 0;
}

// What was logged since begin(), as text.
static str logged(void) {
    dup2(saved, STDERR_FILENO);
    ssize_t n = pread(to, got, sizeof got - 1, 0);
    if (n < 0) n = 0;
    got[n] = 0;
    return (str){got, (size_t)n};
}

static int end(void **state) {
    (void)state;
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(to);
    return 0;
}

// What stands behind the 24 bytes of the time and a space.
static void check_line(str line, const char *want) {
    assert_true(line.len > 25);
    line = str_skip(line, 25);
    assert_int_equal(line.len, strlen(want));
    assert_memory_equal(line.ptr, want, line.len);
}

static void test_line(void **state) {
    (void)state;
    log_info("wiki", "%s opened pages=%d", "enwiki", 206);
    str all = logged();
    check_line(all, "INFO wiki: enwiki opened pages=206\n");
    int y, mo, d, h, mi, s, ms, used = 0;
    assert_int_equal(
        sscanf(got, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &y, &mo, &d, &h, &mi, &s, &ms, &used), 7);
    assert_int_equal(used, 24);
    assert_true(y >= 2024 && mo >= 1 && mo <= 12 && h < 24);
}

static void test_forging(void **state) {
    (void)state;
    log_error("http", "%s", "GET /\r\n2026 INFO x: forged \x1b[2J \x7f \xC2\x9B \xFF \xC3\xA9\t");
    check_line(logged(), "ERROR http: GET /\\x0D\\x0A2026 INFO x: forged \\x1B[2J \\x7F \\xC2\\x9B "
                         "\\xFF \xC3\xA9\\x09\n");
}

static void test_long(void **state) {
    (void)state;
    for (size_t n = OS_LOG_LINE_MAX - 60; n < OS_LOG_LINE_MAX + 60; n++)
        log_info("t", "%0*d\xC3\xA9", (int)n, 0);
    log_info("t", "%0900d\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n", 0);
    str all = logged();
    int lines = 0;
    for (str line; all.len; lines++) {
        line = str_cut(&all, '\n');
        assert_true(line.len < OS_LOG_LINE_MAX);
        assert_true(utf8_valid(line));
    }
    assert_int_equal(lines, 121);
}

static void test_levels(void **state) {
    (void)state;
    os_log_set_level(LOG_WARNING);
    assert_false(os_log_on(LOG_INFO));
    assert_true(os_log_on(LOG_WARNING));
    log_debug("t", "no");
    log_info("t", "no");
    log_warning("t", "yes");
    os_log(LOG_CRITICAL, "t", "yes");
    str all = logged();
    check_line((str){all.ptr, str_find_byte(all, '\n') + 1}, "WARNING t: yes\n");
    str_cut(&all, '\n');
    check_line(all, "CRITICAL t: yes\n");
}

static void test_level_names(void **state) {
    (void)state;
    static const char *const names[] = {"debug", "Info", "WARNING", "error", "critical"};
    os_log_level v;
    for (size_t i = 0; i < countof(names); i++) {
        assert_true(os_log_level_parse(&v, str_of(names[i])));
        assert_int_equal(v, i);
    }
    v = LOG_ERROR;
    assert_false(os_log_level_parse(&v, STR("warn")));
    assert_false(os_log_level_parse(&v, STR("")));
    assert_int_equal(v, LOG_ERROR);
}

static void *log_some(void *arg) {
    for (int i = 0; i < 100; i++)
        log_info("t", "%s", (const char *)arg);
    return NULL;
}

static void test_threads(void **state) {
    (void)state;
    pthread_t t[2];
    static char text[2][200];
    for (int i = 0; i < 2; i++) {
        memset(text[i], 'a' + i, sizeof text[i] - 1);
        assert_int_equal(pthread_create(&t[i], NULL, log_some, text[i]), 0);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    str all = logged();
    int lines = 0;
    for (; all.len; lines++) {
        str line = str_skip(str_cut(&all, '\n'), 25 + strlen("INFO t: "));
        assert_int_equal(line.len, 199);
        for (size_t i = 0; i < line.len; i++)
            assert_int_equal(line.ptr[i], line.ptr[0]);
    }
    assert_int_equal(lines, 200);
}

static void test_clock(void **state) {
    (void)state;
    int64_t last = os_now_ns();
    for (int i = 0; i < 1000; i++) {
        int64_t now = os_now_ns();
        assert_true(now >= last);
        last = now;
    }
    usleep(2000);
    double s = os_seconds_since(last);
    assert_true(s >= 0.002 && s < 10);
    assert_true(os_wall_ns() > 1700000000ll * 1000000000);
}

static void test_cpu(void **state) {
    (void)state;
    cpu_set_t old, one;
    assert_int_equal(sched_getaffinity(0, sizeof old, &old), 0);
    assert_true(os_cpu_count() >= 1 && os_cpu_count() <= CPU_COUNT(&old));
    CPU_ZERO(&one);
    for (int i = 0; CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &old)) CPU_SET(i, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(os_cpu_count(), 1);
    sched_setaffinity(0, sizeof old, &old);
    unsigned f = os_cpu_features();
    assert_true(!(f & OS_CPU_AVX512) || (f & OS_CPU_AVX2));
    assert_true(strlen(os_cpu_name()) > 0);
    assert_null(strchr(os_cpu_name(), '\n'));
    assert_ptr_equal(os_cpu_name(), os_cpu_name());
}

static void test_rand(void **state) {
    (void)state;
    uint64_t all_or = 0, all_and = UINT64_MAX, last = 0;
    uint32_t or32 = 0;
    for (int i = 0; i < 200; i++) {
        uint64_t v = os_rand_u64();
        assert_true(v != last);
        last = v, all_or |= v, all_and &= v;
        or32 |= os_rand_u32();
    }
    assert_true(all_or == UINT64_MAX && all_and == 0 && or32 == UINT32_MAX);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        T(test_line),
        T(test_forging),
        T(test_long),
        T(test_levels),
        T(test_threads),
        cmocka_unit_test(test_level_names),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_cpu),
        cmocka_unit_test(test_rand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
