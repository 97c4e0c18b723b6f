// tensor/weights.h -- the tensors and the config of a model, whatever files they are in.
//
// A path names a PyTorch checkpoint (pt.h), one GGUF file (gguf.h), one safetensors file with a
// config.json beside it, or a Hugging Face folder: config.json and model.safetensors, or shards
// with model.safetensors.index.json, whose every name must be a plain file name in the folder.
//
//   Owner     weights owns its files; views die at weights_close
//   Threads   immutable after open: any
//   Blocks    open: on disk; tensors: on page faults
//   Limits    those of pt.h, gguf.h and safetensors.h; WEIGHTS_SHARDS_MAX shards;
//             WEIGHTS_CONFIG_MAX and WEIGHTS_INDEX_MAX bytes of JSON
//   Errors    E_NOT_FOUND, E_FORMAT, E_LIMIT, E_UNSUPPORTED, naming the file inside the folder
#ifndef TENSOR_WEIGHTS_H
#define TENSOR_WEIGHTS_H

#include "base/json_read.h"
#include "os/pool.h"
#include "tensor/gguf.h"
#include "tensor/names.h"

typedef struct weights weights;

enum { WEIGHTS_SHARDS_MAX = 1024, WEIGHTS_CONFIG_MAX = 1 << 20, WEIGHTS_INDEX_MAX = 16 << 20 };

typedef enum weights_kind { WEIGHTS_PT, WEIGHTS_HF, WEIGHTS_GGUF } weights_kind;

NODISCARD status weights_open(weights **out, const char *path, err *e);
void weights_close(weights *w);  // accepts NULL
weights_kind weights_kind_of(const weights *w);

// Tensors of all files; shards come in the order of their names.
bool weights_tensor(tensor *out, const weights *w, const char *name);
const tensor_names *weights_tensors(const weights *w);

// A number of the config (section "config"): config.json's top level, or the checkpoint's "config"
// entry; with section "" a number of the checkpoint's own top level, like "step".
bool weights_number(double *out, const weights *w, const char *section, const char *key);
// config.json, NULL for others.
const json_value *weights_config(const weights *w);
// The file with its metadata, NULL for others.
const gguf *weights_gguf(const weights *w);

// All of it will be read soon: the kernel may begin.
void weights_prefetch(const weights *w);

// Which weights these are, as far as can be known without reading them: a hash of each file's
// length and time of change, and of every tensor's name, dtype, shape and place. Not of paths.
uint64_t weights_identity(const weights *w);

// Reads all bytes and compares their checksums, on the pool's threads. Only checkpoints have them.
NODISCARD status weights_verify(const weights *w, os_pool *pool, err *e);

#endif
