// text/stop.h -- ends a text at the first of some strings, while it is being written.
//
// Pieces go in as they are decoded; what can no longer be the beginning of a stop string comes out.
// A stop string that lies across pieces is found; no byte of it is ever let out. Held back is the
// longest end of the text that begins a stop string, and nothing more.
//
// The first is the one that is complete first, so that it does not depend on what would follow; of
// several that end with the same byte it is the longest. Pieces of whole UTF-8 come out as whole
// UTF-8 when the strings are UTF-8.
//
//   Owner     the strings are the caller's and outlive the stop
//   Threads   one thread at a time
//   Limits    STOP_STRINGS_MAX strings of 1 .. STOP_BYTES_MAX bytes
//   Errors    E_ARG, E_LIMIT; a full `out` has its own flag
//   Source    Knuth, Morris, Pratt 1977, once per string: linear in the text
#ifndef TEXT_STOP_H
#define TEXT_STOP_H

#include "base/buf.h"

enum { STOP_STRINGS_MAX = 16, STOP_BYTES_MAX = 256 };

typedef struct stop {
    str strings[STOP_STRINGS_MAX];
    size_t n;
    bool is_over;   // a stop string was completed
    size_t n_held;  // bytes held back: they begin strings[held_of]
    size_t held_of;
    uint8_t at[STOP_STRINGS_MAX];                      // how much of each string the text ends with
    uint8_t border[STOP_STRINGS_MAX][STOP_BYTES_MAX];  // of a string's first i + 1 bytes
} stop;

// No string at all is right, too: then everything comes out.
NODISCARD status stop_init(stop *s, const str *strings, size_t n, err *e);

// Appends to `out` what is safe. True when a stop string was completed: the text ends before it,
// and whatever is added later is dropped.
bool stop_add(stop *s, buf *out, str piece);
// The end came otherwise: what was held is text after all.
void stop_end(stop *s, buf *out);

#endif
