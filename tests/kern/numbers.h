// Numbers for the kernels' tests: the same in every run, and aligned. Include after cmocka.h.
#ifndef TESTS_KERN_NUMBERS_H
#define TESTS_KERN_NUMBERS_H

#include "kern/kern.h"

#include <math.h>
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

// --- What stores do, in double -----------------------------------------------------------------

static inline double gelu(double x) {
    return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

static inline double gelu_erf(double x) {
    return 0.5 * x * erfc(-x / sqrt(2));
}

static inline double swish(double x, double steep) {
    return x / (1 + exp(-x * steep));
}

// What becomes of a sum; of a gated store's sum and `up`.
static inline double stored(kern_store how, double sum, double up, double old) {
    switch (how) {
    case KERN_SET:
        return sum;
    case KERN_ADD:
        return old + sum;
    case KERN_GELU:
        return gelu(sum);
    case KERN_GELU_ERF:
        return gelu_erf(sum);
    case KERN_SWIGLU:
        return swish(sum, 1) * up;
    case KERN_GEGLU:
        return gelu(sum) * up;
    case KERN_SWIGLU_OSS:
        return (fmin(fmax(up, -7), 7) + 1) * swish(fmin(sum, 7), 1.702);
    }
    return NAN;
}
enum { STORES = KERN_SWIGLU_OSS + 1 };

// The sum of column `i` of y, and where it is gated what it gates.
static inline size_t sum_of(kern_store how, size_t i) {
    return how < KERN_SWIGLU ? i : i / 16 * 32 + i % 16;
}
static inline size_t up_of(kern_store how, size_t i) {
    return sum_of(how, i) + (how < KERN_SWIGLU ? 0 : 16);
}
// Columns of y from n rows of weights.
static inline size_t columns_of(kern_store how, size_t n) {
    return n * kern_store_width(how) / KERN_PANEL;
}

// --- Matrices ----------------------------------------------------------------------------------

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
