// text/stop.h -- ends a text at the first of some strings, while it is being written.
//
// Pieces go in as they are decoded; what can no longer be the beginning of a stop string comes out.
// A stop string that lies across pieces is found; no byte of it is ever let out.
//
//   Owner     the strings are the caller's and outlive the stop
//   Threads   one thread at a time
//   Limits    STOP_STRINGS_MAX strings of 1 .. STOP_BYTES_MAX bytes
//   Errors    E_ARG, E_LIMIT
//   Source    Aho and Corasick 1975, or anything that is linear in the text
#ifndef TEXT_STOP_H
#define TEXT_STOP_H

#include "base/buf.h"

enum { STOP_STRINGS_MAX = 16, STOP_BYTES_MAX = 256 };

typedef struct stop {
    str strings[STOP_STRINGS_MAX];
    size_t n;
    char held[STOP_BYTES_MAX];
    size_t n_held;
} stop;

NODISCARD status stop_init(stop *s, const str *strings, size_t n, err *e);

// Appends to `out` what is safe. True when a stop string was completed: the text ends before it.
bool stop_add(stop *s, buf *out, str piece);
// The end came otherwise: what was held is text after all.
void stop_end(stop *s, buf *out);

#endif
