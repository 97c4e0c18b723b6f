// A thread pool with two uses that share its threads: a FIFO of jobs, and one parallel-for.
//
// A range is cut into one run of neighbouring indices per thread, so that each core streams its
// own part of a matrix; who is done takes the second half of what another has left. Workers spin
// briefly for the next range (kernels call it dozens of times per token, microseconds apart), give
// the core to whoever wants it meanwhile, and then sleep on the condition variable: an idle pool
// costs nothing. Opening a range locks and wakes only if somebody sleeps.
//
// Rejected: OpenMP, whose waiting threads spin and collapse when there are more of them than cores;
// one shared counter of indices (every index a cache line that all cores fight for, and neighbours
// in memory go to different cores); a queue of tasks per core (a range is one function).
//
//   I1  an index is in one lane or taken. Within a range a lane's part never gets a value twice:
//       only its owner fills it, when it is empty, with indices that nobody has taken
//   I2  a worker marks its lane busy, then looks whether a range is open; it touches parts, body
//       and arg only if so, and stays busy until what it took is done. The caller closes the range
//       when it finds nothing left, then waits until no lane is busy; only then may body and arg
//       die and the next range be written
//   I3  who goes to sleep says so first and looks again; who has news writes it first and then
//       looks for sleepers. One of the two sees the other
//   All of it is sequentially consistent: I2 and I3 need stores to be seen before later loads.

#include "os/pool.h"

#include "os/clock.h"
#include "os/cpu.h"
#include "os/turn.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SPIN_NS = 20000,  // until a waiting thread sleeps
    YIELD_NS = 4000,  // until it offers its core between looks
};

// Of one thread that works on ranges; number 0 is the caller's.
typedef struct lane {
    _Alignas(CACHE_LINE) _Atomic uint64_t part;  // [low half, high half): indices not taken yet
    _Atomic bool busy;                           // I2; of workers
    os_pool *pool;
    int number;
    pthread_t thread;
} lane;

struct os_pool {
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    os_job *head, **tail;
    _Atomic int n_queued;
    int queue_max;
    bool closing;
    bool short_turns;
    int n_threads;
    int n_lanes;  // the caller's and those of workers that take part in ranges
    char name[12];
    pthread_mutex_t for_lock;  // one range at a time

    // What a waiting worker looks at, and reads next: one line.
    _Alignas(CACHE_LINE) _Atomic uint64_t generation;  // odd while a range is open
    void (*body)(void *arg, size_t i);
    void *arg;

    _Alignas(CACHE_LINE) _Atomic int sleepers;  // workers that wait for news
    _Atomic bool caller_sleeps;                 // until no lane is busy

    lane lanes[];
};

static void pause_cpu(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#else
    atomic_signal_fence(memory_order_seq_cst);
#endif
}

// Looks for `ready` for SPIN_NS. Returns whether it came.
static bool spin_until(bool (*ready)(os_pool *p, uint64_t seen), os_pool *p, uint64_t seen) {
    int64_t start = 0;
    for (;;) {
        for (int i = 0; i < 32; i++) {
            if (ready(p, seen)) return true;
            pause_cpu();
        }
        int64_t now = os_now_ns();
        if (!start) start = now;
        if (now - start > SPIN_NS) return false;
        if (now - start > YIELD_NS) sched_yield();
    }
}

// --- A range -----------------------------------------------------------------------------------

static uint64_t part_of(uint64_t begin, uint64_t end) {
    return begin | end << 32;
}
static uint32_t part_begin(uint64_t part) {
    return (uint32_t)part;
}
static uint32_t part_end(uint64_t part) {
    return (uint32_t)(part >> 32);
}

static bool take_first(lane *l, uint32_t *i) {
    uint64_t part = atomic_load(&l->part);
    do {
        *i = part_begin(part);
        if (*i == part_end(part)) return false;
    } while (!atomic_compare_exchange_weak(&l->part, &part, part_of(*i + 1, part_end(part))));
    return true;
}

