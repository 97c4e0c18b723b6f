// tensor/tensor.h -- dtype and shape over bytes that somebody else owns.
//
//   Owner     nobody: a view
//   Shapes    row-major and contiguous, last dimension fastest; dim[0..n_dims)
//   Limits    TENSOR_DIMS_MAX dimensions; the byte count of a valid view fits in size_t
#ifndef TENSOR_TENSOR_H
#define TENSOR_TENSOR_H

#include "base/base.h"

enum { TENSOR_DIMS_MAX = 4 };

typedef enum tensor_dtype { TENSOR_F32, TENSOR_F16, TENSOR_BF16, TENSOR_OTHER } tensor_dtype;

typedef struct tensor {
    tensor_dtype dtype;
    int n_dims;
    int64_t dim[TENSOR_DIMS_MAX];
    const void *data;  // any alignment: read it with tensor_to_f32 or memcpy
} tensor;

size_t tensor_elem_bytes(tensor_dtype t);  // 4, 2, 2; 0 for OTHER
size_t tensor_count(const tensor *t);      // product of dims
const char *tensor_dtype_name(tensor_dtype t);

// Element-wise to f32: f16 and bf16 are exact.
void tensor_to_f32(float *out, const tensor *t);

#endif
