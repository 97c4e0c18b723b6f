// tensor/probe.h -- what this machine can do at most: the limits that kernels are measured against.
//
//   Threads   one probe at a time; spreads over the pool it is given
//   Blocks    about PROBE_MS in all
#ifndef TENSOR_PROBE_H
#define TENSOR_PROBE_H

#include "os/pool.h"
#include "tensor/kern.h"

typedef struct probe {
    double read_bytes_per_s;  // a straight read of memory that caches do not hold, all threads
    double f32_flops;         // fused multiply-adds from registers, two each, all threads
    double int8_ops;          // the same of int8 products with the widest instruction there is
} probe;

// `bytes` is the working set of the bandwidth probe: what a model's weights take, so that a model
// that fits a cache is compared with that cache.
NODISCARD status probe_machine(probe *out, os_pool *pool, size_t bytes, err *e);

#endif
