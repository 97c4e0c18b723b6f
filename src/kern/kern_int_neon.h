// kern/kern_int_neon.h -- kern_int_body.h's virtual vector as four q registers, for
// kern_int_neon.c and kern_int_neondot.c, which add dot_quarter: four signed bytes by four a lane.
//
// There is no product of unsigned and signed bytes: weights become signed (w - 128 is w ^ 128), and
// sums start at 0 instead of -128 times the sum of their q.
#ifndef KERN_INT_NEON_H
#define KERN_INT_NEON_H

#include <arm_neon.h>
#include <string.h>

#include "kern/kern_int.h"

#define KERN_INT_SIGNED
#define ROWS 2

typedef struct vec {
    float32x4_t a, b, c, d;
} vec;
typedef struct ivec {
    int32x4_t a, b, c, d;
} ivec;
typedef struct bytes {
    uint8x16_t a, b, c, d;
} bytes;

static int32x4_t dot_quarter(int32x4_t sum, int8x16_t w, int8x16_t q);

// op of each quarter of x, or of x and y.
#define EACH(type, op, x) ((type){op((x).a), op((x).b), op((x).c), op((x).d)})
#define BOTH(type, op, x, y)                                                                       \
    ((type){op((x).a, (y).a), op((x).b, (y).b), op((x).c, (y).c), op((x).d, (y).d)})

static inline vec v_load(const float *p) {
    return (vec){vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)};
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
static inline vec v_mul(vec x, vec y) {
    return BOTH(vec, vmulq_f32, x, y);
}
static inline vec v_fma(vec x, vec y, vec z) {
    return (vec){vfmaq_f32(z.a, x.a, y.a), vfmaq_f32(z.b, x.b, y.b), vfmaq_f32(z.c, x.c, y.c),
                 vfmaq_f32(z.d, x.d, y.d)};
}
static inline vec v_int(ivec x) {
    return EACH(vec, vcvtq_f32_s32, x);
}

static inline ivec i_set(int32_t x) {
    int32x4_t q = vdupq_n_s32(x);
    return (ivec){q, q, q, q};
}
static inline bytes b_load(const void *p) {
    const uint8_t *b = p;
    return (bytes){vld1q_u8(b), vld1q_u8(b + 16), vld1q_u8(b + 32), vld1q_u8(b + 48)};
}
static inline uint8x16_t low_quarter(uint8x16_t b) {
    return vandq_u8(b, vdupq_n_u8(15));
}
static inline uint8x16_t high_quarter(uint8x16_t b) {
    return vshrq_n_u8(b, 4);
}
static inline bytes b_low(bytes b) {
    return EACH(bytes, low_quarter, b);
}
static inline bytes b_high(bytes b) {
    return EACH(bytes, high_quarter, b);
}
static inline bytes b_value(bytes b, const uint8_t *values) {
    uint8x16_t v = vld1q_u8(values);
    return (bytes){vqtbl1q_u8(v, b.a), vqtbl1q_u8(v, b.b), vqtbl1q_u8(v, b.c), vqtbl1q_u8(v, b.d)};
}
static inline int8x16_t less_128(uint8x16_t w) {
    return vreinterpretq_s8_u8(veorq_u8(w, vdupq_n_u8(128)));
}
static inline ivec i_dot(ivec a, bytes w, const int8_t *four) {
    int32_t x;
    memcpy(&x, four, sizeof x);
    int8x16_t q = vreinterpretq_s8_s32(vdupq_n_s32(x));
    return (ivec){dot_quarter(a.a, less_128(w.a), q), dot_quarter(a.b, less_128(w.b), q),
                  dot_quarter(a.c, less_128(w.c), q), dot_quarter(a.d, less_128(w.d), q)};
}

static inline float32x4_t low_half(uint8x16_t x) {
    return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_u8(x), 16));
}
static inline float32x4_t high_half(uint8x16_t x) {
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_u8(x), vdupq_n_u32(0xFFFF0000U)));
}
static inline vec v_bf16(const void *p, int high) {
    bytes x = b_load(p);
    return high ? EACH(vec, high_half, x) : EACH(vec, low_half, x);
}

static inline vec v_f16(const uint16_t *p) {
    float16x8_t low = vreinterpretq_f16_u16(vld1q_u16(p));
    float16x8_t high = vreinterpretq_f16_u16(vld1q_u16(p + 8));
    return (vec){vcvt_f32_f16(vget_low_f16(low)), vcvt_high_f32_f16(low),
                 vcvt_f32_f16(vget_low_f16(high)), vcvt_high_f32_f16(high)};
}
static inline float32x4_t e8m0_quarter(uint16x4_t e) {
    uint32x4_t least = vdupq_n_u32(0x00400000);  // e = 0: subnormal
    return vreinterpretq_f32_u32(vmaxq_u32(vshlq_n_u32(vmovl_u16(e), 23), least));
}
static inline vec v_e8m0(const uint8_t *p) {
    uint8x16_t e = vld1q_u8(p);
    uint16x8_t low = vmovl_u8(vget_low_u8(e)), high = vmovl_u8(vget_high_u8(e));
    return (vec){e8m0_quarter(vget_low_u16(low)), e8m0_quarter(vget_high_u16(low)),
                 e8m0_quarter(vget_low_u16(high)), e8m0_quarter(vget_high_u16(high))};
}

static inline ivec v_round(vec x) {
    return EACH(ivec, vcvtnq_s32_f32, x);
}
static inline int32x4_t abs_bits_quarter(float32x4_t x) {
    return vreinterpretq_s32_f32(vabsq_f32(x));
}
static inline ivec i_abs_bits(vec x) {
    return EACH(ivec, abs_bits_quarter, x);
}
static inline ivec i_max(ivec x, ivec y) {
    return BOTH(ivec, vmaxq_s32, x, y);
}
static inline ivec i_add(ivec x, ivec y) {
    return BOTH(ivec, vaddq_s32, x, y);
}
static inline int32_t i_top(ivec x) {
    return vmaxvq_s32(vmaxq_s32(vmaxq_s32(x.a, x.b), vmaxq_s32(x.c, x.d)));
}
static inline int32_t i_sum(ivec x) {
    return vaddvq_s32(vaddq_s32(vaddq_s32(x.a, x.b), vaddq_s32(x.c, x.d)));
}
static inline void i_store_low(int8_t *p, ivec x) {
    int16x8_t low = vcombine_s16(vmovn_s32(x.a), vmovn_s32(x.b));
    int16x8_t high = vcombine_s16(vmovn_s32(x.c), vmovn_s32(x.d));
    vst1q_s8(p, vcombine_s8(vmovn_s16(low), vmovn_s16(high)));
}

#endif
