// tensor/row.h -- one row of a matrix in a file, whatever it is stored as, in f32.
//
//   Owner     nobody: a view
//   Threads   pure; any
//   Errors    none: the caller has compared shapes; any bits are some number (or NaN)
//   Source    ggml's block formats (ggml-common.h, ggml-quants.c: dequantize_row_*); OCP
//             Microscaling Formats 1.0 (MXFP4); gpt-oss' "_blocks" and "_scales"
#ifndef TENSOR_ROW_H
#define TENSOR_ROW_H

#include "tensor/tensor.h"

typedef struct tensor_row {
    tensor_dtype dtype;  // U8: gpt-oss' MXFP4, 16 bytes for 32 values, even ones in the low halves
    const void *data;    // NULL: k zeros
    const uint8_t *scales;  // of U8: a byte for 32 values
    size_t step;            // elements from one value to the next (1, or Conv1D's width); blocks: 1
    float add;              // to each
} tensor_row;

// out[i] = value i + add, i < k. With blocks, k is a multiple of tensor_block_len.
void tensor_row_to_f32(float *out, const tensor_row *row, size_t k);

#endif