// Moves the second half of another lane's part to `l`, whose own is empty (I1).
static bool take_half(lane *l) {
    os_pool *p = l->pool;
    for (int k = 1; k < p->n_lanes; k++) {
        lane *from = &p->lanes[(l->number + k) % p->n_lanes];
        uint64_t part = atomic_load(&from->part);
        while (part_begin(part) != part_end(part)) {
            uint32_t begin = part_begin(part), end = part_end(part);
            uint32_t middle = begin + (end - begin) / 2;
            if (!atomic_compare_exchange_weak(&from->part, &part, part_of(begin, middle))) continue;
            atomic_store(&l->part, part_of(middle, end));
            return true;
        }
    }
    return false;
}

static void work(lane *l) {
    os_pool *p = l->pool;
    do {
        for (uint32_t i; take_first(l, &i);) {
            p->body(p->arg, i);
            os_turn_offer();
        }
    } while (take_half(l));
}

static bool new_range(os_pool *p, uint64_t seen) {
    uint64_t g = atomic_load(&p->generation);
    return (g & 1) && g != seen;
}
static bool new_range_or_job(os_pool *p, uint64_t seen) {
    return new_range(p, seen) || atomic_load_explicit(&p->n_queued, memory_order_relaxed) > 0;
}
static bool nobody_busy(os_pool *p, uint64_t unused) {
    (void)unused;
    for (int i = 1; i < p->n_lanes; i++)
        if (atomic_load(&p->lanes[i].busy)) return false;
    return true;
}

// A worker's share of the open range, if one is open. Returns the generation it saw.
static uint64_t join_range(lane *l) {
    os_pool *p = l->pool;
    atomic_store(&l->busy, true);
    uint64_t g = atomic_load(&p->generation);
    if (g & 1) work(l);
    atomic_store(&l->busy, false);
    if (atomic_load(&p->caller_sleeps)) {  // I3
        pthread_mutex_lock(&p->lock);
        pthread_cond_signal(&p->done);
        pthread_mutex_unlock(&p->lock);
    }
    return g;
}

static void open_range(os_pool *p, size_t n, void (*body)(void *arg, size_t i), void *arg) {
    size_t lanes = (size_t)p->n_lanes;
    p->body = body;
    p->arg = arg;
    for (size_t i = 0; i < lanes; i++)
        atomic_store_explicit(&p->lanes[i].part, part_of(n * i / lanes, n * (i + 1) / lanes),
                              memory_order_relaxed);
    atomic_fetch_add(&p->generation, 1);
    if (atomic_load(&p->sleepers) == 0) return;  // I3
    pthread_mutex_lock(&p->lock);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

static void close_range(os_pool *p) {
    atomic_fetch_add(&p->generation, 1);
    if (spin_until(nobody_busy, p, 0)) return;
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->caller_sleeps, true);  // I3
    while (!nobody_busy(p, 0))
        pthread_cond_wait(&p->done, &p->lock);
    atomic_store(&p->caller_sleeps, false);
    pthread_mutex_unlock(&p->lock);
}

void os_pool_for(os_pool *p, size_t n, void (*body)(void *arg, size_t i), void *arg) {
    if (!p || p->n_lanes == 1 || n <= 1) {
        for (size_t i = 0; i < n; i++) {
            body(arg, i);
            os_turn_offer();
        }
        return;
    }
    CHECK(n <= UINT32_MAX);
    pthread_mutex_lock(&p->for_lock);
    open_range(p, n, body, arg);
    work(&p->lanes[0]);
    close_range(p);
    pthread_mutex_unlock(&p->for_lock);
}

// --- Jobs --------------------------------------------------------------------------------------

static os_job *take_job(os_pool *p) {
    os_job *job = p->head;
    if (!job) return NULL;
    p->head = job->next;
    if (!p->head) p->tail = &p->head;
    p->n_queued--;
    return job;
}

