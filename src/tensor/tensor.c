// What a dtype is, and the exact way from each dtype to f32.
//
// Half floats are widened by integer arithmetic: it is exact, needs no F16C, and is the oracle for
// the vector kernels. Rejected: _Float16, which clang 14 turns into calls of library functions.
//
//   I1  widening never rounds: every f16 and bf16 value is an f32 value

#include "tensor/tensor.h"

#include <string.h>

static const struct {
    const char *name;
    uint16_t len, bytes;  // of a block; elements are blocks of one
} dtypes[] = {
    [TENSOR_F32] = {"f32", 1, 4},       [TENSOR_F16] = {"f16", 1, 2},
    [TENSOR_BF16] = {"bf16", 1, 2},     [TENSOR_U8] = {"u8", 1, 1},
    [TENSOR_Q8_0] = {"q8_0", 32, 34},   [TENSOR_Q4_0] = {"q4_0", 32, 18},
    [TENSOR_Q4_K] = {"q4_k", 256, 144}, [TENSOR_Q6_K] = {"q6_k", 256, 210},
    [TENSOR_MXFP4] = {"mxfp4", 32, 17}, [TENSOR_OTHER] = {"other", 0, 0},
};

size_t tensor_elem_bytes(tensor_dtype t) {
    return dtypes[t].len == 1 ? dtypes[t].bytes : 0;
}

size_t tensor_block_len(tensor_dtype t) {
    return dtypes[t].len;
}

size_t tensor_block_bytes(tensor_dtype t) {
    return dtypes[t].bytes;
}

const char *tensor_dtype_name(tensor_dtype t) {
    return dtypes[t].name;
}

size_t tensor_count(const tensor *t) {
    size_t n = 1;
    for (int i = 0; i < t->n_dims; i++)
        n *= (size_t)t->dim[i];
    return n;
}

static float f32_of_bits(uint32_t bits) {
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

// IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits.
static float f32_of_f16(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exp = h >> 10 & 31, frac = h & 0x3FF;
    if (exp == 31) return f32_of_bits(sign | 0x7F800000 | frac << 13);
    if (exp != 0) return f32_of_bits(sign | (exp + 112) << 23 | frac << 13);
    float tiny = (float)frac * 0x1p-24f;  // zero and subnormals: exact (I1)
    return sign ? -tiny : tiny;
}

static uint16_t half_at(const tensor *t, size_t i) {
    uint16_t h;
    memcpy(&h, (const char *)t->data + i * sizeof h, sizeof h);
    return h;
}

void tensor_to_f32(float *out, const tensor *t) {
    size_t n = tensor_count(t);
    switch (t->dtype) {
    case TENSOR_F32:
        if (n) memcpy(out, t->data, n * sizeof *out);
        return;
    case TENSOR_F16:
        for (size_t i = 0; i < n; i++)
            out[i] = f32_of_f16(half_at(t, i));
        return;
    case TENSOR_BF16:
        for (size_t i = 0; i < n; i++)
            out[i] = f32_of_bits((uint32_t)half_at(t, i) << 16);
        return;
    default:
        CHECK(!"a dtype without a conversion");
    }
}
