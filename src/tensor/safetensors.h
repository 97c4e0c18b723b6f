// tensor/safetensors.h -- reads a safetensors file: a JSON header and raw tensors.
//
//   Owner     safetensors owns map and names; views die at safetensors_close
//   Threads   immutable after open: any
//   Blocks    open: on disk; tensors: on page faults
//   Limits    header SAFETENSORS_HEADER_MAX bytes, TENSOR_NAMES_MAX tensors of TENSOR_DIMS_MAX
//             dimensions
//   Errors    E_FORMAT, E_LIMIT, E_UNSUPPORTED, with the name of the tensor. As the reference does,
//             ranges must be disjoint and gap-free to the end of the file, and fit shape and dtype
//   Shapes    data may be unaligned: the format promises nothing, and openai-community/gpt2 is
//   Format    u64 little-endian header length, JSON header, data; README.md of
//             github.com/huggingface/safetensors
#ifndef TENSOR_SAFETENSORS_H
#define TENSOR_SAFETENSORS_H

#include "os/file.h"
#include "tensor/names.h"

typedef struct safetensors safetensors;

enum { SAFETENSORS_HEADER_MAX = 100 << 20 };

NODISCARD status safetensors_open(safetensors **out, const char *path, err *e);
// As safetensors_open for a file that is in memory already and outlives it (tests, fuzzing).
NODISCARD status safetensors_open_bytes(safetensors **out, str file, err *e);
void safetensors_close(safetensors *s);  // accepts NULL

// In the order of their data.
const tensor_names *safetensors_tensors(const safetensors *s);
// The file; zeroed when it came from memory.
const os_map *safetensors_map(const safetensors *s);

#endif
