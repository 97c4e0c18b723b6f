// Short turns: what the kernel is told, who inherits it, and when the core is offered.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/clock.h"
#include "os/pool.h"
#include "os/turn.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/resource.h>

enum { INDICES = 64 };

static void run_in_thread(void *(*main)(void *), void *arg) {
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, main, arg), 0);
    pthread_join(t, NULL);
}

typedef struct view {
    int nice_before, ask;
    int nice, policy;
    bool is_short;
} view;

static void *ask(void *arg) {
    view *v = arg;
    (void)setpriority(PRIO_PROCESS, 0, v->nice_before);
    os_turn_short(v->ask);
    v->nice = getpriority(PRIO_PROCESS, 0);
    v->policy = sched_getscheduler(0);
    v->is_short = os_turn_is_short();
    return NULL;
}

static void test_claim(void **state) {
    (void)state;
    int base = getpriority(PRIO_PROCESS, 0), policy = sched_getscheduler(0);
    const struct {
        int before, ask, nice;
    } cases[] = {{0, 0, 0}, {0, 5, 5}, {3, 5, 5}, {9, 5, 9}, {19, 5, 19}};
    for (size_t i = 0; i < countof(cases); i++) {
        if (cases[i].before < base) continue;  // only who may can become less nice
        view v = {.nice_before = cases[i].before, .ask = cases[i].ask};
        run_in_thread(ask, &v);
        assert_int_equal(v.nice, cases[i].nice);
        assert_int_equal(v.policy, policy);
        assert_true(v.is_short);
    }
    assert_int_equal(getpriority(PRIO_PROCESS, 0), base);
    assert_false(os_turn_is_short());
}

static void spend_a_turn(void) {
    int64_t start = os_now_ns();
    while (os_now_ns() - start < OS_TURN_NS)
        continue;
}

static bool offer_after_a_turn(void) {
    spend_a_turn();
    return os_turn_offer();
}

static void *offers(void *arg) {
    bool *offered = arg;
    offered[0] = offer_after_a_turn();
    os_turn_inherit();
    offered[1] = offer_after_a_turn();
    offered[2] = offer_after_a_turn();
    return NULL;
}

static void test_offers(void **state) {
    (void)state;
    bool offered[3] = {true};
    run_in_thread(offers, offered);
    assert_false(offered[0]);  // never asked for
    assert_true(offered[1]);
    assert_true(offered[2]);
}

typedef struct seen {
    _Atomic int indices, is_short, nicer;
} seen;

static void look(void *arg, size_t i) {
    (void)i;
    seen *s = arg;
    s->indices++;
    s->is_short += os_turn_is_short();
    s->nicer += getpriority(PRIO_PROCESS, 0) == 19;
    spend_a_turn();
}

static void look_in_pool(seen *s) {
    os_pool *p;
    assert_int_equal(os__pool_open_crowded(&p, 3, NULL), OK);
    os_pool_for(p, INDICES, look, s);
    os_pool_close(p);
}

static void *look_with_short_turns(void *arg) {
    os_turn_short(19);
    look_in_pool(arg);
    return NULL;
}

static void test_pools_inherit(void **state) {
    (void)state;
    seen s = {0}, plain = {0};
    run_in_thread(look_with_short_turns, &s);
    assert_int_equal(s.indices, INDICES);
    assert_int_equal(s.is_short, INDICES);
    assert_int_equal(s.nicer, INDICES);
    look_in_pool(&plain);
    assert_int_equal(plain.indices, INDICES);
    assert_int_equal(plain.is_short, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claim),
        cmocka_unit_test(test_offers),
        cmocka_unit_test(test_pools_inherit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
