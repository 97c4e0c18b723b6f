// The oracle: the kernels over plain arrays of 16 floats, rounding each step as the others do.

#include "tensor/tensor.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define ROWS 2
#define VECS 1

typedef struct vec {
    float f[16];
} vec;

#define LANES(expr)                                                                                \
    vec v;                                                                                         \
    for (int i = 0; i < 16; i++)                                                                   \
        v.f[i] = (expr);                                                                           \
    return v

static vec v_load(const float *p) {
    LANES(p[i]);
}
static void v_store(float *p, vec a) {
    memcpy(p, a.f, sizeof a.f);
}
static vec v_set(float x) {
    LANES(x);
}
static vec v_add(vec a, vec b) {
    LANES(a.f[i] + b.f[i]);
}
static vec v_sub(vec a, vec b) {
    LANES(a.f[i] - b.f[i]);
}
static vec v_mul(vec a, vec b) {
    LANES(a.f[i] * b.f[i]);
}
static vec v_div(vec a, vec b) {
    LANES(a.f[i] / b.f[i]);
}
static vec v_fma(vec a, vec b, vec c) {
    LANES(fmaf(a.f[i], b.f[i], c.f[i]));
}
// The second operand when either is NaN, as x86 does.
static vec v_max(vec a, vec b) {
    LANES(a.f[i] > b.f[i] ? a.f[i] : b.f[i]);
}
static vec v_min(vec a, vec b) {
    LANES(a.f[i] < b.f[i] ? a.f[i] : b.f[i]);
}
// x, or 0 where y < z.
static vec v_zero_below(vec x, vec y, vec z) {
    LANES(y.f[i] < z.f[i] ? 0 : x.f[i]);
}

static uint32_t bits(float x) {
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}
static float from_bits(uint32_t u) {
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}
static vec v_load_f16(const uint16_t *p) {
    vec v;
    tensor_to_f32(v.f, &(tensor){TENSOR_F16, 1, {16}, p});
    return v;
}
static void v_load_bf16(const uint16_t *p, vec *even, vec *odd) {
    for (int i = 0; i < 16; i++) {
        even->f[i] = from_bits((uint32_t)p[2 * i] << 16);
        odd->f[i] = from_bits((uint32_t)p[2 * i + 1] << 16);
    }
}
// p * 2^n, where the low bits of t hold n.
static vec v_pow2(vec p, vec t) {
    LANES(from_bits(bits(p.f[i]) + (bits(t.f[i]) << 23)));
}

static float v_sum(vec a) {
    for (int half = 8; half; half /= 2)
        for (int i = 0; i < half; i++)
            a.f[i] += a.f[i + half];
    return a.f[0];
}
static float v_top(vec a) {
    for (int half = 8; half; half /= 2)
        for (int i = 0; i < half; i++)
            a.f[i] = a.f[i] > a.f[i + half] ? a.f[i] : a.f[i + half];
    return a.f[0];
}

#include "kern/kern_body.h"

KERN_TABLE(scalar);
