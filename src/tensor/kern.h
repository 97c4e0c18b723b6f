// tensor/kern.h -- f32 kernels of the forward pass: same bits on every instruction set.
//
// Each kernel is one sequence of operations on vectors of 16 virtual lanes (kern_body.h), built
// once per instruction set. Sums run in an order that depends on shapes only, so results do not
// depend on the instruction set, the number of rows, how work is cut into tasks, or threads.
//
//   Owner     nobody: all memory is the caller's
//   Threads   pure functions; any
//   Shapes    vectors and row lengths of layernorm, softmax and attention are multiples of
//             KERN_LANES; `x` and `y` of matmul have any length and any row stride
//   Errors    none; NaN goes in, NaN comes out
#ifndef TENSOR_KERN_H
#define TENSOR_KERN_H

#include "tensor/tensor.h"

enum {
    KERN_LANES = 16,      // virtual vector
    KERN_PANEL = 32,      // output rows in a weight panel
    KERN_ROWS_MAX = 128,  // activation rows of one matmul call
    KERN_ALIGN = 64,      // bytes: what panels, caches and vectors should be aligned to
};

// Weights of y = x W^T + b: W [n][k] as ceil(n / 32) panels, each [k][32], missing rows zero.
typedef struct kern_mat {
    const float *panels;
    const float *bias;  // kern_panels(n) * KERN_PANEL values, or NULL
    size_t n, k;
} kern_mat;

// What happens to a finished sum.
typedef enum kern_store {
    KERN_SET,   // y = sum
    KERN_ADD,   // y += sum
    KERN_GELU,  // y = gelu(sum), tanh form
} kern_store;

// One head's key and value cache: keys in pages of 16 positions so that a vector holds the scores
// of 16 positions, values by position.
//   keys    [ceil(positions / 16)][head][16]
//   values  [positions][head]
typedef struct kern_cache {
    float *keys, *values;
} kern_cache;

typedef struct kern kern;
struct kern {
    const char *name;
    // Columns of panels [p0, p1) of y[rows][ldy], from x[rows][ldx]; rows <= KERN_ROWS_MAX.
    void (*matmul)(float *y, size_t ldy, const float *x, size_t ldx, size_t rows, const kern_mat *w,
                   size_t p0, size_t p1, kern_store how);
    // y = (x - mean) / sqrt(variance + 1e-5) * gain + bias. y may be x.
    void (*layernorm)(float *y, const float *x, const float *gain, const float *bias, size_t n);
    // out[head] = softmax(q . keys / sqrt(head)) values, over positions [0, n). `scores` has room
    // for n rounded up to 16.
    void (*attend)(float *out, float *scores, const float *q, kern_cache c, size_t n, size_t head);
    // In place: p[i] = exp(p[i] - max), not divided. Returns the sum.
    float (*exp_sum)(float *p, size_t n);
};

// The best this machine has; `scalar` is the oracle that the others are tested against.
const kern *kern_best(void);
// All that this machine can run, best first; their number.
size_t kern_all(const kern *out[4]);

static inline size_t kern_panels(size_t n) {
    return (n + KERN_PANEL - 1) / KERN_PANEL;
}

// Fills panel `p` of `panels` from w, a [n][k] tensor of any float type.
void kern_pack(float *panels, size_t p, const tensor *w);

// Row `row` of the matrix that was packed.
void kern_unpack_row(float *out, const kern_mat *w, size_t row);

// Writes position `pos` of a head's cache.
void kern_cache_put(kern_cache c, size_t pos, const float *key, const float *value, size_t head);

#endif
