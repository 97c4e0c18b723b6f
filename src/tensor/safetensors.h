// tensor/safetensors.h -- reads a safetensors file: a JSON header and raw tensors.
//
//   Owner     safetensors owns map and names; views die at safetensors_close
//   Threads   immutable after open: any
//   Blocks    open: on disk; tensors: on page faults
//   Limits    header SAFETENSORS_HEADER_MAX bytes, SAFETENSORS_TENSORS_MAX tensors
//   Errors    E_FORMAT, E_LIMIT, with the name of the tensor. As the reference does, ranges must be
//             ordered, disjoint and gap-free to the end of the file, and fit shape and dtype
//   Format    u64 little-endian header length, JSON header, data (github.com/huggingface/safetensors)
#ifndef TENSOR_SAFETENSORS_H
#define TENSOR_SAFETENSORS_H

#include "os/file.h"
#include "tensor/tensor.h"

typedef struct safetensors safetensors;

enum { SAFETENSORS_HEADER_MAX = 100 << 20, SAFETENSORS_TENSORS_MAX = 1 << 20 };

NODISCARD status safetensors_open(safetensors **out, const char *path, err *e);
// As safetensors_open for a file that is in memory already and outlives it (tests, fuzzing).
NODISCARD status safetensors_open_bytes(safetensors **out, str file, err *e);
void safetensors_close(safetensors *s);  // accepts NULL

bool safetensors_tensor(tensor *out, const safetensors *s, str name);
size_t safetensors_tensors(const safetensors *s);
void safetensors_tensor_at(str *name, tensor *out, const safetensors *s, size_t i);

#endif
