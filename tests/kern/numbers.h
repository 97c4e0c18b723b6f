// Numbers for the kernels' tests: the same in every run, and aligned. Include after cmocka.h.
#ifndef TESTS_KERN_NUMBERS_H
#define TESTS_KERN_NUMBERS_H

#include "kern/kern.h"

#include <stdlib.h>

static uint64_t rng_state = 1;

static inline float uniform(void) {  // [-1, 1)
    rng_state = rng_state * 6364136223846793005U + 1442695040888963407U;
    return (float)(rng_state >> 40) * 0x1p-23F - 1;
}

static inline void *memory(size_t bytes) {
    void *p = aligned_alloc(KERN_ALIGN, align_up(max_size(bytes, 1), KERN_ALIGN));
    assert_non_null(p);
    return p;
}

static inline float *numbers(size_t n) {
    float *p = memory(n * sizeof *p);
    for (size_t i = 0; i < n; i++)
        p[i] = uniform();
    return p;
}

static inline void assert_same_bits(const float *a, const float *b, size_t n) {
    assert_memory_equal(a, b, n * sizeof *a);
}

#endif
