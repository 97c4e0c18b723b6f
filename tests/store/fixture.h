// tests/store/fixture.h -- what the tests of this room share: memory, dice, a sink into a buf.
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include "store/bits.h"

static arena mem;
static uint64_t seed = 1;

// 0..n-1, the same row of numbers each time.
static inline uint64_t rnd(uint64_t n) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % n;
}

static int setup(void **state) {
    (void)state;
    return arena_open(&mem, 1 << 30, NULL);
}

static int teardown(void **state) {
    (void)state;
    arena_close(&mem);
    return 0;
}

static inline status to_buf(void *arg, const void *data, size_t len, err *e) {
    (void)e;
    buf_add(arg, (str){data, len});
    return OK;
}

#endif
