// tensor/pickle.h -- interprets a pickle into inert values; runs and imports nothing.
//
// A GLOBAL is only its name. Calling one (REDUCE, NEWOBJ) makes a PICKLE_OBJECT record that keeps
// callee, arguments, state and items for the caller to look at.
//
//   Owner     values live in the arena, strings in the pickle's bytes
//   Threads   immutable after pickle_read: any
//   Limits    PICKLE_*_MAX below
//   Errors    E_FORMAT (with the offset), E_UNSUPPORTED (opcode, protocol), E_LIMIT
//   Shapes    values may be shared and even cyclic: walk to a fixed depth only
//   Format    protocols 2 to 5 (CPython Lib/pickletools.py describes each opcode)
#ifndef TENSOR_PICKLE_H
#define TENSOR_PICKLE_H

#include "base/arena.h"

enum {
    PICKLE_BYTES_MAX = 16 << 20,
    PICKLE_STACK_MAX = 1 << 16,
    PICKLE_MARKS_MAX = 1 << 10,
    PICKLE_MEMO_MAX = 1 << 20,
    PICKLE_VALUES_MAX = 1 << 21,
    PICKLE_ARENA = 256 << 20,  // address space; what does not fit is E_LIMIT
};

typedef enum pickle_kind {
    PICKLE_NONE,
    PICKLE_BOOL,    // i
    PICKLE_INT,     // i
    PICKLE_FLOAT,   // f
    PICKLE_STR,     // s, UTF-8
    PICKLE_BYTES,   // s; an integer over 64 bits as well
    PICKLE_GLOBAL,  // s: "module name"
    PICKLE_TUPLE,   // items
    PICKLE_LIST,    // items; sets too
    PICKLE_DICT,    // items: key, value, key, value ...
    PICKLE_PERSID,  // args: what the persistent id is
    PICKLE_OBJECT,  // callee, args, state; items as a dict's (a list's items under the key NONE)
} pickle_kind;

typedef struct pickle_value pickle_value;
struct pickle_value {
    pickle_kind kind;
    uint32_t n, cap;
    pickle_value **items;
    union {
        int64_t i;
        double f;
        str s;
        struct {
            pickle_value *callee, *args, *state;  // state: NULL before BUILD
        };
    };
};

NODISCARD status pickle_read(pickle_value **out, str bytes, arena *a, err *e);

// The last value under a string key of a dict, an object's items, or an object's state (a dict, or
// a tuple of dicts when there are slots). NULL when absent.
const pickle_value *pickle_get(const pickle_value *v, str key);

// Whether `v` is the global of that name, or the call of it.
bool pickle_is_global(const pickle_value *v, const char *name);
bool pickle_is_call(const pickle_value *v, const char *name);

#endif
