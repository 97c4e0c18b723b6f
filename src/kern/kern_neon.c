// A virtual vector is four q registers; 6 x 4 accumulators, a weight and a broadcast fit the
// thirty-two there are.

#if defined(__aarch64__)

#include <arm_neon.h>
#include <stdint.h>

#define ROWS 6
#define VECS 1

typedef struct vec {
    float32x4_t a, b, c, d;
} vec;

#define V_OP(name, op)                                                                             \
    static inline vec name(vec x, vec y) {                                                         \
        return (vec){op(x.a, y.a), op(x.b, y.b), op(x.c, y.c), op(x.d, y.d)};                      \
    }
// The second operand when either is NaN, as x86 does.
#define MAX_OP(x, y) vbslq_f32(vcgtq_f32(x, y), x, y)
#define MIN_OP(x, y) vbslq_f32(vcltq_f32(x, y), x, y)
V_OP(v_add, vaddq_f32)
V_OP(v_sub, vsubq_f32)
V_OP(v_mul, vmulq_f32)
V_OP(v_div, vdivq_f32)
V_OP(v_max, MAX_OP)
V_OP(v_min, MIN_OP)

static inline vec v_load(const float *p) {
    return (vec){vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)};
}
static inline vec v_load_f16(const uint16_t *p) {
    float16x8_t low = vreinterpretq_f16_u16(vld1q_u16(p));
    float16x8_t high = vreinterpretq_f16_u16(vld1q_u16(p + 8));
    return (vec){vcvt_f32_f16(vget_low_f16(low)), vcvt_high_f32_f16(low),
                 vcvt_f32_f16(vget_low_f16(high)), vcvt_high_f32_f16(high)};
}
static inline float32x4_t bf16_even(const uint16_t *p) {
    return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_u16(vld1q_u16(p)), 16));
}
static inline float32x4_t bf16_odd(const uint16_t *p) {
    uint32x4_t high = vdupq_n_u32(0xFFFF0000U);
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_u16(vld1q_u16(p)), high));
}
static inline void v_load_bf16(const uint16_t *p, vec *even, vec *odd) {
    *even = (vec){bf16_even(p), bf16_even(p + 8), bf16_even(p + 16), bf16_even(p + 24)};
    *odd = (vec){bf16_odd(p), bf16_odd(p + 8), bf16_odd(p + 16), bf16_odd(p + 24)};
}
static inline void v_store(float *p, vec x) {
    vst1q_f32(p, x.a);
    vst1q_f32(p + 4, x.b);
    vst1q_f32(p + 8, x.c);
    vst1q_f32(p + 12, x.d);
}
static inline vec v_set(float x) {
    float32x4_t q = vdupq_n_f32(x);
    return (vec){q, q, q, q};
}
static inline vec v_fma(vec x, vec y, vec z) {
    return (vec){vfmaq_f32(z.a, x.a, y.a), vfmaq_f32(z.b, x.b, y.b), vfmaq_f32(z.c, x.c, y.c),
                 vfmaq_f32(z.d, x.d, y.d)};
}

static inline float32x4_t zero_quarter(float32x4_t x, float32x4_t y, float32x4_t z) {
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(x), vcltq_f32(y, z)));
}
static inline vec v_zero_below(vec x, vec y, vec z) {
    return (vec){zero_quarter(x.a, y.a, z.a), zero_quarter(x.b, y.b, z.b),
                 zero_quarter(x.c, y.c, z.c), zero_quarter(x.d, y.d, z.d)};
}
static inline float32x4_t pow2_quarter(float32x4_t p, float32x4_t t) {
    uint32x4_t n = vshlq_n_u32(vreinterpretq_u32_f32(t), 23);
    return vreinterpretq_f32_u32(vaddq_u32(vreinterpretq_u32_f32(p), n));
}
static inline vec v_pow2(vec p, vec t) {
    return (vec){pow2_quarter(p.a, t.a), pow2_quarter(p.b, t.b), pow2_quarter(p.c, t.c),
                 pow2_quarter(p.d, t.d)};
}

static inline float v_sum(vec x) {
    float32x4_t q = vaddq_f32(vaddq_f32(x.a, x.c), vaddq_f32(x.b, x.d));
    float32x2_t d = vadd_f32(vget_low_f32(q), vget_high_f32(q));
    return vget_lane_f32(d, 0) + vget_lane_f32(d, 1);
}
static inline float v_top(vec x) {
    return vmaxvq_f32(vmaxq_f32(vmaxq_f32(x.a, x.c), vmaxq_f32(x.b, x.d)));
}

#include "kern/kern_body.h"

KERN_TABLE(neon);
KERN_TABLE(neondot);

#endif
