// The timer wheel under a clock of our own: never early, at most a tick late, cancel means never.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/wheel.h"

typedef struct probe {
    net_timer timer;
    int64_t due_ms, fired_ms;
    int n_fired;
} probe;

static int64_t clock_ms;
static net_wheel wheel;

static void on_fire(net_timer *t) {
    probe *p = (probe *)t;
    p->fired_ms = clock_ms;
    p->n_fired++;
}

static void arm(probe *p, int64_t delay_ms) {
    p->timer.fire = on_fire;
    p->due_ms = clock_ms + delay_ms;
    net_wheel_arm(&wheel, &p->timer, clock_ms, delay_ms);
}

static void start(int64_t at_ms) {
    clock_ms = at_ms;
    net_wheel_init(&wheel, clock_ms);
}

// As a loop does: sleeps as long as it is told to, at most until `until_ms`.
static void run_until(int64_t until_ms) {
    while (clock_ms < until_ms) {
        int wait = net_wheel_wait_ms(&wheel, clock_ms);
        int64_t next = wait < 0 ? until_ms : clock_ms + (wait ? wait : 1);
        clock_ms = next < until_ms ? next : until_ms;
        net_wheel_run(&wheel, clock_ms);
    }
}

static void test_fires_on_time_for_every_delay(void **state) {
    (void)state;
    for (int64_t from = 0; from < 100; from += 7) {
        for (int64_t delay = 0; delay < 200000; delay = delay * 3 / 2 + 1) {
            start(1000000 + from);
            probe p = {0};
            arm(&p, delay);
            run_until(clock_ms + delay + 3 * NET_TICK_MS);
            assert_int_equal(p.n_fired, 1);
            assert_true(p.fired_ms >= p.due_ms);
            assert_true(p.fired_ms <= p.due_ms + 2 * NET_TICK_MS);
            assert_false(net_timer_is_armed(&p.timer));
        }
    }
}

static void test_cancelled_never_fires(void **state) {
    (void)state;
    start(5);
    probe p = {0}, q = {0};
    arm(&p, 100);
    arm(&q, 100);
    net_wheel_cancel(&wheel, &p.timer);
    net_wheel_cancel(&wheel, &p.timer);  // again is harmless
    run_until(1000);
    assert_int_equal(p.n_fired, 0);
    assert_int_equal(q.n_fired, 1);
}

static void test_moved_later_and_earlier(void **state) {
    (void)state;
    start(0);
    probe p = {0};
    arm(&p, 100);
    for (int i = 0; i < 50; i++) {
        run_until(clock_ms + 90);
        assert_int_equal(p.n_fired, 0);
        arm(&p, 100);  // a busy connection moves its deadline on and on
    }
    run_until(clock_ms + 200);
    assert_int_equal(p.n_fired, 1);
    arm(&p, 50000);
    arm(&p, 20);
    run_until(clock_ms + 60);
    assert_int_equal(p.n_fired, 2);
    run_until(clock_ms + 60000);
    assert_int_equal(p.n_fired, 2);
}

static probe victim, rearmed;
static int n_rearmed;

static void fire_cancels(net_timer *t) {
    (void)t;
    net_wheel_cancel(&wheel, &victim.timer);
}

static void fire_rearms(net_timer *t) {
    n_rearmed++;
    net_wheel_arm(&wheel, t, clock_ms, 0);
}

static void test_callbacks_may_cancel_and_arm(void **state) {
    (void)state;
    start(0);
    probe killer = {0};
    victim = (probe){0};
    arm(&victim, 40);
    arm(&killer, 40);  // same slot, hung in front: fires first
    killer.timer.fire = fire_cancels;
    rearmed = (probe){0};
    arm(&rearmed, 40);
    rearmed.timer.fire = fire_rearms;
    run_until(40 + 20 * NET_TICK_MS);
    assert_int_equal(victim.n_fired, 0);
    assert_in_range(n_rearmed, 10, 22);  // once per tick: arming for "now" cannot hold up a turn
}

static void test_many_random_timers(void **state) {
    (void)state;
    enum { N = 3000 };
    static probe p[N];
    start(123456);
    uint64_t r = 88172645463325252u;
    for (int i = 0; i < N; i++) {
        r ^= r << 13, r ^= r >> 7, r ^= r << 17;
        arm(&p[i], (int64_t)(r % 90000));
        if (i % 3 == 0) arm(&p[i], (int64_t)(r >> 20) % 90000);
        if (i % 7 == 0) net_wheel_cancel(&wheel, &p[i].timer);
    }
    run_until(clock_ms + 91000);
    for (int i = 0; i < N; i++) {
        assert_int_equal(p[i].n_fired, i % 7 != 0);
        if (i % 7 == 0) continue;
        assert_in_range(p[i].fired_ms - p[i].due_ms, 0, 2 * NET_TICK_MS);
    }
    assert_int_equal(net_wheel_wait_ms(&wheel, clock_ms), -1);
}

static void test_a_long_sleep_fires_everything_once(void **state) {
    (void)state;
    start(0);
    probe p[3] = {0};
    arm(&p[0], 10);
    arm(&p[1], 30000);
    arm(&p[2], 500000);
    clock_ms = 400000;  // the machine was suspended
    net_wheel_run(&wheel, clock_ms);
    assert_int_equal(p[0].n_fired, 1);
    assert_int_equal(p[1].n_fired, 1);
    assert_int_equal(p[2].n_fired, 0);
    run_until(510000);
    assert_int_equal(p[2].n_fired, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fires_on_time_for_every_delay),
        cmocka_unit_test(test_cancelled_never_fires),
        cmocka_unit_test(test_moved_later_and_earlier),
        cmocka_unit_test(test_callbacks_may_cancel_and_arm),
        cmocka_unit_test(test_many_random_timers),
        cmocka_unit_test(test_a_long_sleep_fires_everything_once),
    };
    return cmocka_run_group_tests_name("net/wheel", tests, NULL, NULL);
}
