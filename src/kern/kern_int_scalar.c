// The oracle: integer products over plain arrays.

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kern/kern_int.h"

#define ROWS             3
#define KERN_INT_NAME(f) kern__int_##f##_scalar

typedef struct vec {
    float f[16];
} vec;
typedef struct ivec {
    int32_t i[16];
} ivec;
typedef struct bytes {
    uint8_t b[64];
} bytes;

#define LANES(type, field, n, expr)                                                                \
    type v;                                                                                        \
    for (int i = 0; i < (n); i++)                                                                  \
        v.field[i] = (expr);                                                                       \
    return v
#define FLOATS(expr)   LANES(vec, f, 16, expr)
#define INTS(expr)     LANES(ivec, i, 16, expr)
#define BYTES_OF(expr) LANES(bytes, b, 64, (uint8_t)(expr))

static vec v_load(const float *p) {
    FLOATS(p[i]);
}
static void v_store(float *p, vec a) {
    memcpy(p, a.f, sizeof a.f);
}
static vec v_set(float x) {
    FLOATS(x);
}
static vec v_mul(vec a, vec b) {
    FLOATS(a.f[i] * b.f[i]);
}
static vec v_fma(vec a, vec b, vec c) {
    FLOATS(fmaf(a.f[i], b.f[i], c.f[i]));
}
static vec v_int(ivec a) {
    FLOATS((float)a.i[i]);
}
static float of_bits(uint32_t u) {
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}
static vec v_bf16(const void *p, int high) {
    const uint16_t *h = p;
    FLOATS(of_bits((uint32_t)h[2 * i + high] << 16));
}

static vec v_f16(const uint16_t *p) {
    vec v;
    tensor_to_f32(v.f, &(tensor){TENSOR_F16, 1, {16}, p});
    return v;
}
static vec v_e8m0(const uint8_t *p) {
    FLOATS(of_bits(p[i] ? (uint32_t)p[i] << 23 : 0x00400000));  // e = 0: subnormal
}

static ivec i_set(int32_t x) {
    INTS(x);
}
static ivec i_dot(ivec a, bytes w, const int8_t *q) {
    INTS(a.i[i] + w.b[4 * i] * q[0] + w.b[4 * i + 1] * q[1] + w.b[4 * i + 2] * q[2] +
         w.b[4 * i + 3] * q[3]);
}
static bytes b_load(const uint8_t *p) {
    BYTES_OF(p[i]);
}
static bytes b_low(bytes b) {
    BYTES_OF(b.b[i] & 15);
}
static bytes b_high(bytes b) {
    BYTES_OF(b.b[i] >> 4);
}
static bytes b_value(bytes b, const uint8_t *values) {
    BYTES_OF(values[b.b[i]]);
}

static ivec v_round(vec a) {
    INTS((int32_t)lrintf(a.f[i]));
}
static ivec i_abs_bits(vec a) {
    ivec bits;
    memcpy(&bits, &a, sizeof bits);
    INTS(bits.i[i] & 0x7FFFFFFF);
}
static ivec i_max(ivec a, ivec b) {
    INTS(a.i[i] > b.i[i] ? a.i[i] : b.i[i]);
}
static ivec i_add(ivec a, ivec b) {
    INTS(a.i[i] + b.i[i]);
}
static int32_t i_top(ivec a) {
    int32_t top = a.i[0];
    for (int i = 1; i < 16; i++)
        top = a.i[i] > top ? a.i[i] : top;
    return top;
}
static int32_t i_sum(ivec a) {
    int32_t sum = 0;
    for (int i = 0; i < 16; i++)
        sum += a.i[i];
    return sum;
}
static void i_store_low(int8_t *p, ivec a) {
    for (int i = 0; i < 16; i++)
        p[i] = (int8_t)a.i[i];
}

#include "kern/kern_int_body.h"
