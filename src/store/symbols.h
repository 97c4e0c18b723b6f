// store/symbols.h -- inside of the dictionary: byte strings in codes for common substrings, and
// heads.
//
//   Owner     a table is plain bytes; the coder lies in the arena it was trained in
//   Threads   immutable after training; any
//   Limits    SYMBOLS codes of 1..8 bytes; code SYMBOL_ESCAPE is followed by a plain byte
//   Source    Boncz, Neumann, Leis, "FSST", VLDB 2020
#ifndef STORE_SYMBOLS_H
#define STORE_SYMBOLS_H

#include "store/dict.h"

enum { SYMBOLS = 255, SYMBOL_ESCAPE = 255, SYMBOL_MAX = 8 };

// As it stands in a file.
typedef struct store__symbols {
    uint8_t text[256][SYMBOL_MAX];
    uint8_t len[256];  // 0 for codes without a meaning
} store__symbols;

struct store_symbols {
    store__symbols table;
    uint8_t first[257];             // codes by first byte: order[first[c]] .. order[first[c + 1]]
    uint8_t order[256];             // longest first
    uint64_t word[256], mask[256];  // of order[i]
};

// Codes of s into dst, which has room for 2 * s.len bytes; returns how many.
size_t store__encode(uint8_t *dst, const store_symbols *t, str s);
// Bytes of `code` to dst[at..], at most STORE_KEY_MAX in all; returns the new length.
size_t store__decode(char *dst, size_t at, const store__symbols *t, str code);

// How a folded key starts, as a number: heads in order are keys in order.
typedef unsigned __int128 store__head;

static inline store__head store__head_of(str folded) {
    uint64_t w[2] = {0};
    if (folded.len) memcpy(w, folded.ptr, min_size(folded.len, sizeof w));
    return (store__head)__builtin_bswap64(w[0]) << 64 | __builtin_bswap64(w[1]);
}

// Head `i` of all levels; the first n_blocks are the blocks'.
static inline store__head store__head_at(const store_dict *d, size_t i) {
    store__head v;
    memcpy(&v, d->heads + sizeof v * i, sizeof v);
    return v;
}

#endif
