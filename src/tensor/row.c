// Blocks are unpacked in the order and with the roundings of ggml's dequantize_row_*: products of
// two scales first, so that values are equal bit by bit.
//
// MXFP4's values are held doubled and its scale halved, as ggml has them: so the smallest scale is
// a subnormal power of two, and no step rounds.
//
//   I1  data may lie at any address: scales of more than a byte are put together from bytes

#include "tensor/row.h"

#include "tensor/bytes.h"

#include <string.h>

static float f32_of_bits(uint32_t bits) {
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static float f16_at(const uint8_t *p) {  // I1
    float f;
    tensor_to_f32(&f, &(tensor){.dtype = TENSOR_F16, .data = p});
    return f;
}

// --- Blocks --------------------------------------------------------------------------------------

static void q8_0(float *out, const uint8_t *b) {
    float d = f16_at(b);
    for (int i = 0; i < 32; i++)
        out[i] = (float)(int8_t)b[2 + i] * d;
}

static void q4_0(float *out, const uint8_t *b) {
    float d = f16_at(b);
    for (int i = 0; i < 16; i++) {
        out[i] = (float)((b[2 + i] & 15) - 8) * d;
        out[16 + i] = (float)((b[2 + i] >> 4) - 8) * d;
    }
}

// Scale and minimum j of the eight that share twelve bytes, six bits each.
static void scale_min(int *scale, int *min, const uint8_t *q, int j) {
    if (j < 4) {
        *scale = q[j] & 63;
        *min = q[j + 4] & 63;
    } else {
        *scale = (q[j + 4] & 15) | (q[j - 4] >> 6) << 4;
        *min = q[j + 4] >> 4 | (q[j] >> 6) << 4;
    }
}

static void q4_k(float *out, const uint8_t *b) {
    float d = f16_at(b), dmin = f16_at(b + 2);
    for (int j = 0; j < 8; j++) {
        int scale, min, high = (j & 1) * 4;
        scale_min(&scale, &min, b + 4, j);
        float ds = d * (float)scale, dm = dmin * (float)min;
        const uint8_t *q = b + 16 + j / 2 * 32;
        for (int i = 0; i < 32; i++)
            out[32 * j + i] = ds * (float)(q[i] >> high & 15) - dm;
    }
}

// 128 low nibbles, 64 pairs of high bits, 16 scales, d.
static void q6_k(float *out, const uint8_t *b) {
    float d = f16_at(b + 208);
    for (int i = 0; i < 256; i++) {
        int half = i / 128, in = i % 128, quarter = in / 32;
        int low = b[64 * half + in % 64] >> (quarter / 2 * 4) & 15;
        int high = b[128 + 32 * half + in % 32] >> (2 * quarter) & 3;
        float ds = d * (float)(int8_t)b[192 + i / 16];
        out[i] = ds * (float)((low | high << 4) - 32);
    }
}

static const int8_t e2m1_twice[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// 2^(e - 128); 0xFF is NaN, by OCP's definition, where ggml goes on counting.
static float e8m0_half(uint8_t e) {
    if (e == 0xFF) return f32_of_bits(0x7FC00000);
    return f32_of_bits(e < 2 ? 0x200000U << e : (uint32_t)(e - 1) << 23);
}

static void mxfp4(float *out, const uint8_t *b) {
    float d = e8m0_half(b[0]);
    for (int i = 0; i < 16; i++) {
        out[i] = (float)e2m1_twice[b[1 + i] & 15] * d;
        out[16 + i] = (float)e2m1_twice[b[1 + i] >> 4] * d;
    }
}

// gpt-oss' own: neighbours share a byte.
static void mxfp4_pairs(float *out, const uint8_t *q, uint8_t scale) {
    float d = e8m0_half(scale);
    for (int i = 0; i < 16; i++) {
        out[2 * i] = (float)e2m1_twice[q[i] & 15] * d;
        out[2 * i + 1] = (float)e2m1_twice[q[i] >> 4] * d;
    }
}

static void (*const of_block[TENSOR_OTHER + 1])(float *out, const uint8_t *block) = {
    [TENSOR_Q8_0] = q8_0, [TENSOR_Q4_0] = q4_0,   [TENSOR_Q4_K] = q4_k,
    [TENSOR_Q6_K] = q6_k, [TENSOR_MXFP4] = mxfp4,
};

// --- Rows ----------------------------------------------------------------------------------------

static void elements(float *out, const tensor_row *row, size_t k) {
    tensor t = {.dtype = row->dtype, .n_dims = 1, .dim = {(int64_t)k}, .data = row->data};
    if (row->step == 1) {
        tensor_to_f32(out, &t);
        return;
    }
    t.dim[0] = 1;
    for (size_t i = 0; i < k; i++) {
        tensor_to_f32(out + i, &t);
        t.data = (const char *)t.data + row->step * tensor_elem_bytes(row->dtype);
    }
}

static void values(float *out, const tensor_row *row, size_t k) {
    const uint8_t *p = row->data;
    if (!p) {
        memset(out, 0, k * sizeof *out);
    } else if (row->dtype == TENSOR_U8) {
        for (size_t i = 0; i < k / 32; i++)
            mxfp4_pairs(out + 32 * i, p + 16 * i, row->scales[i]);
    } else if (of_block[row->dtype]) {
        size_t len = tensor_block_len(row->dtype), bytes = tensor_block_bytes(row->dtype);
        for (size_t i = 0; i < k / len; i++)
            of_block[row->dtype](out + len * i, p + bytes * i);
    } else {
        elements(out, row, k);
    }
}

void tensor_row_to_f32(float *out, const tensor_row *row, size_t k) {
    values(out, row, k);
    if (row->add != 0)
        for (size_t i = 0; i < k; i++)
            out[i] += row->add;
}
