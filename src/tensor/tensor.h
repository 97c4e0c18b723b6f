// tensor/tensor.h -- dtype and shape over bytes that somebody else owns.
//
//   Owner     nobody: a view
//   Shapes    row-major and contiguous, last dimension fastest; dim[0..n_dims)
//   Limits    TENSOR_DIMS_MAX dimensions; the byte count of a valid view fits in size_t
#ifndef TENSOR_TENSOR_H
#define TENSOR_TENSOR_H

#include "base/base.h"

enum { TENSOR_DIMS_MAX = 4 };

// The first three are elements. Blocks are GGML's: 32 or 256 values of a row (its last dimension)
// with scales of their own.
typedef enum tensor_dtype {
    TENSOR_F32,
    TENSOR_F16,
    TENSOR_BF16,
    TENSOR_U8,     // bytes that mean something only to who knows the name (gpt-oss: blocks, scales)
    TENSOR_Q8_0,   // 32: f16 d, int8 q[32]; d q
    TENSOR_Q4_0,   // 32: f16 d, nibbles; d (q - 8)
    TENSOR_Q4_K,   // 256: f16 d, f16 min, 6-bit scales and mins of 32, nibbles
    TENSOR_Q6_K,   // 256: 6-bit q, int8 scales of 16, f16 d
    TENSOR_MXFP4,  // 32: E8M0 scale, nibbles of E2M1
    TENSOR_OTHER,
} tensor_dtype;

typedef struct tensor {
    tensor_dtype dtype;
    int n_dims;
    int64_t dim[TENSOR_DIMS_MAX];
    const void *data;  // any alignment: read it with tensor_to_f32 or memcpy
} tensor;

size_t tensor_elem_bytes(tensor_dtype t);   // of an element; 0 for blocks and OTHER
size_t tensor_block_len(tensor_dtype t);    // values in a block: 1, 32, 256; 0 for OTHER
size_t tensor_block_bytes(tensor_dtype t);  // of a block; of an element where there are none
size_t tensor_count(const tensor *t);       // product of dims
const char *tensor_dtype_name(tensor_dtype t);

// Element-wise to f32: f16 and bf16 are exact. Not for blocks (tensor/row.h), U8 and OTHER.
void tensor_to_f32(float *out, const tensor *t);

#endif
