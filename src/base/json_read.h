// base/json_read.h -- reads a JSON text into a tree of values.
//
//   Owner     values and unescaped strings live in the arena that json_read was given; strings
//             without escapes are views into the text, which must outlive them
//   Threads   a finished tree is immutable: any
//   Limits    JSON_READ_DEPTH nested brackets; memory is linear in the text (json_read_arena); work
//             is n log n for an object of n members, whatever its keys
//   Errors    E_FORMAT with line and column and what is wrong; E_LIMIT for depth, room in the
//             arena, numbers that no double holds or of over 63 characters; E_MEMORY
//   Source    RFC 8259. Strict: no comments, no trailing commas, UTF-8 only; lone surrogates and
//             two equal keys in one object are refused
#ifndef BASE_JSON_READ_H
#define BASE_JSON_READ_H

#include "base/arena.h"

enum { JSON_READ_DEPTH = 64 };

typedef enum json_kind {
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
} json_kind;

typedef struct json_value json_value;
struct json_value {
    json_kind kind;
    bool is_integer;  // a number without '.' or exponent that fits `integer`
    str key;          // inside an object
    union {
        bool boolean;
        struct {
            double number;  // any number, nearest double
            int64_t integer;
        };
        str string;
        struct {
            const json_value *items;  // in the order of the text
            const uint32_t *by_key;   // of an object: the items in the order of their keys
            uint32_t n;
        };
    };
};

// An upper bound of what json_read takes of its arena for a text of `len` bytes. Most texts take a
// tenth of it: arenas are committed on first use.
size_t json_read_arena(size_t len);

NODISCARD status json_read(const json_value **out, str text, arena *a, err *e);

// A member of an object by its key; NULL when absent or `v` is no object (or NULL), so that paths
// can be walked without checks between.
const json_value *json_get(const json_value *v, const char *key);
const json_value *json_get_str(const json_value *v, str key);

// Values of one kind; false when `v` is NULL or of another.
bool json_is_str(str *out, const json_value *v);
bool json_is_int(int64_t *out, const json_value *v);
bool json_is_number(double *out, const json_value *v);
bool json_is_bool(bool *out, const json_value *v);

#endif
