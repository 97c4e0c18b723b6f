// schema/dfa.h -- automata over bytes: a state's edges are ranges of bytes, in order.
//
//   Owner     a table owns the states of many automata; an automaton is the number of its first one
//   Threads   one while it grows; then any
//   Limits    DFA_STATES_MAX, DFA_EDGES_MAX of a table
//   Errors    E_LIMIT
//   Source    RFC 8259 for strings: written with the shortest escapes only, where an automaton is
//             of their characters
#ifndef SCHEMA_DFA_H
#define SCHEMA_DFA_H

#include "schema/lang.h"
#include "schema/vec.h"

enum { DFA_MORE_MAX = 1 << 20 };  // so many or more
enum { DFA_STATES_MAX = 1 << 18, DFA_EDGES_MAX = 1 << 20 };

typedef struct dfa_edge {
    uint8_t lo, hi;
    uint32_t to;
} dfa_edge;

typedef struct dfa_state {
    uint32_t first;
    uint16_t n;
    bool ends;      // a text may end here
    bool is_any;    // any characters may come, escapes, quotes and control characters apart
    bool counts;    // coming here completes a character
    uint32_t tag;   // of the language's state
    uint32_t more;  // of keys: how many texts can still become of it
} dfa_state;

typedef struct dfa_table {
    vec states, edges;
    uint32_t *cons;  // while it grows: states by hash of their edges
} dfa_table;

typedef enum dfa_form {
    DFA_TEXT,    // as it is, in UTF-8
    DFA_STRING,  // as a JSON string
    DFA_KEY,     // what stands between the quotes of a key, without any escapes
} dfa_form;

NODISCARD status dfa_open(dfa_table *t, err *e);
void dfa_close(dfa_table *t);

// The language has been trimmed and is not empty.
NODISCARD status dfa_of_lang(uint32_t *out, dfa_table *t, const lang *l, dfa_form form,
                             lang_room *r, err *e);
// One of the words, which are sorted by bytes and distinct.
NODISCARD status dfa_of_words(uint32_t *out, dfa_table *t, const str *words, size_t n, err *e);
// Any JSON string, with any escapes; `counts` holds where a character has been completed.
NODISCARD status dfa_of_string(uint32_t *out, dfa_table *t, err *e);

static inline const dfa_state *dfa_at(const dfa_table *t, uint32_t s) {
    return (const dfa_state *)t->states.p + s;
}

// The next state, or -1.
static inline int64_t dfa_next(const dfa_table *t, uint32_t s, uint8_t byte) {
    const dfa_state *x = dfa_at(t, s);
    const dfa_edge *e = (const dfa_edge *)t->edges.p + x->first;
    for (uint32_t i = 0; i < x->n; i++)
        if (byte <= e[i].hi) return byte >= e[i].lo ? (int64_t)e[i].to : -1;
    return -1;
}

#endif
