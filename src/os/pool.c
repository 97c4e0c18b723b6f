// A thread pool with two uses that share its threads: a FIFO of jobs, and one parallel-for.
//
// parallel-for is a generation counter plus an atomic next index: workers spin briefly for a new
// generation (kernels call it dozens of times per token, microseconds apart) and then sleep on the
// condition variable, so that an idle pool costs nothing. Rejected: OpenMP, whose waiting threads
// spin and collapse when there are more of them than cores.
//
//   I1  a range is over when `left` reaches 0; only then may its body and arg die
//   I2  a worker touches a range only between taking a ticket in `inside` and giving it back, so a
//       late worker can never see the next range's fields half written

#include "os/pool.h"

#include "os/clock.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { SPIN_NS = 20000 };

struct os_pool {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    os_job *head, **tail;
    int n_queued, queue_max;
    bool closing;
    int n_threads;
    char name[12];

    pthread_mutex_t for_lock;     // one range at a time
    _Atomic uint64_t generation;  // odd while a range may be joined
    _Atomic int inside;           // workers between ticket and return (I2)
    _Alignas(CACHE_LINE) _Atomic size_t next;
    _Alignas(CACHE_LINE) _Atomic size_t left;
    size_t n;
    void (*body)(void *arg, size_t i);
    void *arg;

    pthread_t threads[];
};

static void pause_cpu(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    atomic_signal_fence(memory_order_seq_cst);
#endif
}

static void take_indices(os_pool *p) {
    size_t n = p->n;
    for (size_t i; (i = atomic_fetch_add(&p->next, 1)) < n;) {
        p->body(p->arg, i);
        atomic_fetch_sub(&p->left, 1);
    }
}

// Joins the open range, if there is one. Returns whether there was.
static bool join_range(os_pool *p) {
    if (!(atomic_load(&p->generation) & 1)) return false;
    atomic_fetch_add(&p->inside, 1);
    bool open = atomic_load(&p->generation) & 1;  // again, now that we hold a ticket
    if (open) take_indices(p);
    atomic_fetch_sub(&p->inside, 1);
    return open;
}

// Spins until a new generation than `seen` opens, a job comes, or the time is up.
static bool spin_for_range(os_pool *p, uint64_t seen) {
    int64_t until = os_now_ns() + SPIN_NS;
    do {
        for (int i = 0; i < 64; i++) {
            uint64_t g = atomic_load_explicit(&p->generation, memory_order_relaxed);
            if (g != seen && (g & 1)) return true;
            pause_cpu();
        }
    } while (os_now_ns() < until);
    return false;
}

static os_job *take_job(os_pool *p) {
    os_job *job = p->head;
    if (!job) return NULL;
    p->head = job->next;
    if (!p->head) p->tail = &p->head;
    p->n_queued--;
    return job;
}

static void *worker(void *arg) {
    os_pool *p = arg;
    pthread_setname_np(pthread_self(), p->name);
    uint64_t seen = 0;
    for (;;) {
        uint64_t g = atomic_load(&p->generation);
        if ((g & 1) && g != seen) {
            seen = g;
            join_range(p);
            if (spin_for_range(p, seen)) continue;
        }
        pthread_mutex_lock(&p->lock);
        os_job *job;
        while (!(job = take_job(p)) && !p->closing) {
            g = atomic_load(&p->generation);
            if ((g & 1) && g != seen) break;
            pthread_cond_wait(&p->wake, &p->lock);
        }
        bool done = !job && p->closing;
        pthread_mutex_unlock(&p->lock);
        if (job) job->run(job);
        if (done) return NULL;
    }
}

status os_pool_open(os_pool **out, int n_threads, int queue_max, const char *name, err *e) {
    *out = NULL;
    CHECK(n_threads >= 0);
    os_pool *p = NULL;
    if (posix_memalign((void **)&p, CACHE_LINE,
                       align_up(sizeof *p + (size_t)n_threads * sizeof(pthread_t), CACHE_LINE)))
        return err_set(e, E_MEMORY, "no memory for %d threads", n_threads);
    *p = (os_pool){.queue_max = queue_max};
    p->tail = &p->head;
    snprintf(p->name, sizeof p->name, "%s", name);
    pthread_mutex_init(&p->lock, NULL);
    pthread_mutex_init(&p->for_lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    for (; p->n_threads < n_threads; p->n_threads++) {
        if (pthread_create(&p->threads[p->n_threads], NULL, worker, p) == 0) continue;
        os_pool_close(p);
        return err_set(e, E_LIMIT, "cannot start thread %d of %d", p->n_threads + 1, n_threads);
    }
    *out = p;
    return OK;
}

void os_pool_close(os_pool *p) {
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->closing = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->n_threads; i++)
        pthread_join(p->threads[i], NULL);
    for (os_job *job; (job = take_job(p));)  // a pool without threads
        job->run(job);
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

void os_pool_for(os_pool *p, size_t n, void (*body)(void *arg, size_t i), void *arg) {
    if (!p || p->n_threads == 0 || n <= 1) {
        for (size_t i = 0; i < n; i++)
            body(arg, i);
        return;
    }
    pthread_mutex_lock(&p->for_lock);
    p->n = n;
    p->body = body;
    p->arg = arg;
    atomic_store(&p->next, 0);
    atomic_store(&p->left, n);
    pthread_mutex_lock(&p->lock);  // so that no worker misses the wake between check and wait
    atomic_fetch_add(&p->generation, 1);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);

    take_indices(p);
    for (int spins = 0; atomic_load(&p->left) != 0; spins++)  // I1
        spins < 2000 ? pause_cpu() : (void)sched_yield();
    atomic_fetch_add(&p->generation, 1);
    for (int spins = 0; atomic_load(&p->inside) != 0; spins++)  // I2
        spins < 2000 ? pause_cpu() : (void)sched_yield();
    pthread_mutex_unlock(&p->for_lock);
}
