// tensor/names.h -- tensors by name: what a file of weights consists of.
//
//   Owner     tables are in the arena; names and data are somebody else's
//   Threads   immutable after tensor_names_sort: any
//   Limits    TENSOR_NAMES_MAX tensors, TENSOR_NAME_MAX bytes in a name
//   Errors    E_LIMIT, E_FORMAT (two of one name)
#ifndef TENSOR_NAMES_H
#define TENSOR_NAMES_H

#include "base/arena.h"
#include "tensor/tensor.h"

enum { TENSOR_NAMES_MAX = 1 << 16, TENSOR_NAME_MAX = 256 };

typedef struct tensor_named {
    str name;
    tensor t;
} tensor_named;

typedef struct tensor_names {
    tensor_named *in_order;  // as they were added
    const tensor_named **by_name;
    size_t n, room;
} tensor_names;

// What tensor_names_open takes of its arena.
size_t tensor_names_arena(size_t room);
NODISCARD status tensor_names_open(tensor_names *x, size_t room, arena *a, err *e);

// Whether a name can stand in a message: 1 to TENSOR_NAME_MAX bytes, no control characters. That
// it is UTF-8 is the parsers' affair.
bool tensor_name_ok(str name);

// At most `room` times.
void tensor_names_add(tensor_names *x, str name, const tensor *t);
// After the last one, before the first tensor_names_find.
NODISCARD status tensor_names_sort(tensor_names *x, err *e);
bool tensor_names_find(tensor *out, const tensor_names *x, str name);

#endif
