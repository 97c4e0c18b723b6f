// The probe's figures are numbers that rates can be divided by, with any pool and any working set.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kern/probe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void assert_rate(double x) {
    assert_true(isfinite(x) && x > 0);
}

static void assert_rates(const probe *p) {
    assert_rate(p->read_bytes_per_s);
    assert_rate(p->f32_flops);
    assert_rate(p->int8_ops);
}

static void rates_are_positive_and_finite(void **state) {
    (void)state;
    static const size_t bytes[] = {0, 1, PROBE_BYTES_MIN + 77, 8 << 20};
    for (int threads = 0; threads <= 2; threads++) {
        os_pool *pool;
        assert_int_equal(os_pool_open(&pool, threads, 1, "probe", NULL), OK);
        for (size_t i = (size_t)threads; i < countof(bytes); i += 3) {
            probe p = {0};
            assert_int_equal(probe_machine(&p, pool, bytes[i], NULL), OK);
            assert_rates(&p);
        }
        os_pool_close(pool);
    }
}

// Reads no byte beyond the working set: the page after it cannot be read (under ASan).
static void memory_of_the_caller(void **state) {
    (void)state;
    size_t n = (3 << 20) + CACHE_LINE;
    char *data = aligned_alloc(CACHE_LINE, n);
    memset(data, 1, n);
    probe p;
    probe_at(&p, NULL, data, n);
    assert_rates(&p);
    free(data);
}

// Bounds that hold for any machine, busy or under a sanitizer, and for no wrong unit.
static void units_are_those_of_the_contract(void **state) {
    (void)state;
    probe p;
    assert_int_equal(probe_machine(&p, NULL, 1 << 20, NULL), OK);
    assert_true(p.read_bytes_per_s > 1e6 && p.read_bytes_per_s < 1e13);
    assert_true(p.f32_flops > 1e6 && p.f32_flops < 1e13);
    assert_true(p.int8_ops > 1e6 && p.int8_ops < 1e14);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_positive_and_finite),
        cmocka_unit_test(memory_of_the_caller),
        cmocka_unit_test(units_are_those_of_the_contract),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
