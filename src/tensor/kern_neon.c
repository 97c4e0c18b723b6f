// A virtual vector is four q registers; 6 x 4 accumulators, four weights and a broadcast fit the
// thirty-two there are.

#if defined(__aarch64__)

#include <arm_neon.h>

#define ROWS 6
#define VECS 1

typedef struct vec {
    float32x4_t q[4];
} vec;

#define EACH(expr)                                                                                 \
    vec v;                                                                                         \
    for (int i = 0; i < 4; i++)                                                                    \
        v.q[i] = (expr);                                                                           \
    return v

static inline vec v_load(const float *p) {
    EACH(vld1q_f32(p + 4 * i));
}
static inline vec v_load_f16(const uint16_t *p) {
    EACH(vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p + 4 * i))));
}
static inline void v_load_bf16(const uint16_t *p, vec *even, vec *odd) {
    for (int i = 0; i < 4; i++) {
        uint32x4_t h = vreinterpretq_u32_u16(vld1q_u16(p + 8 * i));
        even->q[i] = vreinterpretq_f32_u32(vshlq_n_u32(h, 16));
        odd->q[i] = vreinterpretq_f32_u32(vandq_u32(h, vdupq_n_u32(0xffff0000U)));
    }
}
static inline void v_store(float *p, vec x) {
    for (int i = 0; i < 4; i++)
        vst1q_f32(p + 4 * i, x.q[i]);
}
static inline vec v_set(float x) {
    EACH(vdupq_n_f32(x));
}
static inline vec v_add(vec x, vec y) {
    EACH(vaddq_f32(x.q[i], y.q[i]));
}
static inline vec v_sub(vec x, vec y) {
    EACH(vsubq_f32(x.q[i], y.q[i]));
}
static inline vec v_mul(vec x, vec y) {
    EACH(vmulq_f32(x.q[i], y.q[i]));
}
static inline vec v_div(vec x, vec y) {
    EACH(vdivq_f32(x.q[i], y.q[i]));
}
static inline vec v_fma(vec x, vec y, vec z) {
    EACH(vfmaq_f32(z.q[i], x.q[i], y.q[i]));
}
// The second operand when either is NaN, as x86 does.
static inline vec v_max(vec x, vec y) {
    EACH(vbslq_f32(vcgtq_f32(x.q[i], y.q[i]), x.q[i], y.q[i]));
}
static inline vec v_min(vec x, vec y) {
    EACH(vbslq_f32(vcltq_f32(x.q[i], y.q[i]), x.q[i], y.q[i]));
}
static inline vec v_pow2(vec p, vec t) {
    EACH(vreinterpretq_f32_s32(
        vaddq_s32(vreinterpretq_s32_f32(p.q[i]), vshlq_n_s32(vreinterpretq_s32_f32(t.q[i]), 23))));
}
// Halves, as all sets do: i and i + 8, then i + 4, i + 2, i + 1.
static inline float v_sum(vec x) {
    float32x4_t s = vaddq_f32(vaddq_f32(x.q[0], x.q[2]), vaddq_f32(x.q[1], x.q[3]));
    float32x2_t h = vadd_f32(vget_low_f32(s), vget_high_f32(s));
    return vget_lane_f32(h, 0) + vget_lane_f32(h, 1);
}
static inline float v_top(vec x) {
    float top[16];
    v_store(top, x);
    for (int half = 8; half; half /= 2)
        for (int i = 0; i < half; i++)
            top[i] = top[i] > top[i + half] ? top[i] : top[i + half];
    return top[0];
}

#include "tensor/kern_body.h"

const kern kern_neon = KERN_TABLE("neon");

#endif