// Sleeps until there is a job, a range newer than `seen` or the end. Returns the job.
static os_job *wait_for_news(os_pool *p, bool ranges, uint64_t seen, bool *end) {
    os_job *job;
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->sleepers, ranges);  // I3
    while (!(job = take_job(p)) && !p->closing && !(ranges && new_range(p, seen)))
        pthread_cond_wait(&p->wake, &p->lock);
    atomic_fetch_sub(&p->sleepers, ranges);
    *end = !job && p->closing;
    pthread_mutex_unlock(&p->lock);
    return job;
}

static void *worker(void *arg) {
    lane *l = arg;
    os_pool *p = l->pool;
    pthread_setname_np(pthread_self(), p->name);
    if (p->short_turns) os_turn_inherit();
    bool ranges = l->number < p->n_lanes, end = false;
    uint64_t seen = 0;
    while (!end) {
        if (ranges && new_range(p, seen)) {
            seen = join_range(l);
            if (spin_until(new_range_or_job, p, seen) && new_range(p, seen)) continue;
        }
        os_job *job = wait_for_news(p, ranges, seen, &end);
        if (job) job->run(job);
    }
    return NULL;
}

static status pool_open(os_pool **out, int n_threads, int n_lanes, int queue_max, const char *name,
                        err *e) {
    *out = NULL;
    CHECK(n_threads >= 0);
    os_pool *p = NULL;
    size_t bytes = sizeof *p + ((size_t)n_threads + 1) * sizeof(lane);
    if (posix_memalign((void **)&p, CACHE_LINE, bytes))
        return err_set(e, E_MEMORY, "no memory for %d threads", n_threads);
    *p = (os_pool){.queue_max = queue_max, .n_lanes = n_lanes, .short_turns = os_turn_is_short()};
    p->tail = &p->head;
    snprintf(p->name, sizeof p->name, "%s", name);
    pthread_mutex_init(&p->lock, NULL);
    pthread_mutex_init(&p->for_lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    pthread_cond_init(&p->done, NULL);
    for (int i = 0; i <= n_threads; i++)
        p->lanes[i] = (lane){.pool = p, .number = i};
    for (; p->n_threads < n_threads; p->n_threads++) {
        lane *l = &p->lanes[p->n_threads + 1];
        if (pthread_create(&l->thread, NULL, worker, l) == 0) continue;
        os_pool_close(p);
        return err_set(e, E_LIMIT, "cannot start thread %d of %d", p->n_threads + 1, n_threads);
    }
    *out = p;
    return OK;
}

status os_pool_open(os_pool **out, int n_threads, int queue_max, const char *name, err *e) {
    int cores = os_cpu_count();
    return pool_open(out, n_threads, n_threads < cores ? n_threads + 1 : cores, queue_max, name, e);
}

status os__pool_open_crowded(os_pool **out, int n_threads, err *e) {
    return pool_open(out, n_threads, n_threads + 1, 1024, "crowd", e);
}

void os_pool_close(os_pool *p) {
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->closing = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->n_threads; i++)
        pthread_join(p->lanes[i + 1].thread, NULL);
    for (os_job *job; (job = take_job(p));)  // a pool without threads
        job->run(job);
    pthread_cond_destroy(&p->done);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->for_lock);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

status os_pool_submit(os_pool *p, os_job *job) {
    job->next = NULL;
    pthread_mutex_lock(&p->lock);
    bool full = p->n_queued >= p->queue_max || p->closing;
    if (!full) {
        *p->tail = job;
        p->tail = &job->next;
        p->n_queued++;
        pthread_cond_signal(&p->wake);
    }
    pthread_mutex_unlock(&p->lock);
    return full ? E_AGAIN : OK;
}

int os_pool_threads(const os_pool *p) {
    return p ? p->n_threads : 0;
}
