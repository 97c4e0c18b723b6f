// tensor/gguf.h -- a GGUF file: metadata by key, tensors by name.
//
//   Owner     gguf owns the map; tensors, strings and arrays are views into it
//   Threads   immutable after open: any
//   Blocks    open: on disk; tensors: on page faults
//   Limits    GGUF_*_MAX; never more memory than a small multiple of what the file has bytes for
//   Errors    E_FORMAT, E_LIMIT, E_UNSUPPORTED (big endian, version 1), naming key or tensor
//   Source    ggml's docs/gguf.md, versions 2 and 3. dim[] here is row-major: the file's reversed
#ifndef TENSOR_GGUF_H
#define TENSOR_GGUF_H

#include "os/file.h"
#include "tensor/names.h"

enum {
    GGUF_KEYS_MAX = 1 << 12,
    GGUF_KEY_MAX = 256,
    GGUF_ALIGN_MAX = 1 << 20,
    GGUF_ITEMS_MAX = 1 << 22,  // of an array
};

typedef struct gguf gguf;

NODISCARD status gguf_open(gguf **out, const char *path, err *e);
// The same from a file's bytes, which outlive it: for tests and fuzzing.
NODISCARD status gguf_open_text(gguf **out, str bytes, err *e);
void gguf_close(gguf *g);  // accepts NULL

// In the order of their data. Types that are not tensor_dtype's are TENSOR_OTHER.
const tensor_names *gguf_tensors(const gguf *g);
// The file; zeroed when it came from memory.
const os_map *gguf_map(const gguf *g);

// Values by key; false when absent or of another kind. Any integer or float type is a number, the
// nearest double. Strings are bytes: whether they are UTF-8 is the reader's affair.
bool gguf_number(double *out, const gguf *g, const char *key);
bool gguf_bool(bool *out, const gguf *g, const char *key);
bool gguf_str(str *out, const gguf *g, const char *key);

// All keys, in order of their bytes; false when there is no ith.
bool gguf_key(str *out, const gguf *g, size_t i);

// Arrays: booleans are 0 and 1 here. Strings come one after another through `at`, which starts at
// 0.
typedef struct gguf_array {
    size_t n;
    bool is_str;
    uint32_t type;  // GGUF's own
    const uint8_t *data;
    size_t len;
} gguf_array;
bool gguf_items(gguf_array *out, const gguf *g, const char *key);
bool gguf_item_number(double *out, const gguf_array *a, size_t i);  // false: strings, or i >= n
bool gguf_item_str(str *out, const gguf_array *a, size_t *at);      // false: no more, or numbers

#endif
