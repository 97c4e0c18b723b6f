// The pool: every job and every index exactly once, from many threads; limits; closing.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/cpu.h"
#include "os/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { SUBMITTERS = 4, JOBS = 2000 };

typedef struct counted {
    os_job job;  // first
    _Atomic int runs;
} counted;

static void count(os_job *job) {
    atomic_fetch_add(&((counted *)job)->runs, 1);
}

typedef struct submitter {
    os_pool *pool;
    counted jobs[JOBS];
    int again;
} submitter;

static void *submit_all(void *arg) {
    submitter *s = arg;
    for (int i = 0; i < JOBS; i++) {
        s->jobs[i].job.run = count;
        while (os_pool_submit(s->pool, &s->jobs[i].job) == E_AGAIN) {
            s->again++;
            sched_yield();
        }
    }
    return NULL;
}

static void test_submit(void **state) {
    (void)state;
    static submitter s[SUBMITTERS];
    pthread_t t[SUBMITTERS];
    os_pool *p;
    assert_int_equal(os_pool_open(&p, 3, 64, "test", NULL), OK);
    assert_int_equal(os_pool_threads(p), 3);
    for (int i = 0; i < SUBMITTERS; i++) {
        s[i].pool = p;
        assert_int_equal(pthread_create(&t[i], NULL, submit_all, &s[i]), 0);
    }
    for (int i = 0; i < SUBMITTERS; i++)
        pthread_join(t[i], NULL);
    os_pool_close(p);  // runs what is still queued
    for (int i = 0; i < SUBMITTERS; i++)
        for (int k = 0; k < JOBS; k++)
            assert_int_equal(s[i].jobs[k].runs, 1);
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int waiting;

static void wait_at_gate(os_job *job) {
    atomic_fetch_add(&waiting, 1);
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    count(job);
}

static void test_queue_limit(void **state) {
    (void)state;
    os_pool *p;
    counted jobs[5] = {0};
    assert_int_equal(os_pool_open(&p, 1, 3, "test", NULL), OK);
    pthread_mutex_lock(&gate);
    jobs[0].job.run = wait_at_gate;
    assert_int_equal(os_pool_submit(p, &jobs[0].job), OK);
    while (!atomic_load(&waiting))  // the thread holds it, the queue is empty
        sched_yield();
    for (int i = 1; i < 5; i++) {
        jobs[i].job.run = count;
        assert_int_equal(os_pool_submit(p, &jobs[i].job), i < 4 ? OK : E_AGAIN);
    }
    pthread_mutex_unlock(&gate);
    os_pool_close(p);
    for (int i = 0; i < 5; i++)
        assert_int_equal(jobs[i].runs, i < 4);
}

typedef struct range {
    size_t n;
    _Atomic uint32_t *seen;
    _Atomic uint64_t sum;
} range;

static void visit(void *arg, size_t i) {
    range *r = arg;
    CHECK(i < r->n);
    atomic_fetch_add(&r->seen[i], 1);
    atomic_fetch_add(&r->sum, i);
}

static void check_range(os_pool *p, size_t n) {
    range r = {.n = n, .seen = calloc(n + 1, sizeof *r.seen)};
    assert_non_null(r.seen);
    os_pool_for(p, n, visit, &r);
    assert_true(r.sum == (n ? (uint64_t)n * (n - 1) / 2 : 0));
    for (size_t i = 0; i < n; i++)
        assert_int_equal(r.seen[i], 1);
    free(r.seen);
}

static void test_for(void **state) {
    (void)state;
    for (int threads = 0; threads <= 5; threads++) {
        os_pool *p;
        assert_int_equal(os__pool_open_crowded(&p, threads, NULL), OK);
        for (size_t n = 0; n < 40; n++)
            check_range(p, n);
        check_range(p, 20000);
        os_pool_close(p);
    }
    check_range(NULL, 100);
    assert_int_equal(os_pool_threads(NULL), 0);
}

// Many short ranges back to back: a late worker must never see a half-written range (I2).
static void add_plain(void *arg, size_t i) {
    uint64_t *slots = arg;
    slots[i] += i + 1;
}

static void test_many_ranges(void **state) {
    (void)state;
    os_pool *p;
    assert_int_equal(os__pool_open_crowded(&p, 3, NULL), OK);
    for (size_t round = 0; round < 5000; round++) {
        uint64_t slots[16] = {0};  // on this stack: dead right after
        size_t n = 2 + round % 15;
        os_pool_for(p, n, add_plain, slots);
        for (size_t i = 0; i < 16; i++)
            assert_true(slots[i] == (i < n ? i + 1 : 0));
    }
    os_pool_close(p);
}

typedef struct mixed {
    os_pool *pool;
    bool ok;
} mixed;

static void *ranges(void *arg) {
    mixed *m = arg;
    m->ok = true;
    for (int i = 0; i < 300; i++) {
        uint64_t slots[8] = {0};
        os_pool_for(m->pool, 8, add_plain, slots);
        for (size_t k = 0; k < 8; k++)
            m->ok &= slots[k] == k + 1;
    }
    return NULL;
}

// Ranges from two threads at once, with jobs in between.
static void test_mixed(void **state) {
    (void)state;
    static submitter s;
    os_pool *p;
    pthread_t t[3];
    assert_int_equal(os__pool_open_crowded(&p, 2, NULL), OK);
    mixed m[2] = {{p, false}, {p, false}};
    s.pool = p;
    assert_int_equal(pthread_create(&t[0], NULL, ranges, &m[0]), 0);
    assert_int_equal(pthread_create(&t[1], NULL, ranges, &m[1]), 0);
    assert_int_equal(pthread_create(&t[2], NULL, submit_all, &s), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    os_pool_close(p);
    assert_true(m[0].ok && m[1].ok);
    for (int k = 0; k < JOBS; k++)
        assert_int_equal(s.jobs[k].runs, 1);
}

// Indices of very different lengths: threads that are done take from those that are not.
typedef struct uneven {
    _Atomic uint32_t seen[400];
    _Atomic uint64_t sum;
} uneven;

static void work_unevenly(void *arg, size_t i) {
    uneven *u = arg;
    uint64_t x = i;
    for (size_t k = 0; k < (i < 20 ? 20000 : 10); k++)
        x = x * 6364136223846793005U + 1;
    atomic_fetch_add(&u->seen[i], 1);
    atomic_fetch_xor(&u->sum, x);
}

static void test_uneven(void **state) {
    (void)state;
    os_pool *p;
    static uneven alone;
    os_pool_for(NULL, countof(alone.seen), work_unevenly, &alone);
    assert_int_equal(os__pool_open_crowded(&p, 4, NULL), OK);
    for (int round = 0; round < 20; round++) {
        uneven u = {0};
        os_pool_for(p, countof(u.seen), work_unevenly, &u);
        for (size_t i = 0; i < countof(u.seen); i++)
            assert_int_equal(u.seen[i], 1);
        assert_true(u.sum == alone.sum);
    }
    os_pool_close(p);
}

// Long enough between ranges, and within them, that workers and the caller go to sleep and must be
// woken: whoever is not hangs here.
static void sleep_a_little(void *arg, size_t i) {
    atomic_fetch_add((_Atomic int *)arg, 1);
    if (i % 2) usleep(200);
}

static void test_sleepers_wake(void **state) {
    (void)state;
    os_pool *p;
    assert_int_equal(os__pool_open_crowded(&p, 3, NULL), OK);
    for (int round = 0; round < 100; round++) {
        _Atomic int done = 0;
        if (round % 3 == 0) usleep(100);
        os_pool_for(p, 6, sleep_a_little, &done);
        assert_int_equal(done, 6);
    }
    os_pool_close(p);
}

typedef struct rounds {
    pthread_mutex_t lock;
    pthread_t ids[64];
    size_t n;
} rounds;

static void note_thread(void *arg, size_t i) {
    rounds *r = arg;
    (void)i;
    pthread_mutex_lock(&r->lock);
    size_t at = 0;
    while (at < r->n && !pthread_equal(r->ids[at], pthread_self()))
        at++;
    if (at == r->n && r->n < countof(r->ids)) r->ids[r->n++] = pthread_self();
    pthread_mutex_unlock(&r->lock);
    sched_yield();
}

// A pool may have more threads than there are cores; a range does not use them.
static void test_no_more_workers_than_cores(void **state) {
    (void)state;
    os_pool *p;
    rounds r = {.lock = PTHREAD_MUTEX_INITIALIZER};
    int cores = os_cpu_count();
    if (cores > 32) skip();
    assert_int_equal(os_pool_open(&p, cores + 5, 8, "test", NULL), OK);
    for (int round = 0; round < 200; round++)
        os_pool_for(p, 64, note_thread, &r);
    os_pool_close(p);
    assert_in_range(r.n, 1, (size_t)cores);
}

// What waits sleeps: an idle pool's threads use no processor time.
static void test_idle_is_free(void **state) {
    (void)state;
    os_pool *p;
    struct timespec before, after;
    assert_int_equal(os__pool_open_crowded(&p, 4, NULL), OK);
    _Atomic int done = 0;
    os_pool_for(p, 8, sleep_a_little, &done);
    usleep(20000);  // spinning is over
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    usleep(100000);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    os_pool_close(p);
    int64_t ns = (after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec;
    assert_true(ns < 90000000);  // four threads that spin would use 100 ms or more
}

static void test_close(void **state) {
    (void)state;
    os_pool_close(NULL);
    os_pool *p;
    counted job = {.job = {.run = count}};
    assert_int_equal(os_pool_open(&p, 0, 8, "test", NULL), OK);  // no threads: runs at close
    assert_int_equal(os_pool_submit(p, &job.job), OK);
    os_pool_close(p);
    assert_int_equal(job.runs, 1);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(os_pool_open(&p, 2, 8, "a name longer than a thread's", NULL), OK);
        os_pool_close(p);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_submit),
        cmocka_unit_test(test_queue_limit),
        cmocka_unit_test(test_for),
        cmocka_unit_test(test_many_ranges),
        cmocka_unit_test(test_mixed),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_uneven),
        cmocka_unit_test(test_sleepers_wake),
        cmocka_unit_test(test_no_more_workers_than_cores),
        cmocka_unit_test(test_idle_is_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
