// schema/lang.h -- a regular language over code points: an automaton that has one next state at
// most, and what languages have in common.
//
//   Owner     an arena
//   Threads   one
//   Limits    LANG_STATES_MAX, LANG_CLASSES_MAX, LANG_TABLE_MAX; work: LANG_WORK_MAX steps over one
//             room's life
//   Errors    E_LIMIT
//   Shapes    code points fall into classes [from[c], from[c + 1]), the last up to LANG_POINTS;
//             next[state * n_classes + class] is a state or -1; state 0 is the first
#ifndef SCHEMA_LANG_H
#define SCHEMA_LANG_H

#include "base/arena.h"

enum {
    LANG_POINTS = 0x110000,
    LANG_STATES_MAX = 1 << 14,
    LANG_CLASSES_MAX = 1 << 10,
    LANG_TABLE_MAX = 1 << 22,  // states times classes
    LANG_WORK_MAX = 1 << 25,
    LANG_PARTS_MAX = 24,  // of a product
};

typedef struct lang {
    uint32_t n_states, n_classes;
    uint32_t *from;
    int32_t *next;
    uint32_t *tag;  // of a state: 0, or what a text that ends there is
} lang;

// Where languages are made: the arena, and how much has been done in it.
typedef struct lang_room {
    arena a;
    size_t work;
} lang_room;

NODISCARD status lang_room_open(lang_room *r, err *e);
void lang_room_close(lang_room *r);
NODISCARD status lang_work(lang_room *r, size_t steps, err *e);

// Texts that are in all of the first `n_must` languages; the tag is 1, and bit 1 + i for the i-th
// language behind those.
NODISCARD status lang_product(lang *out, const lang *const *parts, size_t n_must, size_t n,
                              lang_room *r, err *e);
// Texts of least to most code points (most < 0: no bound) of JSON's characters.
NODISCARD status lang_length(lang *out, int64_t least, int64_t most, lang_room *r, err *e);
// Decimal texts ("-"? digits) of numbers that are multiples of m > 0.
NODISCARD status lang_multiple(lang *out, uint32_t m, lang_room *r, err *e);
// Drops what leads nowhere; *any: whether there is a text in it.
NODISCARD status lang_trim(bool *any, lang *l, lang_room *r, err *e);
bool lang_has(const lang *l, str utf8);

#endif
