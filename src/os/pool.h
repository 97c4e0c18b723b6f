// os/pool.h -- a fixed set of worker threads: queued jobs, and parallel-for over an index range.
//
//   Owner     os_pool_open starts the threads, os_pool_close joins them; a job's memory is the
//             submitter's until its function has run
//   Threads   submit and parallel-for: any thread. Jobs run concurrently and in any order.
//   Blocks    os_pool_submit: never. os_pool_for: until every index is done (the caller works too)
//   Limits    `queue_max` waiting jobs: submit says E_AGAIN beyond, the caller answers 503
#ifndef OS_POOL_H
#define OS_POOL_H

#include "base/err.h"

typedef struct os_pool os_pool;

typedef struct os_job {
    struct os_job *next;  // the queue's; leave alone until `run` is called
    void (*run)(struct os_job *job);
} os_job;

// Opened by a thread whose turns on a core are short (os/turn.h), so are those of the pool: between
// indices its threads offer their core.
NODISCARD status os_pool_open(os_pool **out, int n_threads, int queue_max, const char *name,
                              err *e);

// Runs what is queued, then joins. Accepts NULL. Nothing may be submitted meanwhile.
void os_pool_close(os_pool *p);

NODISCARD status os_pool_submit(os_pool *p, os_job *job);

int os_pool_threads(const os_pool *p);

// Calls body(arg, i) once for each i in [0, n), on the pool's threads and on this one. Results
// must not depend on which thread runs which index. A thread gets neighbouring indices as far as
// balance allows. No more threads than cores take part, whatever the pool has. One os_pool_for at a
// time per pool; a pool that serves it should get no jobs that take long. n < 2^32. `p` may be
// NULL: all on this thread.
void os_pool_for(os_pool *p, size_t n, void (*body)(void *arg, size_t i), void *arg);

// For tests: all threads take part, also if there are more of them than cores.
NODISCARD status os__pool_open_crowded(os_pool **out, int n_threads, err *e);

#endif
