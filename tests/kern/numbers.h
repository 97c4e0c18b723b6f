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

// A matrix [n][k], or with `by_input` [k][n], as panels.
static inline void pack_matrix(void *panels, kern_type t, const tensor *w, bool by_input) {
    size_t n = (size_t)w->dim[by_input], k = (size_t)w->dim[!by_input];
    size_t elem = tensor_elem_bytes(w->dtype);
    for (size_t p = 0; p < kern_panels(n); p++) {
        tensor_row row[KERN_PANEL] = {0};
        for (size_t r = 0; r < min_size(KERN_PANEL, n - p * KERN_PANEL); r++) {
            size_t at = (p * KERN_PANEL + r) * (by_input ? 1 : k);
            row[r] = (tensor_row){.dtype = w->dtype,
                                  .data = (const char *)w->data + at * elem,
                                  .step = by_input ? n : 1};
        }
        kern_pack((char *)panels + p * kern_panel_bytes(t, k), t, row, k);
    }
}

#endif
