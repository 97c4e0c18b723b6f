// kern/probe.h -- what this machine can do at most: the limits that kernels are measured against.
//
//   Owner     probe_machine takes a buffer for the time of the call; probe_at takes none
//   Threads   one probe at a time; spreads over the pool it is given and the calling thread
//   Blocks    about PROBE_MS in all, for any `bytes` and on any machine; probe_machine also for the
//             first touch of its buffer
//   Limits    PROBE_BYTES_MAX of a larger working set are read: no cache holds them
//   Errors    probe_machine: E_MEMORY; without a pool, one thread
#ifndef KERN_PROBE_H
#define KERN_PROBE_H

#include "os/pool.h"

enum { PROBE_MS = 120, PROBE_BYTES_MIN = 1 << 20, PROBE_BYTES_MAX = 1 << 29 };

typedef struct probe {
    double read_bytes_per_s;  // a straight read of the working set, all threads
    double f32_flops;         // fused multiply-adds from registers, two each, all threads
    double int8_ops;          // the same of int8 products with the best instruction there is
} probe;

// `bytes` is the working set of the bandwidth probe: what a model's weights take, so that a model
// that fits a cache is compared with that cache. At least PROBE_BYTES_MIN are used.
NODISCARD status probe_machine(probe *out, os_pool *pool, size_t bytes, err *e);

// The same over memory that is there already, a model's weights say: nothing is allocated. `data`
// is CACHE_LINE aligned and has PROBE_BYTES_MIN bytes or more.
void probe_at(probe *out, os_pool *pool, const void *data, size_t bytes);

#endif
